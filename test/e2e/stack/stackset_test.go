package stack

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
)

// TestCommandsOfStackSet checks that a shell and the AWS CLI accept the commands that `make
// stackset` prints.
func TestCommandsOfStackSet(t *testing.T) {
	t.Parallel()
	needsMoto(t)
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("SKIPPED: the AWS CLI is not installed, so the commands that make stackset prints do " +
			"not run (pip install awscli)")
	}
	readForCache(t, "../../../internal/cfn")
	dir := t.TempDir()
	code, template := filepath.Join(dir, "function.zip"), filepath.Join(dir, "stackset.template.json")
	if err := os.WriteFile(code, []byte("code"), 0o600); err != nil {
		t.Fatal(err)
	}
	parameters := map[string]string{"Callers": "user/a,role/b=render",
		"AssumedContext": `aws:PrincipalTag/team=it's "x\y",aws:b=c`}
	printed := run(t, nil, nil, "go", "run", "../../../internal/cfn/stackset", "-template",
		"../../../template.yaml", "-zip", code, "-o", template,
		"-prefix", "acme-code", "-key", "v1.zip", "-regions", "us-east-1,eu-central-1",
		"Callers="+parameters["Callers"], "AssumedContext="+parameters["AssumedContext"])
	// moto passes no parameters to the stacks of a set, so create-stack-instances cannot run. The CLI
	// only validates that command.
	const wrapper = `aws() {
  case "$2" in
    create-stack-instances) command aws "$@" --generate-cli-skeleton output ;;
    *) command aws "$@" ;;
  esac
}
`
	input, err := json.Marshal(map[string]any{"commands": wrapper + string(printed),
		"buckets": []string{"acme-code-us-east-1", "acme-code-eu-central-1"}})
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/commands.py")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Status   int
		Stderr   string
		Objects  map[string][]string
		StackSet struct {
			PermissionModel, TemplateBody string
			Parameters                    []struct{ ParameterKey, ParameterValue string }
		}
	}
	if err := json.Unmarshal(run(t, nil, input, "python3", "-c", string(script)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Status != 0 {
		t.Fatalf("status %d: %s\n%s", got.Status, got.Stderr, printed)
	}
	if want := map[string][]string{"acme-code-us-east-1": {"v1.zip"},
		"acme-code-eu-central-1": {"v1.zip"}}; !reflect.DeepEqual(got.Objects, want) {
		t.Errorf("the buckets contain %v, want %v", got.Objects, want)
	}
	parameters["CodeBucketPrefix"], parameters["CodeKey"] = "acme-code", "v1.zip"
	passed := map[string]string{}
	for _, p := range got.StackSet.Parameters {
		passed[p.ParameterKey] = p.ParameterValue
	}
	if !reflect.DeepEqual(passed, parameters) {
		t.Errorf("parameters\n got %q\nwant %q", passed, parameters)
	}
	if model := got.StackSet.PermissionModel; model != "SERVICE_MANAGED" {
		t.Errorf("the permission model is %s, want SERVICE_MANAGED", model)
	}
	set, err := cfn.Parse([]byte(got.StackSet.TemplateBody))
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Check(passed); err != nil {
		t.Error(err)
	}
}
