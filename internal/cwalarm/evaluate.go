package cwalarm

// A Datapoint is what an alarm makes of one period, in the letters of CloudWatch's page.
type Datapoint byte

// The kinds of data points.
const (
	Missing      Datapoint = '-'
	NotBreaching Datapoint = '0'
	Breaching    Datapoint = 'X'
)

// Evaluate is the state that follows from the data points of the evaluation range, oldest first,
// for an alarm in a state. The range is longer than EvaluationPeriods where CloudWatch looks
// further back.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func (a Alarm) Evaluate(evaluationRange []Datapoint, state State) State {
	var f found
	for i := len(evaluationRange) - 1; i >= 0 && f.existing() < a.EvaluationPeriods; i-- {
		f.add(evaluationRange[i], len(evaluationRange)-i)
	}
	return a.decide(f, state)
}

// found is what the newest existing data points of an evaluation range are, at most
// EvaluationPeriods of them.
type found struct {
	breaching, good int
	// oldest is the age of the oldest breaching one, in periods: 1 is the newest period.
	oldest int
}

func (f found) existing() int { return f.breaching + f.good }

// add takes the next older data point.
func (f *found) add(d Datapoint, age int) {
	switch d {
	case Breaching:
		f.breaching++
		f.oldest = age
	case NotBreaching:
		f.good++
	}
}

func (a Alarm) decide(f found, state State) State {
	n, m := a.EvaluationPeriods, a.toAlarm()
	missing := n - f.existing()
	if f.breaching >= m {
		return InAlarm // whatever the missing ones are taken for
	}
	if missing == 0 {
		return OK
	}
	switch a.treatment() {
	case "breaching":
		if f.breaching+missing >= m {
			return InAlarm
		}
		return OK
	case "notBreaching":
		return OK
	}
	// Missing points stand for nothing: what exists decides, and one good point is enough for OK.
	switch {
	case f.good > 0:
		return OK
	case a.treatment() == "ignore":
		return state
	case f.oldest >= m:
		return InAlarm // nothing but breaching ones for so long, though they are fewer than M
	}
	return InsufficientData
}
