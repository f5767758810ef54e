package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

const bucket = "arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u"

func grants(t *testing.T, texts ...string) iampolicy.Grants {
	t.Helper()
	var g iampolicy.Grants
	for i, text := range texts {
		doc := policytest.Parse(t, `{"Version":"2012-10-17","Statement":[`+text+`]}`)
		g.Identity = append(g.Identity, iampolicy.Policy{ID: fmt.Sprintf("inline policy %q", rune('a'+i)),
			Document: doc})
	}
	return g
}

// TestDecide checks the rows of the table in docs/how-it-judges.md. A name states the result of the
// documents, then the answer of AWS, then the status of the need. The simulated resource is the
// example.
func TestDecide(t *testing.T) {
	const (
		allow           = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
		misspelled      = `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlamda-*"}`
		deny            = `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`
		conditional     = `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`
		conditionalDeny = `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`
	)
	allowed := &Answer{Decision: iampolicy.Allowed}
	implicit := &Answer{}
	explicit := &Answer{Decision: iampolicy.ExplicitDeny}
	const (
		buckets            = "arn:aws:s3:::remotionlambda-useast1-*"
		secret             = `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-useast1-secret*"}`
		conditionalSecret  = `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-useast1-secret*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
		onlyOther          = `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-useast1-abcdefghij"}`
		conditionalExample = `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-useast1-r3*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`
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
		{"documents grant, AWS allows: satisfied",
			[]string{allow}, nil, allowed, Satisfied, ""},
		{"documents grant, the organization denies: denied",
			[]string{allow}, nil, organization, Denied, SCP},
		{"documents grant, the boundary denies: denied",
			[]string{allow}, nil, boundary, Denied, PermissionsBoundary},
		{"documents grant, AWS denies without a cause: unverified",
			[]string{allow}, nil, implicit, Unverified, ""},
		{"documents grant, no simulation: unverified",
			[]string{allow}, nil, nil, Unverified, ""},
		{"documents do not grant, AWS denies: missing",
			nil, nil, implicit, Missing, NoGrant},
		{"documents do not grant, AWS denies and lists missing context keys: missing",
			nil, nil, missing, Missing, NoGrant},
		{"documents do not grant, AWS allows: unverified",
			nil, nil, allowed, Unverified, ""},
		{"documents do not grant, no simulation: unverified",
			nil, nil, nil, Unverified, ""},
		{"documents deny another resource, AWS allows: partial",
			[]string{allow, secret}, nil, allowed, Partial, IdentityDeny},
		{"documents deny another resource, the organization denies: denied",
			[]string{allow, secret}, nil, organization, Denied, SCP},
		{"documents deny another resource, the boundary denies: denied",
			[]string{allow, secret}, nil, boundary, Denied, PermissionsBoundary},
		{"documents deny another resource, AWS denies without a cause: unverified",
			[]string{allow, secret}, nil, implicit, Unverified, ""},
		{"documents grant only another resource, AWS denies: partial",
			[]string{onlyOther}, nil, implicit, Partial, NarrowerGrant},
		{"documents grant only another resource, AWS allows: unverified",
			[]string{onlyOther}, nil, allowed, Unverified, ""},
		{"documents grant only the example and under a condition, AWS denies: partial",
			[]string{conditionalExample}, nil, missing, Partial, NarrowerGrant},
		{"documents grant only the example and under a condition, AWS allows: partial",
			[]string{conditionalExample}, nil, allowed, Partial, NarrowerGrant},
		{"documents grant only the example and under a condition, the organization denies: denied",
			[]string{conditionalExample}, nil, organization, Denied, SCP},
		{"documents deny another resource under a condition, AWS allows: conditional",
			[]string{allow, conditionalSecret}, nil, allowed, Conditional, Condition},
		{"documents grant a misspelled name, AWS denies: missing",
			[]string{misspelled}, nil, implicit, Missing, NarrowerGrant},
		{"documents deny, AWS denies explicitly: denied",
			[]string{allow, deny}, nil, explicit, Denied, IdentityDeny},
		{"documents deny, AWS allows: unverified",
			[]string{allow, deny}, nil, allowed, Unverified, ""},
		{"documents grant under a condition, AWS allows: satisfied",
			[]string{conditional}, nil, allowed, Satisfied, ""},
		{"documents grant under a condition, AWS denies and lists missing context keys: conditional",
			[]string{conditional}, nil, missing, Conditional, Condition},
		{"documents deny under a condition, AWS denies explicitly: conditional",
			[]string{allow, conditionalDeny}, nil, explicit, Conditional, Condition},
		{"documents grant under a condition, the organization denies: denied",
			[]string{conditional}, nil, organization, Denied, SCP},
		{"documents grant under a condition, AWS denies explicitly: unverified",
			[]string{conditional}, nil, explicit, Unverified, ""},
		{"all documents are unread, AWS allows: unverified",
			nil, unread, allowed, Unverified, ""},
		{"all documents are unread, AWS denies: missing",
			nil, unread, implicit, Missing, NoGrant},
		{"all documents are unread, AWS denies explicitly: denied",
			nil, unread, explicit, Denied, IdentityDeny},
		{"all documents are unread, the organization denies: denied",
			nil, unread, organization, Denied, SCP},
		{"all documents are unread, the boundary denies: denied",
			nil, unread, boundary, Denied, PermissionsBoundary},
		{"all documents are unread, AWS denies and lists missing context keys: conditional",
			nil, unread, missing, Conditional, Condition},
		{"all documents are unread, no simulation: unverified",
			nil, unread, nil, Unverified, ""},
		{"some documents are unread, the others grant a misspelled name, AWS denies: missing",
			[]string{misspelled}, unread, implicit, Missing, NarrowerGrant},
		{"some documents are unread, the others grant, AWS denies explicitly: denied",
			[]string{allow}, unread, explicit, Denied, IdentityDeny},
		{"some documents are unread, the others grant under a condition, AWS denies explicitly: denied",
			[]string{conditional}, unread, explicit, Denied, IdentityDeny},
		{"some documents are unread, the others grant, AWS denies without a cause: unverified",
			[]string{allow}, unread, implicit, Unverified, ""},
		{"some documents are unread, the others deny, AWS allows: unverified",
			[]string{deny}, unread, allowed, Unverified, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := needs.SimulationRequest{Action: "s3:ListBucket", Resource: bucket, Region: "us-east-1"}
			facts := TargetFacts{Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci",
				Presence: Present,
				Grants:   grants(t, test.policies...), Unread: test.unread,
				Answers: map[needs.SimulationRequest]Answer{}}
			if test.answer != nil {
				facts.Answers[q] = *test.answer
			}
			v := facts.decide(needs.Need{SimulationRequest: q, Pattern: buckets})
			if v.status != test.status || v.cause != test.cause {
				t.Errorf("got %s %s (%s), want %s %s", v.status, v.cause, v.why, test.status, test.cause)
			}
			if v.status != Satisfied && v.why == "" {
				t.Error("the decision has no reason")
			}
		})
	}
}

