package cloudtrail

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

const (
	// MaxChanges is the maximum number of changes in a Batch. Batch.More counts the others.
	MaxChanges = 1000
	// maxErrors is the maximum number of Batch.Errors.
	maxErrors = 10
	// maxPrefix is the maximum length of UnreadableMessage.Prefix in characters.
	maxPrefix = 200
	// maxBody is the maximum size of a message in SQS, in bytes.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	maxBody = 1 << 20
)

// A Batch is the result of reading one event of the function.
type Batch struct {
	// Changes are at most MaxChanges changes, without duplicates, newest first. More counts the
	// changes that were left out.
	Changes []IAMChange
	More    int
	// Dropped counts messages that add no change: failed calls, calls that change no permissions,
	// duplicates, and the changes that InAccount removes.
	Dropped int
	// Unreadable counts messages that could not be read. Errors contains the first maxErrors of these
	// messages.
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

// ReadEvent returns one EventBridge event as a batch. It returns the error of Read.
func ReadEvent(event []byte) (Batch, error) {
	var b Batch
	c, changed, err := Read(event)
	if err != nil {
		return Batch{}, err
	}
	b.add(c, changed)
	return b, nil
}

// ReadQueue returns the batch in an event that Lambda creates from messages in SQS. It returns an
// error if event is not such an event. An unreadable message is not an error: SQS would deliver the
// whole batch again and again, until all its messages are lost.
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

// add adds c to b.Changes. If changed is false, if c is a duplicate, or if b.Changes is full, add
// only counts c.
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

// key returns a text that identifies a change, to detect duplicates. SQS may deliver an event
// twice, and a local rule and a forwarding rule may both deliver an event. CloudTrail's event id
// alone would be enough for real events. The key contains all fields, so that a forged event cannot
// hide a change by reusing the change's id.
func (c IAMChange) key() string { return fmt.Sprintf("%#v", c) }

// InAccount returns the batch without the changes in other accounts, which an organization's event
// bus may forward, and counts them as dropped. It keeps a change if its account is unknown.
func (b Batch) InAccount(account string) Batch {
	before := len(b.Changes)
	b.Changes = slices.DeleteFunc(slices.Clone(b.Changes), func(c IAMChange) bool {
		return c.Account != "" && c.Account != account
	})
	b.Dropped += before - len(b.Changes)
	return b
}
