package evidence

import (
	"context"
	"errors"
	"fmt"
)

// A DocumentRun holds the documents of the satisfied targets of one run, while the run judges them.
type DocumentRun struct {
	Objects Objects
	// Key is the key of the documents: DocumentsKey.
	Key string
	// Current are the documents of the targets that this run found satisfied.
	Current Documents
	// Incomplete is true if the run found a target that is not satisfied. The stored documents of that
	// target are kept.
	Incomplete bool

	older  *Documents
	err    error
	loaded bool
}

// Older returns the stored documents. It reads them once. If there are none, or if the object is
// damaged, it returns empty documents.
func (r *DocumentRun) Older(ctx context.Context) (*Documents, error) {
	if r.loaded {
		return r.older, r.err
	}
	r.loaded = true
	r.older, r.err = readDocuments(ctx, r.Objects, r.Key)
	return r.older, r.err
}

func readDocuments(ctx context.Context, objects Objects, key string) (*Documents, error) {
	text, _, err := objects.Get(ctx, key)
	if errors.Is(err, ErrMissing) {
		return &Documents{}, nil
	}
	if err != nil {
		return &Documents{}, err
	}
	d, err := ParseDocuments(text)
	switch {
	case errors.Is(err, ErrNewerDocuments):
		return &Documents{}, fmt.Errorf("%s: %w", key, err)
	case err != nil: // the next documents replace the damaged ones
		return &Documents{}, nil
	}
	return d, nil
}

// KeepDocuments stores the documents of a run after Announce. It does nothing if the state says
// that they are stored already, and nothing if Announce stored no state of this run. It reads the
// stored documents only if a target is not satisfied, to keep those of that target. The state names
// the documents only after they are stored. wrote is true if the documents were written.
//
// An error affects nothing but a later undo.
func (l *Ledger) KeepDocuments(ctx context.Context, out Outcome,
	r *DocumentRun) (wrote bool, err error) {
	hash := r.Current.Hash()
	if l.Objects == nil || hash == "" || out.stored == nil || out.stored.state.Pending != nil ||
		out.stored.state.Run.ID != l.Run || out.stored.state.Documents == hash {
		return false, nil
	}
	changed := true
	if r.Incomplete {
		older, err := r.Older(ctx)
		if err != nil {
			return false, err
		}
		r.Current.AddOlder(older)
		changed = r.Current.Hash() != older.Hash()
	}
	if changed {
		if _, err := l.Objects.Put(ctx, r.Key, r.Current.JSON(), Condition{}); err != nil {
			return false, err
		}
	}
	next := out.stored.state
	next.Documents = hash
	_, err = l.Objects.Put(ctx, l.Key, next.JSON(), out.stored.overwrite)
	if errors.Is(err, ErrChanged) { // a later run stored its state
		err = nil
	}
	return changed, err
}

// Documents reads the documents of all auditors of the account. It leaves out damaged documents and
// those of newer releases.
func (b Bucket) Documents(ctx context.Context) (list []*Documents, err error) {
	keys, err := b.Keys(ctx, statePrefix(b.Owner))
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if !isDocuments(key) {
			continue
		}
		d, err := readDocuments(ctx, b, key)
		if err != nil && !errors.Is(err, ErrNewerDocuments) {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}
