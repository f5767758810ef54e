package policies

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// BucketRole is what Remotion uses a bucket for.
type BucketRole string

const (
	// MainBucket is a bucket for sites, progress and outputs, with a name that Remotion gave.
	MainBucket BucketRole = "remotion"
	// OutputBucket only receives the outputs of renders.
	// https://www.remotion.dev/docs/lambda/custom-destination
	OutputBucket BucketRole = "output"
	// SiteBucket only holds sites.
	SiteBucket BucketRole = "site"
)

// A Bucket is a bucket with its roles.
type Bucket struct {
	Name string
	// Roles has at least one element.
	Roles []BucketRole
	// NoACL is true if uploads to the bucket set no ACL: the privacy "no-acl".
	NoACL bool
	// Assumed is true if the setting names no role, so that the name decides.
	Assumed bool
}

const noACL = "no-acl"

// ParseBucket reads the name of a bucket, perhaps with = and its roles: acme-output=output+no-acl.
// A bucket without a role is MainBucket if Remotion gave its name, else OutputBucket.
func ParseBucket(text string) (Bucket, error) {
	name, words, hasWords := strings.Cut(text, "=")
	b := Bucket{Name: name}
	if err := awsname.ValidateBucket(name); err != nil {
		return Bucket{}, err
	}
	if hasWords {
		seen := map[string]bool{}
		for word := range strings.SplitSeq(words, "+") {
			role := BucketRole(word)
			switch {
			case seen[word]:
				return Bucket{}, bucketError(text, fmt.Sprintf("duplicate %q", word))
			case word == noACL:
				b.NoACL = true
			case role == OutputBucket, role == SiteBucket:
				b.Roles = append(b.Roles, role)
			default:
				return Bucket{}, bucketError(text, fmt.Sprintf("unknown role %s",
					textfmt.Quote(word, maxPurpose)))
			}
			seen[word] = true
		}
	}
	if b.Roles == nil {
		b.Assumed = true
		b.Roles = []BucketRole{OutputBucket}
		if strings.HasPrefix(name, BucketPrefix) {
			b.Roles[0] = MainBucket
		}
	}
	if b.NoACL && slices.Contains(b.Roles, MainBucket) {
		return Bucket{}, bucketError(text, "Remotion sets ACLs on the objects of its own buckets")
	}
	return b, nil
}

func bucketError(text, problem string) error {
	return errors.New("bucket " + textfmt.Quote(text, maxPurpose) + ": " + problem + ": write NAME, " +
		"NAME=output or NAME=site, and +no-acl if uploads set no ACL")
}

// String returns the text that ParseBucket reads.
func (b Bucket) String() string {
	if b.Assumed {
		return b.Name
	}
	return b.Name + "=" + strings.Join(b.Words(), "+")
}

// Words lists the roles of the bucket, and no-acl if uploads set no ACL.
func (b Bucket) Words() []string {
	var words []string
	for _, role := range b.Roles {
		words = append(words, string(role))
	}
	if b.NoACL {
		words = append(words, noACL)
	}
	return words
}

// Main reports whether the bucket is one of Remotion's own.
func (b Bucket) Main() bool { return slices.Contains(b.Roles, MainBucket) }
