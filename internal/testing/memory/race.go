//go:build race

package memory

// Factor multiplies the limits under the race detector, which makes each sync.Pool lose objects at
// random.
const Factor = 4
