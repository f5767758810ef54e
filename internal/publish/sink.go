package publish

import (
	"context"
	"errors"
	"sync"
)

// Sink sends values of one kind to one destination: messages or measurements. Its error names the
// destination and, if it is known, the permission or setting that fixes the error.
type Sink[T any] interface {
	Publish(ctx context.Context, value T) error
}

// Sinks is a list of sinks. It is itself a sink.
type Sinks[T any] []Sink[T]

// Publish sends the value to all sinks at the same time, so that a sink that hangs or fails does
// not keep the value from the others. It joins their errors in the order of the list.
func (s Sinks[T]) Publish(ctx context.Context, value T) error {
	errs := make([]error, len(s))
	var wg sync.WaitGroup
	for i, sink := range s {
		wg.Go(func() { errs[i] = sink.Publish(ctx, value) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
