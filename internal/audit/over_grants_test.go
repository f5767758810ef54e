package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// overGrantsOf returns the notices about over-grants of a report.
func overGrantsOf(r Report) (list []Notice) {
	for _, n := range r.Notices {
		if n.OverGrant() {
			list = append(list, n)
		}
	}
	return list
}

// factsWith returns the facts of the compliant account with the policies of its caller or of its
// render role, as inline policies with room.
func factsWith(t *testing.T, kind policies.PolicyKind, texts ...string) (Facts, *TargetFacts) {
	t.Helper()
	facts := compliantFacts(t)
	at := 0
	if kind == policies.Role {
		at = 1
	}
	target := &facts.Targets[at]
	facts.Targets = facts.Targets[at : at+1]
	target.Grants = iampolicy.Grants{}
	for i, text := range texts {
		name := fmt.Sprintf("p%d", i)
		target.Grants.Identity = append(target.Grants.Identity, iampolicy.Policy{
			ID: fmt.Sprintf("managed policy %q", name), Document: policytest.Parse(t, text),
			Location: iampolicy.Location{Kind: iampolicy.ManagedLocation, Holder: target.Name, Name: name}})
	}
	return facts, target
}

// TestDocumentedPoliciesAreNoOverGrant checks the documents of all releases, on the newest and on
// their own release.
func TestDocumentedPoliciesAreNoOverGrant(t *testing.T) {
	for _, release := range policies.Releases(policies.AWS) {
		for _, kind := range policies.Kinds {
			facts, _ := factsWith(t, kind, release.Document(kind))
			for _, judged := range []policies.Release{release, policies.Latest()} {
				facts.Release = judged
				if list := overGrantsOf(Evaluate(facts)); list != nil {
					t.Errorf("the %s policy of %s, judged by %s: %+v", kind, release, judged, list)
				}
			}
		}
	}
}

const adminPolicy = `{"Version":"2012-10-17","Statement":[` +
	`{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// with adds a statement to the newest document of a kind.
func with(kind policies.PolicyKind, statement string) string {
	text := policies.Latest().Document(kind)
	at := strings.LastIndex(text, "]")
	return text[:at] + "," + statement + text[at:]
}

// TestOverGrants checks each kind of over-grant, with its severity. Where a notice has tightened
// documents, the account with these has the same findings, and no notice of the kind.
func TestOverGrants(t *testing.T) {
	user, role := policies.Latest().Document(policies.User), policies.Latest().Document(policies.Role)
	wildcard := func(action, resource string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[%s],`+
			`"Resource":%q}]}`, action, resource)
	}
	for _, test := range []struct {
		name    string
		kind    policies.PolicyKind
		purpose policies.Purpose
		texts   []string
		want    string // kind severity, with + if there are tightened documents
	}{
		{"an administrator that renders", policies.Role, policies.Render, []string{adminPolicy},
			"[administrator-access high+]"},
		{"an administrator that calls", policies.User, policies.All, []string{adminPolicy},
			"[administrator-access low+]"},
		{"an administrator beside the documented policy", policies.User, policies.Render,
			[]string{user, adminPolicy}, "[administrator-access low+]"},
		{"a power user", policies.User, policies.All, []string{user, `{"Version":"2012-10-17",` +
			`"Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*"],"Resource":"*"}]}`},
			"[administrator-access low+]"},
		{"two wildcards in two policies", policies.Role, policies.Render,
			[]string{wildcard(`"s3:*","sqs:SendMessage"`, "*"), wildcard(`"lambda:*"`, "*"), role},
			"[service-wildcard medium+]"},
		{"every bucket", policies.User, policies.All,
			[]string{user, wildcard(`"s3:*"`, "arn:aws:s3:::*")},
			"[service-wildcard low+]"},
		{"every action on Remotion's buckets", policies.Role, policies.Render,
			[]string{role, wildcard(`"s3:*"`, "arn:aws:s3:::remotionlambda-*")}, "[]"},
		{"a wildcard of another service", policies.User, policies.All,
			[]string{user, wildcard(`"dynamodb:*"`, "*")}, "[]"},
		{"the user policy on a role", policies.Role, policies.Render, []string{role, user},
			"[user-policy-on-role medium+]"},
		{"deploy rights of a caller that renders", policies.User, policies.Render, []string{user},
			"[deploy-rights medium+]"},
		{"a caller that deploys", policies.User, policies.Deploy, []string{user}, "[]"},
		{"an added right", policies.Role, policies.Render,
			[]string{with(policies.Role, `{"Sid":"Mail","Effect":"Allow","Action":["ses:SendEmail"],`+
				`"Resource":["*"]}`)}, "[unneeded-rights low+]"},
		{"an action that does not exist", policies.Role, policies.Render,
			[]string{with(policies.Role, `{"Effect":"Allow","Action":["s3:GetObjects"],`+
				`"Resource":["*"]}`)}, "[]"},
		{"a policy for other work", policies.Role, policies.Render,
			[]string{role, wildcard(`"sqs:SendMessage","dynamodb:GetItem"`, "*")}, "[]"},
	} {
		facts, target := factsWith(t, test.kind, test.texts...)
		target.Purpose = test.purpose
		before := Evaluate(facts)
		var got []string
		notices := overGrantsOf(before)
		for _, n := range notices {
			text := fmt.Sprint(n.Kind, " ", n.Severity)
			if n.Tightened != nil {
				text += "+"
			}
			got = append(got, text)
		}
		if fmt.Sprint(got) != test.want {
			t.Errorf("%s: %v, want %s", test.name, got, test.want)
			continue
		}
		for _, n := range notices {
			if n.Tightened == nil {
				continue
			}
			for _, e := range n.Tightened.Edits {
				i := slices.IndexFunc(target.Grants.Identity, func(p iampolicy.Policy) bool {
					return p.Location.Name == e.Location.Name
				})
				target.Grants.Identity[i].Document = e.After
			}
			after := Evaluate(facts)
			for k, f := range after.Findings {
				if f.Status != before.Findings[k].Status {
					t.Errorf("%s: %s on %s becomes %s", test.name, f.Action, f.Resource, f.Status)
				}
			}
			for _, rest := range overGrantsOf(after) {
				if rest.Kind == n.Kind {
					t.Errorf("%s: after the edit, %s: %s", test.name, rest.Kind, rest.Text)
				}
			}
			if n.Command == "" || !strings.Contains(n.Text, onlyRemotion) {
				t.Errorf("%s: the notice is %+v", test.name, n)
			}
		}
	}
}

