package remotion_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/e2e/remotion"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// caller is whom the example accounts are about, by name and by access key.
const (
	caller    = "user/remotion-user"
	callerKey = "AKIAIOSFODNN7EXAMPLE"
)

// layers is the one action of which Remotion's check gives a single verdict over two resources,
// where the audit gives two.
const layers = "lambda:GetLayerVersion"

var pkg = remotion.Package{Dir: "."}

// Both checks run as processes, against the embedded AWS as a process: what a reader of
// docs/narrowed-policies.md types.
func TestServedAccounts(t *testing.T) {
	binary := command(t)
	// Remotion asks about the documented patterns, as text, wherever they have a wildcard. Those are
	// the statements a policy can be narrowed in.
	narrowed := []string{
		"iam:PassRole",
		"s3:GetObject", "s3:DeleteObject", "s3:PutObjectAcl", "s3:PutObject", "s3:CreateBucket",
		"s3:ListBucket",
		"s3:GetBucketLocation", "s3:PutBucketAcl", "s3:DeleteBucket", "s3:PutBucketOwnershipControls",
		"s3:PutBucketPublicAccessBlock", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration",
		"lambda:InvokeAsync", "lambda:InvokeFunction", "lambda:CreateFunction", "lambda:DeleteFunction",
		"lambda:PutFunctionEventInvokeConfig", "lambda:PutRuntimeManagementConfig", "lambda:TagResource",
		"logs:CreateLogGroup", "logs:PutRetentionPolicy",
		layers,
	}
	lost := []string{"s3:PutBucketPolicy", "logs:PutRetentionPolicy"}
	for _, tt := range []struct {
		name, account string
		// theirs and ours are the actions each says no to.
		theirs, ours []string
		exit         int
	}{
		{"both say yes to an unmodified documented policy", "compliant", nil, nil, 0},
		{"only Remotion says no to a correctly narrowed policy", "narrowed", narrowed, nil, 0},
		{"both say no to what a policy lacks", "drifted", lost, lost, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, key := serve(t, binary, "../../../examples/"+tt.account+"/account.yaml")
			if key != callerKey {
				t.Errorf("--serve names access key %q for %s, want %q", key, caller, callerKey)
			}
			check := simulate(t, endpoint)
			report := auditAs(t, binary, endpoint, tt.exit)

			// IAM gives one result for an action. Remotion's list is the audit's, but for the layers.
			if got, want := actions(check.Results), without(audited(report), layers); !slices.Equal(got,
				want) {
				t.Errorf("Remotion's verdicts are about\n%q, want\n%q: it reads the first page of an answer "+
					"only, so the endpoint has to page as IAM does, by 100", got, want)
			}
			same(t, "Remotion's check says no to", refused(check.Results), tt.theirs)
			same(t, "the audit says no to", gaps(report), tt.ours)
			if report.Summary.Unverified != 0 {
				t.Errorf("%d requirements are unverified: %+v", report.Summary.Unverified, report.Problems)
			}
		})
	}
}

// docs/narrowed-policies.md shows what is printed.
func TestPage(t *testing.T) {
	binary := command(t)
	page, err := os.ReadFile("../../../docs/narrowed-policies.md")
	if err != nil {
		t.Fatal(err)
	}
	endpoint, _ := serve(t, binary, "../../../examples/narrowed/account.yaml")
	var lines strings.Builder
	for _, v := range simulate(t, endpoint).Results {
		mark := map[bool]string{true: "✅", false: "❌"}[v.Allowed()]
		lines.WriteString(mark + " " + v.Name + "\n")
	}
	cmd := exec.CommandContext(t.Context(), binary, "audit")
	cmd.Env = asCaller(t, endpoint)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("audit: %v\n%s", err, out)
	}
	for _, printed := range []string{lines.String(), string(out)} {
		if !strings.Contains(string(page), "\n"+printed) {
			t.Errorf("docs/narrowed-policies.md does not show what is printed now:\n%s", printed)
		}
	}
}

// Until 2026-07-30 IAM gave one result for an action and resource. Then Remotion's verdicts and the
// audit's findings are the same list, the layers included.
func TestOlderAnswerOfTheSimulator(t *testing.T) {
	binary := command(t)
	for _, example := range []string{"compliant", "drifted"} {
		t.Run(example, func(t *testing.T) {
			account := load(t, example)
			account.Simulator.Shape = "old"
			endpoint := listen(t, &awsemu.Server{Account: account, PageSize: 100})
			check := simulate(t, endpoint)
			report := auditAs(t, binary, endpoint, map[string]int{"compliant": 0, "drifted": 1}[example])
			same(t, "Remotion's verdicts are about", actions(check.Results), audited(report))
			same(t, "Remotion's check says no to", refused(check.Results), gaps(report))
		})
	}
}

