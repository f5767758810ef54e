// Package bench measures the cost of an audit: calls to AWS, sequential round trips, time, memory,
// and the size of the deployed zip. It also measures what reads and writes files: policies, pages
// and plans. It contains benchmarks, and tests of the bounds that do not depend on time: package
// roundtrips counts in virtual time.
//
//	go test -run '^$' -bench . ./test/bench
//
// The benchmarks use the embedded AWS, with a delay of 40 ms before every answer and with IAM's
// pages of 100 entries. Requests go through the real SDK, over HTTP. The benchmarks add these
// columns:
//
//	calls        requests to AWS
//	round-trips  the longest chain of calls in which each call waited for the previous call
//	wall/40ms    the duration of a run divided by the delay; the part above round-trips is the
//	             time of the code
//	x-ours       in BenchmarkRemotionsOwnCheck, the duration of Remotion's own check divided by the
//	             duration of a whole run on the same endpoint; in BenchmarkOracle, the time of
//	             another policy evaluator, which `make bench` installs, divided by ours-ns
//	ours-ns      the time of this project's evaluator in the same run
//	peak-MiB     the peak memory of the function's process
//	MiB/caller   the same, divided by the number of callers
//	x-json       in BenchmarkPage, the time for the HTML of a report divided by the time for its JSON
//	             in the same run
//	x-decode     in BenchmarkPlan, the time for reading a plan of Terraform divided by the time for
//	             decoding it with terraform-json in the same run
//
// # Limits
//
// A new connection costs no time in the embedded AWS. Real AWS adds a TLS handshake to the first
// round trip. B/op and allocs/op include the allocations of the embedded AWS.
package bench
