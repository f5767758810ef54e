package collect_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// editedAccount is an account with facts about the user ci, and its failing requests.
type editedAccount struct {
	collector collect.Collector
	server    *awsemu.Server
	facts     audit.TargetFacts
	failing   []needs.SimulationRequest
}

// collectCI collects the facts about the user ci.
func collectCI(t *testing.T, account *awsemu.Account, p collect.Plan) editedAccount {
	t.Helper()
	if account.Simulator.PageSize == 0 {
		account.Simulator.PageSize = 100 // as AWS
	}
	a := editedAccount{server: &awsemu.Server{Account: account}}
	a.collector = collector(t, a.server)
	facts, targets := a.collector.Collect(t.Context(), p)
	for _, target := range targets {
		if target.Name != "user/ci" {
			continue
		}
		a.facts = target
		a.facts.Assumed = facts.Assumed
		for q, answer := range target.Answers {
			if answer.Decision != iampolicy.Allowed {
				a.failing = append(a.failing, q)
			}
		}
	}
	slices.SortFunc(a.failing, func(x, y needs.SimulationRequest) int {
		return cmp.Compare(fmt.Sprint(x), fmt.Sprint(y))
	})
	return a
}

// simulate returns the answers to the failing requests with edits, and the number of calls.
func (a editedAccount) simulate(ctx context.Context,
	edits ...collect.Replacement) ([]collect.EditedAnswer, int) {
	before := simulations(a.server)
	answers := a.collector.SimulateEdits(ctx, a.facts, a.failing, edits)
	return answers, simulations(a.server) - before
}

func simulations(server *awsemu.Server) (n int) {
	for _, c := range server.Calls() {
		if c.Operation == "SimulatePrincipalPolicy" {
			n++
		}
	}
	return n
}

// without returns the newest user policy without a statement.
func without(sid string) string {
	doc, _ := iampolicy.Parse(latestDocument(policies.User))
	doc.Statements = slices.DeleteFunc(doc.Statements, func(s iampolicy.Statement) bool {
		return s.Sid == sid
	})
	return doc.Text()
}

