package render

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/alerttest"
)

var (
	start     = alerttest.Start
	reportOf  = alerttest.Report
	finding   = alerttest.Finding
	fixture   = alerttest.Fixture
	triggered = alerttest.Triggered
	newDrift  = alerttest.NewDrift
)

var misconfigured = alerttest.Misconfigured()

const (
	hour = time.Hour
	day  = 24 * hour
)

// story is a sequence of runs whose messages are rendered.
type story struct {
	*alerttest.Story
	from Sender
}

func newStory(t testing.TB) *story {
	return &story{alerttest.NewStory(t), Sender{Function: "remotion-audit", Region: "us-east-1",
		Bucket: "audit-evidence", Evidence: "reports/2026/11/16/r1.json"}}
}

// rendered is a plan with its message. The message is zero if there is nothing to announce.
type rendered struct {
	alert.Planned
	Message alert.Message
	from    Sender
}

// key returns the dedupKey of the message, or "".
func (r rendered) key() string {
	if r.Digest == nil {
		return ""
	}
	return r.Digest.DedupKey
}

func (s *story) render(p alert.Planned) rendered {
	r := rendered{Planned: p, from: s.from}
	if p.Digest != nil {
		r.Message = Message(*p.Digest, s.from)
	}
	return r
}

func (s *story) run(r audit.Report) rendered { return s.render(s.Run(r)) }

func (s *story) after(d time.Duration, r audit.Report) rendered { return s.render(s.After(d, r)) }

// decoded returns the default body of a message.
func decoded(m alert.Message) jsonBody {
	var d jsonBody
	if err := json.Unmarshal([]byte(m.Bodies["default"]), &d); err != nil {
		panic(err) // the default body is always JSON
	}
	return d
}

func attribute(m alert.Message, name string) string {
	for _, a := range m.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
