package cloudtrail

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

const (
	// MaxChanges is the number of changes that a Batch keeps. Further ones are counted in More.
	MaxChanges = 1000
	// maxErrors is the number of unreadable messages that a Batch keeps.
	maxErrors = 10
	// maxPrefix is the number of characters that it keeps of each.
	maxPrefix = 200
	// maxBody is the maximum size of a message in SQS, in bytes.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	maxBody = 1 << 20
)

// A Batch is the result of reading one event of the function.
type Batch struct {
	// Changes are the changes, without duplicates, newest first. More counts those beyond MaxChanges.
	Changes []IAMChange
	More    int
	// Dropped counts messages without a change: failed calls, other calls, and duplicates.
	Dropped int
	// Unreadable counts messages that could not be read. Errors has the first maxErrors of them.
	Unreadable int
	Errors     []UnreadableMessage

	seen map[string]bool
}

// An UnreadableMessage is a message that could not be read.
type UnreadableMessage struct {
	// MessageID is the message's id in the queue. Prefix is the beginning of its body, kept because
	// SQS does not deliver the message again.
	MessageID, Prefix string
	Err               error
}

// ReadEvent reads one event as a batch. Its error is that of Read.
func ReadEvent(event []byte) (Batch, error) {
	var b Batch
	c, changed, err := Read(event)
	if err != nil {
		return Batch{}, err
	}
	b.add(c, changed)
	return b, nil
}

// ReadQueue reads the event that Lambda makes of messages in SQS. The error says that it is not
// such an event. An unreadable message is not an error: SQS would deliver the whole batch again and
// again, until all its messages are lost.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func ReadQueue(event []byte) (Batch, error) {
	e, _ := objectOf(event)
	var records []json.RawMessage
	if err := json.Unmarshal(e["Records"], &records); err != nil || len(records) == 0 {
		return Batch{}, errors.New(`"Records" must be a list of at least one record`)
	}
	var b Batch
	for i, raw := range records {
		r, _ := objectOf(raw)
		if source := r.text("eventSource", maxName); source != "aws:sqs" {
			return Batch{}, fmt.Errorf(`record %d of "Records" must have eventSource "aws:sqs", got %q`,
				i+1, source)
		}
	}
	for _, raw := range records {
		r, _ := objectOf(raw)
		c, changed, err := readMessage(r)
		if err != nil {
			b.Unreadable++
			if len(b.Errors) < maxErrors {
				b.Errors = append(b.Errors, UnreadableMessage{r.text("messageId", maxName),
					r.text("body", maxPrefix), err})
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
		return IAMChange{}, false, errors.New("the message has no body")
	}
	if len(body) > maxBody {
		return IAMChange{}, false, fmt.Errorf("the body must have at most %d bytes, got %d", maxBody,
			len(body))
	}
	return Read([]byte(body))
}

// add adds a change, or counts it if it is a duplicate or one too many.
func (b *Batch) add(c IAMChange, changed bool) {
	key := c.key()
	switch {
	case !changed || b.seen[key]:
		b.Dropped++
		return
	case len(b.Changes) == MaxChanges:
		b.More++
		return
	}
	if b.seen == nil {
		b.seen = map[string]bool{}
	}
	b.seen[key] = true
	b.Changes = append(b.Changes, c)
}

// key identifies a change. SQS may deliver an event twice, and so may a local rule together with a
// forwarding rule. The event id would suffice for the events of CloudTrail. The key has all fields,
// so that a forged event cannot hide a change by reusing its id.
func (c IAMChange) key() string { return fmt.Sprintf("%#v", c) }

// InAccount returns the batch without the changes in other accounts, which an organization's event
// bus may forward. It keeps changes whose account is unknown.
func (b Batch) InAccount(account string) Batch {
	all := len(b.Changes)
	b.Changes = slices.DeleteFunc(slices.Clone(b.Changes), func(c IAMChange) bool {
		return c.Account != "" && c.Account != account
	})
	b.Dropped += all - len(b.Changes)
	return b
}