// TestLimitedRightsAreNoOverGrant checks that rights count only if all layers allow them without a
// condition, and only if all documents were read.
func TestLimitedRightsAreNoOverGrant(t *testing.T) {
	limit := func(g *iampolicy.Grants, text string) {
		g.Boundary = &iampolicy.Policy{ID: "boundary", Document: policytest.Parse(t, text)}
	}
	for name, change := range map[string]func(*TargetFacts){
		"a boundary": func(f *TargetFacts) {
			limit(&f.Grants, policies.Latest().Document(policies.Role))
		},
		"a Deny": func(f *TargetFacts) {
			f.Grants.Identity = append(f.Grants.Identity, iampolicy.Policy{ID: "deny",
				Document: policytest.Parse(t, `{"Statement":{"Effect":"Deny","Action":"*","NotResource":[`+
					`"arn:aws:s3:::remotionlambda-*","arn:aws:lambda:*:*:function:remotion-render-*"]}}`)})
		},
		"a condition": func(f *TargetFacts) {
			f.Grants.Identity[0].Document = policytest.Parse(t, `{"Statement":{"Effect":"Allow",`+
				`"Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}}`)
		},
		"an unread policy": func(f *TargetFacts) { f.Unread = []Problem{{What: "x", Why: "y"}} },
	} {
		facts, target := factsWith(t, policies.Role, adminPolicy)
		change(target)
		if list := overGrantsOf(Evaluate(facts)); list != nil {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

// TestAPolicyOfAWSIsReplaced checks that the tightened document for a policy of AWS is a new inline
// policy, and that the policy of AWS is named.
func TestAPolicyOfAWSIsReplaced(t *testing.T) {
	facts, target := factsWith(t, policies.Role, adminPolicy)
	target.Grants.Identity[0].ByAWS = true
	list := overGrantsOf(Evaluate(facts))
	if len(list) != 1 || list[0].Tightened == nil {
		t.Fatalf("%+v, want a notice with a tightened document", list)
	}
	edit := list[0].Tightened.Edits[0]
	if edit.Before != nil || edit.Location.Kind != iampolicy.InlineLocation ||
		edit.Location.Holder != target.Name || !slices.Equal(list[0].Tightened.Detach,
		[]string{`managed policy "p0"`}) {
		t.Errorf("%+v, want a new inline policy and p0 to detach", list[0].Tightened)
	}
}
