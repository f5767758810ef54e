package app

import (
	"context"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// documentsTimeout limits the read of the stored documents during the audit, and their write after
// the alert and the metrics.
const documentsTimeout = 5 * time.Second

// inspectWithDocuments audits the location once. With an evidence bucket, it collects the documents
// of the satisfied targets, and targets with gaps get their stored documents for an undo.
func (a *App) inspectWithDocuments(ctx context.Context, place Location,
	runID string, changes []audit.IAMChange) (auditResult, error) {
	i := Inspection{Changes: changes}
	if bucket := a.bucket(place.Account); bucket != nil {
		documents := &evidence.DocumentRun{Objects: bucket,
			Key: evidence.DocumentsKey(place.Account, a.id())}
		i.documents = documents
		i.Known = func(t audit.TargetFacts) []remedy.Known {
			ctx, stop := context.WithTimeout(ctx, documentsTimeout)
			defer stop()
			older, err := documents.Older(ctx)
			if err != nil {
				return nil // keepDocuments logs the error
			}
			return older.Known(t)
		}
	}
	done, err := a.Inspect(ctx, place, runID, i)
	return auditResult{report: done.Report, documents: i.documents}, err
}

// addDocuments adds the documents of a target that the run judged.
func (i Inspection) addDocuments(t audit.TargetFacts, satisfied bool, at time.Time) {
	if satisfied {
		i.documents.Current.Add(t, at)
	} else {
		i.documents.Incomplete = true
	}
}

// keepDocuments stores the documents of the satisfied targets. It is the last step of a run, and a
// failure affects nothing but a later undo.
func (a *App) keepDocuments(ctx context.Context, place Location, audited auditResult,
	out evidence.Outcome) {
	if audited.documents == nil {
		return
	}
	ctx, stop := context.WithTimeout(ctx, documentsTimeout)
	defer stop()
	ledger := evidence.Ledger{Objects: audited.documents.Objects,
		Key: evidence.StateKey(place.Account, a.id()), Run: audited.report.Run.ID}
	wrote, err := ledger.KeepDocuments(ctx, out, audited.documents)
	if err != nil {
		a.Log.WarnContext(ctx, "documents of satisfied targets not stored", "error", err.Error())
	}
	if dropped := audited.documents.Current.Dropped(); wrote && len(dropped) > 0 {
		a.Log.WarnContext(ctx, "documents of some targets are too long to be stored", "targets",
			dropped)
	}
}
