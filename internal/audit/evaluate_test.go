package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

const bucket = "arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u"

func grants(t *testing.T, texts ...string) iampolicy.Grants {
	t.Helper()
	var g iampolicy.Grants
	for i, text := range texts {
		doc, err := iampolicy.Parse(`{"Version":"2012-10-17","Statement":[` + text + `]}`)
		if err != nil {
			t.Fatal(err)
		}
		g.Identity = append(g.Identity, iampolicy.Policy{ID: fmt.Sprintf("inline policy %q", rune('a'+i)),
			Document: doc})
	}
	return g
}

// The cases follow the table in docs/how-it-judges.md.
func TestAsk(t *testing.T) {
	const (
		allow       = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
		elsewhere   = `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlamda-*"}`
		deny        = `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`
		conditional = `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`
		denyUnless  = `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`
	)
	allowed := &Answer{Decision: iampolicy.Allowed}
	implicit := &Answer{}
	explicit := &Answer{Decision: iampolicy.ExplicitDeny}
	const (
		buckets           = "arn:aws:s3:::remotionlambda-useast1-*"
		secret            = `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-useast1-secret*"}`
		secretUnless      = `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-useast1-secret*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
		onlyExample       = `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-useast1-abcdefghij"}`
		onlyExampleUnless = `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-useast1-r3*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`
	)
	organization := &Answer{OrganizationDenies: true}
	boundary := &Answer{BoundaryDenies: true}
	missing := &Answer{Missing: []string{"aws:SourceIp"}}
	unread := []Problem{{What: "inline policy", Why: "access denied"}}
	tests := []struct {
		name     string
		policies []string
		unread   []Problem
		answer   *Answer
		status   Status
		cause    Cause
	}{
		{"satisfied, allowed", []string{allow}, nil, allowed, Satisfied, ""},
		{"satisfied, denied by the organization", []string{allow}, nil, organization, Denied, SCP},
		{"satisfied, denied by the boundary", []string{allow}, nil, boundary, Denied,
			PermissionsBoundary},
		{"satisfied, denied without a cause from AWS", []string{allow}, nil, implicit, Unverified, ""},
		{"satisfied, not simulated", []string{allow}, nil, nil, Unverified, ""},
		{"missing, denied", nil, nil, implicit, Missing, NoGrant},
		{"missing, denied, with missing context keys of other statements", nil, nil, missing, Missing,
			NoGrant},
		{"missing, allowed", nil, nil, allowed, Unverified, ""},
		{"missing, not simulated", nil, nil, nil, Unverified, ""},
		{"partial, allowed", []string{allow, secret}, nil, allowed, Partial, IdentityDeny},
		{"partial, denied by the organization", []string{allow, secret}, nil, organization, Denied, SCP},
		{"partial, denied by the boundary", []string{allow, secret}, nil, boundary, Denied,
			PermissionsBoundary},
		{"partial, denied without a cause from AWS", []string{allow, secret}, nil, implicit, Unverified,
			""},
		{"partial, the simulated resource is denied", []string{onlyExample}, nil, implicit, Partial,
			NarrowerGrant},
		{"partial, the simulated resource is allowed but not granted", []string{onlyExample}, nil,
			allowed,
			Unverified, ""},
		{"partial, conditional for the simulated resource, denied", []string{onlyExampleUnless}, nil,
			missing,
			Partial, NarrowerGrant},
		{"partial, conditional for the simulated resource, allowed", []string{onlyExampleUnless}, nil,
			allowed,
			Partial, NarrowerGrant},
		{"partial, conditional for the simulated resource, denied by the organization",
			[]string{onlyExampleUnless}, nil, organization, Denied, SCP},
		{"conditional elsewhere, allowed", []string{allow, secretUnless}, nil, allowed, Conditional,
			Condition},
		{"granted elsewhere, denied", []string{elsewhere}, nil, implicit, Missing, NarrowerGrant},
		{"denied, denied", []string{allow, deny}, nil, explicit, Denied, IdentityDeny},
		{"denied, allowed", []string{allow, deny}, nil, allowed, Unverified, ""},
		{"conditional, allowed", []string{conditional}, nil, allowed, Satisfied, ""},
		{"conditional, denied with missing context", []string{conditional}, nil, missing, Conditional,
			Condition},
		{"a conditional deny, denied", []string{allow, denyUnless}, nil, explicit, Conditional,
			Condition},
		{"conditional, denied by the organization", []string{conditional}, nil, organization, Denied,
			SCP},
		{"a conditional allow, denied explicitly by an unknown statement", []string{conditional}, nil,
			explicit,
			Unverified, ""},
		{"unknown, allowed", nil, unread, allowed, Satisfied, ""},
		{"unknown, denied", nil, unread, implicit, Missing, NoGrant},
		{"unknown, denied explicitly", nil, unread, explicit, Denied, IdentityDeny},
		{"unknown, denied by the organization", nil, unread, organization, Denied, SCP},
		{"unknown, denied by the boundary", nil, unread, boundary, Denied, PermissionsBoundary},
		{"unknown, denied with missing context", nil, unread, missing, Conditional, Condition},
		{"unknown, not simulated", nil, unread, nil, Unverified, ""},
		{"partly read, denied, explained by a document that was read", []string{elsewhere}, unread,
			implicit, Missing,
			NarrowerGrant},
		{"partly read, granted, denied explicitly by AWS", []string{allow}, unread, explicit, Denied,
			IdentityDeny},
		{"partly read, granted under a condition, denied explicitly", []string{conditional}, unread,
			explicit, Denied, IdentityDeny},
		{"partly read, granted, denied without a cause from AWS", []string{allow}, unread, implicit,
			Unverified, ""},
		{"partly read, denied by a document, allowed by AWS", []string{deny}, unread, allowed, Satisfied,
			""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := policies.SimulationRequest{Action: "s3:ListBucket", Resource: bucket, Region: "us-east-1"}
			facts := TargetFacts{Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci",
				Presence: Present,
				Grants:   grants(t, test.policies...), Unread: test.unread,
				Answers: map[policies.SimulationRequest]Answer{}}
			if test.answer != nil {
				facts.Answers[q] = *test.answer
			}
			v := facts.decide(policies.Need{SimulationRequest: q, Pattern: buckets})
			if v.status != test.status || v.cause != test.cause {
				t.Errorf("got %s %s (%s), want %s %s", v.status, v.cause, v.why, test.status, test.cause)
			}
			if v.status != Satisfied && v.why == "" {
				t.Error("the decision has no reason")
			}
		})
	}
}

