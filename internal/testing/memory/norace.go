//go:build !race

package memory

const factor = 1
