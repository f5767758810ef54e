package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Objects is the part of a bucket that the protocol needs: reads that see every acknowledged write,
// and conditional writes.
type Objects interface {
	// Get returns an object and the etag for IfMatch. The error is ErrMissing if there is no object.
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// Put writes an object and returns its etag. The error is ErrChanged if the condition does not
	// hold. ErrChanged is also possible for a write that succeeded: its first reply was lost, and the
	// client sent the write again. With any other error the object may or may not be written.
	Put(ctx context.Context, key string, body []byte, when Condition) (etag string, err error)
}

// A Condition is the condition of a write. The zero value means no condition.
type Condition struct {
	absent bool
	etag   string
}

// IfAbsent is the condition that the object does not exist.
func IfAbsent() Condition { return Condition{absent: true} }

// IfMatch is the condition that the object still has this etag.
func IfMatch(etag string) Condition { return Condition{etag: etag} }

var (
	// ErrMissing is the error of an object that does not exist.
	ErrMissing = errors.New("the object does not exist")
	// ErrChanged is the error of a write if its condition does not hold.
	ErrChanged = errors.New("the object changed after it was read")
)

// MutesKey is the key of the mutes file.
const MutesKey = "mutes.yaml"

// StateKey is the key of an auditor's state.
func StateKey(account, auditor string) string {
	return statePrefix(account) + auditor + ".json"
}

func statePrefix(account string) string { return "state/" + account + "/" }

// brokenKey is the key of the copy that a run makes of an unreadable state.
func brokenKey(stateKey, run string) string {
	return fmt.Sprintf("%s.broken-%s.json", stateKey[:len(stateKey)-len(".json")], run)
}

// ReportKey is the key of a run's full report.
func ReportKey(at time.Time, run string) string {
	return "reports/" + at.UTC().Format("2006/01/02/") + run + ".json"
}
