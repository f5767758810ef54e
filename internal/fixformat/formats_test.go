package fixformat

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfnlint"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// allEdits has an edit of each kind of document.
func allEdits(t testing.TB) []remedy.Edit {
	return []remedy.Edit{
		inlineEdit(t, "user/ci", "remotion"), inlineEdit(t, "group/render", "remotion"),
		inlineEdit(t, "role/render", "remotion"),
		newEdit(t, iampolicy.InlineLocation, "role/render", "remotion-executionrole-policy"),
		managedEdit(t, "user/ci", "Remotion"),
		newEdit(t, iampolicy.ManagedLocation, "user/ci", "remotion-user-policy"),
		boundaryEdit(t, "user/ci", "Bound"), trustEdit(t, "role/render"), scpEdit(t, scpARN),
	}
}

// sorted returns a document with its conditions and principals in alphabetical order: HCL does not
// keep the order of keys.
func sorted(d *iampolicy.Document) string {
	out := &iampolicy.Document{Version: d.Version, ID: d.ID, Statements: slices.Clone(d.Statements)}
	for i := range out.Statements {
		s := &out.Statements[i]
		s.Conditions = slices.Clone(s.Conditions)
		slices.SortFunc(s.Conditions, func(a, b iampolicy.Condition) int {
			return strings.Compare(a.Operator+"\x00"+a.Key, b.Operator+"\x00"+b.Key)
		})
		s.Principal = slices.Clone(s.Principal)
		slices.SortStableFunc(s.Principal, func(a, b iampolicy.Principal) int {
			return strings.Compare(a.Type, b.Type)
		})
	}
	return out.Text()
}

// parsedDocument reads a document from JSON.
func parsedDocument(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse(text)
	if err != nil {
		if d, err = iampolicy.ParseTrust(text); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return d
}

// hclResources parses a configuration, and evaluates the attributes of its resources.
func hclResources(t testing.TB, text string) (resources []map[string]string) {
	t.Helper()
	file, diagnostics := hclsyntax.ParseConfig([]byte(text), "fix.tf", hcl.InitialPos)
	if diagnostics.HasErrors() {
		t.Fatalf("%v in\n%s", diagnostics, text)
	}
	ctx := &hcl.EvalContext{Functions: map[string]function.Function{
		"jsonencode": stdlib.JSONEncodeFunc}}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		r := map[string]string{"": strings.Join(append([]string{block.Type}, block.Labels...), " ")}
		for name, attribute := range block.Body.Attributes {
			if name == "policy_arn" {
				r[name] = string(attribute.Expr.Range().SliceBytes([]byte(text)))
				continue
			}
			v, diagnostics := attribute.Expr.Value(ctx)
			if diagnostics.HasErrors() || v.Type() != cty.String {
				t.Fatalf("%s: %v in\n%s", name, diagnostics, text)
			}
			r[name] = v.AsString()
		}
		resources = append(resources, r)
	}
	return resources
}

func TestTerraformHasTheProvedDocuments(t *testing.T) {
	t.Parallel()
	edits := allEdits(t)
	text := formatted(t, handover(edits...), Default, "terraform")
	want := []map[string]string{
		{"": "resource aws_iam_user_policy remotion", "name": "remotion", "user": "ci"},
		{"": "resource aws_iam_group_policy remotion_2", "name": "remotion", "group": "render"},
		{"": "resource aws_iam_role_policy remotion_3", "name": "remotion", "role": "render"},
		{"": "resource aws_iam_role_policy remotion_executionrole_policy",
			"name": "remotion-executionrole-policy", "role": "render"},
		{"": "resource aws_iam_policy Remotion", "name": "Remotion"},
		{"": "resource aws_iam_policy remotion_user_policy", "name": "remotion-user-policy"},
		{"": "resource aws_iam_policy Bound", "name": "Bound"},
		{"": "resource aws_iam_role render", "name": "render"},
		{"": "resource aws_organizations_policy guardrail", "name": "guardrail",
			"type": "SERVICE_CONTROL_POLICY"},
	}
	var got []map[string]string
	for _, r := range hclResources(t, text) {
		if strings.HasSuffix(r[""], "aws_iam_user_policy_attachment remotion_user_policy_2") {
			if r["user"] != "ci" || r["policy_arn"] != "aws_iam_policy.remotion_user_policy.arn" {
				t.Errorf("attachment %q", r)
			}
			continue
		}
		got = append(got, r)
	}
	if len(got) != len(edits) {
		t.Fatalf("%d resources in\n%s", len(got), text)
	}
	for i, r := range got {
		document := ""
		for _, argument := range []string{"policy", "assume_role_policy", "content"} {
			if r[argument] != "" {
				document = r[argument]
				delete(r, argument)
			}
		}
		if d := parsedDocument(t, document); sorted(d) != sorted(edits[i].After) {
			t.Errorf("%s: got\n%s\nwant\n%s", title(edits[i]), sorted(d), sorted(edits[i].After))
		}
		if fmt.Sprint(r) != fmt.Sprint(want[i]) {
			t.Errorf("got %q, want %q", r, want[i])
		}
	}
	for _, id := range []string{"aws_iam_user_policy.remotion ci:remotion",
		"aws_iam_policy.Remotion arn:aws:iam::123456789012:policy/Remotion",
		"aws_iam_role.render render", "aws_organizations_policy.guardrail p-examplepol1"} {
		if !strings.Contains(text, "# Import: terraform import "+id+"\n") {
			t.Errorf("no import of %s in\n%s", id, text)
		}
	}
	if strings.Contains(text, "import aws_iam_role_policy.remotion_executionrole_policy") {
		t.Error("a new policy has nothing to import")
	}
}

