package cwalarm

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A Point is one value of the metric. Its time counts to the minute, as CloudWatch keeps metrics of
// standard resolution (to ten seconds for alarms with shorter periods); it can be read Delay after
// it.
type Point struct {
	Time  time.Time
	Value float64
	Delay time.Duration
}

// A Life is the circumstances an alarm lives in.
type Life struct {
	// Created is when the alarm was made, in INSUFFICIENT_DATA; Until is when nobody looks any more.
	Created, Until time.Time
	// Extra is how many periods before its evaluation periods the alarm looks at where data is
	// missing. CloudWatch does not say how many; the example on its page has 2.
	Extra int
}

// A Change is one change of state.
type Transition struct {
	Time     time.Time
	From, To State
}

// Transitions lists the changes of state in a life, oldest first. Points may come in any order, and
// may be older than the alarm: it looks at them too. The error is that of Validate.
func (a Alarm) Transitions(points []Point, life Life) ([]Transition, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	s := newSeries(a, points, life)
	var changes []Transition
	state := InsufficientData
	for now, until := s.first, life.Until.Unix(); now <= until; {
		f, next := s.look(now)
		if to := a.decide(f, state); to != state {
			changes = append(changes, Transition{time.Unix(now, 0).UTC(), state, to})
			state = to
		}
		now = next
	}
	return changes, nil
}

// A series is the metric of an alarm, laid out for looking at it again and again. Times are in
// seconds.
type series struct {
	alarm   Alarm
	periods int64   // of the evaluation range
	tick    int64   // between evaluations
	grain   int64   // of the points' times
	first   int64   // the first evaluation
	points  []point // by time
	coming  []int64 // when points can first be seen, in order

	before, came int // how many of points are before the end of the window, and of coming before now
}

type point struct {
	at, seen int64
	value    float64
}

func newSeries(a Alarm, points []Point, life Life) *series {
	s := &series{alarm: a, periods: int64(a.EvaluationPeriods + max(life.Extra, 0)), grain: 60,
		tick: 60}
	switch {
	case a.Period < 60:
		s.grain, s.tick = 10, 10
	case a.Window() > day:
		s.tick = 3600
	}
	for _, p := range points {
		at := floor(p.Time.Unix(), s.grain)
		// Not before its minute is over.
		s.points = append(s.points, point{at, max(p.Time.Add(p.Delay).Unix(), at+s.grain), p.Value})
	}
	slices.SortStableFunc(s.points, func(p, q point) int { return cmp.Compare(p.at, q.at) })
	for _, p := range s.points {
		s.coming = append(s.coming, p.seen)
	}
	slices.Sort(s.coming)

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

// evaluation is the first evaluation at a time or after it.
func (s *series) evaluation(at int64) int64 {
	if at <= s.first {
		return s.first
	}
	return s.first + floor(at-s.first+s.tick-1, s.tick)
}

// windowFull is when data first fills the window of an alarm made at a time: the window is over
// since the first point after it, and the latest period has data.
func (s *series) windowFull(created int64) int64 {
	period, start := int64(s.alarm.Period), int64(math.MaxInt64)
	for _, p := range s.points {
		if p.at < floor(created, s.grain) {
			continue
		}
		start = min(start, p.at)
		if full := start + int64(s.alarm.Window()/time.Second); p.at+period >= full {
			return max(full, p.seen)
		}
	}
	return math.MaxInt64
}

// look is what there is to see at a time, and the next evaluation that may see something else.
// Times must not go back.
func (s *series) look(now int64) (f found, next int64) {
	period := int64(s.alarm.Period)
	end := floor(now, s.tick) // a multi-day alarm sees what was up to the full hour
	next = math.MaxInt64
	for s.came < len(s.coming) && s.coming[s.came] <= now {
		s.came++
	}
	if s.came < len(s.coming) {
		next = s.coming[s.came]
	}
	for s.before < len(s.points) && s.points[s.before].at < end {
		s.before++
	}
	var values bucket
	age := int64(0) // of the period that values are of, 1 is the newest
	for i := s.before - 1; i >= 0 && f.existing() < s.alarm.EvaluationPeriods; i-- {
		p := &s.points[i]
		if p.at < end-period*s.periods {
			break
		}
		if p.seen > now {
			continue
		}
		of := (end - p.at + period - 1) / period
		if of != age && values.count > 0 {
			f.add(values.datapoint(s.alarm), int(age))
			values = bucket{}
		}
		age = of
		values.add(p.value)
		// Where periods are as short as the steps of the window, points keep their periods until they
		// leave the range.
		if period > s.tick {
			next = min(next, p.at+of*period+s.tick)
		} else {
			next = min(next, p.at+s.periods*period+s.tick)
		}
	}
	if values.count > 0 && f.existing() < s.alarm.EvaluationPeriods {
		f.add(values.datapoint(s.alarm), int(age))
	}
	// A breaching point may turn old enough without anything else happening; and the window of a
	// multi-day alarm is not at now.
	if s.tick == 3600 || s.alarm.treatment() == "missing" && f.existing() > 0 {
		next = now + s.tick
	}
	if next == math.MaxInt64 {
		return f, next
	}
	return f, max(s.evaluation(next), now+s.tick)
}

// A bucket is what a period's points add up to.
type bucket struct {
	count         int
	sum, min, max float64
}

func (b *bucket) add(v float64) {
	if b.count == 0 {
		b.min, b.max = v, v
	}
	b.count++
	b.sum += v
	b.min, b.max = min(b.min, v), max(b.max, v)
}

func (b *bucket) datapoint(a Alarm) Datapoint {
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

// floor is the last multiple of step up to at.
func floor(at, step int64) int64 {
	if rest := at % step; rest < 0 {
		return at - rest - step
	} else {
		return at - rest
	}
}
