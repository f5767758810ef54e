package stack

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
)

// pseudo are the pseudo parameters that moto sets. The region is not a default of any tool, so that
// a test notices a missing region.
var pseudo = map[string]string{
	"AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::Region": "eu-central-1",
	"AWS::URLSuffix": "amazonaws.com",
}

// step is the creation or an update of a stack.
type step struct {
	Template   string            `json:"template"`
	Parameters map[string]string `json:"parameters"`
}

// location is the location of the function's code.
type location struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Zip    string `json:"zip"` // hexadecimal
}

// answer is the output of testdata/stack.py: the state of the account before and after each step.
type answer struct{ Before, Created, Updated, Deleted state }

func needsMoto(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("creates stacks on moto's server, which takes seconds")
	}
	if exec.CommandContext(t.Context(), "python3", "-c", "import boto3, moto.server").Run() != nil {
		t.Skip("SKIPPED: Python has no moto server, so no stack is created from a template " +
			"(pip install 'moto[server]' boto3)")
	}
}

func needsNode(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("SKIPPED: node is not installed, which CDK needs, so no stack is created from its " +
			"template (https://nodejs.org)")
	}
}

// runSteps creates, updates and deletes a stack in an empty account. It returns the state of the
// account after each step.
func runSteps(t testing.TB, code location, create, update step) (a answer) {
	t.Helper()
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	if _, err := w.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	code.Zip = hex.EncodeToString(packed.Bytes())
	input, err := json.Marshal(map[string]any{
		"region": pseudo["AWS::Region"], "code": code, "create": create, "update": update,
		"lookups": lookups(create.read(t)),
	})
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/stack.py")
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, nil, input, "python3", "-c", string(script))
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("stack.py: %v\n%s", err, out)
	}
	return a
}

// lookups returns the values in Parameter Store that the template reads, by name. CDK's template
// reads the version of the bootstrap stack.
func lookups(template cfn.Template) map[string]string {
	values := map[string]string{}
	for _, p := range template.Section("Parameters") {
		p := p.(map[string]any)
		if p["Type"] == "AWS::SSM::Parameter::Value<String>" {
			values[p["Default"].(string)] = "30"
		}
	}
	return values
}

// readForCache reads the files in these directories, so that the go command runs the test again if
// one of the files changes. The go command does not see the files that a child process reads, so it
// would reuse the cached result.
func readForCache(t testing.TB, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				_, err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run returns the standard output of a command. The timeout is long enough for a Go build.
func run(t testing.TB, env []string, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, &stderr)
	}
	return out
}
