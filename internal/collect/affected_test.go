package collect_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

const videos = "AWSReservedSSO_Videos_0123456789abcdef"

// crowded returns an account with audited principals, principals that are not audited, and every
// way in which a policy can apply to a principal.
func crowded(t *testing.T) *awsemu.Account {
	a := compliant(t)
	managed := func(names ...string) {
		for _, name := range names {
			a.Policies[name] = awsemu.ManagedPolicy{Path: "/team/",
				Document: statement(`"Effect":"Allow","Action":"s3:*","Resource":"*"`)}
		}
	}
	a.Policies = map[string]awsemu.ManagedPolicy{}
	managed("OfUser", "OfGroup", "OfRole", "OfSet", "OfClips", "UserBoundary", "RoleBoundary",
		"OfOthers", "Unused")
	a.Groups = map[string]awsemu.Group{"Renderers": {Managed: []string{"OfGroup"}}, "bots": {},
		"others": {Managed: []string{"OfOthers"}}}
	changeUser(a, func(u *awsemu.User) {
		u.Managed, u.Groups, u.Boundary = []string{"OfUser"}, []string{"bots", "Renderers"},
			"UserBoundary"
	})
	changeRole(a, func(r *awsemu.Role) { r.Managed, r.Boundary = []string{"OfRole"}, "RoleBoundary" })
	a.Users["other"] = awsemu.User{Managed: []string{"OfOthers"}, Groups: []string{"others"}}
	a.Roles["other"] = awsemu.Role{Managed: []string{"OfOthers"}}
	a.Roles["clips"] = awsemu.Role{Managed: []string{"OfClips"}}
	a.Roles[videos] = awsemu.Role{Path: "/aws-reserved/sso.amazonaws.com/", Managed: []string{"OfSet"}}
	custom := clips("eu-west-1", nil) // neither the name nor a tag shows the release
	custom.Role = "clips"
	deploy(a, custom, awsemu.LambdaFunction{Name: "web", Role: "other"})
	return a
}

// watched returns a plan that audits a user, a permission set, the render role and the functions in
// three regions.
func watched() collect.Plan {
	p := plan()
	p.Callers = append(p.Callers, collect.Caller{Name: "sso/Videos"})
	p.Further, p.OnlyWithFunctions = []string{"eu-west-1", "eu-west-2"}, true
	return p
}

func arnOf(policy string) string { return "arn:aws:iam::123456789012:policy/team/" + policy }

func onPolicy(name string) cloudtrail.IAMChange {
	return cloudtrail.IAMChange{Event: "SetDefaultPolicyVersion", PolicyARN: arnOf(name)}
}

func onGroup(name string) cloudtrail.IAMChange {
	return cloudtrail.IAMChange{Event: "DetachGroupPolicy", GroupName: name,
		PolicyARN: arnOf("OfOthers")}
}

func onRole(name string) cloudtrail.IAMChange {
	return cloudtrail.IAMChange{Event: "PutRolePolicy", RoleName: name}
}

func onUser(name string) cloudtrail.IAMChange {
	return cloudtrail.IAMChange{Event: "DetachUserPolicy", UserName: name, PolicyARN: arnOf("OfUser")}
}

// operations counts the calls that a server received, by operation.
func operations(server *awsemu.Server) string {
	counts := map[string]int{}
	for _, c := range server.Calls() {
		counts[c.Operation]++
	}
	return strings.Trim(fmt.Sprint(counts), "map[]")
}

// affected formats the first change of a list: its principals "a, b", "a, b unsure" or "unsure". It
// returns "dropped" for an empty list.
func affected(list []cloudtrail.IAMChange) string {
	if len(list) == 0 {
		return "dropped"
	}
	text := strings.Join(list[0].Targets, ", ")
	if list[0].Unsure {
		text = strings.TrimPrefix(text+" unsure", " ")
	}
	return text
}