// TestTerraformItselfAcceptsTheText runs `terraform fmt`, which parses the text.
func TestTerraformItselfAcceptsTheText(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("terraform"); err != nil || testing.Short() {
		t.Skip("SKIPPED: terraform is not installed, or -short is set")
	}
	cmd := exec.CommandContext(t.Context(), "terraform", "fmt", "-check", "-diff", "-")
	cmd.Stdin = strings.NewReader(formatted(t, handover(allEdits(t)...), Default, "terraform"))
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestHCLStrings evaluates quoted texts of the characters that HCL treats specially.
func TestHCLStrings(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	const characters = "$$${%%{}\"\\~x\n\r\u009b\u202e😀"
	for range 20_000 {
		var b strings.Builder
		for range random.IntN(10) {
			list := []rune(characters)
			b.WriteRune(list[random.IntN(len(list))])
		}
		quoted := hclString(b.String())
		expression, diagnostics := hclsyntax.ParseExpression([]byte(quoted), "x", hcl.InitialPos)
		if diagnostics.HasErrors() {
			t.Fatalf("%s: %v", quoted, diagnostics)
		}
		if v, diagnostics := expression.Value(nil); diagnostics.HasErrors() ||
			v.AsString() != b.String() || strings.ContainsAny(quoted, "\n\r\u009b\u202e") {
			t.Fatalf("%q: %s is %#v, %v", b.String(), quoted, v, diagnostics)
		}
	}
}

// cloudFormationResources returns the resources of a template as JSON, in order.
func cloudFormationResources(t testing.TB, text string) (names []string,
	resources []map[string]any) {
	t.Helper()
	var template struct {
		AWSTemplateFormatVersion string    `yaml:"AWSTemplateFormatVersion"`
		Resources                yaml.Node `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(text), &template); err != nil ||
		template.AWSTemplateFormatVersion != "2010-09-09" {
		t.Fatalf("%v in\n%s", err, text)
	}
	for i := 0; i < len(template.Resources.Content); i += 2 {
		var r map[string]any
		if err := template.Resources.Content[i+1].Decode(&r); err != nil {
			t.Fatal(err)
		}
		names, resources = append(names, template.Resources.Content[i].Value), append(resources, r)
	}
	return names, resources
}

func TestCloudFormationHasTheProvedDocuments(t *testing.T) {
	t.Parallel()
	edits := allEdits(t)
	text := formatted(t, handover(edits...), Default, "cloudformation")
	names, resources := cloudFormationResources(t, text)
	if len(resources) != len(edits) {
		t.Fatalf("%d resources in\n%s", len(resources), text)
	}
	want := []string{
		"Remotion AWS::IAM::UserPolicy map[PolicyName:remotion UserName:ci]",
		"Remotion2 AWS::IAM::GroupPolicy map[GroupName:render PolicyName:remotion]",
		"Remotion3 AWS::IAM::RolePolicy map[PolicyName:remotion RoleName:render]",
		"RemotionExecutionrolePolicy AWS::IAM::RolePolicy " +
			"map[PolicyName:remotion-executionrole-policy RoleName:render]",
		"Remotion4 AWS::IAM::ManagedPolicy map[ManagedPolicyName:Remotion]",
		"RemotionUserPolicy AWS::IAM::ManagedPolicy " +
			"map[ManagedPolicyName:remotion-user-policy Users:[ci]]",
		"Bound AWS::IAM::ManagedPolicy map[ManagedPolicyName:Bound]",
		"Render AWS::IAM::Role map[RoleName:render]",
		"Guardrail AWS::Organizations::Policy map[Name:guardrail Type:SERVICE_CONTROL_POLICY]",
	}
	for i, r := range resources {
		properties := r["Properties"].(map[string]any)
		var document any
		for _, key := range []string{"PolicyDocument", "AssumeRolePolicyDocument", "Content"} {
			if properties[key] != nil {
				document = properties[key]
				delete(properties, key)
			}
		}
		raw, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if d := parsedDocument(t, string(raw)); sorted(d) != sorted(edits[i].After) {
			t.Errorf("%s: got\n%s\nwant\n%s", title(edits[i]), sorted(d), sorted(edits[i].After))
		}
		if got := fmt.Sprint(names[i], " ", r["Type"], " ", properties); got != want[i] {
			t.Errorf("got %s, want %s", got, want[i])
		}
	}
}

func TestCloudFormationPassesCfnLint(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fix.yaml")
	text := formatted(t, handover(allEdits(t)...), Default, "cloudformation")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfnlint.Check(t, file)
}

// applyDiff applies a diff with a program to the canonical texts of the documents before, and
// returns the texts afterwards.
func applyDiff(t *testing.T, files map[string]string, diff string,
	program ...string) map[string]string {
	t.Helper()
	directory := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program[0], program[1:]...)
	cmd.Dir, cmd.Stdin = directory, strings.NewReader(diff)
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(directory))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\nof\n%s", err, out, diff)
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	after := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(directory, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		after[e.Name()] = string(text)
	}
	return after
}

func TestPatchAppliesTheDiff(t *testing.T) {
	t.Parallel()
	edits := allEdits(t)
	files, want := map[string]string{}, map[string]string{}
	for i, name := range []string{"ci-remotion", "render-remotion", "render-remotion-2",
		"render-remotion-executionrole-policy", "Remotion", "remotion-user-policy", "Bound",
		"render-trust", "guardrail"} {
		if before := edits[i].Before; before != nil {
			files[name+".json"] = before.Text()
		}
		want[name+".json"] = edits[i].After.Text()
	}
	diff := formatted(t, handover(edits...), Default, "diff")
	for _, program := range [][]string{{"patch", "-p1"}, {"git", "apply", "-"}} {
		if _, err := exec.LookPath(program[0]); err != nil {
			t.Logf("%s is not installed", program[0])
			continue
		}
		got := applyDiff(t, files, diff, program...)
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: %s is\n%s\nwant\n%s", program[0], name, got[name], want[name])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d files, want %d", program[0], len(got), len(want))
		}
	}
}

func TestJSONFollowsItsSchema(t *testing.T) {
	t.Parallel()
	schema := schematest.Compile(t, "fix.schema.json")
	withheld := handover()
	withheld.Fix.Closes, withheld.Fix.Withheld = []remedy.Need{}, "not all policies could be read"
	withheld.Fix.Edits = []remedy.Edit{}
	wide := handover(inlineEdit(t, "user/ci", "remotion"))
	wide.Fix.Wider = &remedy.Wider{Edits: wide.Fix.Edits, Closes: wide.Fix.Closes,
		AlsoAllows: remedy.Example{Action: "s3:DeleteBucket", Resource: "arn:aws:s3:::x"}}
	wide.Fix.Undo = &remedy.Undo{Edits: wide.Fix.Edits, Closes: wide.Fix.Closes, Version: "v2",
		At: "2026-11-16T08:57:12Z"}
	blocked := guarded(inlineEdit(t, "user/ci", "remotion"))
	blocked.Fix.Edits, blocked.Fix.Closes = []remedy.Edit{}, []remedy.Need{}
	for name, test := range map[string]struct {
		handover Handover
		variant  Variant
		edits    int
	}{
		"each kind of document":     {handover(allEdits(t)...), Default, 9},
		"withheld":                  {withheld, Default, 0},
		"a wider correction":        {wide, Wider, 1},
		"an undo":                   {wide, Undo, 1},
		"an exception from a guard": {blocked, Guard, 1},
		"only a guard":              {blocked, Default, 0},
	} {
		text := formatted(t, test.handover, test.variant, "json")
		if err := schematest.Validate(t, schema, []byte(text)); err != nil {
			t.Errorf("%s: %v in\n%s", name, err, text)
		}
		var got struct {
			Edits []struct{ After json.RawMessage }
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.Edits) != test.edits {
			t.Fatalf("%s: %d edits, %v", name, len(got.Edits), err)
		}
		edits, _ := test.handover.Edits(test.variant)
		for i, e := range got.Edits {
			if d := parsedDocument(t, string(e.After)); d.Text() != edits[i].After.Text() {
				t.Errorf("%s: edit %d has\n%s", name, i, d.Text())
			}
		}
	}
}
