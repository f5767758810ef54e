package alert

import (
	"errors"
	"fmt"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// RefusedError is the error of a message that a destination refuses for good: a retry of the same
// message fails as well.
type RefusedError struct {
	Err error
	// Content is true if the message is the cause, so that another message may be accepted. It is
	// false if the destination does not exist.
	Content bool
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the destination.
func (e *RefusedError) Unwrap() error { return e.Err }

// Refused is an alert that was given up, as stored in the state until a message announces that.
type Refused struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
	Why     string    `json:"why"`
	// Times counts the alerts since the last message that were given up for their content. It is zero
	// if the topic did not exist.
	Times int `json:"times,omitempty"`
}

// RefusedWhat is the What of the auditor error about a refused alert.
const RefusedWhat = "an alert was given up"

// maxRefusedText bounds the texts of a refused alert, which may come from a damaged state.
const maxRefusedText = 500

// GiveUp returns the state without its claim. The next plan announces that the alert was given up,
// and announces its content anew: in a shorter form if the content may be the cause.
func (s State) GiveUp(m Message, why error, now time.Time) State {
	times := 0
	if s.Refused != nil {
		times = min(max(s.Refused.Times, 0), maxCount)
	}
	var refused *RefusedError
	if !errors.As(why, &refused) || refused.Content {
		times++
	}
	s.Pending = nil
	s.Refused = &Refused{At: now.UTC(), Subject: textfmt.ASCII(m.Subject, maxRefusedText),
		Why: textfmt.Truncate(why.Error(), maxRefusedText), Times: times}
	return s
}

// problem returns the auditor error about the refused alert.
func (r Refused) problem() audit.Problem {
	return audit.Problem{What: RefusedWhat,
		Why: fmt.Sprintf("%q, %s: %s", textfmt.ASCII(r.Subject, maxRefusedText), textfmt.Time(r.At),
			textfmt.Truncate(r.Why, maxRefusedText)),
		Remedy: "no action needed: this message announces again what is still true"}
}