// TestAffectedBy checks which principals a change affects and which calls AffectedBy makes.
func TestAffectedBy(t *testing.T) {
	const (
		listing  = "ListFunctions:3"
		groups   = "ListGroupsForUser:1"
		policies = "GetRole:3 GetUser:1 ListAttachedGroupPolicies:2 ListAttachedRolePolicies:3 " +
			"ListAttachedUserPolicies:1 ListFunctions:3 ListGroupsForUser:1 ListRoles:1"
	)
	set := "role/" + videos + ", sso/Videos"
	for _, test := range []struct {
		name         string
		change       cloudtrail.IAMChange
		want, called string
	}{
		{"an audited user is affected", onUser("ci"), "user/ci", ""},
		{"the case of a user name does not matter", onUser("CI"), "user/ci", ""},
		{"a user that is not audited is dropped", onUser("other"), "dropped", ""},
		{"a user with the name of an audited role is dropped",
			onUser("remotion-lambda-role"), "dropped", ""},
		{"a user that is not audited and leaves a group is dropped",
			cloudtrail.IAMChange{Event: "RemoveUserFromGroup",
				UserName: "other", GroupName: "Renderers"}, "dropped", ""},
		{"an audited user that leaves a group is affected",
			cloudtrail.IAMChange{Event: "RemoveUserFromGroup",
				UserName: "ci", GroupName: "gone"}, "user/ci", ""},
		{"a renamed audited user is affected", cloudtrail.IAMChange{Event: "UpdateUser", UserName: "ci",
			NewUserName: "ci2"}, "user/ci", ""},
		{"a user that gets the name of an audited user is affected",
			cloudtrail.IAMChange{Event: "UpdateUser", UserName: "old",
				NewUserName: "ci"}, "user/ci", ""},
		{"the render role is affected", onRole("remotion-lambda-role"), "role/remotion-lambda-role", ""},
		{"the case of a role name does not matter",
			onRole("Remotion-Lambda-Role"), "role/remotion-lambda-role",
			""},
		{"the role of a permission set is affected", onRole(videos), set, ""},
		{"a former role of a permission set is affected",
			onRole("AWSReservedSSO_Videos_ffffffffffffffff"),
			"role/AWSReservedSSO_Videos_ffffffffffffffff, sso/Videos", ""},
		{"the case of the role name of a permission set does not matter",
			onRole("awsreservedsso_VIDEOS_ffffffffffffffff"),
			"role/awsreservedsso_VIDEOS_ffffffffffffffff, sso/Videos", ""},
		{"the role of another permission set is dropped",
			onRole("AWSReservedSSO_Videos2_0123456789abcdef"),
			"dropped", listing},
		{"the role of a function is affected", onRole("CLIPS"), "role/clips", listing},
		{"the role of a function that is not Remotion's is dropped", onRole("other"), "dropped", listing},
		{"a group with an audited user affects the user", onGroup("Renderers"), "user/ci", groups},
		{"the case of a group name does not matter", onGroup("renderers"), "user/ci", groups},
		{"a group without an audited user is dropped", onGroup("others"), "dropped", groups},
		{"a renamed group with an audited user affects the user",
			cloudtrail.IAMChange{Event: "UpdateGroup", GroupName: "artists", NewGroupName: "Renderers"},
			"user/ci", groups},
		{"a renamed group without an audited user is dropped",
			cloudtrail.IAMChange{Event: "UpdateGroup", GroupName: "artists", NewGroupName: "others"},
			"dropped", groups},
		{"a policy of a user affects the user", onPolicy("OfUser"), "user/ci", policies},
		{"the case of a policy ARN does not matter", onPolicy("ofuser"), "user/ci", policies},
		{"a policy of a user's group affects the user", onPolicy("OfGroup"), "user/ci", policies},
		{"a policy of the render role affects the role",
			onPolicy("OfRole"), "role/remotion-lambda-role", policies},
		{"a policy of a permission set affects its role", onPolicy("OfSet"), set, policies},
		{"a policy of a function's role affects the role", onPolicy("OfClips"), "role/clips", policies},
		{"a user's permissions boundary affects the user", onPolicy("UserBoundary"), "user/ci", policies},
		{"a role's permissions boundary affects the role",
			onPolicy("RoleBoundary"), "role/remotion-lambda-role",
			policies},
		{"a policy of principals that are not audited is dropped",
			onPolicy("OfOthers"), "dropped", policies},
		{"a policy without attachments is dropped", onPolicy("Unused"), "dropped", policies},
		{"a policy change without an ARN is unsure", cloudtrail.IAMChange{Event: "CreatePolicyVersion"},
			"unsure", ""},
		{"a user change without a name is unsure", cloudtrail.IAMChange{Event: "DetachUserPolicy",
			PolicyARN: arnOf("OfOthers")}, "unsure", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := &awsemu.Server{Account: crowded(t)}
			got, problems := collector(t, server).AffectedBy(t.Context(), watched(),
				[]cloudtrail.IAMChange{test.change})
			if affected(got) != test.want || operations(server) != test.called || problems != nil {
				t.Errorf("affects %q with calls %q, problems %v; want %q with calls %q, no problems",
					affected(got), operations(server), problems, test.want, test.called)
			}
			for _, c := range server.Calls() {
				if !slices.ContainsFunc(contract.ReadPermissions(), func(p contract.Permission) bool {
					return p.Action == c.Service+":"+strings.TrimSuffix(c.Operation, "20150331")
				}) {
					t.Errorf("%s:%s is not among the auditor's permissions", c.Service, c.Operation)
				}
			}
		})
	}
}

