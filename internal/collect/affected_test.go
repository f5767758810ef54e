package collect_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/contract"
)

const videos = "AWSReservedSSO_Videos_0123456789abcdef"

// crowded has audited principals, similar other ones, and every way in which a policy can apply to
// a principal.
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
	spoilUser(a, func(u *awsemu.User) {
		u.Managed, u.Groups, u.Boundary = []string{"OfUser"}, []string{"bots", "Renderers"},
			"UserBoundary"
	})
	spoilRole(a, func(r *awsemu.Role) { r.Managed, r.Boundary = []string{"OfRole"}, "RoleBoundary" })
	a.Users["other"] = awsemu.User{Managed: []string{"OfOthers"}, Groups: []string{"others"}}
	a.Roles["other"] = awsemu.Role{Managed: []string{"OfOthers"}}
	a.Roles["clips"] = awsemu.Role{Managed: []string{"OfClips"}}
	a.Roles[videos] = awsemu.Role{Path: "/aws-reserved/sso.amazonaws.com/", Managed: []string{"OfSet"}}
	ownName := clips("eu-west-1", nil) // whose release only a tag could tell
	ownName.Role = "clips"
	deploy(a, ownName, awsemu.LambdaFunction{Name: "web", Role: "other"})
	return a
}

// watched audits a user, a permission set, the render role and the functions in three regions.
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

// affected returns the principals that a change affects: "a, b", "a, b unsure", or "dropped".
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
		{"a user who is audited", onUser("ci"), "user/ci", ""},
		{"a user, in other letters", onUser("CI"), "user/ci", ""},
		{"a user who is not", onUser("other"), "dropped", ""},
		{"a user named as an audited role is", onUser("remotion-lambda-role"), "dropped", ""},
		{"a user in any group", cloudtrail.IAMChange{Event: "RemoveUserFromGroup",
			UserName: "other", GroupName: "Renderers"}, "dropped", ""},
		{"an audited user who leaves a group", cloudtrail.IAMChange{Event: "RemoveUserFromGroup",
			UserName: "ci", GroupName: "gone"}, "user/ci", ""},
		{"a user who is renamed", cloudtrail.IAMChange{Event: "UpdateUser", UserName: "ci",
			NewUserName: "ci2"}, "user/ci", ""},
		{"a user who gets an audited name", cloudtrail.IAMChange{Event: "UpdateUser", UserName: "old",
			NewUserName: "ci"}, "user/ci", ""},
		{"the render role", onRole("remotion-lambda-role"), "role/remotion-lambda-role", ""},
		{"the render role, in other letters", onRole("Remotion-Lambda-Role"), "role/remotion-lambda-role",
			""},
		{"the role of a permission set", onRole(videos), set, ""},
		{"a former role of it", onRole("AWSReservedSSO_Videos_ffffffffffffffff"),
			"role/AWSReservedSSO_Videos_ffffffffffffffff, sso/Videos", ""},
		{"a role of it, in other letters", onRole("awsreservedsso_VIDEOS_ffffffffffffffff"),
			"role/awsreservedsso_VIDEOS_ffffffffffffffff, sso/Videos", ""},
		{"the role of another permission set", onRole("AWSReservedSSO_Videos2_0123456789abcdef"),
			"dropped", listing},
		{"the role of a function", onRole("CLIPS"), "role/clips", listing},
		{"the role of a function that is not Remotion's", onRole("other"), "dropped", listing},
		{"a group with an audited user", onGroup("Renderers"), "user/ci", groups},
		{"a group, in other letters", onGroup("renderers"), "user/ci", groups},
		{"a group without", onGroup("others"), "dropped", groups},
		{"a group that is renamed, with an audited user",
			cloudtrail.IAMChange{Event: "UpdateGroup", GroupName: "artists", NewGroupName: "Renderers"},
			"user/ci", groups},
		{"a group that is renamed, without",
			cloudtrail.IAMChange{Event: "UpdateGroup", GroupName: "artists", NewGroupName: "others"},
			"dropped", groups},
		{"a policy of a user", onPolicy("OfUser"), "user/ci", policies},
		{"a policy, in other letters", onPolicy("ofuser"), "user/ci", policies},
		{"a policy of a user's group", onPolicy("OfGroup"), "user/ci", policies},
		{"a policy of the render role", onPolicy("OfRole"), "role/remotion-lambda-role", policies},
		{"a policy of a permission set", onPolicy("OfSet"), set, policies},
		{"a policy of a function's role", onPolicy("OfClips"), "role/clips", policies},
		{"a user's permissions boundary", onPolicy("UserBoundary"), "user/ci", policies},
		{"a role's permissions boundary", onPolicy("RoleBoundary"), "role/remotion-lambda-role",
			policies},
		{"a policy of others", onPolicy("OfOthers"), "dropped", policies},
		{"a policy without attachments", onPolicy("Unused"), "dropped", policies},
		{"a policy without an ARN in the record", cloudtrail.IAMChange{Event: "CreatePolicyVersion"},
			"unsure", ""},
		{"a user without a name in the record", cloudtrail.IAMChange{Event: "DetachUserPolicy",
			PolicyARN: arnOf("OfOthers")}, "unsure", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := &awsemu.Server{Account: crowded(t)}
			got, problems := collector(t, server).AffectedBy(t.Context(), watched(),
				[]cloudtrail.IAMChange{test.change})
			if affected(got) != test.want || operations(server) != test.called || problems != nil {
				t.Errorf("affects %q with calls %q, %v; want %q with %q", affected(got), operations(server),
					problems,
					test.want, test.called)
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

// The number of calls does not grow with the number of changes.
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
		t.Errorf("%d of them are relevant, %v: %+v", len(got), problems, got[:4])
	}
	const want = "GetRole:3 GetUser:3 ListAttachedGroupPolicies:2 ListAttachedRolePolicies:3 " +
		"ListAttachedUserPolicies:3 ListFunctions:3 ListGroupsForUser:3 ListRoles:1"
	if operations(server) != want {
		t.Errorf("called %s, want %s", operations(server), want)
	}
}

