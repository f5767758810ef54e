package remedy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// stored returns a policy with a document at a location.
func stored(t testing.TB, id string, at iampolicy.Location, text string) iampolicy.Policy {
	t.Helper()
	d, err := iampolicy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return iampolicy.Policy{ID: id, Document: d, Location: at}
}

func inlineAt(holder, name string) iampolicy.Location {
	return iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: holder, Name: name}
}

func managedAt(holder, name string, attachments int) iampolicy.Location {
	return iampolicy.Location{Kind: iampolicy.ManagedLocation, Holder: holder, Name: name,
		ARN: "arn:aws:iam::" + account + ":policy/" + name, Attachments: attachments}
}

// factsOf returns the facts about a caller with the grants, as AWS would answer.
func factsOf(t testing.TB, g iampolicy.Grants) audit.Facts {
	t.Helper()
	facts := hostileFacts(t, audit.Caller, nil, nil, nil, nil)
	target := &facts.Targets[0]
	target.Grants = g
	for request := range target.Answers {
		got := g.Evaluate(iampolicy.Request{Action: request.Action, Resource: request.Resource,
			Context: target.RequestContext(request)})
		target.Answers[request] = audit.Answer{Decision: got.Decision,
			OrganizationDenies: !got.OrganizationAllows, BoundaryDenies: !got.BoundaryAllows}
	}
	return facts
}

// fixOf returns the only fix of an audit in which earlier documents are known.
func fixOf(t testing.TB, facts audit.Facts, known ...remedy.Known) remedy.Fix {
	t.Helper()
	judge := audit.NewJudge(facts, nil)
	judge.Known = func(audit.TargetFacts) []remedy.Known { return known }
	judge.Add(0, facts.Targets[0])
	fixes := judge.Report().Fixes
	if len(fixes) != 1 {
		t.Fatalf("%d fixes", len(fixes))
	}
	return fixes[0]
}

// without returns the documented user policy without some actions.
func without(actions ...string) string {
	text := policies.Latest().Document(policies.User)
	for _, a := range actions {
		text = strings.ReplaceAll(text, fmt.Sprintf("%q", a), fmt.Sprintf("%q", "sts:GetCallerIdentity"))
	}
	return text
}

func decide(g iampolicy.Grants, action, resource string) iampolicy.Decision {
	return g.Evaluate(iampolicy.Request{Action: action, Resource: resource}).Decision
}

// TestAnUndoIsOfTheTargetOnly covers stored documents that someone else wrote to the bucket.
func TestAnUndoIsOfTheTargetOnly(t *testing.T) {
	documented := policies.Latest().Document(policies.User)
	facts := factsOf(t, iampolicy.Grants{Identity: []iampolicy.Policy{stored(t,
		`managed policy "remotion"`, managedAt("user/ci", "remotion", 1), without("s3:PutBucketPolicy"))}})
	for name, at := range map[string]iampolicy.Location{
		"an inline policy of another user":  inlineAt("user/mallory", "remotion"),
		"an inline policy of a role":        inlineAt("role/ci", "remotion"),
		"an inline policy of a group":       inlineAt("group/unknown", "remotion"),
		"a managed policy of another owner": managedAt("user/mallory", "evil", 1),
		"a managed policy that is detached": managedAt("user/ci", "evil", 1),
		"a policy of another account": {Kind: iampolicy.ManagedLocation, Holder: "user/ci",
			Name: "evil", ARN: "arn:aws:iam::999999999999:policy/evil"},
		"an inline policy without a name":       inlineAt("user/ci", ""),
		"an inline policy with an invalid name": inlineAt("user/ci", "a b"),
	} {
		t.Run(name, func(t *testing.T) {
			fix := fixOf(t, facts, remedy.Known{Location: at, At: "2026-11-01T00:00:00Z",
				Document: stored(t, "", at, documented).Document})
			if fix.Undo != nil {
				t.Errorf("the undo stores a document at %+v", fix.Undo.Edits[0].Location)
			}
		})
	}
	t.Run("a deleted inline policy of the target", func(t *testing.T) {
		at := inlineAt("user/ci", "remotion")
		fix := fixOf(t, facts, remedy.Known{Location: at,
			Document: stored(t, "", at, documented).Document})
		if fix.Undo == nil {
			t.Error("no undo")
		}
	})
}

