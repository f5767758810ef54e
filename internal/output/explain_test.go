package output

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/explain"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

const (
	account     = "123456789012"
	roleARN     = "arn:aws:iam::123456789012:role/remotion-lambda-role"
	userARN     = "arn:aws:iam::123456789012:user/ci"
	lambdaTrust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow",` +
		`"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	allowAll = `{"Version":"2012-10-17","Statement":{"Sid":"All","Effect":"Allow","Action":"*",` +
		`"Resource":"*"}}`
)

// A world is one principal in an account. Its texts are policy documents.
type world struct {
	user     bool
	identity []string
	boundary string
	scps     []string // one for each level
	hidden   string   // a service control policy that only the simulator applies
	trust    string
	unread   []audit.Problem
	silent   bool // the simulator does not answer
	regions  []string
}

func parsed(t *testing.T, text string) *iampolicy.Document {
	t.Helper()
	doc, err := iampolicy.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc
}

// facts returns the facts about the world. The answers of the simulator are those of the engine.
func (w world) facts(t *testing.T, q explain.Question) (audit.Facts, audit.TargetFacts) {
	t.Helper()
	if w.regions == nil {
		w.regions = []string{"eu-central-1"}
	}
	facts := audit.Facts{Account: account, Partition: policies.AWS, Regions: w.regions,
		Release: policies.Latest(), Requested: "latest"}
	target := audit.TargetFacts{Kind: audit.RenderRole, Name: "role/remotion-lambda-role",
		ARN: roleARN, Purpose: policies.Render, Presence: audit.Present, Unread: w.unread,
		Answers: map[needs.SimulationRequest]audit.Answer{}}
	if w.user {
		target.Kind, target.Name, target.ARN, target.Purpose = audit.Caller, "user/ci", userARN,
			policies.All
	}
	target.Scope = needs.Scope{Partition: policies.AWS, Account: account, Regions: w.regions,
		Caller: target.ARN, RenderRole: roleARN}
	for i, text := range w.identity {
		target.Grants.Identity = append(target.Grants.Identity, iampolicy.Policy{
			ID: []string{`inline policy "remotion"`, `managed policy "extra"`}[i], Document: parsed(t, text),
			Location: iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: target.Name,
				Name: "remotion"}})
	}
	if w.boundary != "" {
		target.Grants.Boundary = &iampolicy.Policy{ID: `permissions boundary "limits"`,
			Document: parsed(t, w.boundary),
			Location: iampolicy.Location{Kind: iampolicy.BoundaryLocation, Name: "limits",
				ARN: "arn:aws:iam::123456789012:policy/limits"}}
	}
	for i, text := range w.scps {
		target.Grants.Organization = append(target.Grants.Organization, []iampolicy.Policy{{
			ID: "service control policy guard.json", Document: parsed(t, text),
			Location: iampolicy.Location{Kind: iampolicy.FileLocation,
				Name: []string{"root", "ou"}[i] + "/guard.json"}}})
	}
	if w.trust == "" {
		w.trust = lambdaTrust
	}
	if !w.user {
		doc, err := iampolicy.ParseTrust(w.trust)
		if err != nil {
			t.Fatal(err)
		}
		target.Trust = doc
	}
	if w.silent {
		target.Unanswered = []audit.Problem{{What: "the simulation", Why: "AWS denies the auditor " +
			"iam:SimulatePrincipalPolicy", Grant: "iam:SimulatePrincipalPolicy"}}
		return facts, target
	}
	releases := facts.JudgedBy(target)
	asked := explain.Simulated(target, releases, q, 20)
	for _, r := range target.Scope.Requirements(releases, target.Kind.Policy(), policies.All) {
		for _, n := range target.Scope.Needed(r) {
			asked = append(asked, n.SimulationRequest)
		}
	}
	for _, a := range asked {
		target.Answers[a] = w.answer(t, target, a)
	}
	return facts, target
}

// answer simulates one request as AWS does.
func (w world) answer(t *testing.T, target audit.TargetFacts,
	q needs.SimulationRequest) audit.Answer {
	t.Helper()
	request := iampolicy.Request{Action: q.Action, Resource: q.Resource,
		Context: target.DecisionContext(q)}
	r := target.Grants.Evaluate(request)
	a := audit.Answer{Decision: r.Decision, Missing: r.Missing}
	for _, m := range r.Matched {
		a.Statements = append(a.Statements, m.String())
	}
	if r.Decision == iampolicy.Allowed && w.hidden != "" {
		scp := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: parsed(t, w.hidden)}}}
		if scp.Evaluate(request).Decision != iampolicy.Allowed {
			a = audit.Answer{Decision: iampolicy.ExplicitDeny, OrganizationDenies: true}
			a.Plausible = &audit.Answer{Decision: iampolicy.ExplicitDeny, OrganizationDenies: true}
		}
	}
	if !r.BoundaryAllows {
		a.BoundaryDenies = true
	}
	if len(w.scps) > 0 && !r.OrganizationAllows {
		a = audit.Answer{Decision: iampolicy.ImplicitDeny, OrganizationDenies: true}
	}
	return a
}

// explanations derives the question in the world.
func (w world) explanations(t *testing.T, q explain.Question) explain.Explanations {
	t.Helper()
	if err := q.Check(); err != nil {
		t.Fatal(err)
	}
	facts, target := w.facts(t, q)
	facts.Targets = []audit.TargetFacts{target}
	report := audit.Evaluate(facts)
	e := explain.Derive(explain.OfTarget(facts, target, report), q)
	if e.Verdict.Status.Gap() && e.Finding != nil {
		e.Fix = explain.FixFor(report.Fixes, e.Principal, *e.Finding)
	}
	return explain.Explanations{SchemaVersion: explain.SchemaVersion, Account: account,
		Explanations: []explain.Explanation{e}}
}

func statement(effect, action, resource, more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"Storage","Effect":"` + effect +
		`","Action":` + action + `,"Resource":` + resource + more + `}]}`
}

