package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/publish"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// notify announces, keeps the report as evidence and publishes metrics, each in time for the next.
// It returns the report with the mutes applied. The error is that of a message or of metrics that
// did not go out; trouble with the evidence bucket is logged and counted, and fails no run: Lambda
// would try again, and alert again.
func (a *App) notify(ctx context.Context, l auditResult, s alertInputs, place Location,
	throttled int64, result *RunResult) (audit.Report, error) {
	var errs []error
	delivery := publish.Delivery{NoSubscribers: s.noSubscribers}
	announcing, stop := a.withReserve(ctx, reserve/2)
	defer stop()
	out, err := a.deliver(announcing, l, s, place)
	if err != nil {
		delivery.AlertFailures = 1
		errs = append(errs, err)
	}
	a.logDelivery(ctx, out, result)
	r := out.Planned.Report

	delivery.OldestGapAge, delivery.StateErrors = out.Planned.OldestGapAge, len(out.Trouble)
	delivery.ThrottledCalls = a.Throttled() - throttled
	measuring, stop := a.withReserve(ctx, reserve/20) // so that a hanging sink is told, and not killed
	defer stop()
	if err := publish.Metrics(measuring, a.CloudWatch, string(a.Config.MetricNamespace), r, delivery,
		a.now()); err != nil {
		errs = append(errs, err)
	} else {
		result.Measured = true
	}
	return r, errors.Join(errs...)
}

// logDelivery logs what went wrong with the evidence bucket, and notes in the result what became of
// an announcement.
func (a *App) logDelivery(ctx context.Context, out evidence.Outcome, result *RunResult) {
	for _, err := range out.Trouble {
		a.Log.ErrorContext(ctx, "evidence", "error", err.Error())
	}
	result.Announced, result.Reasons, result.StateErrors = out.Published > 0, out.Planned.Reasons,
		len(out.Trouble)
}

// bucket is the evidence bucket, nil if there is none.
func (a *App) bucket(account string) evidence.Objects {
	if a.Config.EvidenceBucket == "" {
		return nil
	}
	return evidence.Bucket{Client: a.S3, Name: string(a.Config.EvidenceBucket), Owner: account}
}

// sender is who signs a message.
func (a *App) sender(place Location) alert.Sender {
	return alert.Sender{Function: a.Function, Region: place.Region, Settings: a.Config.flags(),
		Bucket: string(a.Config.EvidenceBucket), Format: alert.Format(a.Config.HTTPSFormat)}
}

// deliver says what there is to say, and keeps the report meanwhile.
func (a *App) deliver(ctx context.Context, l auditResult, s alertInputs,
	place Location) (evidence.Outcome, error) {
	bucket, topic := a.bucket(place.Account), string(a.Config.TopicARN)
	heard := topic != "" && (s.noSubscribers == nil || !*s.noSubscribers)
	o := alert.Options{RepeatAfter: time.Duration(a.Config.RepeatAfter), First: l.first,
		Sender: a.sender(place)}
	o.Sender.Evidence = evidence.ReportKey(l.report.Run.At, l.report.Run.ID)
	var keeping sync.WaitGroup
	var kept error
	var once sync.Once
	plan := func(v evidence.View) alert.Planned {
		o := o
		o.Stateless = v.Stateless
		// Without a memory they would be announced on every run: then they only go along with gaps.
		if !v.Stateless || l.report.Status != audit.StatusCompliant {
			o.MuteErrors, o.Problems = s.mutes.wrong, s.mutes.problems
			if v.Trouble != nil {
				o.Problems = append([]audit.Problem{*v.Trouble}, o.Problems...)
			}
		}
		p := alert.Plan(v.State, l.report, s.mutes.list, a.now(), o)
		once.Do(func() { keeping.Go(func() { kept = a.storeReport(ctx, bucket, p.Report) }) })
		return p
	}
	ledger := evidence.Ledger{Objects: bucket, Key: evidence.StateKey(place.Account, a.id()),
		Run:   l.report.Run.ID,
		Owner: l.report.Run.ID + "-" + rand.Text(), Now: a.now}
	out, err := ledger.Announce(ctx, heard, plan, func(ctx context.Context, m alert.Message) error {
		return publish.Alert(ctx, a.SNS, topic, m)
	})
	keeping.Wait()
	out.Trouble = append(out.Trouble, s.mutes.trouble...)
	if kept != nil {
		out.Trouble = append(out.Trouble, kept)
	}
	if m := out.Planned.Message; !m.Zero() && !heard {
		a.Log.WarnContext(ctx,
			"nobody is told: "+
				map[bool]string{true: "TOPIC_ARN is not set",
					false: "no subscription of the topic is confirmed"}[topic == ""], "subject", m.Subject)
	}
	return out, err
}

