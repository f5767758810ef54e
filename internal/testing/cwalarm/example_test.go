package cwalarm_test

import (
	"fmt"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/testing/cwalarm"
)

// An audit runs every hour until 12:00. The alarm opens when the last run has left the window and
// the two extra periods that CloudWatch reads.
func ExampleAlarm_Transitions() {
	alarm, err := cwalarm.FromProperties(map[string]any{
		"Namespace": "RemotionAudit", "MetricName": "AuditCompleted", "Statistic": "Sum", "Period": 900.0,
		"EvaluationPeriods":  10.0,
		"ComparisonOperator": "LessThanThreshold", "Threshold": 1.0, "TreatMissingData": "breaching",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var points []cwalarm.Point
	for hour := range 13 {
		points = append(points, cwalarm.Point{Time: day.Add(time.Duration(hour) * time.Hour), Value: 1,
			Delay: time.Minute})
	}
	changes, err := alarm.Transitions(points,
		cwalarm.Observation{Created: day, Until: day.Add(24 * time.Hour), ExtraPeriods: 2})
	for _, c := range changes {
		fmt.Println(c.Time.Format("15:04"), c.To)
	}
	fmt.Println(err)
	// Output:
	// 00:01 OK
	// 15:01 ALARM
	// <nil>
}
