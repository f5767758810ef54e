package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
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
)

const (
	arnOf          = "arn:aws:iam::123456789012:"
	permissionRole = "AWSReservedSSO_Video_0123456789abcdef"
	anything       = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	harmless       = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:ListQueues","Resource":"*"}]}`
)

// busy is an account in good order, in which there is something to do for each right of the
// auditor's.
func busy(t *testing.T) *awsemu.Account {
	t.Helper()
	a := account(t, "compliant")
	user, role := a.Users["remotion-user"], a.Roles["remotion-lambda-role"]
	a.Policies = map[string]awsemu.ManagedPolicy{
		"extras": {Document: harmless}, "team": {Path: "/teams/", Document: harmless},
		"limits": {Document: anything}, "clips": {Document: harmless},
		"ViewOnlyAccess": {ARN: "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
			Document: harmless},
	}
	a.Groups = map[string]awsemu.Group{"renderers": {Path: "/teams/",
		Inline: map[string]string{"queues": harmless}, Managed: []string{"team"}}}
	user.Path, user.Groups, user.Managed, user.Boundary = "/bots/", []string{"renderers"},
		[]string{"extras", "ViewOnlyAccess"}, "limits"
	role.Managed = []string{"clips"}
	a.Users["remotion-user"], a.Roles["remotion-lambda-role"] = user, role
	a.Roles[permissionRole] = awsemu.Role{Path: "/aws-reserved/sso.amazonaws.com/eu-west-1/",
		Inline: user.Inline}
	a.Functions = []awsemu.LambdaFunction{
		{Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec", Role: "remotion-lambda-role"},
		{Name: "remotion-render-bds9aab", Role: "remotion-lambda-role",
			Tags: map[string]string{"remotion-version": "4.0.527"}},
	}
	return a
}

// spoil takes a right from the render role, so that there is something to tell.
func spoil(a *awsemu.Account) *awsemu.Account {
	role := a.Roles["remotion-lambda-role"]
	role.Inline = map[string]string{"remotion-lambda-role-policy": strings.Replace(role.Inline["remotion-lambda-role-policy"], `"lambda:InvokeFunction"`, `"lambda:InvokeAsync"`, 1)}
	a.Roles["remotion-lambda-role"] = role
	return a
}

// named are whom an auditor of a busy account has to be able to read, if it may read only what is
// named.
var named = []string{
	arnOf + "user/bots/remotion-user", arnOf + "role/remotion-lambda-role",
	arnOf + "role/aws-reserved/sso.amazonaws.com/eu-west-1/" + permissionRole,
	arnOf + "group/teams/renderers", arnOf + "policy/extras", arnOf + "policy/clips",
	arnOf + "policy/teams/team", arnOf + "policy/limits",
}

// scopes are the two ways to deploy, with the parameters of the template.
var scopes = map[string]map[string]string{
	contract.ReadScopeAccount: {"Callers": "user/remotion-user,sso/Video"},
	contract.ReadScopeNamed: {"Callers": named[0] + "," + named[2],
		"ReadScope": contract.ReadScopeNamed, "NamedPrincipals": strings.Join(named, ",")},
}

// A stack is what template.yaml makes of the function: its role's policy and trust, and its
// environment.
type stack struct {
	path          string
	policy, trust map[string]any
	environment   map[string]string
}

// made are the names that AWS gives to what the template makes.
var made = strings.NewReplacer("${AlertTopic}", topicARN, "${EvidenceBucket}", bucket,
	"${AuditLogGroup.Arn}", "arn:aws:logs:us-east-1:123456789012:log-group:remotion-audit",
	"${FailureQueue.Arn}", "arn:aws:sqs:us-east-1:123456789012:failures", "${ChangeQueue.Arn}",
	"arn:aws:sqs:us-east-1:123456789012:changes",
	"${AWS::Region}", "us-east-1", "${AlertTopicKey.Arn}",
	"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab")

func readStack(t *testing.T, parameters map[string]string) (s stack) {
	t.Helper()
	data, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template, err := cfn.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
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
	concrete(t, role["AssumeRolePolicyDocument"], &s.trust)
	concrete(t, resources["AuditPolicy"].Properties["PolicyDocument"], &s.policy)
	concrete(t, resources["AuditFunction"].Properties["Environment"].(map[string]any)["Variables"],
		&s.environment)
	return s
}

// concrete fills in the names that AWS gives, and decodes what comes of it.
func concrete(t *testing.T, v, into any) {
	t.Helper()
	filled := made.Replace(text(t, v))
	if strings.Contains(filled, "${") {
		t.Fatalf("this test does not know a name in %s", filled)
	}
	if err := json.Unmarshal([]byte(filled), into); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// without takes an action, or a resource, out of a statement, or out of all if it has no Sid.
func (s stack) without(sid, element, what string) stack {
	var left []any
	for _, v := range s.statements() {
		statement := maps.Clone(v)
		list := slices.Clone(cfn.List(statement[element]))
		if sid == "" || sid == statement["Sid"] {
			list = slices.DeleteFunc(list, func(v any) bool { return v == what })
		}
		if statement[element] = list; len(list) > 0 {
			left = append(left, statement)
		}
	}
	s.policy = map[string]any{"Version": s.policy["Version"], "Statement": left}
	return s
}

func (s stack) statements() (list []map[string]any) {
	for _, v := range cfn.List(s.policy["Statement"]) {
		list = append(list, v.(map[string]any))
	}
	return list
}

// deploy runs the function in an account under the stack's role, and nothing else: IAM is enforced.
func (s stack) deploy(t *testing.T, a *awsemu.Account) *watch {
	t.Helper()
	a.Roles["auditor"] = awsemu.Role{Path: s.path, Trust: text(t, s.trust),
		Inline: map[string]string{"audit": text(t, s.policy)}}
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
	return &watch{t: t, server: server, trial: trial{account: a, event: "scheduler.json",
		server: server, url: endpoint.URL, env: env}}
}

// refused are the calls that the function's policy did not allow.
func (w *watch) refused() (list []string) {
	for _, c := range w.server.Calls() {
		if slices.Contains([]string{"AccessDenied", "AccessDeniedException", "AuthorizationError"},
			c.Code) {
			list = append(list, c.Service+":"+c.Operation)
		}
	}
	return list
}

// kept is the report that a run left, empty if it left none.
func (w *watch) kept(o outcome) (r audit.Report) {
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

// What the template grants is enough, for everything that the function does.
func TestTheRoleIsEnough(t *testing.T) {
	for scope, parameters := range scopes {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			w := readStack(t, parameters).deploy(t, busy(t))
			fine := func(what string, o outcome) {
				t.Helper()
				if refused := w.refused(); o.FunctionError != "" || refused != nil || o.answer.Problems > 0 ||
					o.answer.StateErrors > 0 {
					t.Errorf("%s: %s, refused %q, %+v\n%s", what, o.ErrorMessage, refused, o.answer, o.Logs)
				}
			}
			says := map[string]string{contract.ReadScopeNamed: "1 notice"}[scope]
			o := w.run()
			fine("a first audit", o)
			w.says("a first audit", o, says)
			if r := w.kept(o); r.Status != audit.StatusCompliant || len(r.Targets) != 3 ||
				o.metrics["AuditCompleted"] != 1 || o.metrics["NoSubscribers"] != 0 {
				t.Errorf("%s %+v, metrics %v", r.Status, r.Targets, o.metrics)
			}
			w.trial.event = "test-alert.json"
			o = w.run()
			fine("a test alert", o)
			w.says("a test alert", o, "test message")
			w.trial.event = "scheduler.json"
			w.policy(harmless)
			o = w.run()
			fine("a drift", o)
			if s := o.subjects(); len(s) != 1 || !strings.Contains(s[0], " new") ||
				w.kept(o).Status != audit.StatusGaps || len(w.state().Gaps) == 0 {
				t.Errorf("a drift says %q, and %d gaps are remembered", s, len(w.state().Gaps))
			}
			o = w.run()
			fine("and again", o)
			w.says("and again", o, "")
			w.trial.event = w.happen(change{"CreatePolicyVersion",
				map[string]string{"PolicyArn": arnOf + "policy/teams/team", "PolicyDocument": anything,
					"SetAsDefault": "true"}})
			o = w.run()
			fine("a change to a group's policy", o)
			if o.answer.Changes == nil || o.answer.Changes.Touching != 1 ||
				o.answer.Status != audit.StatusGaps {
				t.Errorf("a change to a group's policy: %+v %+v", o.answer, o.answer.Changes)
			}
		})
	}
}

// traces are what anybody can see of a run.
func traces(o outcome) string {
	metrics := maps.Clone(o.metrics)
	delete(metrics, "OldestGapAge")
	delete(metrics, "ThrottledCalls")
	return fmt.Sprintf("failed %v, status %s, %d problems, %d state errors, announced %v, measured "+
		"%v, metrics %v",
		o.FunctionError != "", o.answer.Status, o.answer.Problems, o.answer.StateErrors,
		o.answer.Announced, o.answer.Measured, metrics)
}

// And no more than that: without any one of the actions something breaks, and shows; and so it does
// where an action reaches several kinds of resources, without one of them.
func TestEachRightIsNeeded(t *testing.T) {
	for scope, parameters := range scopes {
		t.Run(scope, func(t *testing.T) {
			if testing.Short() && scope == contract.ReadScopeNamed {
				t.Skip("takes the same rights away as with account: make test")
			}
			t.Parallel()
			whole := readStack(t, parameters)
			want := traces(whole.deploy(t, spoil(busy(t))).run())
			if again := traces(whole.deploy(t, spoil(busy(t))).run()); again != want {
				t.Fatalf("two runs differ without anything taken away\n%s\n%s", want, again)
			}
			try := func(sid, element, what string) audit.Report {
				t.Helper()
				w := whole.without(sid, element, what).deploy(t, spoil(busy(t)))
				o := w.run()
				if got := traces(o); got == want {
					t.Errorf("%s %s is of no use: without it there is still %s", sid, what, got)
				}
				return w.kept(o)
			}
			for i, p := range contract.ReadPermissions() {
				if scope == contract.ReadScopeNamed && p.Discovers() || testing.Short() && i%4 > 0 {
					continue // the inner loop takes a sample
				}
				// What cannot be learnt is told, with what to grant.
				if r := try("", "Action", p.Action); !slices.ContainsFunc(r.Problems,
					func(got audit.Problem) bool { return got.Grant == p.Action }) {
					t.Errorf("without %s: problems %+v", p.Action, r.Problems)
				}
			}
			for _, p := range contract.FunctionPermissions() {
				try("", "Action", p.Action)
			}
			if scope == contract.ReadScopeNamed || testing.Short() {
				return // what is named has a test of its own
			}
			for _, statement := range whole.statements() {
				if list := cfn.List(statement["Resource"]); len(list) > 1 {
					for _, resource := range list {
						try(statement["Sid"].(string), "Resource", resource.(string))
					}
				}
			}
		})
	}
}

// Whoever is left out of NamedPrincipals is one thing that the auditor tells, with what to add and
// where.
func TestEachNameIsNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the function for each name; the texts are tested in collect: make test")
	}
	t.Parallel()
	whole := scopes[contract.ReadScopeNamed]
	// tell returns the problems, and the texts of the auditor errors that were announced.
	tell := func(s stack) (problems []audit.Problem, texts []string) {
		t.Helper()
		w := s.deploy(t, busy(t))
		o := w.run()
		var message struct {
			Announcements []struct{ Event, Text string }
		}
		if len(o.messages) != 1 {
			t.Fatalf("%d messages: %s", len(o.messages), o.Logs)
		}
		if err := json.Unmarshal([]byte(o.messages[0].Body("default")), &message); err != nil {
			t.Fatal(err)
		}
		for _, a := range message.Announcements {
			if a.Event == "auditor_error" {
				texts = append(texts, a.Text)
			}
		}
		return w.kept(o).Problems, texts
	}
	if problems, texts := tell(readStack(t, whole)); len(problems)+len(texts) > 0 {
		t.Fatalf("with all of them: %+v %q", problems, texts)
	}
	for _, left := range named {
		parameters := maps.Clone(whole)
		parameters["NamedPrincipals"] = strings.Join(slices.DeleteFunc(slices.Clone(named),
			func(arn string) bool { return arn == left }), ",")
		problems, texts := tell(readStack(t, parameters))
		unlisted := "access denied: NamedPrincipals does not list " + left
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Why, unlisted) ||
			!strings.HasPrefix(problems[0].Remedy, "add ") {
			t.Errorf("without %s: problems %+v", left, problems)
		}
		// Without the render role, whether callers may pass it is not known either.
		naming := slices.DeleteFunc(slices.Clone(texts), func(text string) bool {
			return !strings.Contains(text, unlisted)
		})
		if want := map[bool]int{false: 1, true: 3}[left == named[1]]; len(naming) != 1 ||
			len(texts) != want {
			t.Errorf("without %s: %q", left, texts)
		}
	}
	// AWS's own policies are named by the template.
	problems, texts := tell(readStack(t, whole).without("", "Resource", "arn:aws:iam::aws:policy/*"))
	if len(problems) != 1 || problems[0].What != `managed policy "ViewOnlyAccess"` ||
		problems[0].Grant != "iam:GetPolicy" || len(texts) != 1 {
		t.Errorf("without AWS's policies: %+v %q", problems, texts)
	}
}

// The command prints what the template grants.
func TestThePrintedPolicyIsTheTemplates(t *testing.T) {
	for scope, parameters := range scopes {
		args := []string{"policies", "auditor", "--function", "--account", "123456789012", "--read-scope",
			scope}
		if scope == contract.ReadScopeNamed {
			args = append(args, "--named", strings.Join(named, ","))
		}
		out, err := exec.Command(command, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		var printed map[string]any
		if err := json.Unmarshal([]byte(made.Replace(string(out))), &printed); err != nil {
			t.Fatal(err)
		}
		got, want := (stack{policy: printed}).statements(), readStack(t, parameters).statements()
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
