package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Objects is what the protocol needs of a bucket: reads that see every write that was answered, and
// writes that hold to a condition.
type Objects interface {
	// Get returns an object and the mark its condition goes by. The error is ErrMissing if there is
	// none.
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// Put writes an object if the condition holds, else the error is ErrChanged, and returns its mark.
	// It may also be ErrChanged for a write that was carried out, when its first reply was lost and it
	// was sent again. With any other error the object may or may not be written.
	Put(ctx context.Context, key string, body []byte, when Condition) (etag string, err error)
}

// A Condition is when an object may be written. The zero value is always.
type Condition struct {
	absent bool
	etag   string
}

// IfAbsent is the condition that there is no object yet.
func IfAbsent() Condition { return Condition{absent: true} }

// IfMatch is the condition that the object is still the one that was read with this mark.
func IfMatch(etag string) Condition { return Condition{etag: etag} }

var (
	// ErrMissing is the error of an object that is not there.
	ErrMissing = errors.New("there is no such object")
	// ErrChanged is the error of a write whose condition does not hold.
	ErrChanged = errors.New("somebody else has written it meanwhile")
)

// MutesKey is where mutes are kept.
const MutesKey = "mutes.yaml"

// StateKey is where an auditor's state is kept.
func StateKey(account, auditor string) string {
	return statePrefix(account) + auditor + ".json"
}

func statePrefix(account string) string { return "state/" + account + "/" }

// brokenKey is where a state that cannot be read is kept by the run that found it.
func brokenKey(stateKey, run string) string {
	return fmt.Sprintf("%s.broken-%s.json", stateKey[:len(stateKey)-len(".json")], run)
}

// ReportKey is where a run's full report is kept.
func ReportKey(at time.Time, run string) string {
	return "reports/" + at.UTC().Format("2006/01/02/") + run + ".json"
}
