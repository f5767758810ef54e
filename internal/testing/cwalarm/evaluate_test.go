package cwalarm

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// count returns an alarm that opens if the count is above zero in M out of N periods.
func count(m, n int, treatment string) Alarm {
	return Alarm{Namespace: "Test", MetricName: "Count", Statistic: "Maximum", Period: 300,
		EvaluationPeriods: n, DatapointsToAlarm: m,
		ComparisonOperator: "GreaterThanThreshold", TreatMissingData: treatment}
}

func datapoints(s string) []Datapoint { return []Datapoint(strings.ReplaceAll(s, " ", "")) }

// retain means that the alarm keeps its state.
const retain = State("retain")

// TestDocumentedTables checks Evaluate with the rows of the tables of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func TestDocumentedTables(t *testing.T) {
	treatments := []string{"missing", "ignore", "breaching", "notBreaching"}
	for _, tt := range []struct {
		m, n int
		data string
		want [4]State // in the order of treatments
	}{
		// "How alarm state is evaluated when data is missing", first table: 3 out of 3.
		{3, 3, "0 - X - X", [4]State{OK, OK, OK, OK}},
		{3, 3, "0 - - - -", [4]State{OK, OK, OK, OK}},
		{3, 3, "- - - - -", [4]State{InsufficientData, retain, InAlarm, OK}},
		{3, 3, "0 X X - X", [4]State{InAlarm, InAlarm, InAlarm, InAlarm}},
		{3, 3, "- - X - -", [4]State{InAlarm, retain, InAlarm, OK}},
		// Second table: 2 out of 3.
		{2, 3, "0 - X - X", [4]State{InAlarm, InAlarm, InAlarm, InAlarm}},
		{2, 3, "0 0 X 0 X", [4]State{InAlarm, InAlarm, InAlarm, InAlarm}},
		{2, 3, "0 - X - -", [4]State{OK, OK, InAlarm, OK}},
		{2, 3, "- - - - 0", [4]State{OK, OK, InAlarm, OK}},
		{2, 3, "- - - X -", [4]State{InAlarm, retain, InAlarm, OK}},
		// "Avoiding premature transitions to alarm state": if missing data is treated as missing, the
		// first two rows do not alarm at once.
		{3, 3, "- - - - X", [4]State{InsufficientData, retain, InAlarm, OK}},
		{3, 3, "- - - X -", [4]State{InsufficientData, retain, InAlarm, OK}},
		{3, 3, "- - - X 0", [4]State{OK, OK, OK, OK}},
		{3, 3, "- - X - 0", [4]State{OK, OK, OK, OK}},
	} {
		for i, treatment := range treatments {
			for _, state := range []State{OK, InAlarm, InsufficientData} {
				want := tt.want[i]
				if want == retain {
					want = state
				}
				if got := count(tt.m, tt.n, treatment).Evaluate(datapoints(tt.data), state); got != want {
					t.Errorf("%d out of %d, %s, missing is %s, in %s: got %s, want %s", tt.m, tt.n, tt.data,
						treatment, state, got, want)
				}
			}
		}
	}
	if got := count(0, 3, "").Evaluate(datapoints("- - X - -"), OK); got != InAlarm {
		t.Errorf("without DatapointsToAlarm and TreatMissingData: got %s, want ALARM, as with 3 and "+
			"missing", got)
	}
}

