package cwalarm

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Point is one value of the metric. CloudWatch rounds Time down to the minute, or to ten seconds if
// the alarm's period is shorter than a minute. The value is readable Delay after Time, but not
// before the minute or the ten seconds end.
type Point struct {
	Time  time.Time
	Value float64
	Delay time.Duration
}

// Observation is the time in which an alarm is observed.
type Observation struct {
	// Created is when the alarm was created, in INSUFFICIENT_DATA. Until is the end of the
	// observation.
	Created, Until time.Time
	// ExtraPeriods is the number of periods before the evaluation periods that the alarm also reads
	// when data is missing. CloudWatch does not document the number; the example on its page has 2.
	ExtraPeriods int
}

// Transition is one change of state.
type Transition struct {
	Time     time.Time
	From, To State
}

// Transitions lists the changes of state during an observation, oldest first. Points may come in
// any order and may be older than the alarm. The error is the one that Validate returns.
func (a Alarm) Transitions(points []Point, life Observation) ([]Transition, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	s := newSeries(a, points, life)
	var changes []Transition
	state := InsufficientData
	for now, until := s.first, life.Until.Unix(); now <= until; {
		f, next := s.evaluate(now)
		if to := a.decide(f, state); to != state {
			changes = append(changes, Transition{time.Unix(now, 0).UTC(), state, to})
			state = to
		}
		now = next
	}
	return changes, nil
}

// series holds the metric of an alarm, sorted for repeated evaluation. Times are in seconds.
type series struct {
	alarm    Alarm
	periods  int64   // number of periods in the evaluation range
	tick     int64   // time between evaluations
	grain    int64   // precision of the points' times
	first    int64   // time of the first evaluation
	points   []point // sorted by time
	arrivals []int64 // times when points become readable, sorted

	before, arrived int // numbers of points before the end of the window, and of arrivals until now
}

type point struct {
	at, readable int64
	value        float64
}

func newSeries(a Alarm, points []Point, life Observation) *series {
	s := &series{alarm: a, periods: int64(a.EvaluationPeriods + max(life.ExtraPeriods, 0)), grain: 60,
		tick: 60}
	switch {
	case a.Period < 60:
		s.grain, s.tick = 10, 10
	case a.Window() > day:
		s.tick = 3600
	}
	for _, p := range points {
		at := floor(p.Time.Unix(), s.grain)
		// A point is not readable before its minute ends.
		s.points = append(s.points, point{at, max(p.Time.Add(p.Delay).Unix(), at+s.grain), p.Value})
	}
	slices.SortStableFunc(s.points, func(p, q point) int { return cmp.Compare(p.at, q.at) })
	for _, p := range s.points {
		s.arrivals = append(s.arrivals, p.readable)
	}
	slices.Sort(s.arrivals)

	created := life.Created.Unix()
	s.first = floor(created, s.grain) + s.grain
	if end := created + int64(a.WarmUp/time.Second); a.WarmUp > 0 {
		if !a.WholeWarmUp {
			end = min(end, s.windowFull(created))
		}
		s.first = max(s.first, s.evaluation(end))
	}
	return s
}

// evaluation returns the time of the first evaluation at or after at.
func (s *series) evaluation(at int64) int64 {
	if at <= s.first {
		return s.first
	}
	return s.first + floor(at-s.first+s.tick-1, s.tick)
}

// windowFull returns the time when data first fills the window of an alarm: one window has passed
// since the first point after the alarm's creation, and the latest period has data. If that never
// happens, windowFull returns math.MaxInt64.
func (s *series) windowFull(created int64) int64 {
	period, start := int64(s.alarm.Period), int64(math.MaxInt64)
	for _, p := range s.points {
		if p.at < floor(created, s.grain) {
			continue
		}
		start = min(start, p.at)
		if full := start + int64(s.alarm.Window()/time.Second); p.at+period >= full {
			return max(full, p.readable)
		}
	}
	return math.MaxInt64
}

// evaluate counts the data points that are readable at now, and returns the next time at which an
// evaluation could differ. now must not be earlier than in the previous call.
func (s *series) evaluate(now int64) (f pointCounts, next int64) {
	period := int64(s.alarm.Period)
	end := floor(now, s.tick) // a multi-day alarm reads data up to the last full hour
	next = math.MaxInt64
	for s.arrived < len(s.arrivals) && s.arrivals[s.arrived] <= now {
		s.arrived++
	}
	if s.arrived < len(s.arrivals) {
		next = s.arrivals[s.arrived]
	}
	for s.before < len(s.points) && s.points[s.before].at < end {
		s.before++
	}
	var values periodValues
	age := int64(0) // age of the period of values; the newest period has age 1
	for i := s.before - 1; i >= 0 && f.existing() < s.alarm.EvaluationPeriods; i-- {
		p := &s.points[i]
		if p.at < end-period*s.periods {
			break
		}
		if p.readable > now {
			continue
		}
		pointAge := (end - p.at + period - 1) / period
		if pointAge != age && values.count > 0 {
			f.add(values.datapoint(s.alarm), int(age))
			values = periodValues{}
		}
		age = pointAge
		values.add(p.value)
		// If a period is as short as a tick, the window moves by whole periods. Then the points of a
		// period stay together until they leave the range.
		if period > s.tick {
			next = min(next, p.at+pointAge*period+s.tick)
		} else {
			next = min(next, p.at+s.periods*period+s.tick)
		}
	}
	if values.count > 0 && f.existing() < s.alarm.EvaluationPeriods {
		f.add(values.datapoint(s.alarm), int(age))
	}
	// If missing data is treated as missing, a breaching point can become old enough for an alarm
	// without any other event. The window of a multi-day alarm does not end at now. In both cases
	// every evaluation could differ.
	if s.tick == 3600 || s.alarm.treatment() == "missing" && f.existing() > 0 {
		next = now + s.tick
	}
	if next == math.MaxInt64 {
		return f, next
	}
	return f, max(s.evaluation(next), now+s.tick)
}

// periodValues aggregates the points of one period.
type periodValues struct {
	count         int
	sum, min, max float64
}

func (b *periodValues) add(v float64) {
	if b.count == 0 {
		b.min, b.max = v, v
	}
	b.count++
	b.sum += v
	b.min, b.max = min(b.min, v), max(b.max, v)
}

func (b *periodValues) datapoint(a Alarm) Datapoint {
	value := b.sum
	switch a.Statistic {
	case "Maximum":
		value = b.max
	case "Minimum":
		value = b.min
	case "Average":
		value = b.sum / float64(b.count)
	case "SampleCount":
		value = float64(b.count)
	}
	if a.breaches(value) {
		return Breaching
	}
	return NotBreaching
}

// floor returns the last multiple of step that is not after at.
func floor(at, step int64) int64 {
	rest := at % step
	if rest < 0 {
		return at - rest - step
	}
	return at - rest
}