// TestReasonNamesTheConditionalStatement checks that the reason names the deciding statement if
// several statements apply.
func TestReasonNamesTheConditionalStatement(t *testing.T) {
	const (
		vpc   = `{"Sid":"Vpc","Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}`
		plain = `{"Sid":"Plain","Effect":"Allow","Action":"s3:*","Resource":"*"}`
		mfa   = `{"Sid":"Mfa","Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
		own   = `{"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-${aws:PrincipalTag/team}*"}`
	)
	q := needs.SimulationRequest{Action: "s3:ListBucket", Resource: bucket, Region: "us-east-1"}
	const buckets = "arn:aws:s3:::remotionlambda-useast1-*"
	for want, texts := range map[string][]string{
		"statement 3 (Sid Mfa) of inline policy 'a' denies the action under the condition":       {vpc + "," + plain + "," + mfa},
		"statement 1 (Sid Vpc) of inline policy 'a' grants the action under the condition":       {vpc},
		"statement 1 (Sid Own) of inline policy 'a' grants the action through a policy variable": {own},
	} {
		facts := TargetFacts{Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci", Presence: Present,
			Grants: grants(t, texts...)}
		if in := facts.inspect(needs.Need{SimulationRequest: q,
			Pattern: buckets}); in.status != Conditional || !strings.HasPrefix(in.why, want) {
			t.Errorf("%s %q, want %q", in.status, in.why, want)
		}
	}
}

// TestGuessedARNsAreUnverified checks that exactly the requirement about an ARN with an unknown
// path is unverified.
func TestGuessedARNsAreUnverified(t *testing.T) {
	facts := compliantFacts(t)
	facts.Targets[0].Guessed = []string{facts.Targets[0].Scope.RenderRole}
	for _, f := range Evaluate(facts).Findings {
		if got := f.Status == Unverified; got != (f.Action == "iam:PassRole") {
			t.Errorf("%s is %s, want unverified only for iam:PassRole", f.Action, f.Status)
		}
	}
}

// TestAssumedContextOverridesKeysInAnyCase checks that a configured context key overrides a key of
// the principal that differs in case, in any map order.
func TestAssumedContextOverridesKeysInAnyCase(t *testing.T) {
	q := needs.SimulationRequest{Action: "s3:ListBucket", Resource: bucket, Region: "us-east-1"}
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

// compliantFacts returns the facts of a compliant account. Tests remove single permissions.
func compliantFacts(t *testing.T) Facts {
	t.Helper()
	scope := needs.Scope{Partition: "aws", Account: "123456789012", Regions: []string{"us-east-1"},
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
		{Kind: Caller, Name: "user/ci", ARN: scope.Caller, Purpose: policies.All},
		{Kind: RenderRole, Name: "role/remotion-lambda-role", ARN: scope.RenderRole,
			Purpose: policies.Render, Trust: trust},
	} {
		target.Presence, target.Scope, target.Answers = Present, scope,
			map[needs.SimulationRequest]Answer{}
		target.Grants = grants(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
		for _, r := range facts.Release.Requirements(target.Kind.Policy()) {
			for _, n := range scope.Needed(r) {
				target.Answers[n.SimulationRequest] = Answer{Decision: iampolicy.Allowed}
			}
		}
		facts.Targets = append(facts.Targets, target)
	}
	return facts
}

// neverCalled are the documented actions that no release calls.
var neverCalled = map[string]bool{"lambda:InvokeAsync": true, "s3:DeleteBucket": true}

// TestUncalledActionsAreNoGap checks that a target without the documented actions that no release
// calls is compliant, and that a notice says so.
func TestUncalledActionsAreNoGap(t *testing.T) {
	facts := compliantFacts(t)
	facts.Targets[0].Grants = grants(t,
		`{"Effect":"Allow","NotAction":["lambda:InvokeAsync","s3:DeleteBucket"],"Resource":"*"}`)
	r := Evaluate(facts)
	want := Notice{Kind: NoticeUncalled, Target: "user/ci", Text: "s3:DeleteBucket and " +
		"lambda:InvokeAsync are documented but not granted; nothing fails, because Remotion does not " +
		"call them"}
	if r.Status != StatusCompliant || !slices.Contains(r.Notices, want) {
		t.Errorf("%s, notices %+v; want compliant and %+v", r.Status, r.Notices, want)
	}
}

func TestEvaluateCompliant(t *testing.T) {
	r := Evaluate(compliantFacts(t))
	want := Summary{Requirements: 46, Satisfied: 46}
	if r.Status != StatusCompliant || r.Summary != want || len(r.Findings) != 46 {
		t.Errorf("%s %+v, %d findings; want compliant %+v", r.Status, r.Summary, len(r.Findings), want)
	}
	for _, f := range r.Findings {
		if f.Sid != TrustSid && len(f.Statements) != 1 {
			t.Errorf("%s: granted by %+v, want one statement", f.Action, f.Statements)
		}
	}
}

// TestMissingAnswerIsUnverified checks that the loss of one answer makes only findings about its
// action unverified, and that the report is then not compliant.
func TestMissingAnswerIsUnverified(t *testing.T) {
	for i := range 2 {
		full := compliantFacts(t)
		for q := range full.Targets[i].Answers {
			if neverCalled[q.Action] {
				continue
			}
			facts := compliantFacts(t)
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

// TestEachMissingActionIsAGap checks that the only gap is the action that is not granted, and that
// the finding has all fields.
func TestEachMissingActionIsAGap(t *testing.T) {
	for i := range 2 {
		full := compliantFacts(t)
		for _, req := range full.Release.Requirements(full.Targets[i].Kind.Policy()) {
			if neverCalled[req.Action] || req.ForOldNames() {
				continue
			}
			facts := compliantFacts(t)
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
					t.Errorf("the gap has an empty field: %+v", f)
				}
			}
		}
	}
}

func TestConditionalGapsAreAtMostMedium(t *testing.T) {
	facts := compliantFacts(t)
	facts.Targets[0].Grants = grants(t,
		`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)
	for q := range facts.Targets[0].Answers {
		facts.Targets[0].Answers[q] = Answer{Missing: []string{"aws:MultiFactorAuthPresent"}}
	}
	r := Evaluate(facts)
	if r.Summary.Gaps != 31 || r.Worst() != policies.Medium {
		t.Errorf("%d gaps, worst %s; want 31, medium", r.Summary.Gaps, r.Worst())
	}
}