// If several statements are conditional, the reason names the deciding one.
func TestOpenStatementsAreNamed(t *testing.T) {
	const (
		vpc   = `{"Sid":"Vpc","Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}`
		plain = `{"Sid":"Plain","Effect":"Allow","Action":"s3:*","Resource":"*"}`
		mfa   = `{"Sid":"Mfa","Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
		own   = `{"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-${aws:PrincipalTag/team}*"}`
	)
	q := policies.SimulationRequest{Action: "s3:ListBucket", Resource: bucket, Region: "us-east-1"}
	const buckets = "arn:aws:s3:::remotionlambda-useast1-*"
	for want, texts := range map[string][]string{
		"statement 3 (Sid Mfa) of inline policy 'a' denies it under a condition":         {vpc + "," + plain + "," + mfa},
		"statement 1 (Sid Vpc) of inline policy 'a' grants it under a condition":         {vpc},
		"statement 1 (Sid Own) of inline policy 'a' grants it through a policy variable": {own},
	} {
		facts := TargetFacts{Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci", Presence: Present,
			Grants: grants(t, texts...)}
		if in := facts.inspect(policies.Need{SimulationRequest: q,
			Pattern: buckets}); in.status != Conditional || !strings.HasPrefix(in.why, want) {
			t.Errorf("%s %q, want %q", in.status, in.why, want)
		}
	}
}

// A requirement with a guessed path is unverified.
func TestGuessedARNsAreUnverified(t *testing.T) {
	facts := everything(t)
	facts.Targets[0].Guessed = []string{facts.Targets[0].Scope.RenderRole}
	for _, f := range Evaluate(facts).Findings {
		if got := f.Status == Unverified; got != (f.Action == "iam:PassRole") {
			t.Errorf("%s is %s", f.Action, f.Status)
		}
	}
}

// Context keys are compared without regard to case, in any map order.
func TestAssumedContextWinsWhateverItsCase(t *testing.T) {
	q := policies.SimulationRequest{Action: "s3:ListBucket", Resource: bucket, Region: "us-east-1"}
	for range 50 {
		facts := TargetFacts{Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci", Presence: Present,
			Assumed: iampolicy.Context{"aws:PrincipalARN": {"arn:aws:iam::123456789012:user/other"}},
			Grants: grants(t,
				`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/other"}}}`)}
		if !facts.Granted(q) {
			t.Fatal("the principal's context key overrides the assumed one")
		}
	}
}

