package policies

import (
	"fmt"
	"slices"
)

// Stops is what stops without a permission. Unlike the severity, it does not get lower if it is not
// sure that the permission is missing. The order is that of the verdict of a report, the worst
// last. The zero value is unknown: reports of older auditors do not have it.
type Stops uint8

// What can stop.
const (
	_             Stops = iota
	Features            // a feature, validation or quotas
	BucketPrivacy       // nothing, but the next bucket can be listed by anyone
	SomeDeploys         // deploys with an option, in a new region, or of sites
	Deploys             // deploys of functions
	SomeRenders         // renders with an option, or that write to one bucket
	Renders             // each render of the principal
)

var stopsNames = [...]string{"", "features", "bucket-privacy", "some-deploys", "deploys",
	"some-renders", "renders"}

func (s Stops) String() string { return stopsNames[s] }

// MarshalText implements encoding.TextMarshaler.
func (s Stops) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Stops) UnmarshalText(text []byte) error {
	i := slices.Index(stopsNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown value %q of stops", text)
	}
	*s = Stops(i)
	return nil
}
