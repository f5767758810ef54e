// Package app wires the product together: configuration from the environment, clients, and one run
// for one event. function/ and cmd/ are thin over it.
//
// Order of a run: collect, judge, announce, publish metrics. Announcing and metrics have time
// reserved from the deadline, and each is tried even if the other fails.
package app
