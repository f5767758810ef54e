package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/alert/render"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/checks"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/publish"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// notify sends the alert, stores the report and publishes metrics. Each step has its own time
// limit. notify sets the outcome in result and returns the report with the mutes applied. The error
// is not nil if the alert or the metrics could not be sent. Errors of the evidence bucket are
// logged and counted, but do not fail the run: Lambda would retry the run and send the alert again.
func (a *App) notify(ctx context.Context, audited auditResult, s alertInputs, place Location,
	throttled int64, result *RunResult) (audit.Report, error) {
	var errs []error
	delivery := publish.Delivery{NoSubscribers: s.noSubscribers}
	alertCtx, stop := a.withReserve(ctx, reserve/2)
	defer stop()
	out, err := a.deliver(alertCtx, audited, s, place)
	if err != nil {
		delivery.AlertFailures = 1
		errs = append(errs, err)
	}
	a.recordDelivery(ctx, out, result)
	r := out.Plan.Report

	delivery.OldestGapAge, delivery.StateErrors = out.Plan.OldestGapAge, len(out.StateErrors)
	delivery.ThrottledCalls = a.Throttled() - throttled
	// The context ends before the deadline, because Lambda ends the process at the deadline. A sink
	// that hangs must be reported before.
	metricsCtx, stop := a.withReserve(ctx, reserve/20)
	defer stop()
	if err := a.measurementSinks().Publish(metricsCtx, publish.Measurement{Report: r,
		Delivery: delivery, At: a.now()}); err != nil {
		errs = append(errs, err)
	} else {
		result.Measured = true
	}
	a.keepDocuments(metricsCtx, place, audited, out)
	return r, errors.Join(errs...)
}

// recordDelivery logs the errors of the evidence bucket and copies the outcome of a delivery to the
// result.
func (a *App) recordDelivery(ctx context.Context, out evidence.Outcome, result *RunResult) {
	for _, err := range out.StateErrors {
		a.Log.ErrorContext(ctx, "evidence", "error", err.Error())
	}
	result.Announced, result.StateErrors = out.Published > 0, len(out.StateErrors)
	if d := out.Plan.Digest; d != nil {
		result.Reasons = d.Reasons
	}
}

// bucket returns the evidence bucket, or nil if none is configured.
func (a *App) bucket(account string) evidence.Objects {
	if a.Config.EvidenceBucket == "" {
		return nil
	}
	return evidence.Bucket{Client: a.S3, Name: string(a.Config.EvidenceBucket), Owner: account}
}

// sender describes this auditor for the messages that it sends.
func (a *App) sender(place Location) render.Sender {
	return render.Sender{Function: a.Function, Region: place.Region, Settings: a.Config.flags(),
		Bucket: string(a.Config.EvidenceBucket), Format: render.Format(a.Config.HTTPSFormat)}
}

// deliver plans and sends the alert, and stores the report at the same time.
func (a *App) deliver(ctx context.Context, audited auditResult, s alertInputs,
	place Location) (evidence.Outcome, error) {
	bucket := a.bucket(place.Account)
	sinks := a.messageSinks(s.noSubscribers != nil && *s.noSubscribers)
	canDeliver := len(sinks) > 0
	o := alert.Options{RepeatAfter: time.Duration(a.Config.RepeatAfter), First: audited.firstAttempt,
		Configured: a.configuration(place)}
	o.Judgement = alert.Judgement{Rules: audit.Rules() + checks.Rules(), Version: releaseVersion()}
	from := a.sender(place)
	from.Evidence = evidence.ReportKey(audited.report.Run.At, audited.report.Run.ID)
	var storing sync.WaitGroup
	var storeErr error
	var once sync.Once
	plan := func(v evidence.View) evidence.Plan {
		o := o
		o.Stateless = v.Stateless
		// Without state, every run would announce errors of mutes and problems again. Therefore they are
		// left out if the report is compliant.
		if !v.Stateless || audited.report.Status != audit.StatusCompliant {
			o.MuteErrors, o.Problems = s.mutes.invalid, s.mutes.problems
			if v.Problem != nil {
				o.Problems = append([]audit.Problem{*v.Problem}, o.Problems...)
			}
		}
		p := evidence.Plan{Planned: alert.Plan(v.State, audited.report, s.mutes.list, a.now(), o)}
		if p.Digest != nil {
			p.Message = render.Message(*p.Digest, from)
		}
		once.Do(func() { storing.Go(func() { storeErr = a.storeReport(ctx, bucket, p.Report) }) })
		return p
	}
	ledger := evidence.Ledger{Objects: bucket, Key: evidence.StateKey(place.Account, a.id()),
		Run:   audited.report.Run.ID,
		Owner: audited.report.Run.ID + "-" + rand.Text(), Now: a.now}
	out, err := ledger.Announce(ctx, canDeliver, plan, sinks.Publish)
	storing.Wait()
	out.StateErrors = append(out.StateErrors, s.mutes.readErrors...)
	if storeErr != nil {
		out.StateErrors = append(out.StateErrors, storeErr)
	}
	if m := out.Plan.Message; !m.Zero() && !canDeliver {
		a.Log.WarnContext(ctx,
			"alert not sent", "reason", map[bool]string{true: "TOPIC_ARN is not set",
				false: "the topic has no confirmed subscription"}[a.Config.TopicARN == ""],
			"subject", m.Subject)
	}
	return out, err
}

