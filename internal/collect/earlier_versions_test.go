package collect_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// versionedAccount returns an account whose user ci has a managed policy with five versions through
// a group and directly, a boundary with two versions, and a policy of AWS.
func versionedAccount(t *testing.T) *awsemu.Account {
	account := compliant(t)
	version := func(action string) string {
		return statement(`"Effect":"Allow","Action":"` + action + `","Resource":"*"`)
	}
	account.Policies = map[string]awsemu.ManagedPolicy{
		"shared": {Document: version("s3:V5"), OlderVersions: []string{version("s3:V1"),
			version("s3:V2"), "{ no policy", version("s3:V4")}},
		"limits": {Document: everything, OlderVersions: []string{version("s3:*")}},
		"single": {Document: everything},
		"ReadOnly": {ARN: "arn:aws:iam::aws:policy/ReadOnly", Document: everything,
			OlderVersions: []string{everything}},
	}
	account.Groups = map[string]awsemu.Group{"team": {Managed: []string{"shared"}}}
	changeUser(account, func(u *awsemu.User) {
		u.Managed, u.Groups = []string{"shared", "single", "ReadOnly"}, []string{"team"}
		u.Boundary = "limits"
	})
	return account
}

func TestEarlierVersionsAreReadNewestFirst(t *testing.T) {
	t.Parallel()
	a := collectCI(t, versionedAccount(t), plan())
	before := len(a.server.Calls())
	known, problems := a.collector.EarlierVersions(t.Context(), a.facts.Grants)
	var got []string
	for _, k := range known {
		got = append(got, fmt.Sprint(k.Location.Kind, " ", k.Location.Name, " ", k.Version, " ",
			k.Document.Statements[0].Action))
		if _, err := time.Parse(time.RFC3339, k.At); err != nil || k.Location.Holder != "user/ci" {
			t.Errorf("got %+v, %v", k, err)
		}
	}
	// The third version does not parse.
	want := []string{"managed shared v4 [s3:V4]", "managed shared v2 [s3:V2]",
		"managed shared v1 [s3:V1]", "boundary limits v1 [s3:*]"}
	if !slices.Equal(got, want) || problems != nil {
		t.Errorf("got %q, %v\nwant %q", got, problems, want)
	}
	calls := map[string]int{}
	for _, c := range a.server.Calls()[before:] {
		calls[c.Operation]++
	}
	// A page of the lists has two versions.
	if calls["ListPolicyVersions"] != 5 || calls["GetPolicyVersion"] != 5 || len(calls) != 2 {
		t.Errorf("got the calls %v", calls)
	}
}

func TestEarlierVersionsThatCannotBeReadAreUnknown(t *testing.T) {
	t.Parallel()
	a := collectCI(t, versionedAccount(t), plan())
	a.server.SetFaults(awsemu.Fault{Operation: "iam:ListPolicyVersions", Deny: true})
	known, problems := a.collector.EarlierVersions(t.Context(), a.facts.Grants)
	if known != nil || len(problems) != 3 || problems[0].Grant != "iam:ListPolicyVersions" ||
		problems[0].What != `the earlier versions of managed policy "shared"` {
		t.Errorf("got %+v, %+v", known, problems)
	}
	a.server.SetFaults(awsemu.Fault{Operation: "iam:GetPolicyVersion", Deny: true, After: 1})
	known, problems = a.collector.EarlierVersions(t.Context(), a.facts.Grants)
	if len(known) != 1 || len(problems) == 0 || problems[0].Grant != "iam:GetPolicyVersion" {
		t.Errorf("got %+v, %+v", known, problems)
	}

	var many iampolicy.Grants
	for i := range 12 {
		many.Identity = append(many.Identity, iampolicy.Policy{Location: iampolicy.Location{
			Kind: iampolicy.ManagedLocation,
			ARN:  fmt.Sprintf("arn:aws:iam::123456789012:policy/none-%d", i)}})
	}
	a.server.SetFaults()
	before := len(a.server.Calls())
	known, problems = a.collector.EarlierVersions(t.Context(), many)
	if n := len(a.server.Calls()) - before; known != nil || n != 10 || len(problems) != 11 {
		t.Errorf("%d calls for 12 policies, %+v", n, problems)
	}
}
