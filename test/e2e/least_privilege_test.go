package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

const (
	arnOf             = "arn:aws:iam::123456789012:"
	permissionSetRole = "AWSReservedSSO_Video_0123456789abcdef"
	allowEverything   = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	allowListQueues = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":"sqs:ListQueues","Resource":"*"}]}`
)

// accountUsingEveryPermission returns a compliant account in which the auditor uses each of its
// permissions.
func accountUsingEveryPermission(t *testing.T) *awsemu.Account {
	t.Helper()
	a := account(t, "compliant")
	user, role := a.Users["remotion-user"], a.Roles["remotion-lambda-role"]
	a.Policies = map[string]awsemu.ManagedPolicy{
		"extras": {Document: allowListQueues}, "team": {Path: "/teams/", Document: allowListQueues},
		"limits": {Document: allowEverything}, "clips": {Document: allowListQueues},
		"ViewOnlyAccess": {ARN: "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
			Document: allowListQueues},
	}
	a.Groups = map[string]awsemu.Group{"renderers": {Path: "/teams/",
		Inline: map[string]string{"queues": allowListQueues}, Managed: []string{"team"}}}
	user.Path, user.Groups, user.Managed, user.Boundary = "/bots/", []string{"renderers"},
		[]string{"extras", "ViewOnlyAccess"}, "limits"
	role.Managed = []string{"clips"}
	a.Users["remotion-user"], a.Roles["remotion-lambda-role"] = user, role
	a.Roles[permissionSetRole] = awsemu.Role{Path: "/aws-reserved/sso.amazonaws.com/eu-west-1/",
		Inline: user.Inline}
	a.Functions = []awsemu.LambdaFunction{
		{Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec", Role: "remotion-lambda-role"},
		{Name: "remotion-render-bds9aab", Role: "remotion-lambda-role",
			Tags: map[string]string{"remotion-version": "4.0.527"}},
	}
	return a
}

// withGap removes a permission from the render role, so that there is a gap to announce.
func withGap(a *awsemu.Account) *awsemu.Account {
	role := a.Roles["remotion-lambda-role"]
	const name = "remotion-lambda-role-policy"
	role.Inline = map[string]string{name: strings.Replace(role.Inline[name],
		`"lambda:InvokeFunction"`, `"lambda:InvokeAsync"`, 1)}
	a.Roles["remotion-lambda-role"] = role
	return a
}

// namedPrincipals are the ARNs that an auditor of accountUsingEveryPermission must be able to read
// with ReadScope=named.
var namedPrincipals = []string{
	arnOf + "user/bots/remotion-user", arnOf + "role/remotion-lambda-role",
	arnOf + "role/aws-reserved/sso.amazonaws.com/eu-west-1/" + permissionSetRole,
	arnOf + "group/teams/renderers", arnOf + "policy/extras", arnOf + "policy/clips",
	arnOf + "policy/teams/team", arnOf + "policy/limits",
}

// scopes contains the template parameters for each read scope.
var scopes = map[string]map[string]string{
	contract.ReadScopeAccount: {"Callers": "user/remotion-user,sso/Video"},
	contract.ReadScopeNamed: {"Callers": namedPrincipals[0] + "," + namedPrincipals[2],
		"ReadScope": contract.ReadScopeNamed, "NamedPrincipals": strings.Join(namedPrincipals, ",")},
}

// A stack holds the properties of the function that template.yaml deploys: the path, the policy and
// the trust policy of its role, and its environment.
type stack struct {
	path          string
	policy, trust map[string]any
	environment   map[string]string
}

// resourceNames replaces references in the template with the names of the deployed resources.
var resourceNames = strings.NewReplacer("${AlertTopic}", topicARN, "${EvidenceBucket}", bucket,
	"${AuditLogGroup.Arn}", "arn:aws:logs:us-east-1:123456789012:log-group:remotion-audit",
	"${FailureQueue.Arn}", "arn:aws:sqs:us-east-1:123456789012:failures", "${ChangeQueue.Arn}",
	"arn:aws:sqs:us-east-1:123456789012:changes",
	"${AWS::Region}", "us-east-1", "${EvidenceKmsKeyArn}", evidenceKey, "${AlertTopicKey.Arn}",
	"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab")

// evidenceKey is the key of the evidence bucket, where a test sets one.
const evidenceKey = "arn:aws:kms:us-east-1:123456789012:key/2345bcde-23bc-45de-67f0-234567890abc"

func readStack(t *testing.T, parameters map[string]string) (s stack) {
	t.Helper()
	template := cfntest.Read(t, "../../template.yaml")
	all := map[string]string{"AWS::Partition": "aws", "AWS::AccountId": "123456789012",
		"AWS::Region": "us-east-1", "AWS::URLSuffix": "amazonaws.com", "ReactToChanges": "yes"}
	maps.Copy(all, parameters)
	if err := template.Check(all); err != nil {
		t.Fatal(err)
	}
	resources, err := template.Resources(all)
	if err != nil {
		t.Fatal(err)
	}
	role := resources["AuditRole"].Properties
	s.path = fmt.Sprint(role["Path"])
	resolveNames(t, role["AssumeRolePolicyDocument"], &s.trust)
	resolveNames(t, resources["AuditPolicy"].Properties["PolicyDocument"], &s.policy)
	resolveNames(t, resources["AuditFunction"].Properties["Environment"].(map[string]any)["Variables"],
		&s.environment)
	return s
}

// resolveNames replaces the references in v with resourceNames, and decodes the result.
func resolveNames(t *testing.T, v, into any) {
	t.Helper()
	filled := resourceNames.Replace(toJSON(t, v))
	if strings.Contains(filled, "${") {
		t.Fatalf("unknown name in %s: add it to resourceNames", filled)
	}
	if err := json.Unmarshal([]byte(filled), into); err != nil {
		t.Fatal(err)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// without returns the stack without an action or a resource in the statement with the given Sid, or
// in all statements if sid is empty. element is Action or Resource.
func (s stack) without(sid, element, value string) stack {
	var remaining []any
	for _, v := range s.statements() {
		statement := maps.Clone(v)
		list := slices.Clone(cfn.List(statement[element]))
		if sid == "" || sid == statement["Sid"] {
			list = slices.DeleteFunc(list, func(v any) bool { return v == value })
		}
		if statement[element] = list; len(list) > 0 {
			remaining = append(remaining, statement)
		}
	}
	s.policy = map[string]any{"Version": s.policy["Version"], "Statement": remaining}
	return s
}

func (s stack) statements() (list []map[string]any) {
	for _, v := range cfn.List(s.policy["Statement"]) {
		list = append(list, v.(map[string]any))
	}
	return list
}

// deploy deploys the function to an account with the role of the stack. The embedded AWS enforces
// IAM.
func (s stack) deploy(t *testing.T, a *awsemu.Account) *deployment {
	t.Helper()
	a.Roles["auditor"] = awsemu.Role{Path: s.path, Trust: toJSON(t, s.trust),
		Inline: map[string]string{"audit": toJSON(t, s.policy)}}
	a.Function = awsemu.Function{Region: "us-east-1", Name: "remotion-audit", Timeout: time.Minute,
		Role: "auditor", Environment: s.environment}
	server := &awsemu.Server{Account: a, EnforceIAM: true}
	endpoint, err := server.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	keys, err := server.ServiceSession("lambda.amazonaws.com", "auditor", "remotion-audit")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"AWS_ACCESS_KEY_ID": keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey, "AWS_SESSION_TOKEN": keys.SessionToken}
	return &deployment{t: t, server: server,
		invocation: invocation{account: a, event: "scheduler.json",
			server: server, url: endpoint.URL, env: env}}
}

// deniedCalls returns the calls that the policy of the function did not allow.
func (w *deployment) deniedCalls() (list []string) {
	for _, c := range w.server.Calls() {
		if slices.Contains([]string{"AccessDenied", "AccessDeniedException", "AuthorizationError"},
			c.Code) {
			list = append(list, c.Service+":"+c.Operation)
		}
	}
	return list
}

// storedReport returns the stored report of a run, or an empty one if there is none.
func (w *deployment) storedReport(o outcome) (r audit.Report) {
	w.t.Helper()
	for key, body := range w.server.Objects(bucket) {
		if strings.HasSuffix(key, "/"+o.RequestID+".json") {
			if err := json.Unmarshal(body, &r); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return r
}

// TestTheRoleIsEnough checks that the template grants all permissions that the function uses.
func TestTheRoleIsEnough(t *testing.T) {
	for scope, parameters := range scopes {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			w := readStack(t, parameters).deploy(t, accountUsingEveryPermission(t))
			assertNoErrors := func(what string, o outcome) {
				t.Helper()
				if denied := w.deniedCalls(); o.FunctionError != "" || denied != nil || o.answer.Problems > 0 ||
					o.answer.StateErrors > 0 {
					t.Errorf("%s: %s, denied %q, %+v\n%s", what, o.ErrorMessage, denied, o.answer, o.Logs)
				}
			}
			subject := map[string]string{contract.ReadScopeNamed: "READ_SCOPE=named: deployed functions " +
				"are not listed, so their regions, r..."}[scope]
			o := w.run()
			assertNoErrors("a first audit", o)
			w.wantSubjects("a first audit", o, subject)
			if r := w.storedReport(o); r.Status != audit.StatusCompliant || len(r.Targets) != 3 ||
				o.metrics["AuditCompleted"] != 1 || o.metrics["NoSubscribers"] != 0 {
				t.Errorf("%s %+v, metrics %v", r.Status, r.Targets, o.metrics)
			}
			w.invocation.event = "test-alert.json"
			o = w.run()
			assertNoErrors("a test alert", o)
			w.wantSubjects("a test alert", o, "Test message, no action needed")
			w.invocation.event = "scheduler.json"
			w.putRolePolicy(allowListQueues)
			o = w.run()
			assertNoErrors("a new gap", o)
			if s := o.subjects(); len(s) != 1 ||
				!strings.HasPrefix(s[0], "[CRITICAL] Renders will fail: ") ||
				w.storedReport(o).Status != audit.StatusGaps || len(w.state().Gaps) == 0 {
				t.Errorf("a new gap: subjects %q, %d gaps in the state", s, len(w.state().Gaps))
			}
			o = w.run()
			assertNoErrors("the next run", o)
			w.wantSubjects("the next run", o, "")
			w.invocation.event = w.applyChange(iamChange{"CreatePolicyVersion",
				map[string]string{"PolicyArn": arnOf + "policy/teams/team", "PolicyDocument": allowEverything,
					"SetAsDefault": "true"}})
			o = w.run()
			assertNoErrors("a change to a group's policy", o)
			if o.answer.Changes == nil || o.answer.Changes.Relevant != 1 ||
				o.answer.Status != audit.StatusGaps {
				t.Errorf("a change to a group's policy: %+v %+v", o.answer, o.answer.Changes)
			}
		})
	}
}

// summarizeRun returns the visible result of a run: its answer and its metrics.
func summarizeRun(o outcome) string {
	metrics := maps.Clone(o.metrics)
	delete(metrics, "OldestGapAge")
	delete(metrics, "ThrottledCalls")
	return fmt.Sprintf("failed %v, status %s, %d problems, %d state errors, announced %v, measured "+
		"%v, metrics %v",
		o.FunctionError != "", o.answer.Status, o.answer.Problems, o.answer.StateErrors,
		o.answer.Announced, o.answer.Measured, metrics)
}

// TestEachPermissionIsNeeded checks that the function uses every permission. It removes one action,
// or one of several resources of a statement, and expects a different result of the run.
func TestEachPermissionIsNeeded(t *testing.T) {
	for scope, parameters := range scopes {
		t.Run(scope, func(t *testing.T) {
			if testing.Short() && scope == contract.ReadScopeNamed {
				t.Skip("removes the same permissions as with account: make test")
			}
			t.Parallel()
			complete := readStack(t, parameters)
			want := summarizeRun(complete.deploy(t, withGap(accountUsingEveryPermission(t))).run())
			again := summarizeRun(complete.deploy(t, withGap(accountUsingEveryPermission(t))).run())
			if again != want {
				t.Fatalf("two runs with the same permissions differ\n%s\n%s", want, again)
			}
			runWithout := func(sid, element, value string) audit.Report {
				t.Helper()
				w := complete.without(sid, element, value).deploy(t,
					withGap(accountUsingEveryPermission(t)))
				o := w.run()
				if got := summarizeRun(o); got == want {
					t.Errorf("%s %s is not needed: the result without it is the same: %s", sid, value, got)
				}
				return w.storedReport(o)
			}
			for i, p := range contract.ReadPermissions() {
				if scope == contract.ReadScopeNamed && p.Discovers() || testing.Short() && i%4 > 0 {
					continue // with -short, only a sample is tested
				}
				// The report has a problem with the missing permission.
				if r := runWithout("", "Action", p.Action); !slices.ContainsFunc(r.Problems,
					func(got audit.Problem) bool { return got.Grant == p.Action }) {
					t.Errorf("without %s: problems %+v", p.Action, r.Problems)
				}
			}
			for _, p := range contract.FunctionPermissions() {
				runWithout("", "Action", p.Action)
			}
			if scope == contract.ReadScopeNamed || testing.Short() {
				return // TestEachNameIsNeeded covers the named principals
			}
			for _, statement := range complete.statements() {
				if list := cfn.List(statement["Resource"]); len(list) > 1 {
					for _, resource := range list {
						runWithout(statement["Sid"].(string), "Resource", resource.(string))
					}
				}
			}
		})
	}
}

// TestEachNameIsNeeded checks that a principal that NamedPrincipals does not list causes one
// auditor error, which names the ARN and the parameter.
func TestEachNameIsNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the function for each name; the texts are tested in collect: make test")
	}
	t.Parallel()
	complete := scopes[contract.ReadScopeNamed]
	// auditorErrors returns the problems, and the texts of the announced auditor errors.
	auditorErrors := func(s stack) (problems []audit.Problem, texts []string) {
		t.Helper()
		w := s.deploy(t, accountUsingEveryPermission(t))
		o := w.run()
		var message struct {
			Announcements []struct{ Event, Text string }
		}
		if len(o.messages) != 1 {
			t.Fatalf("%d messages, want 1: %s", len(o.messages), o.Logs)
		}
		if err := json.Unmarshal([]byte(o.messages[0].Body("default")), &message); err != nil {
			t.Fatal(err)
		}
		for _, a := range message.Announcements {
			if a.Event == "auditor_error" {
				texts = append(texts, a.Text)
			}
		}
		return w.storedReport(o).Problems, texts
	}
	if problems, texts := auditorErrors(readStack(t, complete)); len(problems)+len(texts) > 0 {
		t.Fatalf("with all names: %+v %q", problems, texts)
	}
	for _, omitted := range namedPrincipals {
		parameters := maps.Clone(complete)
		parameters["NamedPrincipals"] = strings.Join(slices.DeleteFunc(slices.Clone(namedPrincipals),
			func(arn string) bool { return arn == omitted }), ",")
		problems, texts := auditorErrors(readStack(t, parameters))
		unlisted := "access denied: NamedPrincipals does not list " + omitted
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Why, unlisted) ||
			!strings.HasPrefix(problems[0].Remedy, "add ") {
			t.Errorf("without %s: problems %+v", omitted, problems)
		}
		// Without the render role, the iam:PassRole requirements of the callers are unverified too.
		matching := slices.DeleteFunc(slices.Clone(texts), func(text string) bool {
			return !strings.Contains(text, unlisted)
		})
		if want := map[bool]int{false: 1, true: 3}[omitted == namedPrincipals[1]]; len(matching) != 1 ||
			len(texts) != want {
			t.Errorf("without %s: %q", omitted, texts)
		}
	}
	// The template always names the AWS managed policies.
	problems, texts := auditorErrors(
		readStack(t, complete).without("", "Resource", "arn:aws:iam::aws:policy/*"))
	if len(problems) != 1 || problems[0].What != `managed policy "ViewOnlyAccess"` ||
		problems[0].Grant != "iam:GetPolicy" || len(texts) != 1 {
		t.Errorf("without the AWS managed policies: %+v %q", problems, texts)
	}
}

// TestThePrintedPolicyEqualsTheTemplate checks that the command prints the policy that the template
// grants.
func TestThePrintedPolicyEqualsTheTemplate(t *testing.T) {
	for scope, parameters := range scopes {
		args := []string{"policies", "auditor", "--function", "--account", "123456789012", "--read-scope",
			scope}
		if scope == contract.ReadScopeNamed {
			args = append(args, "--named", strings.Join(namedPrincipals, ","))
		}
		out, err := exec.Command(command, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		var printed map[string]any
		if err := json.Unmarshal([]byte(resourceNames.Replace(string(out))), &printed); err != nil {
			t.Fatal(err)
		}
		withKey := maps.Clone(parameters)
		withKey["EvidenceKmsKeyArn"] = evidenceKey
		got, want := (stack{policy: printed}).statements(), readStack(t, withKey).statements()
		if len(got) != len(want) {
			t.Errorf("%s: %d statements, the template has %d", scope, len(got), len(want))
		}
		for i := range min(len(got), len(want)) {
			got, want := got[i], want[i]
			for _, element := range []string{"Action", "Resource"} {
				want[element] = cfn.List(want[element])
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: printed\n%v\nthe template has\n%v", scope, got, want)
			}
		}
	}
}
