// Package bench measures what an audit costs: calls to AWS, the round trips it waits for, time,
// memory, the size of what is deployed. It has benchmarks, and tests of the bounds that do not
// depend on time.
//
//	go test -run '^$' -bench . ./internal/bench
//
// AWS is the embedded one, with 40 ms before every answer and pages of 100 as AWS has them;
// requests go through the real SDK, over HTTP. Beside the usual columns there are
//
//	calls        requests to AWS
//	round-trips  the longest chain of calls of which each waited for the one before
//	wall/40ms    the time of a run in units of the delay; what it is above round-trips, the code took
//	x-ours       the time of Remotion's own check in units of our whole run, on the same endpoint; the time of
//	             another policy evaluator, which `make bench` installs, in units of ours, and
//	ours-ns      ours, in the same run
//
// # Limits
//
// A new connection costs nothing here, where AWS adds a TLS handshake to the first round trip. What
// the embedded AWS allocates counts as well in B/op and allocs/op of whatever talks to it.
package bench
