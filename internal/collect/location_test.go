package collect_test

import (
	"reflect"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// everything is a policy document that allows everything.
var everything = statement(`"Effect":"Allow","Action":"*","Resource":"*"`)

func TestPoliciesHaveTheirLocation(t *testing.T) {
	t.Parallel()
	const policyARN = "arn:aws:iam::123456789012:policy/"
	account := compliant(t)
	account.Policies = map[string]awsemu.ManagedPolicy{
		"shared": {Document: everything, Tags: map[string]string{"aws:cloudformation:stack-name": "web"}},
		"limits": {Path: "/guards/", Document: everything},
		"AWSReadOnly": {ARN: "arn:aws:iam::aws:policy/job/AWSReadOnly",
			Document: everything},
	}
	account.Groups = map[string]awsemu.Group{"renderers": {
		Inline: map[string]string{"remotion": everything}, Managed: []string{"shared"}}}
	changeUser(account, func(u *awsemu.User) {
		u.Managed = []string{"shared", "AWSReadOnly"}
		u.Groups, u.Boundary = []string{"renderers"}, "limits"
	})
	changeRole(account, func(r *awsemu.Role) { r.Managed = []string{"shared", "limits"} })
	server := &awsemu.Server{Account: account}

	locations := map[string][]iampolicy.Location{}
	_, targets := collector(t, server).Collect(t.Context(), plan())
	for _, facts := range targets {
		list := []iampolicy.Location{}
		for _, p := range facts.Grants.Identity {
			list = append(list, p.Location)
		}
		if b := facts.Grants.Boundary; b != nil {
			list = append(list, b.Location)
		}
		locations[facts.Name] = list
	}

	tags := map[string]string{"aws:cloudformation:stack-name": "web"}
	shared := func(holder string) iampolicy.Location {
		return iampolicy.Location{Kind: iampolicy.ManagedLocation, Holder: holder, Name: "shared",
			ARN: policyARN + "shared", Attachments: 3, Tags: tags}
	}
	inline := func(holder string) iampolicy.Location {
		return iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: holder, Name: "remotion"}
	}
	want := map[string][]iampolicy.Location{
		"user/ci": {
			inline("user/ci"), shared("user/ci"),
			{Kind: iampolicy.ManagedLocation, Holder: "user/ci", Name: "AWSReadOnly",
				ARN: "arn:aws:iam::aws:policy/job/AWSReadOnly", Attachments: 1},
			inline("group/renderers"), shared("group/renderers"),
			{Kind: iampolicy.BoundaryLocation, Holder: "user/ci", Name: "limits",
				ARN: policyARN + "guards/limits", Attachments: 1},
		},
		"role/remotion-lambda-role": {
			inline("role/remotion-lambda-role"), shared("role/remotion-lambda-role"),
			{Kind: iampolicy.ManagedLocation, Holder: "role/remotion-lambda-role", Name: "limits",
				ARN: policyARN + "guards/limits", Attachments: 1},
		},
	}
	if !reflect.DeepEqual(locations, want) {
		t.Errorf("got  %+v\nwant %+v", locations, want)
	}
	reads := map[string]int{}
	for _, call := range server.Calls() {
		reads[call.Operation]++
	}
	if reads["GetPolicy"] != 3 || reads["GetPolicyVersion"] != 3 ||
		reads["ListEntitiesForPolicy"]+reads["ListPolicyTags"] != 0 {
		t.Errorf("the locations of 3 managed policies took the calls %v", reads)
	}
}