func TestSimulateEditsAnswersForTheWholeNewDocuments(t *testing.T) {
	t.Parallel()
	whole := policytest.Parse(t, latestDocument(policies.User))
	const statementDeny = `"Effect":"Deny","Action":"s3:*","Resource":"*"`
	inline := func(holder, name string) iampolicy.Location {
		return iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: holder, Name: name}
	}
	const arn = "arn:aws:iam::123456789012:policy/"
	managed := func(holder, name string) iampolicy.Location {
		return iampolicy.Location{Kind: iampolicy.ManagedLocation, Holder: holder, Name: name,
			ARN: arn + name}
	}
	boundary := iampolicy.Location{Kind: iampolicy.BoundaryLocation, Holder: "user/ci",
		Name: "limits", ARN: arn + "limits"}
	allowAll := policytest.Parse(t, everything)
	tests := []struct {
		name   string
		change func(*awsemu.Account)
		edits  []collect.Replacement
		want   iampolicy.Cause // what still denies all failing requests
	}{
		{"an inline policy is replaced", func(a *awsemu.Account) {
			changeUser(a, func(u *awsemu.User) { u.Inline["remotion"] = without("Storage") })
		}, []collect.Replacement{{Location: inline("user/ci", "remotion"), Document: whole}}, ""},
		{"nothing is replaced", func(a *awsemu.Account) {
			changeUser(a, func(u *awsemu.User) { u.Inline["remotion"] = without("Storage") })
		}, nil, iampolicy.NoGrant},
		{"an inline policy is added", func(a *awsemu.Account) {
			changeUser(a, func(u *awsemu.User) { u.Inline["remotion"] = without("Storage") })
		}, []collect.Replacement{{Location: inline("user/ci", "new"), Document: whole}}, ""},
		{"the inline policy with a Deny is removed", func(a *awsemu.Account) {
			changeUser(a, func(u *awsemu.User) { u.Inline["guard"] = statement(statementDeny) })
		}, []collect.Replacement{{Location: inline("user/ci", "guard")}}, ""},
		{"another policy than that with the Deny is replaced", func(a *awsemu.Account) {
			changeUser(a, func(u *awsemu.User) { u.Inline["guard"] = statement(statementDeny) })
		}, []collect.Replacement{{Location: inline("user/ci", "remotion"), Document: whole}},
			iampolicy.IdentityDeny},
		{"the inline policy of a group is replaced", func(a *awsemu.Account) {
			a.Groups = map[string]awsemu.Group{"g": {Inline: map[string]string{
				"guard": statement(statementDeny)}}}
			changeUser(a, func(u *awsemu.User) { u.Groups = []string{"g"} })
		}, []collect.Replacement{{Location: inline("group/g", "guard"), Document: allowAll}}, ""},
		{"the managed policy of a group is replaced", func(a *awsemu.Account) {
			a.Policies = map[string]awsemu.ManagedPolicy{"guard": {Document: statement(statementDeny)}}
			a.Groups = map[string]awsemu.Group{"g": {Managed: []string{"guard"}}}
			changeUser(a, func(u *awsemu.User) { u.Groups, u.Managed = []string{"g"}, []string{"guard"} })
		}, []collect.Replacement{{Location: managed("group/g", "guard"), Document: allowAll},
			{Location: managed("user/ci", "guard"), Document: allowAll}}, ""},
		{"a managed policy is detached, but a group has it, too", func(a *awsemu.Account) {
			a.Policies = map[string]awsemu.ManagedPolicy{"guard": {Document: statement(statementDeny)}}
			a.Groups = map[string]awsemu.Group{"g": {Managed: []string{"guard"}}}
			changeUser(a, func(u *awsemu.User) { u.Groups, u.Managed = []string{"g"}, []string{"guard"} })
		}, []collect.Replacement{{Location: managed("user/ci", "guard")}}, iampolicy.IdentityDeny},
		{"both attachments of a managed policy are removed", func(a *awsemu.Account) {
			a.Policies = map[string]awsemu.ManagedPolicy{"guard": {Document: statement(statementDeny)}}
			a.Groups = map[string]awsemu.Group{"g": {Managed: []string{"guard"}}}
			changeUser(a, func(u *awsemu.User) { u.Groups, u.Managed = []string{"g"}, []string{"guard"} })
		}, []collect.Replacement{{Location: managed("user/ci", "guard")},
			{Location: managed("group/g", "guard")}}, ""},
		{"a managed policy is created", func(a *awsemu.Account) {
			changeUser(a, func(u *awsemu.User) { u.Inline["remotion"] = without("Storage") })
		}, []collect.Replacement{{Location: iampolicy.Location{Kind: iampolicy.ManagedLocation,
			Holder: "user/ci", Name: "new"}, Document: whole}}, ""},
		{"the boundary is replaced", func(a *awsemu.Account) {
			a.Policies = map[string]awsemu.ManagedPolicy{"limits": {Document: without("Storage")}}
			changeUser(a, func(u *awsemu.User) { u.Boundary = "limits" })
		}, []collect.Replacement{{Location: boundary, Document: whole}}, ""},
		{"the boundary is removed", func(a *awsemu.Account) {
			a.Policies = map[string]awsemu.ManagedPolicy{"limits": {Document: without("Storage")}}
			changeUser(a, func(u *awsemu.User) { u.Boundary = "limits" })
		}, []collect.Replacement{{Location: boundary}}, ""},
		{"the boundary stays", func(a *awsemu.Account) {
			a.Policies = map[string]awsemu.ManagedPolicy{"limits": {Document: without("Storage")}}
			changeUser(a, func(u *awsemu.User) { u.Boundary = "limits" })
		}, []collect.Replacement{{Location: inline("user/ci", "remotion"), Document: allowAll}},
			iampolicy.PermissionsBoundary},
		{"the organization denies", func(a *awsemu.Account) {
			changeUser(a, func(u *awsemu.User) { u.Inline["remotion"] = without("Storage") })
			a.ServiceControlPolicies = organization(statementDeny)
		}, []collect.Replacement{{Location: inline("user/ci", "remotion"), Document: whole}},
			iampolicy.SCP},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			account := compliant(t)
			test.change(account)
			a := collectCI(t, account, plan())
			answers, calls := a.simulate(t.Context(), test.edits...)
			if len(a.failing) == 0 || len(answers) != len(a.failing) || calls == 0 ||
				calls > collect.MaxEditCalls {
				t.Fatalf("%d answers to %d requests in %d calls", len(answers), len(a.failing), calls)
			}
			for i, answer := range answers {
				if answer.Request != a.failing[i] || answer.NotSimulated != "" ||
					answer.StillDenied() != test.want || answer.Allowed() != (test.want == "") {
					t.Errorf("%s: got %q, %+v", a.failing[i], answer.StillDenied(), answer)
				}
			}
		})
	}
}