// TestAffectedByReadsOnce checks that the number of calls does not grow with the number of changes.
func TestAffectedByReadsOnce(t *testing.T) {
	a := crowded(t)
	a.Users["second"] = awsemu.User{Groups: []string{"Renderers"}}
	server := &awsemu.Server{Account: a}
	p := watched()
	p.Callers = append(p.Callers, collect.Caller{Name: "user/second"},
		collect.Caller{Name: "user/gone"})
	var changes []cloudtrail.IAMChange
	for range 50 {
		changes = append(changes, onRole("other"), onRole("clips"), onGroup("others"),
			onGroup("Renderers"), onPolicy("OfGroup"), onPolicy("Unused"), onUser("other"), onUser("second"))
	}
	got, problems := collector(t, server).AffectedBy(t.Context(), p, changes)
	if len(got) != 200 || problems != nil || got[0].Targets[0] != "role/clips" ||
		!slices.Equal(got[1].Targets, []string{"user/ci", "user/second"}) ||
		!slices.Equal(got[2].Targets, []string{"user/ci", "user/second"}) {
		t.Errorf("%d changes affect a principal, want 200; problems %v, first changes %+v", len(got), problems, got[:4])
	}
	// GetUser is called twice for user/gone: a single NoSuchEntity is no proof.
	const want = "GetRole:3 GetUser:4 ListAttachedGroupPolicies:2 ListAttachedRolePolicies:3 " +
		"ListAttachedUserPolicies:3 ListFunctions:3 ListGroupsForUser:3 ListRoles:1"
	if operations(server) != want {
		t.Errorf("called %s, want %s", operations(server), want)
	}
}

