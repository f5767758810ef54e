package collect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A reading is what came of some reads: policies, and what could not be had.
type snapshot struct {
	policies []iampolicy.Policy
	problems []audit.Problem
	// absent says that the principal does not exist; cutOff that the deadline came first.
	absent, cutOff bool
}

func (r *snapshot) add(o snapshot) {
	r.policies = append(r.policies, o.policies...)
	r.problems = append(r.problems, o.problems...)
	r.absent = r.absent || o.absent
	r.cutOff = r.cutOff || o.cutOff
}

// parallel reads n things at once and keeps their order.
func parallel(n int, read func(i int) snapshot) (all snapshot) {
	results := make([]snapshot, n)
	parallelN(n, func(i int) { results[i] = read(i) })
	for _, r := range results {
		all.add(r)
	}
	return all
}

// document decodes and parses one policy document. IAM sends documents percent-encoded as RFC 3986
// says, so a bare '+' is a plus and not a blank.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
func document(id, encoded string,
	parse func(string) (*iampolicy.Document, error)) (*iampolicy.Document, *audit.Problem) {
	text, err := url.PathUnescape(encoded)
	if err != nil {
		return nil, &audit.Problem{What: id, Why: "is not percent-encoded: " + err.Error()}
	}
	doc, err := parse(text)
	if err != nil {
		return nil,
			&audit.Problem{What: id, Why: err.Error(),
				Remedy: "correct the document: nobody can say what it grants"}
	}
	return doc, nil
}

func policy(id, encoded string) snapshot {
	doc, problem := document(id, encoded, iampolicy.Parse)
	if problem != nil {
		return snapshot{problems: []audit.Problem{*problem}}
	}
	return snapshot{policies: []iampolicy.Policy{{ID: id, Document: doc}}}
}

const (
	deadline       = "the deadline came first"
	throttleRemedy = "find what else asks IAM so much in this account, or run the audit at another " +
		"time"
)

// failed turns an error into a fact. action is the one the auditor would need.
func failed(ctx context.Context, what, action string, err error) snapshot {
	if ctx.Err() != nil {
		p := audit.Problem{What: what, Why: deadline,
			Remedy: "give it more time (the function's timeout, or --timeout), or fewer principals and " +
				"regions"}
		if errors.Is(ctx.Err(), context.Canceled) {
			p.Why, p.Remedy = "the audit was interrupted", ""
		}
		return snapshot{cutOff: true, problems: []audit.Problem{p}}
	}
	p := audit.Problem{What: what}
	var api smithy.APIError
	switch {
	case !errors.As(err, &api):
		p.Why = strings.ReplaceAll(err.Error(), "\n", ": ")
	case isDenied(api):
		p.Why, p.Grant = "access denied: "+api.ErrorMessage(), action
	case isThrottle(err):
		p.Why = "throttled until the retries were used up: " + api.ErrorMessage()
		p.Remedy = throttleRemedy
	default:
		p.Why = fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return snapshot{problems: []audit.Problem{p}}
}

func isDenied(err smithy.APIError) bool {
	switch err.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return true
	}
	return false
}

func isThrottle(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}

// isGone reports that IAM does not know the entity, or the policy, that was asked for.
func isGone(err error) bool {
	return hasCode(err, "NoSuchEntity", "NoSuchEntityException")
}

func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
