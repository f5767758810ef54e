package remedy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// FuzzRepair repairs targets with any two identity policies, boundary and service control policy.
// An empty text stands for no policy.
func FuzzRepair(f *testing.F) {
	user, role := policies.Latest().Document(policies.User), policies.Latest().Document(policies.Role)
	f.Add(user, role, "", "", true)
	f.Add(strings.ReplaceAll(user, "remotionlambda", "remotionlamda"), "", role, user, true)
	f.Add(role, hostile(`{"Effect":"Deny","NotAction":"s3:Get*","NotResource":"arn:aws:s3:::x"}`), "",
		hostile(`{"Effect":"Allow","Action":"*","Resource":"*"}`), false)
	f.Add(hostile(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlamda-*"}`),
		hostile(`{"Effect":"Deny","Action":["*"],"Resource":"arn:*",`+
			`"Condition":{"StringLike":{"a:b":"*"}}}`),
		"", "", false)
	f.Add(`{"Statement":{"Effect":"Allow","NotAction":"iam:*","Resource":"${aws:username}"}}`,
		hostile(`{"Effect":"Allow","Action":"S3:PUTOBJECT","Resource":"arn:aws:s3:::remotionlambda-é*"}`),
		"", "", true)
	f.Add(hostile(`{"Effect":"Deny","Action":"lambda:*","Resource":"*"}`), role,
		hostile(`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:lambda:*"}`), "", true)
	f.Fuzz(func(t *testing.T, first, second, boundary, control string, caller bool) {
		kind := audit.RenderRole
		if caller {
			kind = audit.Caller
		}
		var documents []*iampolicy.Document
		for _, text := range []string{first, second, boundary, control} {
			if text == "" {
				documents = append(documents, nil)
				continue
			}
			d, err := iampolicy.Parse(text)
			if err != nil {
				return
			}
			documents = append(documents, d)
		}
		checkHostile(t, hostileFacts(t, kind, documents...))
	})
}

// hostile returns a document with the statements.
func hostile(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// hostileFacts returns the facts about a target with two identity policies, a boundary and a
// service
// control policy; nil for none.
func hostileFacts(t testing.TB, kind audit.TargetKind,
	documents ...*iampolicy.Document) audit.Facts {
	t.Helper()
	name, purpose := "user/ci", policies.All
	if kind == audit.RenderRole {
		name, purpose = "role/"+policies.RoleName, policies.Render
	}
	prefix := "arn:aws:iam::" + account + ":"
	target := audit.TargetFacts{Kind: kind, Name: name, ARN: prefix + name, Purpose: purpose,
		Presence: audit.Present, Answers: map[needs.SimulationRequest]audit.Answer{},
		Scope: needs.Scope{Partition: policies.AWS, Account: account, Regions: []string{"us-east-1"},
			Caller: prefix + name, RenderRole: prefix + "role/" + policies.RoleName}}
	for i, d := range documents[:2] {
		if d != nil { // both documents have one name: an inline and a managed policy
			target.Grants.Identity = append(target.Grants.Identity, iampolicy.Policy{
				ID: []string{`inline policy "p"`, `managed policy "p"`}[i], Document: d,
				Location: []iampolicy.Location{{Kind: iampolicy.InlineLocation, Holder: name, Name: "p"},
					{Kind: iampolicy.ManagedLocation, Holder: name, Name: "p", Attachments: 1,
						ARN: prefix + "policy/p"}}[i]})
		}
	}
	if d := documents[2]; d != nil {
		target.Grants.Boundary = &iampolicy.Policy{ID: "boundary", Document: d,
			Location: iampolicy.Location{
				Kind: iampolicy.BoundaryLocation, ARN: prefix + "policy/b"}}
	}
	if d := documents[3]; d != nil {
		target.Grants.Organization = [][]iampolicy.Policy{{{ID: "control", Document: d,
			Location: iampolicy.Location{Kind: iampolicy.SCPLocation, ARN: "arn:aws:organizations::1:p"}}}}
	}
	for _, r := range target.Scope.Requirements([]policies.Release{policies.Latest()}, kind.Policy(),
		purpose) {
		for _, n := range target.Scope.Needed(r) {
			got := target.Grants.Evaluate(iampolicy.Request{Action: n.Action, Resource: n.Resource,
				Context: target.RequestContext(n.SimulationRequest)})
			target.Answers[n.SimulationRequest] = audit.Answer{Decision: got.Decision,
				OrganizationDenies: !got.OrganizationAllows, BoundaryDenies: !got.BoundaryAllows}
		}
	}
	return audit.Facts{Account: account, Partition: policies.AWS, Regions: target.Scope.Regions,
		Release: policies.Latest(), Requested: "auto", Targets: []audit.TargetFacts{target}}
}

// checkHostile checks that each edit of each fix is a document within its quota that a reader can
// parse, and that the samples of what the edits close are allowed.
func checkHostile(t *testing.T, facts audit.Facts) {
	t.Helper()
	target := facts.Targets[0]
	for _, fix := range audit.Evaluate(facts).Fixes {
		var edits []remedy.Edit
		edits = append(edits, fix.Edits...)
		for _, g := range fix.Guards {
			if g.Cause != remedy.TrustCause {
				edits = append(edits, g.Edits...)
			}
		}
		for _, e := range edits {
			text, err := json.Marshal(e.After)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := iampolicy.Parse(string(text)); err != nil {
				t.Errorf("%s: %v: %s", e.Policy, err, text)
			}
			if e.Characters > e.Quota || len(e.Changes) == 0 {
				t.Errorf("%s: %d of %d characters, %d changes", e.Policy, e.Characters, e.Quota, len(e.Changes))
			}
		}
		if fix.Withheld != "" && fix.Edits != nil && len(fix.Edits) > 0 {
			t.Errorf("withheld (%s), but with edits", fix.Withheld)
		}
		fixed := target.Grants
		fixed.Identity = append([]iampolicy.Policy{}, fixed.Identity...)
		for _, e := range fix.Edits {
			found := false
			for i := range fixed.Identity {
				if fixed.Identity[i].Location.Kind == e.Location.Kind && e.Before != nil {
					fixed.Identity[i].Document, found = e.After, true
				}
			}
			if !found {
				fixed.Identity = append(fixed.Identity, iampolicy.Policy{ID: "new", Document: e.After})
			}
		}
		for _, n := range fix.Closes {
			wantClosed(t, target, fixed, n)
		}
	}
}

func wantClosed(t *testing.T, target audit.TargetFacts, fixed iampolicy.Grants, n remedy.Need) {
	t.Helper()
	for _, r := range target.Scope.Requirements([]policies.Release{policies.Latest()},
		target.Kind.Policy(),
		target.Purpose) {
		if (remedy.Need{Sid: r.Sid, Action: r.Action, Resource: r.Resource}) != n {
			continue
		}
		for _, need := range target.Scope.Needed(r) {
			ctx := target.RequestContext(need.SimulationRequest)
			ctx["aws:PrincipalArn"], ctx["aws:PrincipalAccount"] = []string{target.ARN}, []string{account}
			if target.Kind == audit.Caller {
				ctx["aws:username"] = []string{"ci"}
			}
			if got := fixed.Evaluate(iampolicy.Request{Action: need.Action, Resource: need.Resource,
				Context: ctx}).Decision; got != iampolicy.Allowed {
				t.Errorf("closed, but %s: %s on %s", got, need.Action, need.Resource)
			}
		}
	}
}

// TestHostileDocuments repairs targets whose documents are as large or as strange as AWS accepts,
// and larger.
func TestHostileDocuments(t *testing.T) {
	many := func(n int, form string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = strings.ReplaceAll(form, "#", fmt.Sprint(i))
		}
		return hostile(list...)
	}
	sid := strings.Repeat("a", 128)
	for _, test := range []struct{ name, first, second string }{
		{"a document of 250 KB", many(2500,
			`{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::remotionlamda-#-*-b-*-c-*"}`),
			""},
		{"thousands of Denies", many(3000, `{"Effect":"Deny","Action":"s3:*",`+
			`"Resource":"arn:aws:s3:::*-#-*"}`),
			policies.Latest().Document(policies.User)},
		{"thousands of misspelt actions", many(2000, `{"Effect":"Allow","Action":"s3:PutObjcet#",`+
			`"Resource":"*"}`), ""},
		{"one statement with thousands of patterns", hostile(`{"Effect":"Allow",` +
			`"Action":["s3:PutObject"],` +
			`"Resource":["` + strings.Repeat(`arn:aws:s3:::remotionlambd-*","`, 3000) +
			`arn:aws:s3:::x"]}`), ""},
		{"stars", hostile(`{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::` + strings.Repeat(
			"a*", 2000) + `"}`),
			policies.Latest().Document(policies.User)},
		{"overlapping Denies", many(40, `{"Effect":"Deny","Action":"s3:*t",`+
			`"Resource":"arn:aws:s3:::*#*o*#"}`),
			policies.Latest().Document(policies.User)},
		{"characters outside ASCII", hostile(`{"Effect":"Allow","Action":"s3:PütObject",` +
			`"Resource":"arn:aws:s3:::remotionlambda-é\u202e*"}`),
			hostile(`{"Sid":"","Effect":"Deny","Action":"s3:\u0000*",` +
				`"Resource":"arn:aws:s3:::\ud83d\ude00"}`)},
		{"variables", hostile(`{"Effect":"Allow","Action":"*",` +
			`"Resource":["arn:aws:s3:::${aws:username}","arn:aws:s3:::${aws:PrincipalTag/x, '*'}*"]}`),
			hostile(`{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::${*}${?}${$}"}`)},
		{"Version 2008", `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*",` +
			`"Resource":"arn:aws:s3:::remotionlamda-${aws:username}*"}}`,
			`{"Statement":[{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]}`},
		{"NotAction and NotResource", hostile(`{"Effect":"Allow","NotAction":["s3:PutObject",` +
			`"lambda:*"],"NotResource":"arn:aws:s3:::x"}`),
			hostile(`{"Effect":"Deny","NotAction":"iam:*",`+
				`"NotResource":["arn:aws:s3:::remotionlambda-*","arn:aws:lambda:*"]}`,
				`{"Effect":"Deny","NotAction":"logs:*","Resource":"arn:aws:logs:*"}`)},
		{"Sids of the maximum length", hostile(`{"Sid":"`+sid+`","Effect":"Allow",`+
			`"Action":"s3:GetObject","Resource":"*"}`,
			`{"Sid":"Storage","Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`,
			`{"Sid":"StorageRemotion","Effect":"Allow","Action":"s3:GetObject",`+
				`"Resource":"arn:aws:s3:::q"}`), ""},
	} {
		for _, kind := range []audit.TargetKind{audit.RenderRole, audit.Caller} {
			if kind == audit.Caller && len(test.first) > 50_000 {
				continue // one kind of a large document is enough
			}
			t.Run(test.name+" of a "+string(kind), func(t *testing.T) {
				var documents []*iampolicy.Document
				for _, text := range []string{test.first, test.second} {
					d, err := iampolicy.Parse(text)
					if text != "" && err != nil {
						t.Fatal(err)
					}
					documents = append(documents, d)
				}
				checkHostile(t, hostileFacts(t, kind, documents[0], documents[1], nil, nil))
			})
		}
	}
}