// What Remotion's check does not see, as docs/narrowed-policies.md says.
func TestOnlyRemotionSaysYes(t *testing.T) {
	binary := command(t)
	t.Run("to a Deny on a real bucket", func(t *testing.T) {
		account := load(t, "compliant")
		account.Users["remotion-user"].Inline["freeze"] = `{"Version": "2012-10-17", "Statement": [
			{"Sid": "Freeze", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::remotionlambda-useast1-*"}]}`
		endpoint := listen(t, &awsemu.Server{Account: account, PageSize: 100})
		same(t, "Remotion's check says no to", refused(simulate(t, endpoint).Results), nil)
		same(t, "the audit says no to", gaps(auditAs(t, binary, endpoint, 1)), []string{"s3:PutObject"})
	})
	t.Run("to an account whose render role is missing", func(t *testing.T) {
		account := load(t, "compliant")
		delete(account.Roles, policies.RoleName)
		endpoint := listen(t, &awsemu.Server{Account: account, PageSize: 100})
		same(t, "Remotion's check says no to", refused(simulate(t, endpoint).Results), nil)
		report := auditAs(t, binary, endpoint, 1)
		if report.Status != audit.StatusGaps ||
			!slices.ContainsFunc(report.Findings, func(f audit.Finding) bool {
				return f.Cause == audit.TargetMissing
			}) {
			t.Errorf("the audit says %s, %+v, want a missing target", report.Status, report.Summary)
		}
	})
	t.Run("to what is beyond the first page of an answer", func(t *testing.T) {
		account := load(t, "drifted")
		endpoint := listen(t, &awsemu.Server{Account: account, PageSize: 2})
		check := simulate(t, endpoint)
		if slices.Contains(actions(check.Results), "s3:PutBucketPolicy") {
			t.Errorf("Remotion's check follows the marker now: %q", check.Results)
		}
		same(t, "the audit says no to", gaps(auditAs(t, binary, endpoint, 1)),
			[]string{"s3:PutBucketPolicy", "logs:PutRetentionPolicy"})
	})
}

// Where a policy grants what Remotion does, and one of the checks says no for want of a detail.
func TestNoToWhatIsGranted(t *testing.T) {
	binary := command(t)
	t.Run("by Remotion's check, under a condition its requests meet", func(t *testing.T) {
		endpoint := listen(t, &awsemu.Server{PageSize: 100, Account: edited(t,
			`"Sid": "LambdaInvokation",`,
			`"Sid": "LambdaInvokation", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},`)})
		same(t, "Remotion's check says no to", refused(simulate(t, endpoint).Results),
			[]string{"iam:PassRole"})
		same(t, "the audit says no to", gaps(auditAs(t, binary, endpoint, 0)), nil)
	})
	t.Run("by the audit, about a bucket it was not told of", func(t *testing.T) {
		endpoint := listen(t,
			&awsemu.Server{PageSize: 100,
				Account: edited(t, ":::remotionlambda-*", ":::remotionlambda-useast1-a1b2c3d4e5*")})
		theirs := refused(simulate(t, endpoint).Results)
		same(t, "the audit says no to", gaps(auditAs(t, binary, endpoint, 1)), theirs)
		same(t, "told of the bucket, it says no to",
			gaps(auditAs(t, binary, endpoint, 0, "--buckets", "remotionlambda-useast1-a1b2c3d4e5")), nil)
	})
	t.Run("by the audit, about a function of another name", func(t *testing.T) {
		endpoint := listen(t, &awsemu.Server{PageSize: 100, Account: edited(t,
			"function:remotion-render-*", "function:remotion-render-4-0-527-mem3008mb-disk2048mb-300sec")})
		theirs := refused(simulate(t, endpoint).Results)
		same(t, "the audit says no to", gaps(auditAs(t, binary, endpoint, 1)), theirs)
	})
}

// package.json and the Go side name one release.
func TestVersion(t *testing.T) {
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if got := manifest.Dependencies["@remotion/lambda"]; got != remotion.Version {
		t.Errorf("package.json asks for @remotion/lambda %q, and Version is %q", got, remotion.Version)
	}
}

// ready skips a test that cannot have Remotion's package.
func ready(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: Remotion's own check is left out of -short")
	}
	if err := pkg.Ready(); err != nil {
		t.Skip("SKIPPED, NOT TESTED: Remotion's own check: " + err.Error())
	}
}