// A setting is what has to be known besides the report to say something about it.
type alertInputs struct {
	mutes mutes
	// noSubscribers is nil if there is no topic, or it does not say.
	noSubscribers *bool
}

// sideTaskTimeout is how long a run waits for what it does beside the audit and the announcement.
// It does without, rather than be late.
const sideTaskTimeout = 10 * time.Second

// loadAlertInputs learns the setting while the audit is under way, and returns what waits for it.
func (a *App) loadAlertInputs(ctx context.Context, place Location) (wait func() alertInputs) {
	ctx, stop := context.WithTimeout(ctx, sideTaskTimeout)
	ctx, stopSooner := a.withReserve(ctx, reserve)
	var s alertInputs
	var wg sync.WaitGroup
	wg.Go(func() { s.mutes = a.mutes(ctx, a.bucket(place.Account)) })
	if topic := string(a.Config.TopicARN); topic != "" {
		wg.Go(func() { s.noSubscribers = a.noSubscribers(ctx, topic) })
	}
	return func() alertInputs {
		defer stop()
		defer stopSooner()
		wg.Wait()
		return s
	}
}

// noSubscribers asks the topic whether anybody has confirmed a subscription. That it does not say
// must not keep an alert back.
func (a *App) noSubscribers(ctx context.Context, topic string) *bool {
	heard, err := publish.HasSubscriber(ctx, a.SNS, topic)
	if err != nil {
		a.Log.WarnContext(ctx, "could not learn who is subscribed", "error", err.Error())
		return nil
	}
	none := !heard
	return &none
}

// mutes are the file of mutes, as far as it could be read.
type mutes struct {
	list     alert.Mutes
	wrong    []alert.MuteError
	problems []audit.Problem
	trouble  []error
}

// mutes reads the file of mutes. One that cannot be read mutes nothing, and is announced.
func (a *App) mutes(ctx context.Context, bucket evidence.Objects) (m mutes) {
	if bucket == nil {
		return m
	}
	text, _, err := bucket.Get(ctx, evidence.MutesKey)
	switch {
	case errors.Is(err, evidence.ErrMissing):
	case err != nil:
		m.trouble = []error{err}
		m.problems = []audit.Problem{{What: evidence.MutesKey +
			" in the evidence bucket: nothing is muted", Why: err.Error()}}
	default:
		m.list, m.wrong = alert.ParseMutes(text, a.now())
	}
	return m
}

// storeReport stores a run's full report. A second attempt at the same event replaces what the
// first has stored.
func (a *App) storeReport(ctx context.Context, bucket evidence.Objects, r audit.Report) error {
	if bucket == nil {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, sideTaskTimeout)
	defer stop()
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		return err
	}
	_, err := bucket.Put(ctx, evidence.ReportKey(r.Run.At, r.Run.ID), b.Bytes(), evidence.Condition{})
	return err
}

// testAlert sends a marked message, and says who gets it.
func (a *App) testAlert(ctx context.Context, event Event, p Location) (RunResult, error) {
	result := RunResult{Command: TestAlert, Account: p.Account, DryRun: event.DryRun}
	if a.Config.TopicARN == "" {
		return result, a.fail(ctx, errors.New("TOPIC_ARN is not set: there is nobody to tell"))
	}
	ctx, stop := a.withReserve(ctx, reserve/20)
	defer stop()
	var err error
	result.Subscriptions, result.Announced, err = publish.TestAlert(ctx, a.SNS,
		string(a.Config.TopicARN), !event.DryRun, func(list []alert.Subscription) alert.Message {
			return alert.TestMessage(p.Account, a.Config.targets(), list, a.sender(p))
		})
	a.Log.InfoContext(ctx, "test alert done", "announced", result.Announced, "subscriptions",
		len(result.Subscriptions))
	return result, a.fail(ctx, err)
}

// targets are whom the configuration names.
func (c Config) targets() (names []string) {
	for _, caller := range c.Callers {
		names = append(names, caller.Name)
	}
	return append(names, "role/"+string(c.RenderRole))
}
