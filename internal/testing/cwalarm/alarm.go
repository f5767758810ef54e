// Package cwalarm evaluates CloudWatch metric alarms by the rules that CloudWatch documents:
// periods that slide by the minute, M out of N data points, missing data and warm-up.
//
//	alarm, err := cwalarm.FromProperties(resource.Properties) // of an AWS::CloudWatch::Alarm
//	changes, err := alarm.Transitions(points,
//		cwalarm.Observation{Created: deployed, Until: later, ExtraPeriods: 2})
//
// The package follows these pages:
//
//   - https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
//   - https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
//   - https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
//   - https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
//
// # Limits
//
// The package supports alarms on one metric with a plain statistic and a fixed threshold, over a
// sliding window. FromProperties refuses everything else: metric math, percentiles, anomaly bands,
// wall clock windows and units.
//
// CloudWatch's documentation leaves four points open. The package decides them as follows:
//
//   - How many periods an alarm reads before its evaluation periods when data is missing ("depends
//     on the length of the alarm period"). Observation.ExtraPeriods sets the number; callers should
//     try several.
//   - At which minute of the hour a multi-day alarm is evaluated: at the minute of its creation.
//   - Which state "- - - - X" has when missing data is treated as missing: INSUFFICIENT_DATA, as an
//     earlier edition of the page stated.
//   - Whether the early alarm of "- - X - -" requires a range without good data: yes. Otherwise
//     "0 - X - -" would alarm for 2 out of 3, and the page has OK in this row.
package cwalarm

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Alarm is a metric alarm with the settings of PutMetricAlarm.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
type Alarm struct {
	Name, Description string

	Namespace, MetricName string
	Dimensions            map[string]string

	// Statistic is Sum, Maximum, Minimum, Average or SampleCount.
	Statistic string
	// Period is in seconds: 10, 20, 30 or a multiple of 60.
	Period            int
	EvaluationPeriods int
	// DatapointsToAlarm is M of "M out of N"; zero means EvaluationPeriods.
	DatapointsToAlarm  int
	ComparisonOperator string
	Threshold          float64
	// TreatMissingData is missing, ignore, breaching or notBreaching; empty means missing.
	TreatMissingData string

	// WarmUp is the longest time that the alarm stays in INSUFFICIENT_DATA after its creation. Zero
	// means no warm-up.
	WarmUp time.Duration
	// WholeWarmUp is OnlyStartEvaluatingAfterWarmUpPeriodEnds. If it is true, the warm-up does not end
	// early when data fills the window.
	WholeWarmUp bool

	// ActionsDisabled is the opposite of ActionsEnabled, which is true by default.
	ActionsDisabled                                  bool
	AlarmActions, OKActions, InsufficientDataActions []string
}

// State is the state of an alarm.
type State string

// The states of an alarm.
const (
	OK               State = "OK"
	InAlarm          State = "ALARM"
	InsufficientData State = "INSUFFICIENT_DATA"
)

// Window returns the duration of all evaluation periods together.
func (a Alarm) Window() time.Duration {
	return time.Duration(a.Period) * time.Duration(a.EvaluationPeriods) * time.Second
}

// Actions lists the actions of a transition to a state. It is empty if actions are disabled.
func (a Alarm) Actions(to State) []string {
	switch {
	case a.ActionsDisabled:
		return nil
	case to == InAlarm:
		return a.AlarmActions
	case to == OK:
		return a.OKActions
	}
	return a.InsufficientDataActions
}

const (
	day  = 24 * time.Hour
	week = 7 * day

	maxWarmUp      = 2880 * time.Minute
	maxActions     = 5 // for each state
	maxDescription = 1024
	maxDimensions  = 30
)

// Validate returns one error that joins all reasons for which PutMetricAlarm would reject the
// alarm.
func (a Alarm) Validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	oneOf := func(property, value string, values ...string) {
		if !slices.Contains(values, value) {
			refuse("%s %q: want one of %v", property, value, values)
		}
	}
	if a.Namespace == "" || a.MetricName == "" {
		refuse("Namespace %q, MetricName %q: want both", a.Namespace, a.MetricName)
	}
	if len(a.Dimensions) > maxDimensions {
		refuse("Dimensions: %d of them, at most %d", len(a.Dimensions), maxDimensions)
	}
	oneOf("Statistic", a.Statistic, "Sum", "Maximum", "Minimum", "Average", "SampleCount")
	oneOf("ComparisonOperator", a.ComparisonOperator, "GreaterThanThreshold",
		"GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold")
	oneOf("TreatMissingData", a.treatment(), "missing", "ignore", "breaching", "notBreaching")
	if math.IsNaN(a.Threshold) || math.IsInf(a.Threshold, 0) {
		refuse("Threshold %v: want a number", a.Threshold)
	}
	if p := a.Period; p <= 0 || p != 10 && p != 20 && p != 30 && p%60 != 0 {
		refuse("Period %d: want 10, 20, 30 or a multiple of 60", p)
	}
	if a.EvaluationPeriods < 1 {
		refuse("EvaluationPeriods %d: want at least 1", a.EvaluationPeriods)
	}
	if m := a.DatapointsToAlarm; m < 0 || m > a.EvaluationPeriods {
		refuse("DatapointsToAlarm %d: want 1 to EvaluationPeriods, %d", m, a.EvaluationPeriods)
	}
	longest := day
	if a.Period >= 3600 {
		longest = week
	}
	// Divide: the product of two large numbers could overflow.
	if a.Period > 0 && a.EvaluationPeriods > int(longest/time.Second)/a.Period {
		refuse("EvaluationPeriods %d of %d s: together they may be %v at most", a.EvaluationPeriods,
			a.Period, longest)
	}
	if a.WarmUp != 0 && (a.WarmUp < time.Minute || a.WarmUp > maxWarmUp || a.WarmUp%time.Minute != 0) {
		refuse("WarmUpPeriodDurationInMinutes: %v, want 1 to %v minutes", a.WarmUp, maxWarmUp.Minutes())
	}
	for _, actions := range [][]string{a.AlarmActions, a.OKActions, a.InsufficientDataActions} {
		if len(actions) > maxActions {
			refuse("%d actions for a state, at most %d", len(actions), maxActions)
		}
	}
	if n := len([]rune(a.Description)); n > maxDescription {
		refuse("AlarmDescription: %d characters, at most %d", n, maxDescription)
	}
	return errors.Join(errs...)
}

func (a Alarm) treatment() string {
	if a.TreatMissingData == "" {
		return "missing"
	}
	return a.TreatMissingData
}

// datapointsToAlarm returns M of "M out of N".
func (a Alarm) datapointsToAlarm() int {
	if a.DatapointsToAlarm == 0 {
		return a.EvaluationPeriods
	}
	return a.DatapointsToAlarm
}

func (a Alarm) breaches(value float64) bool {
	switch a.ComparisonOperator {
	case "GreaterThanThreshold":
		return value > a.Threshold
	case "GreaterThanOrEqualToThreshold":
		return value >= a.Threshold
	case "LessThanThreshold":
		return value < a.Threshold
	}
	return value <= a.Threshold
}