// A change that cannot be resolved counts as relevant. Failed reads do not matter to other changes.
func TestAffectedByWithoutAnAnswer(t *testing.T) {
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
		{"a user's groups, of a group", deny("iam:ListGroupsForUser"), onGroup("others"),
			"user/ci unsure", "user/ci: the list of groups: iam:ListGroupsForUser"},
		{"a user's groups, of a policy", deny("iam:ListGroupsForUser"), onPolicy("Unused"),
			"user/ci unsure", "user/ci: the list of groups: iam:ListGroupsForUser"},
		{"a user's groups, of a policy that is the user's", deny("iam:ListGroupsForUser"),
			onPolicy("OfUser"), "user/ci", "user/ci: the list of groups: iam:ListGroupsForUser"},
		{"a user's groups, of a role", deny("iam:ListGroupsForUser"), onRole("other"), "dropped", ""},
		{"a user's policies", deny("iam:ListAttachedUserPolicies"), onPolicy("Unused"), "user/ci unsure",
			"user/ci: the list of attached policies: iam:ListAttachedUserPolicies"},
		{"a user itself", deny("iam:GetUser"), onPolicy("Unused"), "user/ci unsure",
			`user/ci: the user "ci" itself: iam:GetUser`},
		{"a user itself, of a group", deny("iam:GetUser"), onGroup("others"), "dropped", ""},
		{"a group's policies", awsemu.Fault{Operation: "iam:ListAttachedGroupPolicies",
			Target: "group/bots", Deny: true}, onPolicy("Unused"), "user/ci unsure",
			`user/ci: the list of attached policies of group "bots": iam:ListAttachedGroupPolicies`},
		{"one role's policies", awsemu.Fault{Operation: "iam:ListAttachedRolePolicies",
			Target: "role/clips", Deny: true}, onPolicy("Unused"), "role/clips unsure",
			"role/clips: the list of attached policies: iam:ListAttachedRolePolicies"},
		{"one role's, of a policy of another", awsemu.Fault{Operation: "iam:ListAttachedRolePolicies",
			Target: "role/clips", Deny: true}, onPolicy("OfRole"),
			"role/remotion-lambda-role, role/clips unsure",
			"role/clips: the list of attached policies: iam:ListAttachedRolePolicies"},
		{"a permission set", deny("iam:ListRoles"), onPolicy("Unused"), "sso/Videos unsure",
			"sso/Videos: the role of permission set Videos: iam:ListRoles"},
		{"functions, of a role", deny("lambda:ListFunctions"), onRole("other"), "role/other unsure",
			": the functions in us-east-1, eu-west-1, eu-west-2: lambda:ListFunctions"},
		{"functions, of a role that is audited", deny("lambda:ListFunctions"),
			onRole("remotion-lambda-role"), "role/remotion-lambda-role", ""},
		{"functions in one region", awsemu.Fault{Operation: "lambda:ListFunctions", Region: "eu-west-2",
			Deny: true}, onRole("clips"), "role/clips",
			": the functions in eu-west-2: lambda:ListFunctions"},
		{"functions, of a policy", deny("lambda:ListFunctions"), onPolicy("Unused"), "unsure",
			": the functions in us-east-1, eu-west-1, eu-west-2: lambda:ListFunctions"},
		{"functions where none can be", refuse("eu-west-2", "AccessDeniedException", byAnSCP, 403),
			onRole("other"), "dropped", ""},
		{"functions in a region that is not enabled", refuse("eu-west-2", "UnrecognizedClientException",
			"", 403),
			onRole("other"), "dropped", ""},
		{"too often", awsemu.Fault{Operation: "iam:*", Throttle: true}, onPolicy("Unused"),
			strings.Replace(all, "role/"+videos+", ", "", 1), "throttled"},
		{"too late", awsemu.Fault{Operation: "*", Delay: time.Minute}, onPolicy("Unused"),
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
					t.Errorf("problems %+v", problems)
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

// A change of each audited role of a function is relevant.
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
			t.Errorf("%s: audited %v, affected by its change: %+v %v", role, want, got, problems)
		}
	}
	if audited != 20 {
		t.Errorf("%d roles of functions are audited, want more than the bound", audited)
	}
}

