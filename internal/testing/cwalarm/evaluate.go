package cwalarm

// Datapoint is the verdict on one period, in the letters of CloudWatch's documentation.
type Datapoint byte

// The values of a Datapoint.
const (
	Missing      Datapoint = '-'
	NotBreaching Datapoint = '0'
	Breaching    Datapoint = 'X'
)

// Evaluate returns the next state of an alarm that is in the given state. evaluationRange holds the
// data points, oldest first. The range may be longer than EvaluationPeriods, because CloudWatch
// reads further back when data is missing.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func (a Alarm) Evaluate(evaluationRange []Datapoint, state State) State {
	var f pointCounts
	for i := len(evaluationRange) - 1; i >= 0 && f.existing() < a.EvaluationPeriods; i-- {
		f.add(evaluationRange[i], len(evaluationRange)-i)
	}
	return a.decide(f, state)
}

// pointCounts counts the newest existing data points of an evaluation range, at most
// EvaluationPeriods of them.
type pointCounts struct {
	breaching, notBreaching int
	// oldest is the age of the oldest breaching data point, in periods. The newest period has age 1.
	oldest int
}

func (f pointCounts) existing() int { return f.breaching + f.notBreaching }

// add counts the next older data point.
func (f *pointCounts) add(d Datapoint, age int) {
	switch d {
	case Breaching:
		f.breaching++
		f.oldest = age
	case NotBreaching:
		f.notBreaching++
	}
}

func (a Alarm) decide(f pointCounts, state State) State {
	n, m := a.EvaluationPeriods, a.datapointsToAlarm()
	missing := n - f.existing()
	if f.breaching >= m {
		return InAlarm // for every treatment of missing data
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
	// With missing and ignore, only existing points count. One NotBreaching point is enough for OK.
	switch {
	case f.notBreaching > 0:
		return OK
	case a.treatment() == "ignore":
		return state
	case f.oldest >= m:
		return InAlarm // all existing points breach, and the oldest has an age of at least M periods
	}
	return InsufficientData
}
