package app

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// minBackoff is the wait before the first retry of a call. Each further wait doubles, up to
	// maxBackoff.
	minBackoff = 100 * time.Millisecond
	// maxPause bounds the pause between two calls while AWS throttles a single call at a time.
	maxPause = 2 * time.Second
)

// limiter limits the concurrent calls to a service that throttles. A throttled answer halves the
// limit, and each success raises it, until the limit is back at its maximum. If AWS throttles even
// one call at a time, the limiter makes a pause between the calls: it doubles with each throttled
// answer and halves with each success. One throttled answer therefore delays its own call only,
// and a storm slows all calls down to the rate that AWS accepts.
type limiter struct {
	most int

	mu       sync.Mutex
	limit    float64 // at least 1
	inFlight int
	pause    time.Duration
	resume   time.Time // no call starts before
	halved   time.Time // when the limit was halved
	waiting  []chan struct{}
}

func newLimiter(most int) *limiter { return &limiter{most: most, limit: float64(most)} }

// acquire waits until a call may start. The caller calls the returned function with the outcome.
func (l *limiter) acquire(ctx context.Context) (release func(throttled, failed bool), err error) {
	l.mu.Lock()
	for l.inFlight >= int(l.limit) {
		turn := make(chan struct{}, 1)
		l.waiting = append(l.waiting, turn)
		l.mu.Unlock()
		select {
		case <-turn:
			l.mu.Lock()
		case <-ctx.Done():
			l.mu.Lock()
			l.waiting = slices.DeleteFunc(l.waiting, func(c chan struct{}) bool { return c == turn })
			l.wake() // another call takes the turn
			l.mu.Unlock()
			return nil, ctx.Err()
		}
	}
	l.inFlight++
	wait := time.Until(l.resume)
	l.mu.Unlock()
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			l.done(time.Time{}, false, true)
			return nil, ctx.Err()
		}
	}
	started := time.Now()
	return func(throttled, failed bool) { l.done(started, throttled, failed) }, nil
}

// done ends a call. A call that failed without being throttled says nothing about the limit.
func (l *limiter) done(started time.Time, throttled, failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	now := time.Now()
	switch {
	case throttled && l.limit >= 2 && started.After(l.halved):
		// The throttled answers of calls that started before count as one.
		l.limit, l.halved = l.limit/2, now
	case throttled && l.limit < 2:
		l.limit = 1
		l.pause = min(max(2*l.pause, minBackoff), maxPause)
		l.resume = now.Add(l.pause)
	case !throttled && !failed && l.pause > 0:
		if l.pause /= 2; l.pause < minBackoff/4 {
			l.pause = 0
		}
		l.resume = now.Add(l.pause)
	case !throttled && !failed:
		l.limit = min(l.limit+1/l.limit, float64(l.most))
	}
	l.wake()
}

// wake wakes the calls that may start. Callers hold mu.
func (l *limiter) wake() {
	for free := int(l.limit) - l.inFlight; free > 0 && len(l.waiting) > 0; free-- {
		l.waiting[0] <- struct{}{}
		l.waiting = l.waiting[1:]
	}
}

// backoff returns the wait before a retry: minBackoff doubled for each attempt, at most maxBackoff,
// of which the second half is random.
func backoff(attempt int, _ error) (time.Duration, error) {
	d := min(minBackoff<<min(max(attempt, 0), 10), maxBackoff)
	return d/2 + rand.N(d/2), nil
}
