package cwalarm

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// at returns the given clock time on the day of midnight.
func at(clock string) time.Time {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err) // a typo in a test
	}
	return midnight.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute)
}

// story returns transitions as strings such as "10:01 OK".
func story(changes []Transition) (list []string) {
	for _, c := range changes {
		list = append(list, c.Time.Format("15:04")+" "+string(c.To))
	}
	return list
}

func TestTransitions(t *testing.T) {
	heartbeat := func(from, to string, step time.Duration, value float64) (points []Point) {
		for when := at(from); !when.After(at(to)); when = when.Add(step) {
			points = append(points, Point{Time: when, Value: value})
		}
		return points
	}
	warm := count(1, 3, "missing")
	warm.WarmUp = time.Hour
	whole := warm
	whole.WholeWarmUp = true
	perMinute := count(1, 1, "ignore")
	perMinute.Period = 60
	dead := count(3, 3, "breaching")
	dead.Statistic, dead.ComparisonOperator, dead.Threshold = "Sum", "LessThanThreshold", 1
	// rare opens after three days without a success.
	rare := dead
	rare.Period = 86400
	threeDaysAgo := Point{Time: at("10:02").Add(-3 * day), Value: 1}

	for _, tt := range []struct {
		name   string
		alarm  Alarm
		life   Observation
		points []Point
		want   []string
	}{
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html: the
		// evaluation at the end of minute 5 reads minutes 1 to 5, the next one reads minutes 2 to 6. So
		// five evaluations read a single bad minute.
		{"the window slides by one minute", count(1, 1, "missing"),
			Observation{Created: at("10:00"), Until: at("11:00")},
			append(heartbeat("09:50", "10:06", time.Minute, 0),
				append([]Point{{Time: at("10:07"), Value: 1}},
					heartbeat("10:08", "11:00", time.Minute, 0)...)...),
			[]string{"10:01 OK", "10:08 ALARM", "10:13 OK"}},
		{"a delayed point counts from its arrival on", perMinute,
			Observation{Created: at("10:00"), Until: at("11:00"),
				ExtraPeriods: 2},
			[]Point{{Time: at("10:05"), Value: 1, Delay: 100 * time.Second}, {Time: at("10:20"), Value: 0}},
			[]string{"10:07 ALARM", "10:21 OK"}},
		{"a point that arrives after its period has left the range does not count", perMinute,
			Observation{Created: at("10:00"), Until: at("11:00"), ExtraPeriods: 0},
			[]Point{{Time: at("10:05"), Value: 1, Delay: 2 * time.Minute}, {Time: at("10:20"), Value: 0}},
			[]string{"10:21 OK"}},
		{"ignored missing data does not change the state", count(1, 1, "ignore"),
			Observation{Created: at("01:00"), Until: at("23:00"), ExtraPeriods: 2},
			[]Point{{Time: at("10:00"), Value: 1}, {Time: at("20:00"), Value: 0}},
			[]string{"10:01 ALARM", "20:01 OK"}},
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: "0
		// - - - -" stays OK; "the next time this alarm is evaluated, if the data is still missing it will
		// go to ALARM".
		{"an alarm on a heartbeat opens when the last point leaves the evaluation range", dead,
			Observation{Created: at("10:00"), Until: at("12:00"), ExtraPeriods: 2},
			[]Point{{Time: at("10:00"), Value: 1}}, []string{"10:01 OK", "10:26 ALARM"}},
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html: the
		// alarm is created at 10:00, data starts at 10:04, and the window has 15 minutes.
		{"a warm-up ends when the window is full", warm,
			Observation{Created: at("10:00"), Until: at("12:00")},
			heartbeat("10:04", "12:00", time.Minute, 1), []string{"10:19 ALARM"}},
		{"a whole warm-up does not end early", whole, Observation{Created: at("10:00"),
			Until: at("12:00")},
			heartbeat("10:04", "12:00", time.Minute, 1), []string{"11:00 ALARM"}},
		{"a warm-up continues while the latest period has no data", warm,
			Observation{Created: at("10:00"), Until: at("12:00")},
			[]Point{{Time: at("10:04"), Value: 1}, {Time: at("10:30"), Value: 1}},
			[]string{"10:31 ALARM", "10:46 INSUFFICIENT_DATA"}},
		{"a warm-up ends even without data", warm, Observation{Created: at("10:00"), Until: at("13:00")},
			heartbeat("12:00", "13:00", time.Minute, 0), []string{"12:01 OK"}},
		{"without a warm-up an alarm reads points from before its creation", dead,
			Observation{Created: at("10:00"), Until: at("10:05"), ExtraPeriods: 0},
			[]Point{{Time: at("09:50"), Value: 1}}, []string{"10:01 OK"}},
		// The example of a multi-day alarm on
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html. The job
		// of 10:02 fails. The evaluation at 10:03 reads data only up to 10:00, and the one at 11:03
		// alarms. The job of 11:43 succeeds, and the evaluation at 12:03 is OK.
		{"a multi-day alarm is evaluated once an hour", rare,
			Observation{Created: at("09:02"), Until: at("14:00")},
			append(heartbeat("00:00", "23:00", time.Hour, 0), threeDaysAgo,
				Point{Time: at("11:43"), Value: 1}),
			[]string{"09:03 OK", "11:03 ALARM", "12:03 OK"}},
	} {
		changes, err := tt.alarm.Transitions(tt.points, tt.life)
		if got := story(changes); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s\n got %v, %v\nwant %v", tt.name, got, err, tt.want)
		}
	}
}

