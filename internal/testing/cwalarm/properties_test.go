package cwalarm

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"
)

const exampleJSON = `{
	"AlarmName": "dead", "AlarmDescription": "See the log.", "Namespace": "Audit",
	"MetricName": "Completed",
	"Dimensions": [{"Name": "Target", "Value": "user/a"}],
	"Statistic": "Sum", "Period": "900", "EvaluationPeriods": 10, "DatapointsToAlarm": 9,
	"Threshold": 1,
	"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching",
	"WarmUpConfiguration": {
	  "WarmUpPeriodDurationInMinutes": 150, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": true},
	"AlarmActions": ["topic"], "OKActions": ["topic", "other"]}`

func properties(t *testing.T) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(exampleJSON), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFromProperties(t *testing.T) {
	want := Alarm{Name: "dead", Description: "See the log.", Namespace: "Audit",
		MetricName: "Completed", Dimensions: map[string]string{"Target": "user/a"},
		Statistic: "Sum", Period: 900, EvaluationPeriods: 10, DatapointsToAlarm: 9, Threshold: 1,
		ComparisonOperator: "LessThanThreshold", TreatMissingData: "breaching",
		WarmUp: 150 * time.Minute, WholeWarmUp: true, AlarmActions: []string{"topic"},
		OKActions: []string{"topic", "other"}}
	m := properties(t)
	got, err := FromProperties(m)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v, %v\nwant %+v", got, err, want)
	}
	if !reflect.DeepEqual(m, properties(t)) {
		t.Error("FromProperties changes its argument")
	}
	if got := want.Actions(InAlarm); !reflect.DeepEqual(got, []string{"topic"}) {
		t.Errorf("actions of an alarm: %v", got)
	}
	m["ActionsEnabled"] = "false"
	if got, err := FromProperties(m); err != nil || got.Actions(OK) != nil || got.OKActions == nil {
		t.Errorf("with actions disabled: %v, %v", got.Actions(OK), err)
	}
}

func TestPropertiesThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		property string
		value    any
		want     string
	}{
		{"Unit", "Count", "Unit: unsupported property"},
		{"EvaluationWindow", map[string]any{"WallClockWindow": map[string]any{}},
			"EvaluationWindow: unsupported property"},
		{"ExtendedStatistic", "p99", "ExtendedStatistic: unsupported property"},
		{"Metrics", []any{}, "Metrics: unsupported property"},
		{"Period", 45.0, "Period 45"},
		{"Period", 0.0, "Period 0"},
		{"Period", 1.5, "Period: 1.5, want a whole number"},
		{"Period", "${Every}", "Period: ${Every}, want a number"},
		{"Period", "NaN", "want a whole number"},
		{"EvaluationPeriods", 0.0, "EvaluationPeriods 0"},
		{"EvaluationPeriods", 97.0, "24h0m0s at most"},
		{"EvaluationPeriods", 2147483647.0, "24h0m0s at most"},
		{"DatapointsToAlarm", 11.0, "DatapointsToAlarm 11"},
		{"Threshold", "Inf", "Threshold"},
		{"Statistic", "p99", `Statistic "p99"`},
		{"Statistic", 1.0, "Statistic: a float64, want a string"},
		{"ComparisonOperator", "Less", `ComparisonOperator "Less"`},
		{"TreatMissingData", "good", `TreatMissingData "good"`},
		{"MetricName", "", "want both"},
		{"WarmUpConfiguration", 150.0, "WarmUpConfiguration: a float64"},
		{"WarmUpConfiguration", map[string]any{"WarmUpPeriodDurationInMinutes": 2881.0},
			"2881: want 1 to 2880"},
		{"WarmUpConfiguration", map[string]any{"OnlyStartEvaluatingAfterWarmUpPeriodEnds": true},
			"Minutes 0: want 1 to 2880"},
		{"WarmUpConfiguration", map[string]any{"WarmUpPeriodDurationInMinutes": 1.0, "Late": true},
			"WarmUpConfiguration: Late: unsupported"},
		{"AlarmActions", "topic", "AlarmActions: a string, want a list"},
		{"AlarmActions", []any{1.0}, "AlarmActions: a float64 in it"},
		{"AlarmActions", []any{"1", "2", "3", "4", "5", "6"}, "6 actions"},
		{"ActionsEnabled", "yes", "ActionsEnabled: yes"},
		{"AlarmDescription", strings.Repeat("x", 1025), "1025 characters"},
		{"Dimensions", "Target", "Dimensions: a string"},
		{"Dimensions", []any{"Target"}, "want a Name"},
		{"Dimensions", []any{map[string]any{"Name": "Target", "Value": "a", "Kind": "b"}},
			"Dimensions: Kind: unsupported"},
	} {
		m := maps.Clone(properties(t))
		m[tt.property] = tt.value
		if a, err := FromProperties(m); err == nil || !strings.Contains(err.Error(), tt.want) ||
			!reflect.DeepEqual(a, Alarm{}) {
			t.Errorf("%s %v: error %v, want an error with %q", tt.property, tt.value, err, tt.want)
		}
	}
	if _, err := FromProperties(nil); err == nil {
		t.Error("FromProperties accepts an empty mapping")
	}
	if _, err := (Alarm{}).Transitions(nil, Observation{}); err == nil {
		t.Error("Transitions accepts an alarm that CloudWatch rejects")
	}
}