// TestSimulateEditsMakesFewCalls checks the number of calls for an account with many failing
// requests, and that no call is made without requests.
func TestSimulateEditsMakesFewCalls(t *testing.T) {
	t.Parallel()
	account := compliant(t)
	changeUser(account, func(u *awsemu.User) { u.Inline = nil })
	whole := policytest.Parse(t, latestDocument(policies.User))
	added := collect.Replacement{Location: iampolicy.Location{Kind: iampolicy.InlineLocation,
		Holder: "user/ci", Name: "new"}, Document: whole}

	t.Run("all requests of a user", func(t *testing.T) {
		t.Parallel()
		a := collectCI(t, account, plan())
		answers, calls := a.simulate(t.Context(), added)
		if len(answers) < 30 || calls > collect.MaxEditCalls {
			t.Errorf("%d answers in %d calls", len(answers), calls)
		}
		for _, answer := range answers {
			if !answer.Allowed() {
				t.Errorf("%v: %+v", answer.Request, answer)
			}
		}
		a.failing = nil
		if answers, calls = a.simulate(t.Context(), added); len(answers)+calls != 0 {
			t.Errorf("without requests: %d answers in %d calls", len(answers), calls)
		}
	})
	t.Run("more regions than calls", func(t *testing.T) {
		t.Parallel()
		p := plan()
		p.Regions = []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-west-2",
			"eu-central-1", "ap-south-1", "ap-northeast-1", "ap-southeast-1"}
		a := collectCI(t, account, p)
		answers, calls := a.simulate(t.Context(), added)
		if calls != collect.MaxEditCalls {
			t.Errorf("%d calls", calls)
		}
		answered, limited := 0, 0
		for _, answer := range answers {
			switch {
			case answer.Allowed():
				answered++
			case answer.StillDenied() == "" && strings.Contains(answer.NotSimulated, "more than 8 calls"):
				limited++
			default:
				t.Errorf("%v: %+v", answer.Request, answer)
			}
		}
		if answered == 0 || limited == 0 {
			t.Errorf("%d requests were simulated, %d not", answered, limited)
		}
	})
	t.Run("pages and groups of actions count", func(t *testing.T) {
		t.Parallel()
		split := compliant(t)
		split.Simulator = awsemu.Simulator{PageSize: 3}
		changeUser(split, func(u *awsemu.User) { u.Inline = nil })
		a := collectCI(t, split, plan())
		answers, calls := a.simulate(t.Context(), added)
		limited := slices.ContainsFunc(answers, func(a collect.EditedAnswer) bool {
			return a.NotSimulated != "" && a.Remedy == "" && a.StillDenied() == ""
		})
		if calls != collect.MaxEditCalls || !limited {
			t.Errorf("%d calls, limited: %v", calls, limited)
		}
	})
}

func TestSimulateEditsNeverFails(t *testing.T) {
	t.Parallel()
	whole := policytest.Parse(t, latestDocument(policies.User))
	own := iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: "user/ci", Name: "remotion"}
	at := func(kind iampolicy.LocationKind) iampolicy.Location {
		return iampolicy.Location{Kind: kind, Name: "p"}
	}
	for _, test := range []struct {
		name        string
		location    iampolicy.Location
		fault       *awsemu.Fault
		interrupt   bool
		calls       int
		want, grant string
	}{
		{name: "the auditor may not simulate", location: own, fault: &awsemu.Fault{Deny: true},
			calls: 1, want: "access denied", grant: "iam:SimulatePrincipalPolicy"},
		{name: "AWS does not know the parameter", location: own, fault: &awsemu.Fault{
			Error: &awsemu.FaultError{Code: "ValidationError", Status: 400,
				Message: "Unknown parameter PolicyExclusionList"}},
			calls: 2, want: "ValidationError: Unknown parameter PolicyExclusionList"},
		{name: "the principal is gone", location: own, fault: &awsemu.Fault{
			Error: &awsemu.FaultError{Code: "NoSuchEntity", Status: 404, Message: "gone"}},
			calls: 2, want: "AWS does not find the principal"},
		{name: "the time is over", location: own, interrupt: true, want: "interrupted"},
		{name: "a service control policy", location: at(iampolicy.SCPLocation),
			want: "cannot replace one service control policy"},
		{name: "a trust policy", location: at(iampolicy.TrustLocation),
			want: "does not evaluate trust policies"},
		{name: "a file", location: at(iampolicy.FileLocation), want: `location of policy "p" is unknown`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			account := compliant(t)
			changeUser(account, func(u *awsemu.User) { u.Inline["remotion"] = without("HandleQuotas") })
			a := collectCI(t, account, plan())
			if test.fault != nil {
				test.fault.Operation = "iam:SimulatePrincipalPolicy"
				a.server.SetFaults(*test.fault)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if test.interrupt {
				stop()
			}
			answers, calls := a.simulate(ctx,
				collect.Replacement{Location: test.location, Document: whole})
			if calls != test.calls || len(answers) == 0 {
				t.Errorf("%d answers in %d calls", len(answers), calls)
			}
			for _, answer := range answers {
				if answer.Allowed() || answer.StillDenied() != "" ||
					!strings.Contains(answer.NotSimulated, test.want) || answer.Grant != test.grant {
					t.Errorf("%v: %+v", answer.Request, answer)
				}
			}
		})
	}
}