// transitionsByDefinition is a second implementation of Transitions. It evaluates the alarm at
// every step, and sorts the points into periods each time.
func transitionsByDefinition(a Alarm, points []Point, life Observation) (changes []Transition) {
	step, grain := time.Minute, time.Minute
	if a.Period < 60 {
		step, grain = 10*time.Second, 10*time.Second
	}
	if a.Window() > day {
		step = time.Hour
	}
	period := time.Duration(a.Period) * time.Second
	state := InsufficientData
	for now := life.Created.Truncate(grain).Add(grain); !now.After(life.Until); now = now.Add(step) {
		if now.Before(life.Created.Add(a.WarmUp)) {
			continue
		}
		end := now.Truncate(step)
		var evaluationRange []Datapoint
		for k := a.EvaluationPeriods + life.ExtraPeriods; k > 0; k-- {
			from, to := end.Add(-time.Duration(k)*period), end.Add(-time.Duration(k-1)*period)
			var values periodValues
			for _, p := range points {
				if p.Time.Before(from) || !p.Time.Before(to) || p.Time.Add(p.Delay).After(now) {
					continue
				}
				values.add(p.Value)
			}
			d := Missing
			if values.count > 0 {
				d = values.datapoint(a)
			}
			evaluationRange = append(evaluationRange, d)
		}
		if to := a.Evaluate(evaluationRange, state); to != state {
			changes = append(changes, Transition{now, state, to})
			state = to
		}
	}
	return changes
}

func pick[T any](random *rand.Rand, list ...T) T { return list[random.IntN(len(list))] }

// TestTransitionsAgreeWithTheDefinition checks that Transitions, which skips evaluations without
// new data, returns the same as transitionsByDefinition.
func TestTransitionsAgreeWithTheDefinition(t *testing.T) {
	rounds := 600
	if testing.Short() {
		rounds = 200
	}
	changed := 0
	for seed := range rounds {
		random := rand.New(rand.NewPCG(uint64(seed), 7))
		a := count(0, 1+random.IntN(6), pick(random, "missing", "ignore", "breaching", "notBreaching"))
		a.DatapointsToAlarm = 1 + random.IntN(a.EvaluationPeriods)
		a.Period = pick(random, 10, 30, 60, 120, 300, 420, 3600, 7200, 18000)
		a.Statistic = pick(random, "Sum", "Maximum", "Minimum", "Average", "SampleCount")
		a.ComparisonOperator = pick(random, "GreaterThanThreshold", "LessThanThreshold",
			"LessThanOrEqualToThreshold", "GreaterThanOrEqualToThreshold")
		a.Threshold = float64(random.IntN(3))
		if random.IntN(3) == 0 {
			a.WarmUp, a.WholeWarmUp = time.Duration(1+random.IntN(90))*time.Minute, true
		}
		length := time.Duration(a.Period*20) * time.Second
		life := Observation{Created: midnight.Add(time.Duration(random.IntN(7200)) * time.Second),
			ExtraPeriods: random.IntN(4)}
		life.Until = life.Created.Add(length)
		var points []Point
		for range random.IntN(40) {
			after := time.Duration(random.Int64N(int64(length))) - length/8
			when := life.Created.Add(after).Truncate(time.Second)
			points = append(points,
				Point{when, float64(random.IntN(3)), time.Duration(random.IntN(150)) * time.Second})
		}
		got, err := a.Transitions(points, life)
		if err != nil {
			t.Fatal(seed, err)
		}
		if want := transitionsByDefinition(a, points, life); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("seed %d: %+v\n%+v\n got %v\nwant %v", seed, a, life, story(got), story(want))
		}
		changed += len(got)
	}
	if changed < rounds {
		t.Errorf("%d changes in %d rounds: the comparison is too weak", changed, rounds)
	}
}

// TestEachTransitionStartsFromTheLastState checks that each transition happens at an evaluation,
// starts from the last state and ends in another state.
func TestEachTransitionStartsFromTheLastState(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	a := count(2, 4, "missing")
	for range 200 {
		life := Observation{Created: midnight.Add(time.Duration(random.IntN(3600)) * time.Second),
			ExtraPeriods: random.IntN(3)}
		life.Until = life.Created.Add(5 * time.Hour)
		var points []Point
		for range 30 {
			points = append(points, Point{life.Created.Add(time.Duration(random.IntN(18000)) * time.Second),
				float64(random.IntN(2)), 0})
		}
		changes, err := a.Transitions(points, life)
		if err != nil {
			t.Fatal(err)
		}
		state, last := InsufficientData, life.Created
		for _, c := range changes {
			if c.From != state || c.To == state || !c.Time.After(last) || c.Time.After(life.Until) ||
				c.Time.Unix()%60 != 0 {
				t.Fatalf("invalid transition %v after %s at %v", c, state, last)
			}
			state, last = c.To, c.Time
		}
	}
}
