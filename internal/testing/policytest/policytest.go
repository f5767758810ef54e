// Package policytest reads policies and releases that a test expects to exist.
package policytest

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Parse parses a policy document. An error ends the test.
func Parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	doc, err := iampolicy.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc
}

// Release returns a release of Remotion. An error ends the test.
func Release(t testing.TB, version string) policies.Release {
	t.Helper()
	r, err := policies.Find(version)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Buckets returns buckets from the texts of BUCKETS. An error ends the test.
func Buckets(t testing.TB, texts ...string) (list []policies.Bucket) {
	t.Helper()
	for _, text := range texts {
		b, err := policies.ParseBucket(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}
