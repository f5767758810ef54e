package service

import (
	"iter"
	"maps"
	"slices"
)

// SortedValues returns the values of m in the order of their keys, so that lists have a stable
// order.
func SortedValues[T any](m map[string]T) []T {
	values := make([]T, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[key])
	}
	return values
}

// Sorted iterates over m in the order of its keys.
func Sorted[T any](m map[string]T) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

// maxKept is the maximum number of calls, of messages and of datums that the server stores. It
// drops the oldest of them, so that a server that runs for days needs a bounded amount of memory.
const maxKept = 100_000

// AppendNewest appends items to a list and drops the oldest items, so that at most 100,000 remain.
func AppendNewest[T any](list []T, items ...T) []T {
	list = append(list, items...)
	if over := len(list) - maxKept; over > 0 {
		list = slices.Delete(list, 0, over)
	}
	return list
}
