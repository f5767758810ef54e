package check

import (
	"fmt"
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// excess returns the excess of a policy text, and fails the test if the list may be incomplete.
func excess(t *testing.T, text string, target Target, release policies.Release) (list []string) {
	t.Helper()
	required, err := ReleaseRequirements(target, release)
	if err != nil {
		t.Fatal(err)
	}
	g := grants(t, text)
	v := Verdict{}
	if err := v.FindExcess(t.Context(), Exactly(g), required, nil); err != nil || v.ExcessIncomplete {
		t.Fatalf("%v, incomplete %v", err, v.ExcessIncomplete)
	}
	for _, e := range v.Excess {
		list = append(list, fmt.Sprintf("%s: %s on %s", e.Kind, e.Action, e.Resource))
	}
	return list
}

// TestOurOwnPoliciesHaveNoExcess checks the documented policy of each release, and the narrowed
// policies for each release, partition, purpose and scope.
func TestOurOwnPoliciesHaveNoExcess(t *testing.T) {
	t.Parallel()
	purposes := []policies.Purpose{policies.All, policies.Render, policies.Deploy}
	if testing.Short() {
		purposes = purposes[:1]
	}
	for _, partition := range policies.Partitions() {
		regions := policies.Regions(partition)
		caller := "arn:" + partition + ":iam::123456789012:"
		for _, release := range policies.Releases(partition) {
			for _, kind := range policies.Kinds {
				about := fmt.Sprintf("%s %s %s", partition, release, kind)
				if got := excess(t, release.Document(kind), Target{Kind: kind}, release); got != nil {
					t.Errorf("%s: the document has excess: %q", about, got)
				}
				for _, target := range []Target{
					{},
					{Account: "123456789012"},
					{Account: "123456789012", Regions: regions[:1]},
					{Regions: regions[:2]},
					{Account: "123456789012", Regions: regions, Principal: caller + "user/people/ci"},
					{Account: "123456789012", Regions: regions[:1], Principal: caller + "role/ci"},
				} {
					for _, purpose := range purposes {
						target.Kind, target.Purpose = kind, purpose
						for _, caller := range []string{"", target.Principal} {
							text := needs.LeastPrivilege([]policies.Release{release}, kind, purpose,
								needs.Scope{Partition: partition, Account: target.Account,
									Regions: target.Regions, Caller: caller})
							if got := excess(t, text, target, release); got != nil {
								t.Errorf("%s %+v: the narrowed policy has excess: %q\n%s", about, target, got, text)
							}
						}
					}
				}
			}
		}
	}
}

// TestExcessOfRoles checks which grants beyond the needs of a role are excess.
func TestExcessOfRoles(t *testing.T) {
	t.Parallel()
	statement := func(action, resource string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[%s],`+
			`"Resource":[%s]}]}`, action, resource)
	}
	const bucket, objects = `"arn:aws:s3:::remotionlambda-*"`, `"arn:aws:s3:::remotionlambda-*/*"`
	const here = `"arn:aws:s3:::remotionlambda-useast1-*"`
	inOne := Target{Account: "123456789012", Regions: []string{"us-east-1"}}
	for _, test := range []struct {
		name, policy string
		target       Target
		want         []string
	}{
		{"bucket and object actions on both resources",
			statement(`"s3:GetObject","s3:ListBucket"`, bucket+","+objects), Target{}, nil},
		{"an object action on the buckets of a region", statement(`"s3:GetObject"`, here), inOne, nil},
		{"an action that does not exist", statement(`"s3:UploadPart"`, objects), Target{}, nil},
		{"an action that is not near any other", statement(`"s3:Everything"`, objects), Target{},
			[]string{"more actions: s3:Everything on arn:aws:s3:::remotionlambda-*/*"}},
		{"another bucket", statement(`"s3:GetObject"`, `"arn:aws:s3:::acme/*"`), Target{},
			[]string{"wider resource: s3:GetObject on arn:aws:s3:::acme/*"}},
		{"every bucket", statement(`"s3:GetObject"`, `"arn:aws:s3:::*"`), Target{},
			[]string{"wider resource: s3:GetObject on arn:aws:s3:::*"}},
		{"the buckets of all regions for one region", statement(`"s3:GetObject"`, objects), inOne,
			[]string{"wider resource: s3:GetObject on arn:aws:s3:::remotionlambda-*/*"}},
		{"another action", statement(`"s3:PutBucketCORS"`, bucket), Target{},
			[]string{"more actions: s3:PutBucketCORS on arn:aws:s3:::remotionlambda-*"}},
		{"an action of the user policy", statement(`"lambda:CreateFunction"`, `"*"`), Target{},
			[]string{"more actions: lambda:CreateFunction on *"}},
		{"the log streams of a log group and of its streams", statement(`"logs:PutLogEvents"`,
			`"arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-*:*",`+
				`"arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-*:log-stream:*"`), Target{}, nil},
	} {
		test.target.Kind = policies.Role
		if got := excess(t, test.policy, test.target, policies.Latest()); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	render := Target{Kind: policies.User, Purpose: policies.Render}
	if got := excess(t, policies.Latest().Document(policies.User), render,
		policies.Latest()); !slices.Contains(got,
		"more actions: lambda:CreateFunction on arn:aws:lambda:*:*:function:remotion-render-*") {
		t.Errorf("the document for a caller that only renders: %q, want CreateFunction", got)
	}
}
