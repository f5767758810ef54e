package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// StateVersion is that of the state as JSON: docs/state.schema.json.
const StateVersion = "1"

// ErrNewerState is the error of a state that a newer release wrote. Whoever meets it alerts without
// a memory, and does not overwrite it.
var ErrNewerState = errors.New("the state is of a newer release: deploy that one, or one that " +
	"came after it")

// A State is what is remembered from one run to the next. The zero value is that of an auditor that
// never ran: what it finds is a baseline.
type State struct {
	SchemaVersion string `json:"schemaVersion"`
	// Run is the last run that was confirmed.
	Run audit.Run `json:"run,omitzero"`
	// Baseline is when the first message went out, or when a first run had nothing to say. Zero means
	// that everything known is still to be told as a baseline.
	Baseline time.Time `json:"baseline,omitzero"`
	// Announced is the dedupKey of the last message. The next one's is made from it, so that no two
	// announcements ever share a key, however alike they are.
	Announced string `json:"announced,omitempty"`
	// Gaps are open, or were closed of late: those count how often a gap came back. Ordered by
	// identity.
	Gaps []Gap `json:"gaps,omitempty"`
	// Errors are what the auditor could not look at. Ordered by target.
	Errors []Error `json:"errors,omitempty"`
	// Mutes are those in force when the last message went out. Ordered by what they match.
	Mutes []SeenMute `json:"mutes,omitempty"`
	// Notices are those that were told, or that were there before any were. Nil is of a release that
	// told none.
	Notices []SeenNotice `json:"notices,omitzero"`
	// Pending is a message that was claimed and is not confirmed yet.
	Pending *Pending `json:"pending,omitempty"`
}

// Pending is a claim: a message that one run is about to publish, stored beside the last confirmed
// state. Who finds it past Until publishes the message as it is and confirms Next.
type Pending struct {
	ID       string  `json:"id"`
	DedupKey string  `json:"dedupKey"`
	Message  Message `json:"message"`
	// Next is the state once the message is out. It has no Pending.
	Next State `json:"next"`
	// Owner is the run that claimed, Until how long nobody else may publish.
	Owner string    `json:"owner"`
	Until time.Time `json:"until"`
}

// A Gap is what is remembered of one gap.
type Gap struct {
	Identity
	// Status, Cause, Severity and Why are as last seen: they tell of a gap that is gone.
	Status   audit.Status      `json:"status"`
	Cause    audit.Cause       `json:"cause"`
	Severity policies.Severity `json:"severity"`
	Why      string            `json:"why,omitempty"`
	// Region is where the example was, if that was an audited region: a gap does not recover by
	// leaving a region out.
	Region string `json:"region,omitempty"`
	// Unlisted says that something around the audit went wrong when it was last seen, so that it was
	// not for sure known what is deployed: nothing is forgotten for that alone.
	Unlisted bool `json:"unlisted,omitempty"`
	// Since is when it was first seen, of this opening; Opened counts the openings.
	Since  time.Time `json:"since"`
	Opened int       `json:"opened"`
	// Notified is when it was last announced, zero for never; TellStatus and TellSeverity are what was
	// said, Reminders how often since.
	Notified         time.Time         `json:"told,omitzero"`
	NotifiedStatus   audit.Status      `json:"toldStatus,omitempty"`
	NotifiedSeverity policies.Severity `json:"toldSeverity,omitempty"`
	Reminders        int               `json:"reminders,omitempty"`
	// Thread is the chat thread in which it was announced.
	Thread string `json:"thread,omitempty"`
	// Muted says that it was muted when last seen.
	Muted bool `json:"muted,omitempty"`
	// Closed is when it recovered or retired; zero while it is open.
	Closed time.Time `json:"closed,omitzero"`
}

// An Error is what is remembered of something that could not be looked at.
type Error struct {
	// Target is whom it is about. What is empty for a target that is audited, and else says what is
	// wrong.
	Target string    `json:"target,omitempty"`
	What   string    `json:"what,omitempty"`
	Since  time.Time `json:"since"`
	// Unverified says that nothing at all could be learnt about the target.
	Unverified bool `json:"dark,omitempty"`
	// Runs counts the runs in a row that met it.
	Runs int `json:"runs"`
	// Notified is when it was last announced, zero for never; ToldDark is what was said, Reminders how
	// often since.
	Notified           time.Time `json:"told,omitzero"`
	NotifiedUnverified bool      `json:"toldDark,omitempty"`
	Reminders          int       `json:"reminders,omitempty"`
	Thread             string    `json:"thread,omitempty"`
}

// A SeenMute is what is remembered of a mute.
type SeenMute struct {
	Mute
	// Hid and HidWorst are how many gaps it hid, and the worst of them, when that was last said.
	Hid      int               `json:"hid"`
	HidWorst policies.Severity `json:"hidWorst,omitempty"`
	// Expiring and Unused say that this was announced.
	Expiring bool `json:"expiring,omitempty"`
	Unused   bool `json:"unused,omitempty"`
}

// ParseState reads a state. The error is ErrNewerState for one that a newer release wrote; every
// other error means that the text is not a state: it was damaged.
func ParseState(text []byte) (State, error) {
	var head struct {
		SchemaVersion string `json:"schemaVersion"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return State{}, fmt.Errorf("the state is not JSON: %w", err)
	}
	version, err := strconv.Atoi(head.SchemaVersion)
	if own, _ := strconv.Atoi(StateVersion); err == nil && version > own {
		return State{}, fmt.Errorf("schemaVersion %d: %w", version, ErrNewerState)
	}
	if err != nil || version < 1 {
		return State{}, fmt.Errorf("the state has schemaVersion %q", head.SchemaVersion)
	}
	var s State
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&s); err != nil {
		return State{}, fmt.Errorf("the state is not as it was written: %w", err)
	}
	if err := s.check(); err != nil {
		return State{}, err
	}
	return s, nil
}

// check refuses what no release wrote.
func (s State) check() error {
	for _, g := range s.Gaps {
		if g.Since.IsZero() || statusRank(g.Status) < statusRank(audit.Conditional) || g.Opened < 1 ||
			g.Severity == 0 || g.Reminders < 0 {
			return fmt.Errorf("the state has a gap that cannot be: %+v", g.Identity)
		}
	}
	for _, e := range s.Errors {
		if e.Since.IsZero() || e.Runs < 0 || e.Reminders < 0 {
			return errors.New("the state has an auditor error that cannot be")
		}
	}
	if s.Pending != nil {
		switch p := s.Pending; {
		case p.Next.Pending != nil:
			return errors.New("the state has a claim within a claim")
		case p.Message.Zero():
			return errors.New("the state has a claim without a message")
		default:
			return p.Next.check()
		}
	}
	return nil
}

// JSON is the state as it is stored, for people to read as well.
func (s State) JSON() []byte {
	s.SchemaVersion = StateVersion
	var b bytes.Buffer
	// What marshal returns is JSON.
	_ = json.Indent(&b, []byte(marshal(s)), "", " ")
	b.WriteByte('\n')
	return b.Bytes()
}