func load(t *testing.T, example string) *awsemu.Account {
	t.Helper()
	account, err := awsemu.Load(examples.FS, example+"/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// edited is the account in good order, with one change to the caller's policy.
func edited(t *testing.T, old, new string) *awsemu.Account {
	t.Helper()
	account := load(t, "compliant")
	inline := account.Users["remotion-user"].Inline
	for name, text := range inline {
		if strings.Count(text, old) != 1 {
			t.Fatalf("%q is not in the policy once:\n%s", old, text)
		}
		inline[name] = strings.Replace(text, old, new, 1)
	}
	return account
}

func listen(t *testing.T, server *awsemu.Server) string {
	t.Helper()
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endpoint.Close() })
	return endpoint.URL
}

func simulate(t *testing.T, endpoint string) remotion.Check {
	t.Helper()
	check, err := pkg.Simulate(t.Context(), endpoint, callerKey)
	if err != nil {
		t.Fatal(err)
	}
	return check
}

// tools is where TestMain keeps the built command.
var tools string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "remotion-audit-e2e-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		tools = dir
		return m.Run()
	}())
}

var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(tools, "remotion-audit")
	out, err := exec.Command("go", "build", "-o", binary,
		"../../../cmd/remotion-audit").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return binary, nil
})

// command builds remotion-audit, once, if there is something to run it beside.
func command(t *testing.T) string {
	t.Helper()
	ready(t)
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// environment is all that a command gets of ours: no key, profile or region of whoever runs the
// tests.
func environment(t *testing.T, more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"AWS_EC2_METADATA_DISABLED=true"}, more...)
}

func asCaller(t *testing.T, endpoint string) []string {
	return environment(t, "AWS_ENDPOINT_URL="+endpoint, "AWS_ACCESS_KEY_ID="+callerKey,
		"AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1")
}

var (
	exported   = regexp.MustCompile(`^export AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+)$`)
	toCallAsIt = regexp.MustCompile(`^# to call as ` + caller + `: export AWS_ACCESS_KEY_ID=(\w+)$`)
)

// serve runs `remotion-audit local --serve` until the test ends, and returns what it printed: the
// endpoint and the caller's access key.
func serve(t *testing.T, binary, account string) (endpoint, key string) {
	t.Helper()
	cmd := exec.Command(binary, "local", "--serve", "--account", account)
	cmd.Env = environment(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(3*time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		kill.Reset(10 * time.Second)
		if err := cmd.Wait(); err != nil {
			t.Errorf("local --serve, interrupted: %v\n%s", err, stderr.Bytes())
		}
		kill.Stop()
	})
	lines := bufio.NewScanner(stdout)
	for (endpoint == "" || key == "") && lines.Scan() {
		if m := exported.FindStringSubmatch(lines.Text()); m != nil {
			endpoint = m[1]
		}
		if m := toCallAsIt.FindStringSubmatch(lines.Text()); m != nil {
			key = m[1]
		}
	}
	if endpoint == "" || key == "" {
		t.Fatalf("local --serve prints no endpoint or no access key for %s", caller)
	}
	return endpoint, key
}

// auditAs runs `remotion-audit audit` as the caller.
func auditAs(t *testing.T, binary, endpoint string, exit int,
	flags ...string) (report audit.Report) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, binary, append([]string{"audit", "--format", "json"}, flags...)...)
	cmd.Env = asCaller(t, endpoint)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != exit {
		t.Errorf("audit: exit status %d, want %d\n%s", got, exit, stderr.Bytes())
	}
	if err := json.NewDecoder(io.TeeReader(&stdout, &stderr)).Decode(&report); err != nil {
		t.Fatalf("audit: %v\n%s", err, stderr.Bytes())
	}
	return report
}

// actions are those of Remotion's verdicts, sorted: IAM promises no order.
func actions(verdicts []remotion.Verdict) (list []string) {
	for _, v := range verdicts {
		list = append(list, v.Name)
	}
	slices.Sort(list)
	return list
}

func refused(verdicts []remotion.Verdict) []string {
	return actions(slices.DeleteFunc(slices.Clone(verdicts), remotion.Verdict.Allowed))
}

// audited are the actions of the findings about the caller, sorted.
func audited(report audit.Report) []string {
	return about(report, func(audit.Finding) bool { return true })
}

func gaps(report audit.Report) []string {
	return about(report, func(f audit.Finding) bool { return f.Status != audit.Satisfied })
}

func about(report audit.Report, want func(audit.Finding) bool) (list []string) {
	for _, f := range report.Findings {
		if f.Target == caller && want(f) {
			list = append(list, f.Action)
		}
	}
	slices.Sort(list)
	return list
}

// without drops one occurrence.
func without(list []string, item string) []string {
	if i := slices.Index(list, item); i >= 0 {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	return list
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s\n%s\nwant\n%s", what, strings.Join(got, " "), strings.Join(want, " "))
	}
}
