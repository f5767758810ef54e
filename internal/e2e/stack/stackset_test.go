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

// The commands that `make stackset` prints are run as they are, by a shell and the AWS CLI.
func TestCommandsOfStackSet(t *testing.T) {
	t.Parallel()
	needsMoto(t)
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("SKIPPED: the AWS CLI is not installed, so this does not run the commands that make " +
			"stackset prints (pip install awscli)")
	}
	reads(t, "../../cfn")
	dir := t.TempDir()
	code, template := filepath.Join(dir, "function.zip"), filepath.Join(dir, "stackset.template.json")
	if err := os.WriteFile(code, []byte("code"), 0o600); err != nil {
		t.Fatal(err)
	}
	parameters := map[string]string{"Callers": "user/a,role/b=render",
		"AssumedContext": `aws:PrincipalTag/team=it's "x\y",aws:b=c`}
	printed := run(t, nil, nil, "go", "run", "../../cfn/stackset", "-template",
		"../../../template.yaml", "-zip", code, "-o", template,
		"-prefix", "acme-code", "-key", "v1.zip", "-regions", "us-east-1,eu-central-1",
		"Callers="+parameters["Callers"], "AssumedContext="+parameters["AssumedContext"])
	// moto gives the stacks of a set no parameters, so there are none here: the CLI alone judges that
	// command.
	const around = `aws() { case "$2" in create-stack-instances) command aws "$@" --generate-cli-skeleton output;; *) command aws "$@";; esac; }` + "\n"
	asked, err := json.Marshal(map[string]any{"commands": around + string(printed),
		"buckets": []string{"acme-code-us-east-1", "acme-code-eu-central-1"}})
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/commands.py")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Status    int
		Complaint string
		Objects   map[string][]string
		StackSet  struct {
			PermissionModel, TemplateBody string
			Parameters                    []struct{ ParameterKey, ParameterValue string }
		}
	}
	if err := json.Unmarshal(run(t, nil, asked, "python3", "-c", string(script)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Status != 0 {
		t.Fatalf("status %d: %s\n%s", got.Status, got.Complaint, printed)
	}
	if want := map[string][]string{"acme-code-us-east-1": {"v1.zip"},
		"acme-code-eu-central-1": {"v1.zip"}}; !reflect.DeepEqual(got.Objects, want) {
		t.Errorf("the buckets have %v, want %v", got.Objects, want)
	}
	parameters["CodeBucketPrefix"], parameters["CodeKey"] = "acme-code", "v1.zip"
	said := map[string]string{}
	for _, p := range got.StackSet.Parameters {
		said[p.ParameterKey] = p.ParameterValue
	}
	if !reflect.DeepEqual(said, parameters) {
		t.Errorf("parameters\n got %q\nwant %q", said, parameters)
	}
	if model := got.StackSet.PermissionModel; model != "SERVICE_MANAGED" {
		t.Errorf("permission model %s", model)
	}
	set, err := cfn.Parse([]byte(got.StackSet.TemplateBody))
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Check(said); err != nil {
		t.Error(err)
	}
}
