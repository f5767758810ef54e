package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// runCheck runs the check command in testdata/check and returns its output and exit status.
func runCheck(t *testing.T, stdin string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	path, err := filepath.Abs(command)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(path, append([]string{"check"}, args...)...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = "testdata/check", strings.NewReader(stdin), &out,
		&errs
	var status *exec.ExitError
	if err := cmd.Run(); errors.As(err, &status) {
		exit = status.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), exit
}

func TestCheckCommand(t *testing.T) {
	t.Parallel()
	const everything = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	tests := []struct {
		name, stdin string
		args        string
		exit        int
		out         []string
		err         string
	}{
		{"a Deny that the simulator misses is a gap", "", "--policy secrets.json --required needed.json",
			1,
			[]string{"GAPS  2 gaps; 0 of 2 permissions are granted",
				"Not covered   arn:aws:s3:::remotionlambda-secret\n",
				"identity-deny: statement 2 (Sid Secrets) of secrets.json denies the action"}, ""},
		{"an empty standard input is an error", "", "--policy -  --required needed.json", 2, nil,
			"--policy -: line 1, column 1"},
		{"reading standard input twice is an error", everything, "--policy - --boundary - --for role", 2,
			nil,
			"--boundary -: standard input is already used for another document: use a file"},
		{"a policy from standard input", everything, "--policy - --for role", 0,
			[]string{"COMPLIANT  all 14 permissions are granted", "the role policy of Remotion"}, ""},
		{"excess permissions are reported with exit status 0", everything,
			"--policy - --for user --excess", 0,
			[]string{"administrator access", "iam:CreateAccessKey on *"}, ""},
		{"a boundary limits the policy", everything,
			"--policy - --required needed.json --boundary limits.json", 1,
			[]string{"PARTIAL", "arn:aws:s3:::remotionlambda-\n",
				"permissions-boundary: the permissions boundary does not allow the action"}, ""},
		{"an action that both levels of the organization allow is granted", everything,
			"--policy - --required needed.json --scp regions.json --scp limits.json,regions.json " +
				"--context aws:RequestedRegion=us-east-1", 0, []string{"COMPLIANT"}, ""},
		{"a denied region is a gap", everything,
			"--policy - --for role --account 123456789012 --region eu-west-1 --scp regions.json", 1,
			[]string{"DENIED  critical", "scp: statement 2 (Sid OnlyHere) of regions.json denies the action"}, ""},
		{"an unknown region makes a Deny conditional", everything,
			"--policy - --for role --scp regions.json", 1,
			[]string{"CONDITIONAL  medium", "(Sid OnlyHere) of regions.json denies the action under the",
				"condition StringNotEquals aws:RequestedRegion=us-east-1"}, ""},
		{"gaps below --fail-on cause exit status 0", everything,
			"--policy - --for role --scp regions.json --fail-on high", 0, []string{"CONDITIONAL"}, ""},
		{"--purpose selects the requirements", everything,
			"--policy secrets.json --for user --purpose render --fail-on low", 1,
			[]string{"MISSING  critical"}, ""},
		{"an invalid Effect is an error with its position", "",
			"--policy broken.json --policy none.json --for role --account 12 --remotion-version new", 2, nil,
			"--policy broken.json: line 3, column 28: Effect must be \"Allow\" or \"Deny\", got \"allow\""},
		{"a missing policy file is an error", "", "--for role", 2, nil,
			"a policy file is required: add it as an argument, set --policy, or list files under check:"},
		{"missing requirements are an error", "", "--policy secrets.json", 2, nil,
			"set --for user, --for role or --required FILE"},
		{"--for with --required is an error", "",
			"--policy secrets.json --for role --required needed.json", 2, nil,
			"--for and --required exclude each other"},
		{"--account with --required is an error", "",
			"--policy secrets.json --required needed.json --account 123456789012", 2, nil,
			"--account cannot be combined with --required"},
		{"a document with a Deny covers itself", "",
			"--policy secrets.json --required secrets.json", 0,
			[]string{"COMPLIANT  all 2 permissions are granted"}, ""},
		{"a principal of another partition is an error", everything,
			"--policy - --for user --principal arn:aws-us-gov:iam::123456789012:user/ci", 2, nil,
			"is in partition aws-us-gov, but --partition is aws"},
		{"a principal of another account is an error", everything,
			"--policy - --for user --account 210987654321 --principal arn:aws:iam::123456789012:user/ci", 2,
			nil, "is not in account 210987654321"},
		{"a proposal that grants the same loses nothing", everything,
			"--policy - --instead-of secrets.json --required needed.json", 0,
			[]string{"LOSES NOTHING  no permission lost; 2 gained"}, ""},
		{"a proposal that denies more loses", everything,
			"--policy secrets.json --instead-of - --required needed.json", 1,
			[]string{"LOSES  2 permissions lost", "Status        satisfied before, partial after"}, ""},
		{"a comparison of two principals is an error", everything,
			"secrets.json regions.json --instead-of - --for role", 2, nil,
			"--instead-of compares the policies of one principal, got 2"},
		{"a context without a value is an error", "",
			"--policy secrets.json --required needed.json --context x", 2, nil,
			"--context: \"x\" is not key=value"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, errs, exit := runCheck(t, test.stdin, strings.Fields(test.args)...)
			if exit != test.exit || !strings.Contains(errs, test.err) {
				t.Errorf("exit %d, want %d; stderr %q, want %q\n%s", exit, test.exit, errs, test.err, out)
			}
			for _, want := range test.out {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

// TestCheckFollowsTheSchema checks that the JSON output of the command follows
// docs/check.schema.json.
func TestCheckFollowsTheSchema(t *testing.T) {
	t.Parallel()
	schema := schematest.Compile(t, "check.schema.json")
	for _, args := range []string{
		"--policy secrets.json --required needed.json",
		"--policy secrets.json --for user --excess",
		"--policy regions.json --for role --excess",
		"--policy limits.json --for role --boundary secrets.json --scp regions.json",
	} {
		out, errs, exit := runCheck(t, "", append(strings.Fields(args), "--format", "json")...)
		if exit != 1 {
			t.Errorf("%s: exit %d, %s", args, exit, errs)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", args, err)
		}
		// The schema rejects a gap without an example.
		var invalid map[string]any
		if err := json.Unmarshal([]byte(out), &invalid); err != nil {
			t.Fatal(err)
		}
		for _, f := range invalid["findings"].([]any) {
			delete(f.(map[string]any), "exampleArn")
		}
		if schema.Validate(invalid) == nil {
			t.Errorf("%s: findings without examples are valid", args)
		}
	}
}

// TestPageShowsThePoliciesOfTheCheck checks that docs/check-policies.md shows the files in
// examples/check, and that AWS's simulator allows the request that the command reports as a gap.
// TestDocumentedCommands compares the output of the command with the page.
func TestPageShowsThePoliciesOfTheCheck(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/check-policies.md")
	if err != nil {
		t.Fatal(err)
	}
	var policy []byte
	for _, name := range []string{"needed.json", "secrets.json"} {
		if policy, err = os.ReadFile("../../examples/check/" + name); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```json\n"+string(policy)+"```") {
			t.Errorf("docs/check-policies.md does not show %s:\n%s", name, policy)
		}
	}
	// AWS's simulator treats the * in the ARN as text, so it does not see the Deny.
	account := awsemu.Account{}
	endpoint, err := (&awsemu.Server{Account: &account}).Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = endpoint.Close() }()
	client := iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &endpoint.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")})
	simulated, err := client.SimulateCustomPolicy(t.Context(), &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{string(policy)}, ActionNames: []string{"s3:GetObject"},
		ResourceArns: []string{"arn:aws:s3:::remotionlambda-*"},
	})
	if err != nil || len(simulated.EvaluationResults) != 1 ||
		simulated.EvaluationResults[0].EvalDecision != types.PolicyEvaluationDecisionTypeAllowed {
		t.Errorf("%+v, %v, want allowed", simulated, err)
	}
}

// TestCheckEndsOnASignal checks that SIGINT and SIGTERM end the command while it reads standard
// input and while it computes, with exit status 130 and without output.
func TestCheckEndsOnASignal(t *testing.T) {
	t.Parallel()
	// The wildcards overlap in so many ways that the check would compute until its limit of work.
	var resources []string
	for i := range 40 {
		resources = append(resources, fmt.Sprintf(`"arn:aws:s3:::*%c%s*%c"`, 'a'+i%26,
			strings.Repeat("?", 1+i%20), 'a'+i*3%26))
	}
	hard := `{"Statement":{"Effect":"Allow","Action":"*","Resource":[` + strings.Join(resources, ",") + `]}}`
	needed := filepath.Join(t.TempDir(), "needed.json")
	var actions []string
	for i := range 1000 {
		actions = append(actions, fmt.Sprintf(`"s3:A%d"`, i))
	}
	if err := os.WriteFile(needed, []byte(`{"Statement":{"Effect":"Allow","Action":[`+
		strings.Join(actions, ",")+`],"Resource":"arn:aws:s3:::*-*"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(command)
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		for _, computes := range []bool{false, true} {
			var out, errs bytes.Buffer
			cmd := exec.Command(path, "check", "--policy", "-", "--required", needed, "--excess")
			cmd.Stdout, cmd.Stderr = &out, &errs
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// A pipe holds 64 KB, so Write returns once the command reads, and handles signals.
			if _, err := in.Write([]byte(hard + strings.Repeat(" ", 200_000))); err != nil {
				t.Fatal(err)
			}
			if computes {
				_ = in.Close()
				waitForWork(t, cmd.Process.Pid)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			err = cmd.Wait()
			var status *exec.ExitError
			if !errors.As(err, &status) || status.ExitCode() != 130 || out.Len() > 0 ||
				errs.String() != "remotion-audit: interrupted\n" {
				t.Errorf("%v, computes %v: %v, want exit status 130; stdout %q, stderr %q", signal, computes,
					err, out.String(), errs.String())
			}
		}
	}
}

// waitForWork returns when a process has used a quarter of a second of processor time.
func waitForWork(t *testing.T, pid int) {
	t.Helper()
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("the system has no /proc")
		}
		if err != nil {
			t.Fatal(err)
		}
		// The name of the program may contain blanks, and ends in a parenthesis.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		ticks, err := strconv.Atoi(fields[11]) // utime, in hundredths of a second
		if err != nil {
			t.Fatal(err)
		}
		if ticks >= 25 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
