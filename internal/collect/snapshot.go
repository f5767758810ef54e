package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsanswer"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// snapshot is the result of one or more reads: policies and problems.
type snapshot struct {
	policies []iampolicy.Policy
	problems []audit.Problem
	// existence is what the reads say about the existence of the principal.
	existence
	// gone is true if IAM did not find the policy or group that was read.
	gone bool
	// cutOff is true if the deadline ended the reads.
	cutOff bool
}

func (r *snapshot) merge(o snapshot) {
	r.policies = append(r.policies, o.policies...)
	r.problems = append(r.problems, o.problems...)
	r.existence.merge(o.existence)
	r.cutOff = r.cutOff || o.cutOff
}

// parallel runs n reads concurrently and merges their results in order.
func parallel(n int, read func(i int) snapshot) (all snapshot) {
	results := make([]snapshot, n)
	parallelN(n, func(i int) { results[i] = read(i) })
	for _, r := range results {
		all.merge(r)
	}
	return all
}

// parseDocument decodes and parses one policy document. IAM percent-encodes documents as in RFC
// 3986, so '+' is a plus, not a blank.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
func parseDocument(id, encoded string,
	parse func(string) (*iampolicy.Document, error)) (*iampolicy.Document, *audit.Problem) {
	text, err := url.PathUnescape(encoded)
	if err != nil {
		return nil, &audit.Problem{What: id, Why: "not percent-encoded: " + err.Error()}
	}
	doc, err := parse(text)
	if err != nil {
		return nil,
			&audit.Problem{What: id, Why: err.Error(),
				Remedy: "correct the document: its permissions are unknown"}
	}
	return doc, nil
}

// documentCache holds parsed documents by their text, because many principals have copies of the
// same document.
type documentCache struct {
	mu     sync.Mutex
	parsed map[string]*iampolicy.Document
	bytes  int // the length of the texts
}

// maxCached is the largest length of all texts in a documentCache. A cache that would exceed it
// drops its documents.
const maxCached = 1 << 20

// parse returns the document with a text, parsed at most once while it is in the cache.
func (c *documentCache) parse(text string) (*iampolicy.Document, error) {
	c.mu.Lock()
	doc := c.parsed[text]
	c.mu.Unlock()
	if doc != nil {
		return doc, nil
	}
	doc, err := iampolicy.Parse(text)
	if err != nil || len(text) > maxCached {
		return doc, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed[text] != nil {
		return c.parsed[text], nil
	}
	if c.bytes += len(text); c.parsed == nil || c.bytes > maxCached {
		c.parsed, c.bytes = map[string]*iampolicy.Document{}, len(text)
	}
	c.parsed[text] = doc
	return doc, nil
}

func (r *run) policy(id, encoded string) snapshot {
	doc, problem := parseDocument(id, encoded, r.parsed.parse)
	if problem != nil {
		return snapshot{problems: []audit.Problem{*problem}}
	}
	return snapshot{policies: []iampolicy.Policy{{ID: id, Document: doc}}}
}

// storedIn returns the snapshot with the location of its policies.
func (r snapshot) storedIn(at iampolicy.Location) snapshot {
	for i := range r.policies {
		r.policies[i].Location = at
	}
	return r
}

const (
	deadline       = "the deadline ended the read"
	throttleRemedy = "reduce other calls to IAM in this account, or run the audit at another time"
	// incompleteRemedy is for an answer that lacks what each real answer holds.
	incompleteRemedy = "run the audit again; if the answer stays incomplete, look for a proxy " +
		"between the auditor and AWS that changes it"
	expiredRemedy = "renew the credentials: sign in again, or set new keys"
	invalidRemedy = "use valid credentials of this account, and check the clock of this machine"
	networkRemedy = "check the network between the auditor and AWS, and run the audit again"
	serviceRemedy = "run the audit again; if the error stays, check the AWS Health Dashboard"
)

// remedies are the remedies for error codes that all services have in common. The codes of the
// protocols differ. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
var remedies = map[string]string{
	"ExpiredToken": expiredRemedy, "ExpiredTokenException": expiredRemedy,
	"RequestExpired": expiredRemedy, "TokenRefreshRequired": expiredRemedy,
	"InvalidClientTokenId": invalidRemedy, "UnrecognizedClientException": invalidRemedy,
	"SignatureDoesNotMatch": invalidRemedy, "InvalidSignatureException": invalidRemedy,
	"IncompleteSignature": invalidRemedy, "IncompleteSignatureException": invalidRemedy,
	"MissingAuthenticationToken": invalidRemedy, "MissingAuthenticationTokenException": invalidRemedy,
	"InvalidAccessKeyId": invalidRemedy, "AuthFailure": invalidRemedy,
	"OptInRequired": "complete the sign-up of the account, or enable the region",
}

// problemOf returns a snapshot with the problem of a failed call. action is the called action. Each
// problem has an action to grant or a remedy.
func problemOf(ctx context.Context, what, action string, err error) snapshot {
	if ctx.Err() != nil {
		p := audit.Problem{What: what, Why: deadline,
			Remedy: "increase the time limit (the function's timeout, or --timeout), or audit fewer " +
				"principals and regions"}
		if errors.Is(ctx.Err(), context.Canceled) {
			p.Why, p.Remedy = "the audit was interrupted", ""
		}
		return snapshot{cutOff: true, problems: []audit.Problem{p}}
	}
	p := audit.Problem{What: what}
	var api smithy.APIError
	var incomplete *awsanswer.Incomplete
	switch {
	case errors.As(err, &incomplete):
		p.Why, p.Remedy = incomplete.Error(), incompleteRemedy
	case errors.Is(err, errRepeatedMarker), errors.Is(err, errTooLong):
		p.Why, p.Remedy = err.Error(), incompleteRemedy
	case errors.Is(err, errCallLimit):
		p.Why = err.Error()
	case !errors.As(err, &api):
		p.Why, p.Remedy = strings.ReplaceAll(err.Error(), "\n", ": "), networkRemedy
	case isDenied(api):
		p.Why, p.Grant = "access denied: "+api.ErrorMessage(), action
	case awsanswer.IsThrottle(err):
		p.Why = "throttled, and all retries failed: " + api.ErrorMessage()
		p.Remedy = throttleRemedy
	default:
		p.Why = fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
		p.Remedy = cmp.Or(remedies[api.ErrorCode()], serviceRemedy)
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

// isGone reports whether an error means that the entity or policy does not exist.
func isGone(err error) bool {
	return hasCode(err, "NoSuchEntity", "NoSuchEntityException")
}

func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
