package terraform

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/policyfiletest"
)

// rolePolicy is a role with a policy that is known after apply and refers to refs.
func rolePolicy(refs string) []testResource {
	return []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a"}`, unknown: `{"inline_policy":true}`},
		{address: "aws_iam_role_policy.p", after: `{"role":"a"}`, unknown: `{"policy":true}`,
			config: `{"policy":{"references":[` + refs + `]}}`},
		{address: "data.aws_iam_policy_document.x", unknown: `{"json":true}`,
			after: `{"statement":[{"actions":["s3:GetObject"],"resources":["*"]}]}`},
	}
}

func TestSourcesProveOrRefuteTheDocument(t *testing.T) {
	const (
		role  = `resource "aws_iam_role" "a" {` + "\n}\n"
		data  = `data "aws_iam_policy_document" "x" {` + "\n  statement {\n  }\n}\n"
		refs  = `"data.aws_iam_policy_document.x.json","data.aws_iam_policy_document.x"`
		known = "aws_iam_role.a | aws_iam_role_policy.p +s3:GetObject"
		open  = "aws_iam_role.a | aws_iam_role_policy.p -* .. +*"
		note  = "\naws_iam_role_policy.p.policy is taken to be unchanged the document that the " +
			"configuration refers to; give the sources to prove it"
	)
	block := func(expression string) string {
		return "resource \"aws_iam_role_policy\" \"p\" {\n  role = \"a\"\n  policy = " + expression + "\n}\n"
	}
	for _, tt := range []struct{ name, refs, source, want string }{
		{"a data source", refs, role + data + block("data.aws_iam_policy_document.x.json"), known},
		{"an instance of a data source", refs + `,"each.key"`,
			role + data + block("data.aws_iam_policy_document.x[each.key].json"), known},
		{"in parentheses", refs, role + data + block("(data.aws_iam_policy_document.x.json)"), known},
		{"a function changes the document", refs,
			role + data + block(`replace(data.aws_iam_policy_document.x.json, "s3", "s4")`), open},
		{"a condition", refs, role + data + block(`true ? data.aws_iam_policy_document.x.json : ""`), open},
		{"a local value proves nothing", refs, role + data + block("local.policy"), known + note},
		{"another file overrides the block", refs, "", known + note},
		{"jsonencode", `"aws_s3_bucket.b.arn","aws_s3_bucket.b"`, role +
			block(`jsonencode({ Statement = { Effect = "Allow", Action = ["s3:GetObject"], Resource = [`+
				`aws_s3_bucket.b.arn, "arn:aws:s3:::a/*"] } })`),
			"aws_iam_role.a | aws_iam_role_policy.p +s3:GetObject .. +s3:GetObject"},
		{"jsonencode of another version of the plan", `"aws_s3_bucket.c.arn","aws_s3_bucket.c"`, role +
			block(`jsonencode({ Statement = { Effect = "Allow", Action = "s3:GetObject", Resource = `+
				`aws_s3_bucket.b.arn } })`), open},
		{"jsonencode of an unknown value", `"local.x"`, role + block(`jsonencode(local.x)`), open},
		{"jsonencode with an unknown key", `"local.x"`, role + block(`jsonencode({ (local.x) = 1 })`), open},
		{"a dynamic block of the role", refs, "resource \"aws_iam_role\" \"a\" {\n" +
			"  dynamic \"inline_policy\" {\n  }\n}\n" + data + block("data.aws_iam_policy_document.x.json"),
			known + " | aws_iam_role.a.inline_policy is known after apply -* .. +*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(testPlan(t, rolePolicy(tt.refs), nil, ""))
			if err != nil {
				t.Fatal(err)
			}
			sources := map[string][]byte{"main.tf": []byte(tt.source)}
			if tt.source == "" {
				sources = map[string][]byte{"override.tf": []byte(block(`""`)),
					"main.tf": []byte(role + data + block("data.aws_iam_policy_document.x.json"))}
			}
			if got := summary(p.File(".", sources)); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestJSONEncodeHasTheValuesOfThePlan(t *testing.T) {
	const source = `resource "aws_iam_role_policy" "p" {
  policy = jsonencode({ Statement = { Effect = "Allow", Action = var.action, Resource = [
    "arn:aws:s3:::${var.bucket}/${data.aws_caller_identity.me.account_id}/*", "${aws_s3_bucket.b.arn}",
    "arn:aws:s3:::${var.secret}/*",
  ] } })
}
`
	text := string(testPlan(t, []testResource{
		{address: "aws_iam_role.a", after: `{"name":"a"}`},
		{address: "aws_iam_role_policy.p", after: `{"role":"a"}`, unknown: `{"policy":true}`,
			config: `{"policy":{"references":["var.action","var.bucket","var.secret",` +
				`"data.aws_caller_identity.me.account_id","aws_s3_bucket.b.arn"]}}`},
		{address: "data.aws_caller_identity.me", after: `{"account_id":"123456789012"}`},
	}, nil, ""))
	text = strings.Replace(text, "{", `{"variables":{"bucket":{"value":"films"},`+
		`"action":{"value":"s3:GetObject"},"secret":{"value":"hidden"}},`, 1)
	text = strings.Replace(text, `"root_module":{"module_calls"`, `"root_module":{"variables":{`+
		`"action":{},"bucket":{},"secret":{"sensitive":true}},"module_calls"`, 1)
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got := policyfiletest.Describe(t, p.File(".", map[string][]byte{"main.tf": []byte(source)}))
	want := `at least (2:37) {"Effect":"Allow","Action":"s3:GetObject",` +
		`"Resource":"arn:aws:s3:::films/123456789012/*"}`
	if !strings.Contains(got, want) || strings.Contains(got, "hidden") ||
		!strings.Contains(got, "open var.secret in aws_iam_role_policy.p.policy") {
		t.Errorf("got\n%s\nwant %s", got, want)
	}
}

func TestStatementsOfAHeredocHaveTheirPositions(t *testing.T) {
	source := "resource \"aws_iam_role_policy\" \"p\" {\n  policy = %s\n{\n    \"Statement\": [\n" +
		"      {\"Effect\": \"Allow\", \"Action\": \"s3:GetObject\", \"Resource\": \"${var.x}\"},\n" +
		"      {\"Effect\": \"Allow\", \"Action\": \"s3:PutObject\", \"Resource\": \"*\"}\n    ]\n}\nEOF\n}\n"
	p, err := Parse(testPlan(t, []testResource{{address: "aws_iam_role.a", after: `{"name":"a"}`},
		{address: "aws_iam_role_policy.p", after: `{"role":"a","policy":"{\"Statement\":[` +
			`{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"},` +
			`{\"Effect\":\"Allow\",\"Action\":\"s3:PutObject\",\"Resource\":\"*\"}]}"}`}}, nil, ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, heredoc := range []string{"<<EOF", "<<-EOF"} {
		f := p.File(".", map[string][]byte{"main.tf": fmt.Appendf(nil, source, heredoc)})
		for i, line := range []int{5, 6} {
			s := f.Principals[0].Policies[0].AtMost.Statements[i]
			if s.Brace.Line != line || s.Brace.Column != 7 {
				t.Errorf("%s: statement %d is at %v, want line %d, column 7", heredoc, i, s.Brace, line)
			}
		}
	}
}

func TestResourceOfARemoteModuleIsAtTheModuleBlock(t *testing.T) {
	p, err := Parse([]byte(`{"format_version":"1.2","planned_values":{"root_module":{"child_modules":[
{"address":"module.m","resources":[{"address":"module.m.aws_iam_role.a","mode":"managed",
"type":"aws_iam_role","name":"a","values":{"name":"a"}}]}]}},"configuration":{"root_module":{
"module_calls":{"m":{"source":"terraform-aws-modules/iam/aws","module":{}},
"l":{"source":"../l","module":{"module_calls":{"n":{"source":"./n","module":{}}}}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Directories(), []string{".", "../l", "../l/n"}; !slices.Equal(got, want) {
		t.Errorf("directories %q, want %q", got, want)
	}
	f := p.File("infra", map[string][]byte{"infra/main.tf": []byte(
		"\nmodule \"m\" {\n  source = \"terraform-aws-modules/iam/aws\"\n}\n")})
	if at := f.Principals[0].At; at.File != "infra/main.tf" || at.Line != 2 {
		t.Errorf("the role is at %v, want line 2 of infra/main.tf", at)
	}
}

func TestNestedModulesHaveNestedDirectories(t *testing.T) {
	module := `{"resources":[]}`
	for range 15 {
		module = `{"module_calls":{"m":{"source":"./m","module":` + module + `}}}`
	}
	p, err := Parse([]byte(`{"format_version":"1.2","planned_values":{},"configuration":{"root_module":` +
		module + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	last := strings.TrimSuffix(strings.Repeat("m/", 15), "/")
	if got := p.Directories(); len(got) != 16 || got[15] != last {
		t.Errorf("got %d directories, the last %q", len(got), got[len(got)-1])
	}
}
