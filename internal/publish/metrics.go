package publish

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// maxDatums is how many metrics one PutMetricData request may carry.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
const maxDatums = 1000

// Delivery contains the numbers of a run that its report does not contain.
type Delivery struct {
	// OldestGapAge is how long the oldest unmuted gap has been open: zero without gaps, nil without a
	// state.
	OldestGapAge *time.Duration
	// AlertFailures counts alerts that could not be published.
	AlertFailures int
	// NoSubscribers is true if the topic has no confirmed subscription. Nil means unknown.
	NoSubscribers *bool
	// StateErrors counts failures of the evidence bucket.
	StateErrors int
	// ThrottledCalls counts calls that AWS throttled.
	ThrottledCalls int64
}

// Measurement is what a run measured at a time.
type Measurement struct {
	Report   audit.Report
	Delivery Delivery
	At       time.Time
}

// Metrics is a namespace of CloudWatch. It is a sink for measurements.
type Metrics struct {
	Client    *cloudwatch.Client
	Namespace string
}

// Publish implements Sink. It sends the metrics in as few requests as maxDatums allows, and stops
// at the first request that fails.
func (m Metrics) Publish(ctx context.Context, run Measurement) error {
	for chunk := range slices.Chunk(Datums(run.Report, run.Delivery, run.At), maxDatums) {
		if _, err := m.Client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
			Namespace: &m.Namespace, MetricData: chunk}); err != nil {
			const grant = "grant the function cloudwatch:PutMetricData for the namespace"
			return fmt.Errorf("metrics to namespace %s: %w%s", m.Namespace, err,
				remedyFor(err, map[string]string{"AccessDenied": grant, "AccessDeniedException": grant}))
		}
	}
	return nil
}

// Datums returns the metrics of a report: those of the account, then those of each target. An
// incomplete audit without gaps has no gap counts and no compliance, so that it does not end an
// alarm. For the same reason, an incomplete audit without critical gaps has no count of critical
// gaps.
func Datums(r audit.Report, d Delivery, now time.Time) []types.MetricDatum {
	var list []types.MetricDatum
	put := func(name string, value float64, unit types.StandardUnit, dimensions ...types.Dimension) {
		list = append(list, types.MetricDatum{MetricName: &name, Value: &value, Unit: unit,
			Timestamp: &now, Dimensions: dimensions})
	}
	const count = types.StandardUnitCount
	putGaps := func(s audit.Summary, unverified bool, dimensions ...types.Dimension) {
		if s.Gaps > 0 || !unverified {
			put(contract.MetricGaps, float64(s.Gaps), count, dimensions...)
		}
		if s.GapsCritical > 0 || !unverified {
			put(contract.MetricGapsCritical, float64(s.GapsCritical), count, dimensions...)
		}
	}
	s := r.Summary
	putGaps(s, r.Unverified())
	put(contract.MetricGapsMuted, float64(s.GapsMuted), count)
	put(contract.MetricRequirementsTotal, float64(s.Requirements), count)
	put(contract.MetricRequirementsUnverified, float64(s.Unverified), count)
	if s.Gaps > 0 || !r.Unverified() {
		put(contract.MetricCompliancePercent, s.CompliancePercent(), types.StandardUnitPercent)
	}
	if d.OldestGapAge != nil && (*d.OldestGapAge > 0 || !r.Unverified()) {
		put(contract.MetricOldestGapAge, d.OldestGapAge.Seconds(), types.StandardUnitSeconds)
	}
	flag := map[bool]float64{true: 1}
	put(contract.MetricAuditCompleted, flag[r.Completed()], count)
	put(contract.MetricAlertFailures, float64(d.AlertFailures), count)
	if d.NoSubscribers != nil {
		put(contract.MetricNoSubscribers, flag[*d.NoSubscribers], count)
	}
	put(contract.MetricStateErrors, float64(d.StateErrors), count)
	put(contract.MetricThrottledCalls, float64(d.ThrottledCalls), count)

	for _, t := range mergeByName(r) {
		dimension := contract.DimensionTarget
		target := types.Dimension{Name: &dimension, Value: &t.Name}
		putGaps(t.Summary, r.UnverifiedFor(t.Name), target)
		put(contract.MetricRequirementsUnverified, float64(t.Summary.Unverified), count, target)
	}
	return list
}

// mergeByName returns the targets of a report, with the summaries of targets of the same name added
// up. A role may be both a caller and a render role.
func mergeByName(r audit.Report) (list []audit.TargetReport) {
	for _, t := range r.Targets {
		i := slices.IndexFunc(list, func(o audit.TargetReport) bool { return o.Name == t.Name })
		if i < 0 {
			list = append(list, t)
			continue
		}
		list[i].Summary = list[i].Summary.Plus(t.Summary)
	}
	return list
}
