package publish

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// sinkFunc is a sink for strings.
type sinkFunc func(ctx context.Context, value string) error

func (f sinkFunc) Publish(ctx context.Context, value string) error { return f(ctx, value) }

// TestASinkThatHangsDelaysNoOther checks that every sink gets the value, even if one hangs until
// the deadline and another fails, and that the error names both in the order of the list.
func TestASinkThatHangsDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		started, got := time.Now(), ""
		var took time.Duration
		err := Sinks[string]{
			sinkFunc(func(ctx context.Context, _ string) error {
				<-ctx.Done()
				return ctx.Err()
			}),
			sinkFunc(func(context.Context, string) error { return errors.New("denied") }),
			sinkFunc(func(_ context.Context, value string) error {
				got, took = value, time.Since(started)
				return nil
			}),
		}.Publish(ctx, "a message")
		if want := "context deadline exceeded\ndenied"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
		if got != "a message" || took != 0 {
			t.Errorf("the last sink got %q after %s", got, took)
		}
	})
}

func TestNoSinksPublishNothing(t *testing.T) {
	if err := (Sinks[string]{}).Publish(t.Context(), "a message"); err != nil {
		t.Error(err)
	}
}