// TestAffectedByWithFailedReads checks that AffectedBy returns a change that it cannot resolve, and
// that a failed read does not matter to a change that does not need the read.
func TestAffectedByWithFailedReads(t *testing.T) {
	deny := func(operation string) awsemu.Fault {
		return awsemu.Fault{Operation: operation, Deny: true}
	}
	all := "user/ci, role/" + videos + ", sso/Videos, role/remotion-lambda-role, role/clips unsure"
	for _, test := range []struct {
		name    string
		fault   awsemu.Fault
		change  cloudtrail.IAMChange
		want    string
		problem string
	}{
		{"a group change is unsure if the groups of a user are unknown",
			deny("iam:ListGroupsForUser"), onGroup("others"),
			"user/ci unsure", "user/ci: the list of groups: iam:ListGroupsForUser"},
		{"a policy change is unsure if the groups of a user are unknown",
			deny("iam:ListGroupsForUser"), onPolicy("Unused"),
			"user/ci unsure", "user/ci: the list of groups: iam:ListGroupsForUser"},
		{"a change of a user's policy is sure even if the groups of the user are unknown",
			deny("iam:ListGroupsForUser"),
			onPolicy("OfUser"), "user/ci", "user/ci: the list of groups: iam:ListGroupsForUser"},
		{"a role change is dropped even if the groups of a user are unknown",
			deny("iam:ListGroupsForUser"), onRole("other"), "dropped", ""},
		{"a policy change is unsure if the policies of a user are unknown",
			deny("iam:ListAttachedUserPolicies"), onPolicy("Unused"), "user/ci unsure",
			"user/ci: the list of attached policies: iam:ListAttachedUserPolicies"},
		{"a policy change is unsure if a user cannot be read",
			deny("iam:GetUser"), onPolicy("Unused"), "user/ci unsure",
			`user/ci: the user "ci" itself: iam:GetUser`},
		{"a group change is dropped even if a user cannot be read",
			deny("iam:GetUser"), onGroup("others"), "dropped", ""},
		{"a policy change is unsure if the policies of a group are unknown",
			awsemu.Fault{Operation: "iam:ListAttachedGroupPolicies",
				Target: "group/bots", Deny: true}, onPolicy("Unused"), "user/ci unsure",
			`user/ci: the list of attached policies of group "bots": iam:ListAttachedGroupPolicies`},
		{"a policy change is unsure if the policies of one role are unknown",
			awsemu.Fault{Operation: "iam:ListAttachedRolePolicies",
				Target: "role/clips", Deny: true}, onPolicy("Unused"), "role/clips unsure",
			"role/clips: the list of attached policies: iam:ListAttachedRolePolicies"},
		{"a change of a role's policy is unsure if the policies of another role are unknown",
			awsemu.Fault{Operation: "iam:ListAttachedRolePolicies",
				Target: "role/clips", Deny: true}, onPolicy("OfRole"),
			"role/remotion-lambda-role, role/clips unsure",
			"role/clips: the list of attached policies: iam:ListAttachedRolePolicies"},
		{"a policy change is unsure if the role of a permission set is unknown",
			deny("iam:ListRoles"), onPolicy("Unused"), "sso/Videos unsure",
			"sso/Videos: the role of permission set Videos: iam:ListRoles"},
		{"a role change is unsure if the functions are unknown",
			deny("lambda:ListFunctions"), onRole("other"), "role/other unsure",
			": the functions in us-east-1, eu-west-1, eu-west-2: lambda:ListFunctions"},
		{"a change of the render role is sure even if the functions are unknown",
			deny("lambda:ListFunctions"),
			onRole("remotion-lambda-role"), "role/remotion-lambda-role", ""},
		{"a change of a function's role is sure even if the functions of a region are unknown",
			awsemu.Fault{Operation: "lambda:ListFunctions", Region: "eu-west-2",
				Deny: true}, onRole("clips"), "role/clips",
			": the functions in eu-west-2: lambda:ListFunctions"},
		{"a policy change is unsure if the functions are unknown",
			deny("lambda:ListFunctions"), onPolicy("Unused"), "unsure",
			": the functions in us-east-1, eu-west-1, eu-west-2: lambda:ListFunctions"},
		{"a role change is dropped even if an SCP denies the list of functions in a region",
			refuse("eu-west-2", "AccessDeniedException", byAnSCP, 403),
			onRole("other"), "dropped", ""},
		{"a role change is unsure if only Lambda refuses the credentials in a region",
			refuse("eu-west-2", "UnrecognizedClientException",
				"", 403),
			onRole("other"), "role/other unsure",
			": the functions in eu-west-2: "},
		{"a policy change is unsure if IAM throttles all calls",
			awsemu.Fault{Operation: "iam:*", Throttle: true}, onPolicy("Unused"),
			strings.Replace(all, "role/"+videos+", ", "", 1), "throttled"},
		{"a policy change is unsure if the deadline ends all calls",
			awsemu.Fault{Operation: "*", Delay: time.Minute}, onPolicy("Unused"),
			strings.TrimSuffix(strings.Replace(all, "role/"+videos+", ", "", 1), ", role/clips unsure") +
				" unsure", "deadline"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := &awsemu.Server{Account: crowded(t)}
			server.SetFaults(test.fault)
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			if test.fault.Delay > 0 {
				ctx, stop = context.WithTimeout(ctx, 50*time.Millisecond)
				defer stop()
			}
			got, problems := collector(t, server).AffectedBy(ctx, watched(),
				[]cloudtrail.IAMChange{test.change})
			var list []string
			for _, p := range problems {
				list = append(list, fmt.Sprintf("%s: %s: %s", p.Target, p.What, p.Grant))
			}
			switch test.problem {
			case "throttled", "deadline":
				if len(problems) < 3 || !strings.Contains(problems[1].Why, test.problem) {
					t.Errorf("problems %+v, want %s", problems, test.problem)
				}
			default:
				if strings.Join(list, "\n") != test.problem {
					t.Errorf("problems %q, want %q", list, test.problem)
				}
			}
			if affected(got) != test.want {
				t.Errorf("affects %q, want %q", affected(got), test.want)
			}
		})
	}
}