// TestAbsentTargetIsOneGap checks that all requirements of an absent target count as requirements,
// but together as one gap.
func TestAbsentTargetIsOneGap(t *testing.T) {
	facts := compliantFacts(t)
	facts.Targets[0].Presence = Absent
	r := Evaluate(facts)
	want := Summary{Requirements: 46, Satisfied: 15, Gaps: 1, GapsCritical: 1}
	if r.Summary != want {
		t.Errorf("%+v, want %+v", r.Summary, want)
	}
}

// TestFailedReadIsNotCompliant checks that a report with a failed read is unverified, although AWS
// allows everything.
func TestFailedReadIsNotCompliant(t *testing.T) {
	facts := compliantFacts(t)
	facts.Targets[0].Unread = []Problem{{What: "inline policy", Why: "access denied"}}
	r := Evaluate(facts)
	if r.Status != StatusUnverified || r.Summary.Satisfied != 15 || r.Summary.Unverified != 31 ||
		len(r.Problems) != 1 || r.Problems[0].Target != "user/ci" {
		t.Errorf("%s %+v %+v", r.Status, r.Summary, r.Problems)
	}
	if f := r.Findings[0]; f.Why != "AWS allows the sample, but not all policies could be read, so "+
		"other resources are unverified" || f.Simulated != "allowed" {
		t.Errorf("%q, simulated %s", f.Why, f.Simulated)
	}
}

func TestReportListsAssumedContext(t *testing.T) {
	facts := compliantFacts(t)
	facts.Assumed = iampolicy.Context{"AWS:SecureTransport": {"false"}, "aws:SourceVpc": {"vpc-1"}}
	got := Evaluate(facts).AssumedContext
	want := []string{"AWS:SecureTransport=false", "aws:PrincipalIsAWSService=false",
		"aws:RequestedRegion=<the region of the request>",
		"aws:SourceVpc=vpc-1 (callers and functions in a VPC)", "aws:ViaAWSService=false",
		"iam:PassedToService=lambda.amazonaws.com (iam:PassRole)"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