// everything returns the facts of a compliant account. Tests remove single permissions.
func everything(t *testing.T) Facts {
	t.Helper()
	place := policies.Scope{Partition: "aws", Account: "123456789012", Regions: []string{"us-east-1"},
		Caller:     "arn:aws:iam::123456789012:user/ci",
		RenderRole: "arn:aws:iam::123456789012:role/remotion-lambda-role"}
	trust, err := iampolicy.ParseTrust(
		`{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	if err != nil {
		t.Fatal(err)
	}
	facts := Facts{Account: "123456789012", Partition: "aws", Regions: []string{"us-east-1"},
		Release: policies.Latest(), Requested: "auto"}
	for _, target := range []TargetFacts{
		{Kind: Caller, Name: "user/ci", ARN: place.Caller, Purpose: policies.All},
		{Kind: RenderRole, Name: "role/remotion-lambda-role", ARN: place.RenderRole,
			Purpose: policies.Render, Trust: trust},
	} {
		target.Presence, target.Scope, target.Answers = Present, place,
			map[policies.SimulationRequest]Answer{}
		target.Grants = grants(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
		for _, r := range facts.Release.Requirements(target.Kind.Policy()) {
			for _, n := range r.Needed(place) {
				target.Answers[n.SimulationRequest] = Answer{Decision: iampolicy.Allowed}
			}
		}
		facts.Targets = append(facts.Targets, target)
	}
	return facts
}

func TestEvaluateCompliant(t *testing.T) {
	r := Evaluate(everything(t))
	want := Summary{Requirements: 49, Satisfied: 49}
	if r.Status != StatusCompliant || r.Summary != want || len(r.Findings) != 49 {
		t.Errorf("%s %+v, %d findings; want compliant %+v", r.Status, r.Summary, len(r.Findings), want)
	}
}

// Each lost answer makes exactly its findings unverified, and the report is not compliant.
func TestEachLostAnswerIsUnverified(t *testing.T) {
	for i := range 2 {
		full := everything(t)
		for q := range full.Targets[i].Answers {
			facts := everything(t)
			delete(facts.Targets[i].Answers, q)
			r := Evaluate(facts)
			if r.Status != StatusUnverified || r.Summary.Unverified == 0 || r.Summary.Gaps != 0 {
				t.Errorf("without an answer about %s on %s: %s %+v", q.Action, q.Resource, r.Status, r.Summary)
			}
			for _, f := range r.Findings {
				if f.Status == Unverified && f.Action != q.Action {
					t.Errorf("without an answer about %s, %s is unverified", q.Action, f.Action)
				}
			}
		}
	}
}

// Each denied action is found, with its name and an example.
func TestEachDeniedActionIsFound(t *testing.T) {
	for i := range 2 {
		full := everything(t)
		for _, req := range full.Release.Requirements(full.Targets[i].Kind.Policy()) {
			facts := everything(t)
			facts.Targets[i].Grants = grants(t,
				fmt.Sprintf(`{"Effect":"Allow","NotAction":%q,"Resource":"*"}`, req.Action))
			for q := range facts.Targets[i].Answers {
				if q.Action == req.Action {
					facts.Targets[i].Answers[q] = Answer{}
				}
			}
			r := Evaluate(facts)
			if r.Status != StatusGaps {
				t.Fatalf("without %s: %s", req.Action, r.Status)
			}
			for _, f := range r.Findings {
				if f.Status.Gap() != (f.Action == req.Action && f.Target == facts.Targets[i].Name) {
					t.Errorf("without %s for %s: %s %s is %s", req.Action, facts.Targets[i].Name, f.Target,
						f.Action, f.Status)
				}
				if f.Status.Gap() && (f.ExampleARN == "" || f.Why == "" || f.Cause == "" || f.Impact == "" ||
					f.Severity == 0) {
					t.Errorf("the gap lacks a field: %+v", f)
				}
			}
		}
	}
}

func TestConditionalIsAtMostMedium(t *testing.T) {
	facts := everything(t)
	facts.Targets[0].Grants = grants(t,
		`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)
	for q := range facts.Targets[0].Answers {
		facts.Targets[0].Answers[q] = Answer{Missing: []string{"aws:MultiFactorAuthPresent"}}
	}
	r := Evaluate(facts)
	if r.Summary.Gaps != 33 || r.Worst() != policies.Medium {
		t.Errorf("%d gaps, worst %s; want 33, medium", r.Summary.Gaps, r.Worst())
	}
}

func TestAbsentTargetCountsInFull(t *testing.T) {
	facts := everything(t)
	facts.Targets[0].Presence = Absent
	r := Evaluate(facts)
	want := Summary{Requirements: 49, Satisfied: 16, Gaps: 1, GapsCritical: 1}
	if r.Summary != want {
		t.Errorf("%+v, want %+v", r.Summary, want)
	}
}

func TestProblemsAloneAreNotCompliant(t *testing.T) {
	facts := everything(t)
	facts.Targets[0].Unread = []Problem{{What: "inline policy", Why: "access denied"}}
	r := Evaluate(facts)
	if r.Status != StatusUnverified || r.Summary.Satisfied != 49 || len(r.Problems) != 1 ||
		r.Problems[0].Target != "user/ci" {
		t.Errorf("%s %+v %+v", r.Status, r.Summary, r.Problems)
	}
}

func TestAssumedContextIsTold(t *testing.T) {
	facts := everything(t)
	facts.Assumed = iampolicy.Context{"AWS:SecureTransport": {"false"}, "aws:SourceVpc": {"vpc-1"}}
	got := Evaluate(facts).AssumedContext
	want := []string{"AWS:SecureTransport=false", "aws:PrincipalIsAWSService=false",
		"aws:RequestedRegion=<the region of the request>",
		"aws:SourceVpc=vpc-1", "aws:ViaAWSService=false",
		"iam:PassedToService=lambda.amazonaws.com (iam:PassRole)"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