// TestAnUndoOfADeletedPolicyDeniesNothing covers a deleted policy that also has a Deny.
func TestAnUndoOfADeletedPolicyDeniesNothing(t *testing.T) {
	g := iampolicy.Grants{Identity: []iampolicy.Policy{
		stored(t, `inline policy "tools"`, inlineAt("user/ci", "tools"), hostile(
			`{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}`)),
		stored(t, `managed policy "remotion"`, managedAt("user/ci", "remotion", 1),
			without("s3:PutBucketPolicy"))}}
	at := inlineAt("user/ci", "old")
	known := stored(t, "", at, hostile(
		`{"Effect":"Allow","Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::remotionlambda-*"}`,
		`{"Effect":"Deny","Action":"dynamodb:*","Resource":"*"}`))
	fix := fixOf(t, factsOf(t, g), remedy.Known{Location: at, Document: known.Document})
	if fix.Undo == nil {
		return
	}
	after := g
	after.Identity = append(slices.Clone(g.Identity),
		iampolicy.Policy{Document: fix.Undo.Edits[0].After})
	const table = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
	if decide(after, "dynamodb:GetItem", table) != iampolicy.Allowed {
		t.Error("the undo takes away dynamodb:GetItem")
	}
}

// TestAnEditOfASharedPolicyGrantsNothingElseToOthers covers what the target is allowed by another
// policy, and the other principals with the shared policy are not.
func TestAnEditOfASharedPolicyGrantsNothingElseToOthers(t *testing.T) {
	const function = "arn:aws:lambda:us-east-1:123456789012:function:secret-api"
	own := stored(t, `managed policy "own"`, managedAt("user/ci", "own", 1), hostile(
		`{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:*:*:function:secret-*"}`))
	text := without("lambda:InvokeFunction")
	text = strings.Replace(text, `"arn:aws:lambda:*:*:function:remotion-render-*"`,
		`"arn:aws:lambda:*:*:function:secret-*","arn:aws:lambda:*:*:function:remotion-render-*"`, 1)
	shared := stored(t, `managed policy "shared"`, managedAt("user/ci", "shared", 3), text)
	own.ByAWS = true
	fix := fixOf(t, factsOf(t, iampolicy.Grants{Identity: []iampolicy.Policy{own, shared}}))
	for _, e := range fix.Edits {
		if e.Location.Name != "shared" {
			continue
		}
		other := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: e.After}}}
		if decide(other, "lambda:InvokeFunction", function) == iampolicy.Allowed {
			t.Errorf("the other principals may now invoke %s: %+v", function, e.Changes)
		}
	}
}

// TestACorrectionOfASharedPolicyGrantsNothingElseToOthers is the same for a corrected resource.
func TestACorrectionOfASharedPolicyGrantsNothingElseToOthers(t *testing.T) {
	own := stored(t, `managed policy "own"`, managedAt("user/ci", "own", 1), hostile(
		`{"Effect":"Allow","NotAction":"s3:PutBucketPolicy","Resource":"*"}`))
	own.ByAWS = true
	shared := stored(t, `managed policy "shared"`, managedAt("user/ci", "shared", 3), hostile(
		`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlamda-*"}`))
	fix := fixOf(t, factsOf(t, iampolicy.Grants{Identity: []iampolicy.Policy{own, shared}}))
	for _, e := range fix.Edits {
		other := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: e.After}}}
		if e.Location.Name == "shared" && decide(other, "s3:PutObjectRetention",
			"arn:aws:s3:::remotionlambda-x/y") == iampolicy.Allowed {
			t.Errorf("the other principals may now use s3:*: %+v", e.Changes)
		}
	}
}

