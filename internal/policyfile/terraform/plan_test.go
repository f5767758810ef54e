package terraform

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/testing/policyfiletest"
)

// A testResource is a resource of a plan that Terraform creates, unless it has other actions. The
// fields with JSON are empty for null.
type testResource struct {
	address                           string // with the key
	after, unknown, sensitive, before string
	actions                           string
	config                            string // expressions of the configuration
}

// split returns the module, the type, the name and the key of an address.
func (r testResource) split() (module, kind, name, key string) {
	list := segments(r.address)
	for len(list) > 2 && list[0].name == "module" {
		module = join(module, "module."+list[1].name+list[1].key)
		list = list[2:]
	}
	if list[0].name == "data" {
		list = list[1:]
	}
	return module, list[0].name, list[1].name, list[1].key
}

func raw(text, otherwise string) json.RawMessage {
	if text == "" {
		text = otherwise
	}
	return json.RawMessage(text)
}

// testPlan returns the JSON of a plan. The modules are the expressions of the calls of modules in
// the root module by name, and outputs the outputs of all modules.
func testPlan(t testing.TB, resources []testResource, modules map[string]string,
	outputs string) []byte {
	t.Helper()
	type object = map[string]any
	planned, configs := map[string][]any{}, map[string][]any{}
	changes, seen := []any{}, map[string]bool{}
	for _, r := range resources {
		module, kind, name, key := r.split()
		mode, block := "managed", kind+"."+name
		actions := raw(r.actions, `["create"]`)
		if strings.Contains(r.address, "data."+kind) {
			mode, block, actions = "data", "data."+block, raw(r.actions, `["read"]`)
		}
		o := object{"address": r.address, "mode": mode, "type": kind, "name": name}
		if key != "" {
			o["index"] = json.RawMessage(strings.Trim(key, "[]"))
		}
		change := object{"module_address": module, "change": object{"actions": actions,
			"before": raw(r.before, "null"), "after": raw(r.after, "null"),
			"after_unknown": raw(r.unknown, "{}"), "after_sensitive": raw(r.sensitive, "{}")}}
		for k, v := range o {
			change[k] = v
		}
		changes = append(changes, change)
		if !strings.Contains(string(actions), "delete") {
			o["values"] = raw(r.after, "{}")
			planned[module] = append(planned[module], o)
		}
		if config := module + block; !seen[config] && r.config != "none" {
			seen[config] = true
			steps := moduleSteps(module)
			called := ""
			if len(steps) > 0 {
				called = steps[0].name
			}
			configs[called] = append(configs[called], object{"address": block, "mode": mode,
				"type": kind, "name": name, "expressions": raw(r.config, "{}")})
		}
	}
	root := object{"resources": planned[""]}
	var children []any
	for module, list := range planned {
		if module != "" {
			children = append(children, object{"address": module, "resources": list})
		}
	}
	root["child_modules"] = children
	calls := object{}
	for name, expressions := range modules {
		calls[name] = object{"source": "./" + name, "expressions": json.RawMessage(expressions),
			"module": object{"resources": configs[name], "outputs": raw(outputs, "{}")}}
	}
	text, err := json.Marshal(object{"format_version": "1.2", "planned_values": object{
		"root_module": root}, "resource_changes": changes, "configuration": object{
		"root_module": object{"resources": configs[""], "module_calls": calls}}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// effects returns the actions of a document, with + for Allow and - for Deny.
func effects(d *iampolicy.Document) string {
	var b strings.Builder
	for _, s := range d.Statements {
		if policyfile.MatchesNothing(&s) {
			continue
		}
		sign := "-"
		if s.Effect == iampolicy.Allow {
			sign = "+"
		}
		b.WriteString(sign + strings.Join(append(s.Action, s.NotAction...), ","))
	}
	return b.String()
}

// summary returns one line for each principal.
func summary(f policyfile.File) string {
	var lines []string
	for _, p := range f.Principals {
		line := p.Address
		for _, d := range p.Policies {
			line += " | " + d.Name + " " + effects(d.AtLeast)
			if d.AtLeast != d.AtMost {
				line += " .. " + effects(d.AtMost)
			}
		}
		if p.Boundary != nil {
			line += " | boundary " + p.Boundary.Name
		}
		lines = append(lines, line)
	}
	return strings.Join(append(lines, f.Notes...), "\n")
}

// policy returns a document that allows an action, as JSON in JSON.
func policy(action string) string {
	text, _ := json.Marshal(`{"Statement":[{"Effect":"Allow","Action":"` + action +
		`","Resource":"*"}]}`)
	return string(text)
}

const (
	account = "arn:aws:iam::123456789012:policy/"
	readS3  = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
	// s3 is the summary of readS3.
	s3 = "AWS managed policy AmazonS3FullAccess +s3:*,s3-object-lambda:* .. +s3-object-lambda:*+s3:*"
)

var planTests = []struct {
	name      string
	resources []testResource
	modules   map[string]string
	outputs   string
	want      string
}{
	{name: "a role policy of one of two roles may apply to both", resources: []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a"}`},
		{address: "aws_iam_role.b", after: `{"name":"b"}`},
		{address: "aws_iam_role_policy.p", after: `{"name":"p","policy":` + policy("s3:GetObject") + `}`,
			unknown: `{"role":true}`,
			config:  `{"role":{"references":["aws_iam_role.a.id","aws_iam_role.b.id","var.which"]}}`},
	}, want: "aws_iam_role.a | aws_iam_role_policy.p, of which the role is known after apply,  .. +*\n" +
		"aws_iam_role.b | aws_iam_role_policy.p, of which the role is known after apply,  .. +*"},
	{name: "a reference joins one instance of count", resources: []testResource{
		{address: "aws_iam_role.a[0]"}, {address: "aws_iam_role.a[1]"},
		{address: "aws_iam_role_policy.p[1]", after: `{"policy":` + policy("s3:GetObject") + `}`,
			unknown: `{"role":true}`, config: `{"role":{"references":["aws_iam_role.a","count.index"]}}`},
		{address: "aws_iam_role_policy.q", after: `{"policy":` + policy("s3:PutObject") + `}`,
			unknown: `{"role":true}`, config: `{"role":{"references":["aws_iam_role.a[0].id",` +
				`"aws_iam_role.a[0]","aws_iam_role.a"]}}`},
	}, want: "aws_iam_role.a[0] | aws_iam_role_policy.q +s3:PutObject\n" +
		"aws_iam_role.a[1] | aws_iam_role_policy.p[1] +s3:GetObject"},
	{name: "a variable and an output of modules", resources: []testResource{
		{address: `module.role["eu"].aws_iam_role.r`},
		{address: "module.policy.aws_iam_role_policy.p", after: `{"policy":` + policy("s3:GetObject") + `}`,
			unknown: `{"role":true}`, config: `{"role":{"references":["var.role"]}}`},
	}, modules: map[string]string{"role": `{}`,
		"policy": `{"role":{"references":["module.role[\"eu\"].name","module.role[\"eu\"]"]}}`},
		outputs: `{"name":{"expression":{"references":["aws_iam_role.r.name","aws_iam_role.r"]}}}`,
		want:    `module.role["eu"].aws_iam_role.r | module.policy.aws_iam_role_policy.p +s3:GetObject`},
	{name: "a document that depends on two data sources is open", resources: []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a"}`},
		{address: "aws_iam_role_policy.p", after: `{"role":"a"}`, unknown: `{"policy":true}`,
			config: `{"policy":{"references":["data.aws_iam_policy_document.x.json",` +
				`"data.aws_iam_policy_document.y.json"]}}`},
		{address: "data.aws_iam_policy_document.x", after: `{}`, unknown: `{"json":true}`},
		{address: "data.aws_iam_policy_document.y", after: `{}`, unknown: `{"json":true}`},
	}, want: "aws_iam_role.a | aws_iam_role_policy.p -* .. +*"},
	{name: "a plan without configuration leaves open what a role may have", resources: []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a"}`, config: "none",
			unknown: `{"managed_policy_arns":true,"inline_policy":true}`},
	}, want: `aws_iam_role.a | aws_iam_role.a.inline_policy is known after apply -* .. +* | ` +
		`aws_iam_role.a.managed_policy_arns is known after apply -* .. +*`},
	{name: "a role of the last refresh keeps what the plan does not remove", resources: []testResource{
		{address: "aws_iam_role.a", actions: `["no-op"]`, after: `{"name":"a","managed_policy_arns":["` +
			readS3 + `","` + account + `detached","` + account + `elsewhere"],"inline_policy":[` +
			`{"name":"kept","policy":` + policy("s3:GetObject") + `},` +
			`{"name":"removed","policy":` + policy("s3:PutObject") + `},` +
			`{"name":"changed","policy":` + policy("s3:ListBucket") + `}]}`},
		{address: "aws_iam_role_policy_attachment.s3", actions: `["no-op"]`,
			after: `{"role":"a","policy_arn":"` + readS3 + `"}`},
		{address: "aws_iam_role_policy_attachment.d", actions: `["delete"]`,
			before: `{"role":"a","policy_arn":"` + account + `detached"}`},
		{address: "aws_iam_role_policy.r", actions: `["delete"]`, before: `{"role":"a","name":"removed"}`},
		{address: "aws_iam_role_policy.c", actions: `["update"]`, before: `{"role":"a","name":"changed"}`,
			after: `{"role":"a","name":"changed","policy":` + policy("s3:DeleteObject") + `}`},
	}, want: "aws_iam_role.a | " + s3 + " | aws_iam_role_policy.c +s3:DeleteObject | " +
		"inline policy kept of aws_iam_role.a +s3:GetObject | managed policy " + account +
		"elsewhere -* .. +*"},
	{name: "an exclusive resource removes inline policies", resources: []testResource{
		{address: "aws_iam_role.a", actions: `["update"]`, after: `{"name":"a","inline_policy":[` +
			`{"name":"kept","policy":` + policy("s3:GetObject") + `},` +
			`{"name":"other","policy":` + policy("s3:PutObject") + `}]}`},
		{address: "aws_iam_role_policies_exclusive.a", after: `{"role_name":"a","policy_names":["kept"]}`},
		{address: "aws_iam_role_policy.p", after: `{"role":"a","name":"p","policy":` +
			policy("s3:ListBucket") + `}`},
	}, want: "aws_iam_role.a | aws_iam_role_policy.p  .. +s3:ListBucket | " +
		"inline policy kept of aws_iam_role.a +s3:GetObject"},
	{name: "an empty inline_policy block has no policies", resources: []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a","inline_policy":[{"name":"","policy":""}]}`},
	}, want: "aws_iam_role.a"},
	{name: "an inline_policy block with a data source", resources: []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a","inline_policy":[{"name":"i"}]}`,
			unknown: `{"inline_policy":[{"policy":true}]}`,
			config: `{"inline_policy":[{"name":{"constant_value":"i"},"policy":{"references":[` +
				`"data.aws_iam_policy_document.x.json"]}}]}`},
		{address: "data.aws_iam_policy_document.x", unknown: `{"json":true}`,
			after: `{"statement":[{"actions":["s3:GetObject"],"resources":["*"]}]}`},
	}, want: "aws_iam_role.a | inline policy i of aws_iam_role.a +s3:GetObject\n" +
		"aws_iam_role.a.inline_policy is taken to be unchanged the document that the configuration " +
		"refers to; give the sources to prove it"},
	{name: "a sensitive policy is open", resources: []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a"}`},
		{address: "aws_iam_role_policy.p", sensitive: `{"policy":true}`,
			after: `{"role":"a","policy":` + policy("secret:Action") + `}`},
	}, want: "aws_iam_role.a | aws_iam_role_policy.p -* .. +*"},
	{name: "source and override documents", resources: []testResource{
		{address: "aws_iam_policy.p", unknown: `{"policy":true}`, config: `{"policy":{"references":[` +
			`"data.aws_iam_policy_document.x.json"]}}`},
		{address: "data.aws_iam_policy_document.x", unknown: `{"json":true,` +
			`"source_policy_documents":[false,true]}`,
			after: `{"source_policy_documents":["{\"Statement\":[{\"Sid\":\"A\",\"Effect\":\"Allow\",` +
				`\"Action\":\"a:Old\",\"Resource\":\"*\"}]}",null],"statement":[` +
				`{"sid":"A","actions":["a:New"],"resources":["*"]},` +
				`{"sid":"B","actions":["b:Old"],"resources":["*"]}],"override_policy_documents":[` +
				`"{\"Statement\":{\"Sid\":\"B\",\"Effect\":\"Deny\",\"Action\":\"b:New\",` +
				`\"Resource\":\"*\"}}"]}`,
			config: `{"source_policy_documents":{"references":["data.aws_iam_policy_document.y.json",` +
				`"data.aws_iam_policy_document.y"]}}`},
		{address: "data.aws_iam_policy_document.y", unknown: `{"json":true}`,
			after: `{"statement":[{"actions":["y:Read"],"resources":["*"]}]}`},
	}, want: "aws_iam_policy.p | aws_iam_policy.p +a:New+y:Read-b:New\n" +
		"aws_iam_policy.p.policy is taken to be unchanged the document that the configuration refers " +
		"to; give the sources to prove it"},
	{name: "an unknown override can replace each statement", resources: []testResource{
		{address: "aws_iam_policy.p", unknown: `{"policy":true}`, config: `{"policy":{"references":[` +
			`"data.aws_iam_policy_document.x.json"]}}`},
		{address: "data.aws_iam_policy_document.x", after: `{"override_policy_documents":[null],` +
			`"statement":[{"sid":"A","actions":["a:Read"],"resources":["*"]}]}`,
			unknown: `{"json":true,"override_policy_documents":[true]}`},
	}, want: "aws_iam_policy.p | aws_iam_policy.p -* .. +*\n" +
		"aws_iam_policy.p.policy is taken to be unchanged the document that the configuration refers " +
		"to; give the sources to prove it"},
	{name: "a role that the plan does not declare", resources: []testResource{
		{address: "aws_iam_role_policy.p", after: `{"role":"x","policy":` + policy("s3:GetObject") + `}`},
		{address: "aws_iam_role_policy_attachment.q", after: `{"role":"x","policy_arn":"` + readS3 + `"}`},
	}, want: "aws_iam_role_policy.p | aws_iam_role_policy.p +s3:GetObject | " + s3 +
		"\nthe plan does not declare role x: other policies of it are not considered"},
	{name: "a user of a group that the plan does not declare", resources: []testResource{
		{address: "aws_iam_user.u", after: `{"name":"u"}`},
		{address: "aws_iam_group_membership.m", after: `{"group":"g","users":["u"]}`},
	}, want: "aws_iam_user.u | the policies of group g, which the plan does not declare -* .. +*\n" +
		"the plan does not declare group g: other policies of it are not considered"},
	{name: "lists of principals and of policies", resources: []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a"}`}, {address: "aws_iam_role.b"},
		{address: "aws_iam_policy.p", after: `{"policy":` + policy("s3:GetObject") + `}`},
		{address: "aws_iam_policy_attachment.p", after: `{"roles":["a",null]}`,
			unknown: `{"policy_arn":true,"roles":[false,true]}`,
			config: `{"policy_arn":{"references":["aws_iam_policy.p.arn"]},` +
				`"roles":{"references":["aws_iam_role.a.name","aws_iam_role.b.name"]}}`},
	}, want: "aws_iam_role.a | aws_iam_policy.p +s3:GetObject\n" +
		"aws_iam_role.b | aws_iam_policy.p +s3:GetObject"},
	{name: "a permission set", resources: []testResource{
		{address: "aws_ssoadmin_permission_set.s", unknown: `{"arn":true}`, after: `{"name":"Remotion"}`},
		{address: "aws_ssoadmin_permission_set_inline_policy.s", unknown: `{"permission_set_arn":true}`,
			after: `{"inline_policy":` + policy("s3:GetObject") + `}`, config: `{"permission_set_arn":` +
				`{"references":["aws_ssoadmin_permission_set.s.arn"]}}`},
		{address: "aws_ssoadmin_customer_managed_policy_attachment.s",
			unknown: `{"permission_set_arn":true}`, config: `{"permission_set_arn":` +
				`{"references":["aws_ssoadmin_permission_set.s.arn"]}}`,
			after: `{"customer_managed_policy_reference":[{"name":"shared","path":"/"}]}`},
		{address: "aws_ssoadmin_permissions_boundary_attachment.s",
			unknown: `{"permission_set_arn":true}`, config: `{"permission_set_arn":` +
				`{"references":["aws_ssoadmin_permission_set.s.arn"]}}`,
			after: `{"permissions_boundary":[{"managed_policy_arn":"` + readS3 + `"}]}`},
	}, want: "aws_ssoadmin_permission_set.s | aws_ssoadmin_permission_set_inline_policy.s +s3:GetObject" +
		" | managed policy shared of each account -* .. +* | boundary AWS managed policy AmazonS3FullAccess"},
	{name: "resources of the Cloud Control provider", resources: []testResource{
		{address: "awscc_iam_role.a", after: `{"role_name":"a","managed_policy_arns":["` + readS3 +
			`"],"policies":[{"policy_name":"i","policy_document":` + policy("s3:GetObject") + `}]}`,
			config: `{"managed_policy_arns":{},"policies":{}}`},
		{address: "awscc_iam_role_policy.p", after: `{"role_name":"a","policy_document":` +
			policy("s3:PutObject") + `}`},
	}, want: "awscc_iam_role.a | awscc_iam_role_policy.p +s3:PutObject | " +
		"inline policy i of awscc_iam_role.a +s3:GetObject | " + s3},
	{name: "a policy that IAM refuses is open", resources: []testResource{
		{address: "aws_iam_policy.p", after: `{"policy":"{\"Statement\":[{\"Effect\":\"Allow\"}]}"}`},
	}, want: `aws_iam_policy.p | aws_iam_policy.p.policy is no policy that IAM accepts: ` +
		`the statement has neither Action nor NotAction: add one -* .. +*`},
	{name: "the configuration says which of two roles of a name is meant", resources: []testResource{
		{address: "aws_iam_role.a", after: `{"name":"x"}`}, {address: "aws_iam_role.b", after: `{"name":"x"}`},
		{address: "aws_iam_role_policy.p", after: `{"role":"x","policy":` + policy("s3:GetObject") + `}`,
			config: `{"role":{"references":["aws_iam_role.b.name"]}}`},
	}, want: "aws_iam_role.a\naws_iam_role.b | aws_iam_role_policy.p +s3:GetObject"},
	{name: "an unknown policy and an unknown boundary", resources: []testResource{
		{address: "aws_iam_user.u", after: `{"name":"u"}`, unknown: `{"permissions_boundary":true}`,
			config: `{"permissions_boundary":{"references":["local.boundary"]}}`},
		{address: "aws_iam_user_policy_attachment.p", after: `{"user":"u"}`, unknown: `{"policy_arn":true}`,
			config: `{"policy_arn":{"references":["local.policy"]}}`},
	}, want: "aws_iam_user.u | aws_iam_user_policy_attachment.p.policy_arn, which depends on local.policy, " +
		"is known after apply -* .. +* | boundary aws_iam_user.u.permissions_boundary, which depends on " +
		"local.boundary, is known after apply"},
}

