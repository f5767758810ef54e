package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfnlint"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

// write runs the command with template.yaml and a small file as code. It returns the new template,
// the path of the template and the printed commands.
func write(t testing.TB, args ...string) (template cfn.Template, path, printed string) {
	t.Helper()
	dir := t.TempDir()
	zip := filepath.Join(dir, "function.zip")
	if err := os.WriteFile(zip, []byte("code"), 0o600); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "stackset.template.json")
	o, err := parse(append([]string{"-template", "../../../template.yaml", "-zip", zip, "-o", path},
		args...))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(o, &out); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The template fits into a request, so it needs no bucket.
	if len(data) > maxBody {
		t.Errorf("the template has %d bytes, a call accepts %d", len(data), maxBody)
	}
	if template, err = cfn.Parse(data); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"AWS::Serverless", "CodeUri", "Transform"} {
		if bytes.Contains(data, []byte(text)) {
			t.Errorf("the template contains %s", text)
		}
	}
	return template, path, out.String()
}

func TestTemplate(t *testing.T) {
	template, _, _ := write(t, "Callers=user/render")
	key := fmt.Sprintf("remotion-audit/%x.zip", sha256.Sum256([]byte("code")))
	parameters := map[string]string{"Callers": "user/render", "CodeBucketPrefix": "acme-code"}
	got, err := template.Resources(parameters)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"S3Bucket": "acme-code-${AWS::Region}", "S3Key": key}
	if code := got["AuditFunction"].Properties["Code"]; !reflect.DeepEqual(code, want) {
		t.Errorf("code\n got %v\nwant %v", code, want)
	}
	if err := template.Check(parameters); err != nil {
		t.Error(err)
	}

	// The other resources are those of template.yaml.
	source := cfntest.Read(t, "../../../template.yaml")
	original, err := source.Resources(map[string]string{"Callers": "user/render"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range slices.Sorted(maps.Keys(original)) {
		if id != "AuditFunction" && !reflect.DeepEqual(got[id], original[id]) {
			t.Errorf("%s\n got %v\nwant %v", id, got[id], original[id])
		}
	}
	if len(got) != len(original) {
		t.Errorf("%d resources, want %d", len(got), len(original))
	}
	declared, own := template.Section("Parameters"), source.Section("Parameters")
	if len(declared) != len(own)+2 || declared[paramPrefix].(map[string]any)["Default"] != nil {
		t.Errorf("parameters %v", slices.Sorted(maps.Keys(declared)))
	}

	console := template.Section("Metadata")["AWS::CloudFormation::Interface"].(map[string]any)
	shown := map[string]bool{}
	for _, group := range cfn.List(console["ParameterGroups"]) {
		for _, name := range cfn.List(group.(map[string]any)["Parameters"]) {
			shown[name.(string)] = console["ParameterLabels"].(map[string]any)[name.(string)] != nil
		}
	}
	for name := range declared {
		if !shown[name] {
			t.Errorf("parameter %s has no group or no label", name)
		}
	}
}

func TestLint(t *testing.T) {
	if testing.Short() {
		t.Skip("cfn-lint takes seconds; internal/testing/cfnlint checks template.yaml")
	}
	_, path, _ := write(t, "Callers=user/render")
	cfnlint.Check(t, path)
}

func TestConstraintsOfCodeParameters(t *testing.T) {
	template, _, _ := write(t, "Callers=none")
	for name, values := range map[string][]string{
		paramPrefix: {"", "a", "-abc", "abc-", "Abc", "a.b.c", "my_code", "s3://abc",
			strings.Repeat("a", 49)},
		paramKey: {"", ".zip", "/a.zip", "code.tar", "a b.zip", "a.zip ",
			strings.Repeat("a", 1021) + ".zip"},
	} {
		for _, value := range values {
			parameters := map[string]string{"Callers": "none", paramPrefix: "abc"}
			parameters[name] = value
			if err := template.Check(parameters); err == nil ||
				!strings.Contains(err.Error(), "parameter "+name) {
				t.Errorf("%s=%q: error %v, want %q in it", name, value, err, "parameter "+name)
			}
		}
	}
	for name, values := range map[string][]string{paramPrefix: {"abc", strings.Repeat("a", 48)},
		paramKey: {"a.zip", "v1.2.3/x_y=z+1.zip"}} {
		for _, value := range values {
			parameters := map[string]string{"Callers": "none", paramPrefix: "abc"}
			parameters[name] = value
			if err := template.Check(parameters); err != nil {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
	// The longest prefix, a hyphen and the longest region name fit into a bucket name.
	if longest := strings.Repeat("a", 48) + "-ap-northeast-1"; len(longest) != 63 {
		t.Errorf("%s has %d characters", longest, len(longest))
	}
}

func TestInvalidArgumentsAreErrors(t *testing.T) {
	zip := filepath.Join(t.TempDir(), "function.zip")
	if err := os.WriteFile(zip, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"an invalid caller", []string{"-zip", zip, "Callers=render"},
			`parameter Callers: "render" failed to satisfy constraint: "none", or`},
		{"an unknown parameter", []string{"-zip", zip, "Callers=none", "Colour=red"},
			"parameter Colour: not in the template"},
		{"more callers than the environment can have", []string{"-zip", zip,
			"Callers=" + strings.Repeat("user/render-of-team-with-a-long-name,", 110) + "user/a"},
			"AuditFunction: the environment of the function has "},
		{"an argument without =", []string{"-zip", zip, "render"},
			`"render" is not a parameter of the template`},
		{"a parameter that has a flag", []string{"-zip", zip, "Callers=none", "CodeKey=x.zip"},
			"set it with -prefix or -key"},
		{"an invalid prefix", []string{"-zip", zip, "-prefix", "Acme", "Callers=none"},
			"parameter CodeBucketPrefix"},
		{"an invalid key", []string{"-zip", zip, "-key", "code", "Callers=none"},
			"parameter CodeKey"},
		{"an invalid region", []string{"-zip", zip, "-regions", "us-east-1,europe", "Callers=none"},
			`"europe" is not a region`},
		{"a missing zip", []string{"-zip", zip + "x", "Callers=none"}, "make build creates it"},
		{"a missing template", []string{"-zip", zip, "-template", zip + "x", "Callers=none"},
			"no such file"},
	} {
		o, err := parse(append([]string{"-template", "../../../template.yaml", "-o",
			filepath.Join(t.TempDir(), "x")}, tt.args...))
		if err == nil {
			err = run(o, &bytes.Buffer{})
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

func TestCommands(t *testing.T) {
	_, path, printed := write(t, "-prefix", "acme-code", "-key", "v1.zip", "-regions",
		"us-east-1, eu-central-1", "Callers=user/a,role/b=all", `AssumedContext=aws:k=it's "x\y"`)
	for _, want := range []string{
		"CODE_BUCKET_PREFIX=acme-code\n",
		"for region in us-east-1 eu-central-1; do\n",
		`"s3://$CODE_BUCKET_PREFIX-$region/v1.zip"`,
		"create-stack-set --stack-set-name remotion-audit --call-as DELEGATED_ADMIN \\\n" +
			"  --permission-model SERVICE_MANAGED --managed-execution Active=true",
		"--capabilities CAPABILITY_IAM --template-body file://" + path,
		`'ParameterKey=AssumedContext,ParameterValue="aws:k=it'\''s \"x\\y\""'`,
		`'ParameterKey=Callers,ParameterValue="user/a,role/b=all"'`,
		"ParameterKey=CodeKey,ParameterValue=v1.zip",
		"update-stack-set",
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("the commands do not contain %s:\n%s", want, printed)
		}
	}
	if _, _, without := write(t, "Callers=none"); !strings.Contains(without,
		`: "${CODE_BUCKET_PREFIX:?`) {
		t.Errorf("the commands do not require CODE_BUCKET_PREFIX:\n%s", without)
	}
	var large bytes.Buffer
	if err := commands(&large, options{regions: []string{"cn-north-1"}, key: "v1.zip", out: path},
		maxBody+1); err != nil {
		t.Fatal(err)
	}
	want := `--template-url "https://$CODE_BUCKET_PREFIX-cn-north-1.s3.cn-north-1.amazonaws.com.cn/` +
		`v1.template.json"`
	if !strings.Contains(large.String(), want) || strings.Contains(large.String(), "--template-body") {
		t.Errorf("the commands for a template that is too large for a call: want %s in\n%s", want, &large)
	}
	for _, script := range []string{printed, large.String()} {
		bash := exec.CommandContext(t.Context(), "bash", "-n")
		bash.Stdin = strings.NewReader(script)
		if out, err := bash.CombinedOutput(); err != nil {
			t.Errorf("invalid shell script: %v %s\n%s", err, out, script)
		}
	}
}

// TestUnitsAreDeployedInCalls runs the printed commands in a shell that records the calls. Each
// call has at most 50 units and the preferences of the operation.
func TestUnitsAreDeployedInCalls(t *testing.T) {
	_, _, printed := write(t, "-prefix", "acme-code", "-regions", "us-east-1", "Callers=none")
	const recorder = `aws() { [[ $2 == s3 || $1 == s3 ]] || printf '%s\n' "$*" >>"$CALLS"; }` + "\n"
	for _, tt := range []struct {
		units int
		want  []int
	}{{1, []int{1}}, {50, []int{50}}, {51, []int{50, 1}}, {120, []int{50, 50, 20}}} {
		var names []string
		for i := range tt.units {
			names = append(names, fmt.Sprintf("ou-ab12-%08d", i))
		}
		calls := filepath.Join(t.TempDir(), "calls")
		bash := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail")
		bash.Stdin = strings.NewReader(recorder + printed)
		bash.Env = []string{"CALLS=" + calls, "PATH=" + os.Getenv("PATH"),
			"ORGANIZATIONAL_UNITS=" + strings.Join(names, " ")}
		if out, err := bash.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		data, err := os.ReadFile(calls)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		var passed []string
		for line := range strings.Lines(string(data)) {
			if strings.Contains(line, "create-stack-set ") {
				continue
			}
			if !strings.Contains(line, "--operation-preferences RegionConcurrencyType=PARALLEL,"+
				"MaxConcurrentPercentage=25,FailureTolerancePercentage=10,"+
				"ConcurrencyMode=SOFT_FAILURE_TOLERANCE ") {
				t.Errorf("a call without preferences: %s", line)
			}
			if _, list, ok := strings.Cut(strings.TrimSpace(line), "OrganizationalUnitIds="); ok {
				units := strings.Split(list, ",")
				got, passed = append(got, len(units)), append(passed, units...)
			}
		}
		if !slices.Equal(got, tt.want) || !slices.Equal(passed, names) {
			t.Errorf("%d units are deployed in calls with %v units, want %v: %v", tt.units, got, tt.want,
				passed)
		}
	}
	bash := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail")
	bash.Stdin = strings.NewReader("aws() { :; }\n" + printed)
	bash.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out, err := bash.CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "ORGANIZATIONAL_UNITS: set it to units") {
		t.Errorf("without units: %v\n%s", err, out)
	}
}

// TestMakeStackSet checks that `make stackset` passes the variables that docs/organizations.md
// describes to the command.
func TestMakeStackSet(t *testing.T) {
	makefile, err := os.ReadFile("../../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "make", "-n", "-C", "../../..", "stackset",
		"CODE_BUCKET_PREFIX=acme", "CODE_KEY=v1.zip", "CODE_REGIONS=us-east-1,eu-west-1",
		"CALLERS=user/a,role/b=render", "PARAMETERS=Every=6h RolePath=/a/").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, makefile)
	}
	command := strings.Join(strings.Fields(strings.ReplaceAll(string(out), "\\\n", " ")), " ")
	if want := "./internal/cfn/stackset -prefix 'acme' -key 'v1.zip' -regions 'us-east-1,eu-west-1' " +
		"'Callers=user/a,role/b=render' Every=6h RolePath=/a/"; !strings.Contains(command, want) {
		t.Errorf("make stackset runs\n%s\nwant %s in it", out, want)
	}
}
