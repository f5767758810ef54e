package awsemu

import (
	"slices"
	"time"
)

// maxKept is how many calls, messages and datums each are kept: the newest. A server left running
// for days must not grow without end.
const maxKept = 100_000

// A Call is a request the server got.
type Call struct {
	// Service and Operation are as in Fault.Operation: "iam" and "GetRole".
	Service   string
	Operation string
	Region    string
	// Caller is the ARN of who signed it.
	Caller string
	// Params are the parameters of a Query request by their dotted names, without Action and Version.
	// A CloudWatch request of any protocol has its Namespace here.
	Params map[string]string
	// Started and Ended are when the request had been read and when its reply was about to be written.
	// They are real time with a monotonic reading, independent of Server.Now.
	Started, Ended time.Time
	// Code is the error's code when the call was refused. Lost replies were not refused.
	Code string
	// Lost says that the reply was never sent: by a fault, or because the client had gone.
	Lost bool
}

// Rounds returns how many of the calls had to wait for another to end: the length of the longest
// chain in which each started after the one before had ended. A client that sends everything at
// once needs one.
func Rounds(calls []Call) int {
	// The longest chain of disjoint intervals is found by taking, again and again, the one that ends
	// first.
	byEnd := slices.Clone(calls)
	slices.SortStableFunc(byEnd, func(a, b Call) int { return a.Ended.Compare(b.Ended) })
	rounds := 0
	var free time.Time
	for _, c := range byEnd {
		if rounds == 0 || c.Started.After(free) {
			rounds++
			free = c.Ended
		}
	}
	return rounds
}

// keep appends to a list that forgets its oldest items.
func keep[T any](list []T, items ...T) []T {
	list = append(list, items...)
	if over := len(list) - maxKept; over > 0 {
		list = slices.Delete(list, 0, over)
	}
	return list
}