// TestWindowsThatAreAllowed checks that the longest window is one day, or seven days if the period
// is at least an hour.
func TestWindowsThatAreAllowed(t *testing.T) {
	for _, tt := range []struct{ period, periods float64 }{{60, 1440}, {900, 96}, {3600, 168},
		{604800, 1}} {
		m := properties(t)
		m["Period"], m["EvaluationPeriods"] = tt.period, tt.periods
		delete(m, "DatapointsToAlarm")
		if _, err := FromProperties(m); err != nil {
			t.Errorf("%v periods of %v s: %v", tt.periods, tt.period, err)
		}
		m["EvaluationPeriods"] = tt.periods + 1
		if _, err := FromProperties(m); err == nil {
			t.Errorf("%v periods of %v s are accepted", tt.periods+1, tt.period)
		}
	}
}

// FuzzFromProperties checks that FromProperties returns only valid alarms, and that Transitions
// accepts these alarms.
func FuzzFromProperties(f *testing.F) {
	f.Add(exampleJSON, uint32(7))
	f.Add(`{"Period": 20, "Statistic": "Average"}`, uint32(1))
	f.Add(`{"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 1e99}, "Dimensions": [1, {}]}`,
		uint32(0))
	f.Fuzz(func(t *testing.T, text string, seed uint32) {
		var m map[string]any
		if json.Unmarshal([]byte(text), &m) != nil {
			return
		}
		a, err := FromProperties(m)
		if err != nil {
			return
		}
		if err := a.Validate(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		life := Observation{Created: midnight, Until: midnight.Add(6 * time.Hour),
			ExtraPeriods: int(seed % 4)}
		var points []Point
		for i := range int64(seed % 8) {
			points = append(points, Point{midnight.Add(time.Duration(i*int64(seed)%21600) * time.Second),
				float64(i % 3), time.Duration(seed%150) * time.Second})
		}
		changes, err := a.Transitions(points, life)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(changes) > 0 && !changes[0].Time.After(life.Created) {
			t.Fatalf("%s: the first transition is at %v, before the alarm was created", text,
				changes[0].Time)
		}
		if a.WholeWarmUp && len(changes) > 0 && changes[0].Time.Before(life.Created.Add(a.WarmUp)) {
			t.Fatalf("%s: the first transition is at %v, during the warm-up", text, changes[0].Time)
		}
	})
}