// TestAffectedByCoversEachAuditedRole checks that a change of each audited role of a function is
// returned.
func TestAffectedByCoversEachAuditedRole(t *testing.T) {
	a := compliant(t)
	for i := range 22 {
		role := fmt.Sprintf("role-%02d", i)
		if i == 0 {
			role = "remotion-lambda-role"
		}
		a.Roles[role] = awsemu.Role{Trust: "lambda.amazonaws.com"}
		deploy(a,
			awsemu.LambdaFunction{Name: fmt.Sprintf("remotion-render-4-0-418-mem%dmb-disk2048mb-120sec",
				2048+i), Role: role})
	}
	p := plan()
	r, _ := judge(t, a, p)
	audited := 0
	for i := range 22 {
		role := fmt.Sprintf("role-%02d", i)
		want := slices.ContainsFunc(r.Targets, func(t audit.TargetReport) bool {
			return t.Name == "role/"+role
		})
		if want {
			audited++
		}
		got, problems := collector(t, &awsemu.Server{Account: a}).AffectedBy(t.Context(), p,
			[]cloudtrail.IAMChange{onRole(role)})
		if (len(got) == 1) != want || problems != nil {
			t.Errorf("%s: audited %v, but AffectedBy returns %+v, problems %v", role, want, got, problems)
		}
	}
	if audited != 20 {
		t.Errorf("%d roles of functions are audited, want 20", audited)
	}
}

// TestAffectedByWithoutTargets checks that AffectedBy makes no calls if the plan has no principals
// and the Collector has no Lambda client.
func TestAffectedByWithoutTargets(t *testing.T) {
	server := &awsemu.Server{Account: crowded(t)}
	c := collector(t, server)
	c.Lambda = nil
	p := watched()
	p.Callers, p.RenderRoles = nil, nil
	if got, problems := c.AffectedBy(t.Context(), p,
		[]cloudtrail.IAMChange{onUser("ci"), onGroup("bots"), onPolicy("OfUser"),
			onRole("clips")}); len(got) != 0 || problems != nil || len(server.Calls()) != 0 {
		t.Errorf("got %+v, problems %v, calls %s; want none", got, problems, operations(server))
	}
	if got, _ := c.AffectedBy(t.Context(), p, nil); len(got) != 0 {
		t.Errorf("without changes: got %+v, want none", got)
	}
}

// TestAffectedByCallsConcurrently checks that a call waits only for the calls that it depends on.
func TestAffectedByCallsConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &awsemu.Server{Account: crowded(t)}
		got, _ := collectorWith(roundtrips.Config(t, server)).AffectedBy(t.Context(), watched(),
			[]cloudtrail.IAMChange{onPolicy("OfGroup"), onRole("clips"), onGroup("bots")})
		// The rounds are: the permission set, its role, the role of the function, the groups.
		if rounds := roundtrips.Count(server.Calls()); len(got) != 3 || rounds != 4 {
			t.Errorf("%d changes affect a principal, after %d rounds of calls; want 3 after 4", len(got),
				rounds)
		}
	})
}

// TestAffectedByFollowsRenamedGroups checks that a change of a group under a former name is
// returned, in any order of delivery. IAM returns only the current groups of a user.
func TestAffectedByFollowsRenamedGroups(t *testing.T) {
	rename := func(from, to string) cloudtrail.IAMChange {
		return cloudtrail.IAMChange{Event: "UpdateGroup", GroupName: from, NewGroupName: to}
	}
	for name, batch := range map[string][]cloudtrail.IAMChange{
		"a change, then a rename": {onGroup("artists"), rename("Artists", "renderers")},
		"a rename, then a change": {rename("Artists", "renderers"), onGroup("artists")},
		"two renames after a change": {onGroup("artists"), rename("artists", "painters"),
			rename("painters", "renderers")},
		"a rename and its reversal": {onGroup("renderers"), rename("renderers", "artists"),
			rename("artists", "renderers")},
		"a rename to the same name":      {onGroup("renderers"), rename("renderers", "renderers")},
		"a rename of another group, too": {onGroup("artists"), rename("others", "more"), rename("artists", "renderers")},
	} {
		server := &awsemu.Server{Account: crowded(t)}
		got, problems := collector(t, server).AffectedBy(t.Context(), watched(), batch)
		i := slices.IndexFunc(got, func(c cloudtrail.IAMChange) bool {
			return c.Event == "DetachGroupPolicy"
		})
		if i < 0 || !slices.Equal(got[i].Targets, []string{"user/ci"}) || got[i].Unsure ||
			problems != nil {
			t.Errorf("%s: got %+v, problems %v; want user/ci affected", name, got, problems)
		}
	}
}
