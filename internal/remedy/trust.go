package remedy

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TrustCause is the cause of a guard about a trust policy.
const TrustCause iampolicy.Cause = "trust-policy"

const (
	lambdaService = "lambda.amazonaws.com"
	assumeRole    = "sts:AssumeRole"
)

// trustGuard describes a trust policy that does not let Lambda assume the role, with the smallest
// edit that does.
func (r *repair) trustGuard(id Need, why string) {
	guard := Guard{Cause: TrustCause, Policy: "trust policy", Owner: ownerAccount, Why: why,
		Blocks: []Need{id}}
	location := iampolicy.Location{Kind: iampolicy.TrustLocation, Holder: r.target.Name}
	if r.target.Trust != nil {
		before := r.target.Trust.Trusts(lambdaService)
		for _, m := range slices.Concat(before.Matched, before.Undecided) {
			guard.Statements = append(guard.Statements, m.Ref())
		}
		for _, form := range trustForms(r.target.Trust) {
			d, ok := trustDocument(form.document)
			if !ok || size(d, false) > quotaOf(location) {
				continue
			}
			if after := d.Trusts(lambdaService); after.Conditional ||
				after.Decision != iampolicy.Allowed {
				continue
			}
			guard.Why = ""
			guard.Closes = []Need{id}
			guard.Edits = []Edit{{Policy: guard.Policy, Location: location, Before: r.target.Trust,
				After: d, Changes: []Change{form.change}, Characters: size(d, false), Quota: quotaOf(location)}}
			break
		}
	}
	r.fix.Guards = append(r.fix.Guards, guard)
}

// A trustForm is a changed trust policy.
type trustForm struct {
	document *iampolicy.Document
	change   Change
}

// trustForms returns the changes to try: a corrected service name, else a further statement.
func trustForms(d *iampolicy.Document) (forms []trustForm) {
	for i := range d.Statements {
		s := d.Statements[i]
		for at, p := range s.Principal {
			if s.Effect != iampolicy.Allow || p.Type != "Service" || len(p.Name) > 64 ||
				textfmt.EditDistance(strings.ToLower(p.Name), lambdaService) > 2 {
				continue
			}
			s.Principal = slices.Clone(s.Principal)
			s.Principal[at].Name = lambdaService
			changed := &iampolicy.Document{Version: d.Version, ID: d.ID,
				Statements: slices.Clone(d.Statements)}
			changed.Statements[i] = s
			forms = append(forms, trustForm{changed, Change{Kind: CorrectResource, Statement: i + 1,
				Sid: s.Sid, Old: []string{p.Name}, New: []string{lambdaService},
				Text: p.Name + " is no service: " + lambdaService + " was meant"}})
		}
	}
	added := &iampolicy.Document{Version: d.Version, ID: d.ID,
		Statements: append(slices.Clone(d.Statements), iampolicy.Statement{Effect: iampolicy.Allow,
			Principal: []iampolicy.Principal{{Type: "Service", Name: lambdaService}},
			Action:    []string{assumeRole}})}
	if added.Version == "" {
		added.Version = iampolicy.Version
	}
	return append(forms, trustForm{added, Change{Kind: AddStatement, New: []string{assumeRole},
		Text: "add a statement that lets " + lambdaService + " assume the role"}})
}

// trustDocument writes a trust policy and parses it again, as IAM will.
func trustDocument(d *iampolicy.Document) (*iampolicy.Document, bool) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, false
	}
	parsed, err := iampolicy.ParseTrust(string(text))
	if err != nil {
		return nil, false
	}
	again, err := json.Marshal(parsed)
	return parsed, err == nil && string(again) == string(text)
}
