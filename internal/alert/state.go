package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// StateVersion is the schema version of the state as JSON: docs/state.schema.json.
const StateVersion = "1"

// MaxState is the length of the longest state that ParseState reads, in bytes. A state with a
// thousand gaps is smaller than 1 MB.
const MaxState = 16 << 20

// stateLimits leave space for a claim and a state with 25,000 gaps each. An element takes about 500
// bytes of memory, even if it is short in the text.
var stateLimits = jsonlimit.Limits{Bytes: MaxState, Depth: 12, Values: 800_000, Elements: 50_000}

// ErrNewerState is returned for a state that a newer release wrote. The caller must not overwrite
// such a state, and alerts without a state.
var ErrNewerState = errors.New("a newer release wrote the state: deploy that release or a later " +
	"one")

// State is what one run stores for the next run. The zero value is the state of an auditor that
// never ran: its first findings are a baseline.
type State struct {
	SchemaVersion string `json:"schemaVersion"`
	// Run is the last confirmed run.
	Run audit.Run `json:"run,omitzero"`
	// Baseline is the time of the first message, or of the first run if that run had no message to
	// send. Zero means that the next message announces all gaps as a baseline.
	Baseline time.Time `json:"baseline,omitzero"`
	// Announced is the dedupKey of the last message. The next key is derived from this key, so that
	// two equal announcements at different times have different keys.
	Announced string `json:"announced,omitempty"`
	// Gaps are the open gaps, and the gaps that closed within closedRetention, so that Plan recognizes
	// a gap that reopens. They are ordered by identity.
	Gaps []Gap `json:"gaps,omitempty"`
	// Errors are the open auditor errors, ordered by target.
	Errors []Error `json:"errors,omitempty"`
	// Mutes are the mutes in force when Next was last stored, ordered by the fields that match gaps.
	Mutes []SeenMute `json:"mutes,omitempty"`
	// Notices are the notices that were announced, or that existed before this release announced
	// notices. Nil means that the release that wrote the state announced no notices.
	Notices []SeenNotice `json:"notices,omitzero"`
	// Judgement is Judgement.Rules of the auditor that wrote the state, and Judged are the
	// requirements that it judged. Both are empty in the states of releases until November 2026.
	Judgement string `json:"judgement,omitempty"`
	Judged    Judged `json:"judged,omitempty"`
	// Configured is the configuration of the last complete run. Nil means that the release that wrote
	// the state did not store it.
	Configured *Configuration `json:"configured,omitempty"`
	// Regions are the audited regions, ordered by name, with the functions found there.
	Regions []SeenRegion `json:"regions,omitempty"`
	// Documents identifies the documents of satisfied targets that are stored beside the state. Empty
	// means that none are known to be stored.
	Documents string `json:"documents,omitempty"`
	// Refused is an alert that was given up. The next message announces that.
	Refused *Refused `json:"refused,omitempty"`
	// Pending is the claim of a message that is not confirmed yet.
	Pending *Pending `json:"pending,omitempty"`
}

// Pending is a claim: a message that one run is about to publish, stored beside the last confirmed
// state. A run that reads an expired claim publishes its message unchanged and confirms Next.
type Pending struct {
	ID       string  `json:"id"`
	DedupKey string  `json:"dedupKey"`
	Message  Message `json:"message"`
	// Next is the state after the message is published. It has no Pending.
	Next State `json:"next"`
	// Owner is the run that made the claim. Until is when its lease ends. Before that time, only the
	// owner may publish the message.
	Owner string    `json:"owner"`
	Until time.Time `json:"until"`
	// Takeovers counts the runs that took the claim over from its owner.
	Takeovers int `json:"takeovers,omitempty"`
}

// Gap is a gap as stored in the state.
type Gap struct {
	Identity
	// Status, Cause, Severity and Why have the values of the last run that found the gap. A message
	// about a closed gap shows them.
	Status   audit.Status      `json:"status"`
	Cause    audit.Cause       `json:"cause"`
	Severity policies.Severity `json:"severity"`
	Why      string            `json:"why,omitempty"`
	// Region is the region of the example, if that region was audited. A gap does not recover when its
	// region is no longer audited.
	Region string `json:"region,omitempty"`
	// Unlisted is true if the run that last found the gap could not list all deployed functions. Such
	// a gap may close while the functions still cannot be listed.
	Unlisted bool `json:"unlisted,omitempty"`
	// Since is when the gap last opened: the time of the run that found it. Opened counts how often
	// the gap opened.
	Since  time.Time `json:"since"`
	Opened int       `json:"opened"`
	// Notified is when the gap was last announced; zero means never. NotifiedStatus and
	// NotifiedSeverity are its status and severity in that announcement. Reminders counts the
	// reminders since the gap opened or got worse.
	Notified         time.Time         `json:"told,omitzero"`
	NotifiedStatus   audit.Status      `json:"toldStatus,omitempty"`
	NotifiedSeverity policies.Severity `json:"toldSeverity,omitempty"`
	Reminders        int               `json:"reminders,omitempty"`
	// Thread is the chat thread of the announcement.
	Thread string `json:"thread,omitempty"`
	// Muted is true if the gap was muted when it was last found.
	Muted bool `json:"muted,omitempty"`
	// Missed counts the consecutive complete runs whose reports did not contain the open gap's target,
	// region or requirement. The gap retires after confirmingRuns such runs.
	Missed int `json:"missed,omitempty"`
	// Closed is when the gap recovered or retired; zero while it is open.
	Closed time.Time `json:"closed,omitzero"`
}

