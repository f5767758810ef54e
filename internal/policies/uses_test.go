package policies

import (
	"bytes"
	"testing"
)

// TestWriteUses checks that a change of a use changes the text, and that a change of a text for
// users does not.
func TestWriteUses(t *testing.T) {
	text := func() string {
		var b bytes.Buffer
		WriteUses(&b)
		return b.String()
	}
	before, saved := text(), useTable[0]
	defer func() { useTable[0] = saved }()
	useTable[0].Impact, useTable[0].Reason = "other", "other"
	if text() != before {
		t.Error("a text for users changes the rules")
	}
	useTable[0].Buckets = outputBucketOnly
	if text() == before {
		t.Error("the roles of buckets do not change the rules")
	}
}
