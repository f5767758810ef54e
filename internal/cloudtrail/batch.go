package cloudtrail

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

const (
	// MaxChanges is how many changes of one event are kept. Those beyond are counted.
	MaxChanges = 1000
	// maxUnreadable is of how many messages is kept why they cannot be read.
	maxUnreadable = 10
	// maxShown is how much is kept of each.
	maxShown = 200
	// maxBody is the size of a message in SQS.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	maxBody = 1 << 20
)

// A Batch is what one event of the function told about IAM.
type Batch struct {
	// Changes are what may have changed something, each once, the newest first. More counts those
	// beyond MaxChanges.
	Changes []IAMChange
	More    int
	// Dropped counts messages that told of nothing: of failed calls, of other calls, of what is known
	// already.
	Dropped int
	// Unreadable counts messages that could not be read, Why says why, of the first.
	Unreadable int
	Why        []Unreadable

	known map[string]bool
}

// An Unreadable is a message that could not be read.
type Unreadable struct {
	// Message is its id in the queue, Begins how its body begins: nobody will see it again.
	Message, Begins string
	Err             error
}

// Single makes a batch of one event. Its error is Read's.
func Single(event []byte) (Batch, error) {
	var b Batch
	c, changed, err := Read(event)
	if err != nil {
		return Batch{}, err
	}
	b.add(c, changed)
	return b, nil
}

// ReadQueue reads the event that Lambda makes of messages in SQS. The error is that of an event
// that is none. A message that cannot be read is no error, or it would come back with all the
// others until they are lost together. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func ReadQueue(event []byte) (Batch, error) {
	e, _ := objectOf(event)
	var records []json.RawMessage
	if err := json.Unmarshal(e["Records"], &records); err != nil || len(records) == 0 {
		return Batch{}, errors.New(`its "Records" are no list, or an empty one`)
	}
	var b Batch
	for i, raw := range records {
		r, _ := objectOf(raw)
		if source := r.text("eventSource", maxName); source != "aws:sqs" {
			return Batch{}, fmt.Errorf(`record %d of its "Records" has eventSource %q, and not "aws:sqs"`,
				i+1, source)
		}
	}
	for _, raw := range records {
		r, _ := objectOf(raw)
		c, changed, err := readMessage(r)
		if err != nil {
			b.Unreadable++
			if len(b.Why) < maxUnreadable {
				b.Why = append(b.Why, Unreadable{r.text("messageId", maxName), r.text("body", maxShown), err})
			}
			continue
		}
		b.add(c, changed)
	}
	slices.SortStableFunc(b.Changes, func(x, y IAMChange) int {
		return cmp.Or(y.At.Compare(x.At), cmp.Compare(x.ID, y.ID))
	})
	return b, nil
}

func readMessage(record object) (IAMChange, bool, error) {
	var body string
	if err := json.Unmarshal(record["body"], &body); err != nil {
		return IAMChange{}, false, errors.New("it has no body")
	}
	if len(body) > maxBody {
		return IAMChange{}, false, fmt.Errorf("it has %d bytes, more than a message of SQS", len(body))
	}
	return Read([]byte(body))
}

// add takes a change in, unless it is known.
func (b *Batch) add(c IAMChange, changed bool) {
	key := c.key()
	switch {
	case !changed || b.known[key]:
		b.Dropped++
		return
	case len(b.Changes) == MaxChanges:
		b.More++
		return
	}
	if b.known == nil {
		b.known = map[string]bool{}
	}
	b.known[key] = true
	b.Changes = append(b.Changes, c)
}

// key tells one change from another: SQS may deliver an event twice, and so may a rule here and a
// forwarded one. The id alone would do for what CloudTrail sends. By all that is said, nothing
// hides a change by having its id.
func (c IAMChange) key() string { return fmt.Sprintf("%#v", c) }

// Of is the batch without what happened in other accounts: an organization's bus may forward that.
// What does not tell its account stays.
func (b Batch) Of(account string) Batch {
	all := len(b.Changes)
	b.Changes = slices.DeleteFunc(slices.Clone(b.Changes), func(c IAMChange) bool {
		return c.Account != "" && c.Account != account
	})
	b.Dropped += all - len(b.Changes)
	return b
}