// Error is an auditor error as stored in the state.
type Error struct {
	// Target is an audited target, audit.AccountTarget, or empty for an error of the state or the
	// mutes file. What names the problem. What is empty for an audited target, because its problems
	// may differ in each run.
	Target string    `json:"target,omitempty"`
	What   string    `json:"what,omitempty"`
	Since  time.Time `json:"since"`
	// Unverified is true if all findings about the target are unverified.
	Unverified bool `json:"dark,omitempty"`
	// Runs counts the consecutive runs that had the error. It restarts when the error becomes
	// Unverified.
	Runs int `json:"runs"`
	// Notified is when the error was last announced; zero means never. NotifiedUnverified is true if
	// the target was announced as not verified at all. Reminders counts the reminders since the last
	// other announcement of the error.
	Notified           time.Time `json:"told,omitzero"`
	NotifiedUnverified bool      `json:"toldDark,omitempty"`
	Reminders          int       `json:"reminders,omitempty"`
	Thread             string    `json:"thread,omitempty"`
	// Missed counts the consecutive complete runs whose reports did not contain the target.
	Missed int `json:"missed,omitempty"`
}

// SeenMute is a mute as stored in the state.
type SeenMute struct {
	mute.Mute
	// Hid is how many gaps the mute hid when a message last announced that number. HidWorst is the
	// highest severity of these gaps.
	Hid      int               `json:"hid"`
	HidWorst policies.Severity `json:"hidWorst,omitempty"`
	// Expiring is true if the mute ends soon, and Unused if the mute hides nothing.
	Expiring bool `json:"expiring,omitempty"`
	Unused   bool `json:"unused,omitempty"`
}

// ParseState reads a state. It returns ErrNewerState for a state that a newer release wrote. Any
// other error means that the text is damaged. Auditor errors and notices get the texts of this
// release.
func ParseState(text []byte) (State, error) {
	if len(text) > MaxState {
		return State{}, fmt.Errorf("the state must have at most %d bytes", MaxState)
	}
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
		return State{}, fmt.Errorf("the state must have a schemaVersion of at least 1, got %s",
			textfmt.Quote(head.SchemaVersion, maxQuoted))
	}
	if err := jsonlimit.Check(text, stateLimits); err != nil {
		return State{}, fmt.Errorf("the state is too large: %w", err)
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		return State{}, fmt.Errorf("the state does not match its schema: %w", err)
	}
	if err := s.check(); err != nil {
		return State{}, err
	}
	s.Errors = renameErrors(s.Errors)
	renameNotices(s.Notices)
	if s.Pending != nil {
		s.Pending.Next.Errors = renameErrors(s.Pending.Next.Errors)
		renameNotices(s.Pending.Next.Notices)
	}
	return s, nil
}

// maxQuoted is how much of a value an error about a damaged state quotes.
const maxQuoted = 200

// check returns an error for values that no release writes.
func (s State) check() error {
	for _, g := range s.Gaps {
		if g.Since.IsZero() || statusRank(g.Status) < statusRank(audit.Conditional) || g.Opened < 1 ||
			g.Severity == 0 || g.Reminders < 0 {
			return fmt.Errorf("the state has an invalid gap: %s",
				textfmt.Truncate(fmt.Sprintf("%+v", g.Identity), maxQuoted))
		}
	}
	for _, e := range s.Errors {
		if e.Since.IsZero() || e.Runs < 0 || e.Reminders < 0 {
			return fmt.Errorf("the state has an invalid auditor error: %s %s",
				textfmt.Quote(e.Target, maxQuoted), textfmt.Quote(e.What, maxQuoted))
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

// JSON returns the state as it is stored. The JSON is indented for readability.
func (s State) JSON() []byte {
	s.SchemaVersion = StateVersion
	var b bytes.Buffer
	// JSON returns valid JSON, so Indent cannot fail.
	_ = json.Indent(&b, []byte(textfmt.JSON(s)), "", " ")
	b.WriteByte('\n')
	return b.Bytes()
}