// Without targets or without discovery there are no calls.
func TestAffectedByWithoutTargets(t *testing.T) {
	server := &awsemu.Server{Account: crowded(t)}
	c := collector(t, server)
	c.Lambda = nil
	p := watched()
	p.Callers, p.RenderRoles = nil, nil
	if got, problems := c.AffectedBy(t.Context(), p,
		[]cloudtrail.IAMChange{onUser("ci"), onGroup("bots"), onPolicy("OfUser"),
			onRole("clips")}); len(got) != 0 || problems != nil || len(server.Calls()) != 0 {
		t.Errorf("%+v %v by %s", got, problems, operations(server))
	}
	if got, _ := c.AffectedBy(t.Context(), p, nil); len(got) != 0 {
		t.Errorf("without a change %+v", got)
	}
}

// Independent calls run concurrently.
func TestAffectedByCallsConcurrently(t *testing.T) {
	server := &awsemu.Server{Account: crowded(t)}
	server.SetFaults(awsemu.Fault{Operation: "*", Delay: 20 * time.Millisecond})
	got, _ := collector(t, server).AffectedBy(t.Context(), watched(),
		[]cloudtrail.IAMChange{onPolicy("OfGroup"), onRole("clips"), onGroup("bots")})
	// The permission set, its role, the function's role, the groups.
	if rounds := awsemu.Rounds(server.Calls()); len(got) != 3 || rounds > 4 {
		t.Errorf("%d are relevant, after %d rounds of calls", len(got), rounds)
	}
}

// A user is read with its current groups. A change of a group under its former name is relevant, in
// any order of delivery.
func TestAffectedByFollowsRenamedGroups(t *testing.T) {
	rename := func(from, to string) cloudtrail.IAMChange {
		return cloudtrail.IAMChange{Event: "UpdateGroup", GroupName: from, NewGroupName: to}
	}
	for name, batch := range map[string][]cloudtrail.IAMChange{
		"in order":      {onGroup("artists"), rename("Artists", "renderers")},
		"the other way": {rename("Artists", "renderers"), onGroup("artists")},
		"renamed twice": {onGroup("artists"), rename("artists", "painters"),
			rename("painters", "renderers")},
		"there and back": {onGroup("renderers"), rename("renderers", "artists"),
			rename("artists", "renderers")},
		"in circles":      {onGroup("renderers"), rename("renderers", "renderers")},
		"others are, too": {onGroup("artists"), rename("others", "more"), rename("artists", "renderers")},
	} {
		server := &awsemu.Server{Account: crowded(t)}
		got, problems := collector(t, server).AffectedBy(t.Context(), watched(), batch)
		i := slices.IndexFunc(got, func(c cloudtrail.IAMChange) bool {
			return c.Event == "DetachGroupPolicy"
		})
		if i < 0 || !slices.Equal(got[i].Targets, []string{"user/ci"}) || got[i].Unsure ||
			problems != nil {
			t.Errorf("%s: %+v, %v", name, got, problems)
		}
	}
}