func TestPlans(t *testing.T) {
	for _, tt := range planTests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Read(testPlan(t, tt.resources, tt.modules, tt.outputs))
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(f); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if strings.Contains(policyfiletest.Describe(t, f), "secret") {
				t.Error("the description shows a sensitive value")
			}
		})
	}
}

func TestPolicyOfThePriorStateIsKnown(t *testing.T) {
	f, err := Read([]byte(`{"format_version":"1.2","planned_values":{"root_module":{"resources":[
{"address":"aws_iam_role.a","mode":"managed","type":"aws_iam_role","name":"a","values":{"name":"a"}},
{"address":"aws_iam_role_policy_attachment.b","mode":"managed","type":"aws_iam_role_policy_attachment",
  "name":"b","values":{"role":"a","policy_arn":"` + account + `b"}},
{"address":"aws_iam_role_policy.c","mode":"managed","type":"aws_iam_role_policy","name":"c",
  "values":{"role":"a"}}]}},
"prior_state":{"format_version":"1.0","values":{"root_module":{"resources":[
{"address":"data.aws_iam_policy.b","mode":"data","type":"aws_iam_policy","name":"b",
  "values":{"name":"b","arn":"` + account + `b","policy":` + policy("s3:*") + `}},
{"address":"aws_iam_role.gone","mode":"managed","type":"aws_iam_role","name":"gone",
  "values":{"name":"gone"}}]}}},
"configuration":{"root_module":{"resources":[{"address":"aws_iam_role.a","type":"aws_iam_role",
  "name":"a","expressions":{}}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	// The plan has no change of the role policy, so that its absent document may be known after apply.
	want := "aws_iam_role.a | data.aws_iam_policy.b +s3:* | aws_iam_role_policy.c -* .. +*"
	if got := summary(f); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStateIsKnown(t *testing.T) {
	f, err := Read([]byte(`{"format_version":"1.0","values":{"root_module":{"resources":[
{"address":"aws_iam_role.a","mode":"managed","type":"aws_iam_role","name":"a","values":{"name":"a",
  "permissions_boundary":"` + account + `b","managed_policy_arns":["` + account + `b"],
  "inline_policy":[{"name":"p","policy":` + policy("s3:GetObject") + `}]}},
{"address":"aws_iam_role_policy.p","mode":"managed","type":"aws_iam_role_policy","name":"p",
  "values":{"name":"p","role":"a","policy":` + policy("s3:GetObject") + `}},
{"address":"aws_iam_role_policy_attachment.b","mode":"managed","type":"aws_iam_role_policy_attachment",
  "name":"b","values":{"role":"a","policy_arn":"` + account + `b"}},
{"address":"data.aws_iam_policy.b","mode":"data","type":"aws_iam_policy","name":"b",
  "values":{"name":"b","arn":"` + account + `b","policy":` + policy("s3:*") + `}}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := "aws_iam_role.a | aws_iam_role_policy.p +s3:GetObject | data.aws_iam_policy.b +s3:* | " +
		"boundary data.aws_iam_policy.b"
	if got := summary(f); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