// TestAPolicyThatIsAlsoTheBoundaryIsNotEditedByDefault covers a managed policy in two uses.
func TestAPolicyThatIsAlsoTheBoundaryIsNotEditedByDefault(t *testing.T) {
	text := without("s3:PutBucketPolicy")
	policy := stored(t, `managed policy "remotion"`, managedAt("user/ci", "remotion", 1), text)
	boundary := policy
	boundary.ID, boundary.Location.Kind = "permissions boundary", iampolicy.BoundaryLocation
	g := iampolicy.Grants{Identity: []iampolicy.Policy{policy}, Boundary: &boundary}
	fix := fixOf(t, factsOf(t, g))
	for _, e := range fix.Edits {
		if e.Location.ARN == policy.Location.ARN {
			t.Errorf("the default fix edits the boundary: %+v", e.Changes)
		}
	}
	if len(fix.Guards) != 1 || len(fix.Guards[0].Closes) != 1 {
		t.Errorf("guards %+v", fix.Guards)
	}
}

// TestAPolicyThatIsAttachedTwiceIsOnePolicy covers a managed policy of a user and of its group.
func TestAPolicyThatIsAttachedTwiceIsOnePolicy(t *testing.T) {
	text := without("s3:PutBucketPolicy", "lambda:InvokeFunction", "iam:PassRole")
	deny := strings.Replace(text, `"Statement": [`,
		`"Statement": [{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"},`, 1)
	first := stored(t, `managed policy "remotion"`, managedAt("user/ci", "remotion", 2), deny)
	second := stored(t, `managed policy "remotion" of group "g"`, managedAt("group/g", "remotion", 2),
		deny)
	fix := fixOf(t, factsOf(t, iampolicy.Grants{Identity: []iampolicy.Policy{second, first}}))
	seen := map[string]bool{}
	for _, e := range fix.Edits {
		if seen[e.Location.ARN] {
			t.Errorf("two edits of %s", e.Location.ARN)
		}
		seen[e.Location.ARN] = true
	}
	if len(fix.Guards) != 1 || len(fix.Guards[0].Closes) != 1 {
		t.Errorf("guards %+v", fix.Guards)
	}
}

// TestASCPAtTwoLevelsIsOneGuard covers a service control policy of the root and of a unit.
func TestASCPAtTwoLevelsIsOneGuard(t *testing.T) {
	at := iampolicy.Location{Kind: iampolicy.SCPLocation, Name: "deny",
		ARN: "arn:aws:organizations::111122223333:policy/o-a1b2c3d4e5/service_control_policy/p-12345678"}
	scp := stored(t, "deny", at, hostile(`{"Effect":"Allow","Action":"*","Resource":"*"}`,
		`{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}`))
	fix := fixOf(t, factsOf(t, iampolicy.Grants{Identity: []iampolicy.Policy{stored(t,
		`managed policy "remotion"`, managedAt("user/ci", "remotion", 1), without())},
		Organization: [][]iampolicy.Policy{{scp}, {scp}}}))
	if len(fix.Guards) != 1 || len(fix.Guards[0].Closes) != 1 {
		t.Errorf("guards %+v", fix.Guards)
	}
}

// TestTheQuotaCountsStoredTexts covers inline policies that the edit leaves as they are: IAM counts
// their texts as stored, in which a list of one value has brackets.
func TestTheQuotaCountsStoredTexts(t *testing.T) {
	var list []string
	for i := range 18 {
		list = append(list, fmt.Sprintf(
			`{"Effect":"Allow","Action":["dynamodb:GetItem"],"Resource":["arn:aws:dynamodb:*:*:table/%02d"]}`, i))
	}
	other := hostile(list...)
	more := hostile(
		`{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::remotionlambda-*/*"]}`)
	g := iampolicy.Grants{Identity: []iampolicy.Policy{
		stored(t, `inline policy "tools"`, inlineAt("user/ci", "tools"), other),
		stored(t, `inline policy "more"`, inlineAt("user/ci", "more"), more),
		{ID: `managed policy "remotion"`, Location: managedAt("user/ci", "remotion", 1), ByAWS: true,
			Document: stored(t, "", iampolicy.Location{}, without("s3:PutBucketPolicy",
				"lambda:InvokeFunction")).Document}}}
	fix := fixOf(t, factsOf(t, g))
	texts := map[string]string{"tools": other, "more": more}
	for _, e := range fix.Edits {
		if e.Location.Kind == iampolicy.InlineLocation {
			text, err := e.After.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			texts[e.Location.Name] = string(text)
		}
	}
	total := 0
	for _, text := range texts {
		total += iampolicy.Size(text)
	}
	for _, e := range fix.Edits {
		if e.Location.Kind == iampolicy.InlineLocation && (total != e.Characters || total > e.Quota) {
			t.Errorf("%s: %d characters are stored, not %d of %d", e.Policy, total, e.Characters, e.Quota)
		}
	}
}