// alertInputs holds the mutes and the subscription state, loaded while the audit runs.
type alertInputs struct {
	mutes muteFile
	// noSubscribers is nil if there is no topic or its subscriptions could not be read.
	noSubscribers *bool
}

// sideTaskTimeout limits the reads and writes that run parallel to the audit or the alert. After
// the timeout, a run continues without their results.
const sideTaskTimeout = 10 * time.Second

// loadAlertInputs starts to load the alert inputs. The returned function waits for the inputs and
// returns them.
func (a *App) loadAlertInputs(ctx context.Context, place Location) (wait func() alertInputs) {
	ctx, stop := context.WithTimeout(ctx, sideTaskTimeout)
	ctx, stopSooner := a.withReserve(ctx, reserve)
	var s alertInputs
	var wg sync.WaitGroup
	wg.Go(func() { s.mutes = a.readMutes(ctx, a.bucket(place.Account)) })
	if a.Config.TopicARN != "" {
		wg.Go(func() { s.noSubscribers = a.noSubscribers(ctx) })
	}
	return func() alertInputs {
		defer stop()
		defer stopSooner()
		wg.Wait()
		return s
	}
}

// noSubscribers reports whether the topic has no confirmed subscription. It returns nil if the
// subscriptions cannot be read, because an alert must be sent in this case, too.
func (a *App) noSubscribers(ctx context.Context) *bool {
	hasSubscriber, err := a.topic().HasSubscriber(ctx)
	if err != nil {
		a.Log.WarnContext(ctx, "reading the topic's subscriptions failed", "error", err.Error())
		return nil
	}
	none := !hasSubscriber
	return &none
}

// muteFile holds the content of the file of mutes.
type muteFile struct {
	list mute.List
	// invalid are the errors of mutes that could not be parsed.
	invalid []mute.Error
	// problems and readErrors describe a file that could not be read: for the alert and for the log.
	problems   []audit.Problem
	readErrors []error
}

// readMutes reads the file of mutes. If the file cannot be read, nothing is muted and the alert
// reports the problem.
func (a *App) readMutes(ctx context.Context, bucket evidence.Objects) (m muteFile) {
	if bucket == nil {
		return m
	}
	text, _, err := bucket.Get(ctx, evidence.MutesKey)
	switch {
	case errors.Is(err, evidence.ErrMissing):
	case err != nil:
		m.readErrors = []error{err}
		m.problems = []audit.Problem{{What: evidence.MutesKey +
			" in the evidence bucket: nothing is muted", Why: err.Error()}}
	default:
		m.list, m.invalid = mute.Parse(text, a.now())
	}
	return m
}

// storeReport stores the full report of a run. If Lambda retries an event, the report of the retry
// replaces that of the first attempt.
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

// testAlert sends a marked test message and returns the topic's subscriptions. A dry run sends no
// message.
func (a *App) testAlert(ctx context.Context, event Event, p Location) (RunResult, error) {
	result := RunResult{Command: TestAlert, Account: p.Account, DryRun: event.DryRun}
	if a.Config.TopicARN == "" {
		return result, a.fail(ctx, errors.New("TOPIC_ARN is not set: set it to the alert topic"))
	}
	ctx, stop := a.withReserve(ctx, reserve/20)
	defer stop()
	var err error
	var to publish.Sink[alert.Message]
	if !event.DryRun {
		to = a.messageSinks(false)
	}
	result.Subscriptions, result.Announced, err = a.topic().Test(ctx, to,
		func(list []alert.Subscription) alert.Message {
			return render.TestMessage(p.Account, a.Config.targets(), list, a.sender(p))
		})
	a.Log.InfoContext(ctx, "test alert done", "announced", result.Announced, "subscriptions",
		len(result.Subscriptions))
	return result, a.fail(ctx, err)
}

// targets returns the names of the configured targets.
func (c Config) targets() (names []string) {
	for _, caller := range c.Callers {
		names = append(names, caller.Name)
	}
	return append(names, "role/"+string(c.RenderRole))
}
