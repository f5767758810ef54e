//go:build race

package memory

// factor multiplies the limits under the race detector, which makes each sync.Pool lose objects at
// random.
const factor = 4