// evaluateByDefinition is a second implementation of Evaluate. It follows the text of CloudWatch's
// page: it takes the newest existing points, adds points up to N, and counts the breaching points.
func evaluateByDefinition(a Alarm, evaluationRange []Datapoint, state State) State {
	var existing []Datapoint
	oldest, allBreach := 0, true
	for i, d := range evaluationRange {
		if d == Missing {
			continue
		}
		existing = append(existing, d)
		if d == Breaching && oldest == 0 {
			oldest = len(evaluationRange) - i
		}
		allBreach = allBreach && d == Breaching
	}
	if extra := len(existing) - a.EvaluationPeriods; extra > 0 {
		existing = existing[extra:]
	}
	states := map[State]bool{}
	for _, fill := range [...]Datapoint{Breaching, NotBreaching} {
		filled := append([]Datapoint{}, existing...)
		for len(filled) < a.EvaluationPeriods {
			filled = append(filled, fill)
		}
		breaching := strings.Count(string(filled), string(Breaching))
		result := OK
		if breaching >= a.DatapointsToAlarm {
			result = InAlarm
		}
		if string(fill) == map[string]string{"breaching": "X", "notBreaching": "0"}[a.TreatMissingData] {
			return result
		}
		states[result] = true
	}
	switch {
	case len(states) == 1 && states[InAlarm]:
		return InAlarm // with both fillings
	case len(existing) > 0 && !allBreach, len(existing) == a.EvaluationPeriods:
		return OK
	case a.TreatMissingData == "ignore":
		return state
	case len(existing) > 0 && oldest >= a.DatapointsToAlarm:
		return InAlarm
	}
	return InsufficientData
}

func FuzzEvaluate(f *testing.F) {
	f.Add("0-X-X", uint8(2), uint8(3), uint8(0))
	f.Add("--X--", uint8(3), uint8(3), uint8(1))
	f.Add("", uint8(1), uint8(1), uint8(2))
	f.Fuzz(func(t *testing.T, data string, m, n, kind uint8) {
		a := count(0, int(n%9)+1, [...]string{"missing", "ignore", "breaching", "notBreaching"}[kind%4])
		a.DatapointsToAlarm = int(m)%a.EvaluationPeriods + 1
		evaluationRange := make([]Datapoint, 0, len(data))
		for _, c := range []byte(data) {
			evaluationRange = append(evaluationRange, [...]Datapoint{Missing, NotBreaching, Breaching}[c%3])
		}
		for _, state := range []State{OK, InAlarm, InsufficientData} {
			got := a.Evaluate(evaluationRange, state)
			if want := evaluateByDefinition(a, evaluationRange, state); got != want {
				t.Fatalf("%d out of %d, %s, missing is %s, in %s: got %s, by definition %s",
					a.DatapointsToAlarm,
					a.EvaluationPeriods, evaluationRange, a.TreatMissingData, state, got, want)
			}
			if again := a.Evaluate(evaluationRange, got); again != got {
				t.Fatalf("%s: got %s, and %s when evaluated again", evaluationRange, got, again)
			}
		}
	})
}

// TestEvaluateIsMonotone checks that one more breaching point never ends an alarm, and that a
// higher DatapointsToAlarm never starts an alarm. An alarm that opens with notBreaching missing
// data also opens with breaching missing data.
func TestEvaluateIsMonotone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		n := 1 + random.IntN(6)
		evaluationRange := make([]Datapoint, n+random.IntN(4))
		for i := range evaluationRange {
			evaluationRange[i] = [...]Datapoint{Missing, NotBreaching, Breaching}[random.IntN(3)]
		}
		m := 1 + random.IntN(n)
		if count(m, n, "notBreaching").Evaluate(evaluationRange, OK) == InAlarm &&
			count(m, n, "breaching").Evaluate(evaluationRange, OK) != InAlarm {
			t.Fatalf("%d out of %d, %s: alarms only with notBreaching missing data", m, n, evaluationRange)
		}
		for _, treatment := range []string{"missing", "ignore", "breaching", "notBreaching"} {
			before := count(m, n, treatment).Evaluate(evaluationRange, OK)
			if m > 1 && before == InAlarm &&
				count(m-1, n, treatment).Evaluate(evaluationRange, OK) != InAlarm {
				t.Fatalf("%s, %s: alarms with %d out of %d, but not with one point fewer", evaluationRange,
					treatment, m, n)
			}
			worse := append([]Datapoint{}, evaluationRange...)
			i := random.IntN(len(worse))
			if worse[i] == NotBreaching {
				worse[i] = Breaching
			}
			if before == InAlarm && count(m, n, treatment).Evaluate(worse, OK) != InAlarm {
				t.Fatalf("%d out of %d, %s: %s alarms, %s does not", m, n, treatment, evaluationRange, worse)
			}
		}
	}
}