// TestATighteningReplacesNoOtherPolicy covers an inline policy that has the name already.
func TestATighteningReplacesNoOtherPolicy(t *testing.T) {
	admin := stored(t, `managed policy "AdministratorAccess"`, iampolicy.Location{
		Kind: iampolicy.ManagedLocation, Holder: "user/ci", Name: "AdministratorAccess",
		ARN: "arn:aws:iam::aws:policy/AdministratorAccess"},
		hostile(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	admin.ByAWS = true
	g := iampolicy.Grants{Identity: []iampolicy.Policy{admin, stored(t, `inline policy "Remotion"`,
		inlineAt("user/ci", "Remotion"), hostile(
			`{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*"}`))}}
	for _, n := range audit.Evaluate(factsOf(t, g)).Notices {
		if n.Tightened == nil {
			continue
		}
		for _, e := range n.Tightened.Edits {
			if e.Before == nil && strings.EqualFold(e.Location.Name, "remotion") {
				t.Errorf("the new %s has the name of a policy that exists", e.Policy)
			}
		}
	}
}

// TestATighteningKeepsTheVersion covers a document in which a variable is text.
func TestATighteningKeepsTheVersion(t *testing.T) {
	g := iampolicy.Grants{Identity: []iampolicy.Policy{stored(t, `managed policy "wide"`,
		managedAt("user/ci", "wide", 1), `{"Version":"2008-10-17","Statement":[`+
			`{"Effect":"Allow","Action":["lambda:*","s3:*"],"Resource":"*"},`+
			`{"Effect":"Deny","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/${aws:username}"}]}`),
		stored(t, `inline policy "tools"`, inlineAt("user/ci", "tools"), hostile(
			`{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}`))}}
	least, err := iampolicy.Parse(hostile(
		`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-*"}`))
	if err != nil {
		t.Fatal(err)
	}
	tightened := remedy.Tighten(iampolicy.Unlimited(), remedy.Target{Name: "user/ci", Grants: g},
		[]remedy.WideGrant{{Actions: []string{"s3:*"}}}, least, nil, nil)
	if tightened == nil {
		t.Fatal("no tightening")
	}
	after := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: tightened.Edits[0].After},
		g.Identity[1]}}
	r := iampolicy.Request{Action: "dynamodb:GetItem",
		Resource: "arn:aws:dynamodb:us-east-1:123456789012:table/ci",
		Context:  iampolicy.Context{"aws:username": {"ci"}}}
	if g.Evaluate(r).Decision != iampolicy.Allowed || after.Evaluate(r).Decision != iampolicy.Allowed {
		t.Errorf("the tightening takes away %s on %s", r.Action, r.Resource)
	}
}

// TestATighteningLeavesABoundary covers a policy that is also the boundary, which limits the rights
// of the other policies.
func TestATighteningLeavesABoundary(t *testing.T) {
	wide := stored(t, `managed policy "wide"`, managedAt("user/ci", "wide", 1),
		hostile(`{"Effect":"Allow","Action":["s3:*","dynamodb:*"],"Resource":"*"}`))
	boundary := wide
	boundary.Location.Kind = iampolicy.BoundaryLocation
	least := stored(t, "", iampolicy.Location{}, hostile(
		`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-*"}`)).Document
	if got := remedy.Tighten(iampolicy.Unlimited(), remedy.Target{Name: "user/ci",
		Grants: iampolicy.Grants{Identity: []iampolicy.Policy{wide}, Boundary: &boundary}},
		[]remedy.WideGrant{{Actions: []string{"s3:*"}}}, least, nil, nil); got != nil {
		t.Errorf("the tightening edits the boundary: %+v", got.Edits[0].Location)
	}
}
