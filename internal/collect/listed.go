package collect

import (
	"context"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// listed is a list of IAM with items that are read one by one.
type listed[T any] struct {
	// what describes the list in problems, action is the action that lists.
	what, action string
	list         func(context.Context) ([]T, error)
	// id describes an item in problems. key identifies it in the list: two policies can have the same
	// name.
	id, key func(T) string
	// read reads an item. look is 0 for the first look at the item and 1 for the second.
	read func(ctx context.Context, item T, look int) snapshot
}

// readAll lists the items and reads them. If IAM does not find an item that it listed a moment
// before, readAll lists and reads a second time. An item that is no longer in the list was deleted.
// An item that IAM lists and does not find, twice, is a problem: it can deny what the others grant.
func (l listed[T]) readAll(ctx context.Context) snapshot {
	items, err := l.list(ctx)
	results := l.readItems(ctx, items, 0)
	isGone := func(s snapshot) bool { return s.gone }
	if slices.ContainsFunc(results, isGone) {
		before := map[string]snapshot{}
		for i, item := range items {
			if !results[i].gone {
				before[l.key(item)] = results[i]
			}
		}
		var again []T
		again, err = l.list(ctx)
		if err == nil {
			items = again
		}
		var missing []T
		for _, item := range items {
			if _, ok := before[l.key(item)]; !ok {
				missing = append(missing, item)
			}
		}
		for i, result := range l.readItems(ctx, missing, 1) {
			before[l.key(missing[i])] = result
		}
		results = make([]snapshot, len(items))
		for i, item := range items {
			results[i] = before[l.key(item)]
		}
	}
	var all snapshot
	for i, result := range results {
		if result.gone {
			result.problems = []audit.Problem{{What: l.id(items[i]),
				Why:    "IAM contradicts itself, twice: it lists the item, but does not find it",
				Remedy: contradictionRemedy}}
		}
		all.merge(result)
	}
	if err != nil {
		all.merge(listFailed(ctx, l.what, l.action, err))
	} else {
		all.found = append(all.found, l.action)
	}
	return all
}

func (l listed[T]) readItems(ctx context.Context, items []T, look int) []snapshot {
	results := make([]snapshot, len(items))
	parallelN(len(items), func(i int) { results[i] = l.read(ctx, items[i], look) })
	return results
}
