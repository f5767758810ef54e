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

// pseudo are the parameters that the emulator sets. The region is none that anything has by
// default.
var pseudo = map[string]string{
	"AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::Region": "eu-central-1",
	"AWS::URLSuffix": "amazonaws.com",
}

// A step creates a stack or updates it.
type step struct {
	Template   string            `json:"template"`
	Parameters map[string]string `json:"parameters"`
}

// A location is where the code of the function is.
type location struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Zip    string `json:"zip"` // hexadecimal
}

// An answer is what testdata/stack.py answers: what was there before and after each step.
type answer struct{ Before, Created, Updated, Deleted state }

func needsMoto(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("creates stacks on moto's server, which takes seconds")
	}
	if exec.CommandContext(t.Context(), "python3", "-c", "import boto3, moto.server").Run() != nil {
		t.Skip("SKIPPED: Python has no moto with its server, so no stack has been created from a " +
			"template (pip install 'moto[server]' boto3)")
	}
}

func needsNode(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("SKIPPED: there is no node, which CDK needs, so its template has not been made a stack " +
			"(https://nodejs.org)")
	}
}

// drive has the steps taken on an empty account.
func drive(t testing.TB, code location, create, update step) (a answer) {
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
	asked, err := json.Marshal(map[string]any{
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
	out := run(t, nil, asked, "python3", "-c", string(script))
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("stack.py: %v\n%s", err, out)
	}
	return a
}

// lookups are the parameters that are looked up in Parameter Store: the version of CDK's bootstrap
// stack.
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

// reads has this test run again when a file in these folders changes: the go command keeps a result
// until something changes that the test itself has read, and does not see what it has run.
func reads(t testing.TB, folders ...string) {
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

// run returns what a command prints. It has time to build what is not built yet.
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
