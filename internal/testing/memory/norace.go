//go:build !race

package memory

// Factor multiplies the limits under the race detector only.
const Factor = 1
