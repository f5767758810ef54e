package fixformat

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

const (
	storageBefore = `{"Sid":"Storage","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],` +
		`"Resource":["arn:aws:s3:::remotionlamda-*","arn:aws:s3:::home/${aws:username}/*"]}`
	storageAfter = `{"Sid":"Storage","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],` +
		`"Resource":["arn:aws:s3:::remotionlambda-*","arn:aws:s3:::home/${aws:username}/*"]}`
	conditional = `{"Sid":"Pass","Effect":"Allow","Action":["iam:PassRole"],"Resource":["*"],` +
		`"Condition":{"StringEquals":{"iam:PassedToService":["lambda.amazonaws.com"],` +
		`"aws:PrincipalTag/a b":["x","${aws:username}%{y}"]},"Bool":{"aws:SecureTransport":["true"]},` +
		`"NumericLessThan":{"aws:MultiFactorAuthAge":["3600"]}}}`
	excluding = `{"Sid":"Not","Effect":"Deny","NotAction":["s3:*"],"NotResource":["arn:aws:s3:::x"]}`
	lambda    = `{"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":["*"]}`
	trusting  = `{"Sid":"Trust","Effect":"Allow","Principal":{"Service":["lamda.amazonaws.com",` +
		`"edge.amazonaws.com"],"AWS":["arn:aws:iam::123456789012:root"]},"Action":["sts:AssumeRole"]}`
)

func document(t testing.TB, statements ...string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse(documentJSON(statements...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func trustDocument(t testing.TB, statements ...string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.ParseTrust(documentJSON(statements...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func documentJSON(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// inlineEdit corrects the typo of an inline policy.
func inlineEdit(t testing.TB, of, name string) remedy.Edit {
	return remedy.Edit{Policy: `inline policy "` + name + `"`,
		Location: iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: of, Name: name},
		Before:   document(t, storageBefore, conditional, excluding),
		After:    document(t, storageAfter, conditional, excluding),
		Changes: []remedy.Change{{Kind: remedy.CorrectResource, Statement: 1, Sid: "Storage",
			Old: []string{"arn:aws:s3:::remotionlamda-*"}, New: []string{"arn:aws:s3:::remotionlambda-*"},
			Text: "arn:aws:s3:::remotionlamda-* does not match: typo at character 25 (has " +
				"remotionlamda-, needs remotionlambda-)"}},
		Characters: 1802, Quota: iampolicy.InlineUserQuota}
}

func managedEdit(t testing.TB, of, name string) remedy.Edit {
	e := inlineEdit(t, of, name)
	e.Policy = `managed policy "` + name + `"`
	e.Location.Kind, e.Location.ARN = iampolicy.ManagedLocation,
		"arn:aws:iam::123456789012:policy/"+name
	e.Quota, e.Others = iampolicy.ManagedQuota, 2
	return e
}

// newEdit adds a policy.
func newEdit(t testing.TB, kind iampolicy.LocationKind, of, name string) remedy.Edit {
	return remedy.Edit{Policy: string(kind) + ` policy "` + name + `"`,
		Location: iampolicy.Location{Kind: kind, Holder: of, Name: name},
		After:    document(t, lambda),
		Changes: []remedy.Change{{Kind: remedy.AddStatement,
			Text: "add a statement to " + string(kind) + ` policy "` + name + `"`}},
		Characters: 120, Quota: iampolicy.InlineUserQuota}
}

func trustEdit(t testing.TB, role string) remedy.Edit {
	return remedy.Edit{Policy: "trust policy",
		Location: iampolicy.Location{Kind: iampolicy.TrustLocation, Holder: role},
		Before:   trustDocument(t, trusting),
		After:    trustDocument(t, strings.Replace(trusting, "lamda", "lambda", 1)),
		Changes: []remedy.Change{{Kind: remedy.CorrectResource, Statement: 1, Sid: "Trust",
			Old: []string{"lamda.amazonaws.com"}, New: []string{"lambda.amazonaws.com"},
			Text: "lamda.amazonaws.com is no service: lambda.amazonaws.com was meant"}},
		Characters: 200, Quota: 2048}
}

func boundaryEdit(t testing.TB, of, name string) remedy.Edit {
	e := managedEdit(t, of, name)
	e.Policy, e.Location.Kind, e.Others = `permissions boundary "`+name+`"`,
		iampolicy.BoundaryLocation, 0
	return e
}

func scpEdit(t testing.TB, arn string) remedy.Edit {
	e := inlineEdit(t, "", "guardrail")
	e.Policy, e.Quota = `service control policy "guardrail"`, 5120
	e.Location = iampolicy.Location{Kind: iampolicy.SCPLocation, Name: "guardrail", ARN: arn}
	return e
}

const scpARN = "arn:aws:organizations::999999999999:policy/o-abcdefghij/service_control_policy/" +
	"p-examplepol1"

var getObject = remedy.Need{Sid: "Storage", Action: "s3:GetObject",
	Resource: "arn:aws:s3:::remotionlambda-*"}

// handover returns a fix of user/ci with edits.
func handover(edits ...remedy.Edit) Handover {
	return Handover{Account: "123456789012", Partition: "aws",
		ARN: "arn:aws:iam::123456789012:user/ci",
		Fix: remedy.Fix{Number: 1, Target: "user/ci", Policy: policies.User, Edits: edits,
			Closes: []remedy.Need{getObject}, Gaps: 1},
		Findings: []audit.Finding{{Target: "user/ci", Policy: policies.User, Sid: getObject.Sid,
			Action: getObject.Action, Resource: getObject.Resource, Status: audit.Missing,
			Severity: policies.Critical, Cause: audit.NoGrant,
			ExampleARN: "arn:aws:s3:::remotionlambda-useast1-abc/x",
			Why:        "no statement allows the action on the resource",
			Impact:     "renders cannot read their chunks"}}}
}

// guarded returns a fix whose only way is an exception from a guard.
func guarded(edits ...remedy.Edit) Handover {
	h := handover()
	h.Fix.Closes = nil
	h.Fix.Guards = []remedy.Guard{{Cause: iampolicy.IdentityDeny, Policy: edits[0].Policy,
		Owner: "the account", Edits: edits, Blocks: []remedy.Need{getObject},
		Closes: []remedy.Need{getObject}}}
	return h
}

// formatted returns a fix in a format.
func formatted(t testing.TB, h Handover, v Variant, format string) string {
	t.Helper()
	f, err := Find(format)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := f.Write(&b, h, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