const (
	objects = `"arn:aws:s3:::remotionlambda-*"`
	object  = "arn:aws:s3:::remotionlambda-euc1-videos/renders/1/out.mp4"
)

// TestExplain compares the derivation in each situation with a golden file, and validates the JSON.
func TestExplain(t *testing.T) {
	schema := schematest.Compile(t, "explain.schema.json")
	role := policies.Latest().Document(policies.Role)
	tests := []struct {
		name, action, resource string
		world                  world
	}{
		{"allowed", "s3:GetObject", "", world{identity: []string{role}}},
		{"typo", "s3:GetObject", "", world{identity: []string{strings.Replace(role,
			"arn:aws:s3:::remotionlambda-*", "arn:aws:s3:::remotionlamda-*", 1)}}},
		{"wrong-region", "lambda:InvokeFunction", "", world{identity: []string{strings.Replace(role,
			"arn:aws:lambda:*:*:function:remotion-render-*",
			"arn:aws:lambda:us-east-1:*:function:remotion-render-*", 1)}}},
		{"missing", "s3:PutObject", "", world{identity: []string{strings.Replace(role,
			`"s3:PutObject",`, "", 1)}}},
		{"misnamed", "s3:GetObject", "", world{identity: []string{strings.Replace(role,
			`"s3:GetObject"`, `"s3:GetObjects"`, 1)}}},
		{"deny", "s3:DeleteObject", object, world{identity: []string{role,
			statement("Deny", `["s3:Delete*"]`, `"*"`, "")}}},
		{"boundary", "s3:PutObject", "", world{identity: []string{role},
			boundary: statement("Allow", `["s3:GetObject","s3:ListBucket"]`, `"*"`, "")}},
		{"scp-file", "s3:CreateBucket", "", world{identity: []string{role}, scps: []string{allowAll,
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},` +
				`{"Sid":"Regions","Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*",` +
				`"Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1"]}}}]}`}}},
		{"scp-hidden", "s3:CreateBucket", "", world{identity: []string{role},
			hidden: statement("Allow", `"lambda:*"`, `"*"`, "")}},
		{"unmet-condition", "s3:GetObject", "", world{identity: []string{statement("Allow",
			`"s3:GetObject"`, objects, `,"Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`)}}},
		{"undecided-condition", "s3:GetObject", "", world{user: true, identity: []string{
			statement("Allow", `"s3:GetObject"`, objects,
				`,"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`)}}},
		{"not-action", "iam:PassRole", "", world{user: true, identity: []string{
			`{"Version":"2012-10-17","Statement":[{"Sid":"PowerUser","Effect":"Allow",` +
				`"NotAction":["iam:*","organizations:*"],"Resource":"*"}]}`}}},
		{"not-resource", "s3:GetObject", "", world{identity: []string{
			`{"Version":"2012-10-17","Statement":[{"Sid":"Others","Effect":"Allow","Action":"s3:*",` +
				`"NotResource":["arn:aws:s3:::remotionlambda-*"]}]}`}}},
		{"unread", "s3:GetObject", "", world{identity: []string{role}, unread: []audit.Problem{{
			Target: "role/remotion-lambda-role", What: `managed policy "extra"`,
			Why: "AWS denies the auditor iam:GetPolicyVersion", Grant: "iam:GetPolicyVersion"}}}},
		{"star", "s3:ListAllMyBuckets", "", world{identity: []string{statement("Allow",
			`"s3:ListAllMyBuckets"`, `"arn:aws:s3:::*"`, "")}}},
		{"trust", "sts:AssumeRole", "", world{identity: []string{role}, trust: `{"Version":` +
			`"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},` +
			`"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":"123456789012"},` +
			`"Action":"sts:AssumeRole"}]}`}},
		{"multi-statement", "s3:GetObject", "arn:aws:s3:::remotionlambda-*/*", world{
			regions: []string{"eu-central-1", "us-east-1"}, identity: []string{
				`{"Version":"2012-10-17","Statement":[{"Sid":"Renders","Effect":"Allow",` +
					`"Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-euc1-*/renders/*"},` +
					`{"Sid":"Sites","Effect":"Allow","Action":["s3:Get*"],` +
					`"Resource":"arn:aws:s3:::remotionlambda-euc1-*/sites/*"},{"Sid":"Write","Effect":` +
					`"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::remotionlambda-*"}]}`}}},
		{"several-resources", "s3:GetObject", "", world{regions: []string{"eu-central-1", "us-east-1",
			"us-west-2"}, identity: []string{statement("Allow", `"s3:GetObject"`,
			`"arn:aws:s3:::remotionlambda-useast1-*"`, "")}}},
		{"not-needed", "dynamodb:GetItem", "arn:aws:dynamodb:eu-central-1:123456789012:table/t",
			world{user: true, identity: []string{allowAll}}},
		{"not-simulated", "s3:GetObject", "", world{identity: []string{role}, silent: true}},
		{"hostile", "s3:GetObject", "", world{identity: []string{strings.ReplaceAll(statement("Allow",
			`"s3:GetObject"`, `"arn:aws:s3:::remotionlamda-*"`,
			`,"Condition":{"StringEquals":{"aws:PrincipalTag/\u001b[31m":"\u202e<b>"}}`), "Storage",
			"Storage")}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			all := test.world.explanations(t, explain.Question{Action: test.action,
				Resource: test.resource})
			var text, data bytes.Buffer
			if err := explainText(&text, all, textfmt.View{}); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", "explain", test.name+".txt"), text.Bytes())
			if err := explainJSON(&data, all, textfmt.View{}); err != nil {
				t.Fatal(err)
			}
			if err := schematest.Validate(t, schema, data.Bytes()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestExplainFiles compares the derivation for policy files with golden files.
func TestExplainFiles(t *testing.T) {
	schema := schematest.Compile(t, "explain.schema.json")
	for name, q := range map[string]explain.Question{
		"files-allowed": {Action: "lambda:InvokeFunction"},
		"files-pattern": {Action: "s3:GetObject", Resource: "arn:aws:s3:::*/*"},
	} {
		t.Run(name, func(t *testing.T) {
			grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "role.json",
				Document: parsed(t, policies.Latest().Document(policies.Role))}}}
			e := explain.Derive(explain.OfFiles("role.json", check.Target{Kind: policies.Role}, grants,
				policies.Latest(), nil), q)
			all := explain.Explanations{SchemaVersion: explain.SchemaVersion,
				Explanations: []explain.Explanation{e}}
			var text, data bytes.Buffer
			if err := explainText(&text, all, textfmt.View{}); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", "explain", name+".txt"), text.Bytes())
			if err := explainJSON(&data, all, textfmt.View{}); err != nil {
				t.Fatal(err)
			}
			if err := schematest.Validate(t, schema, data.Bytes()); err != nil {
				t.Error(err)
			}
		})
	}
}
