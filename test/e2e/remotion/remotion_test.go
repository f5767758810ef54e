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
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/gobuild"
	"github.com/remotion-audit/remotion-audit/test/e2e/remotion"
)

// The caller in the example accounts, and the caller's access key.
const (
	caller    = "user/remotion-user"
	callerKey = "AKIAIOSFODNN7EXAMPLE"
)

// layers is the only action for which Remotion's check gives one verdict on two resources, and the
// audit gives one finding on each resource.
const layers = "lambda:GetLayerVersion"

var pkg = remotion.Package{Dir: "."}

// TestServedAccounts compares Remotion's check with the audit. It runs the commands in
// docs/narrowed-policies.md: both checks and the embedded AWS are processes.
func TestServedAccounts(t *testing.T) {
	binary := buildCommand(t)
	// Remotion's check simulates the documented patterns as plain text. So it denies an action if the
	// documented resource contains a wildcard, and the policy narrows the wildcard.
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
	missing := []string{"s3:PutBucketPolicy", "logs:PutRetentionPolicy"}
	for _, tt := range []struct {
		name, account string
		// theirs and ours are the actions that Remotion's check and the audit deny.
		theirs, ours []string
		exit         int
	}{
		{"both allow an unmodified documented policy", "compliant", nil, nil, 0},
		{"only Remotion denies a correctly narrowed policy", "narrowed", narrowed, nil, 0},
		{"both deny the permissions that a policy does not grant", "drifted", missing, missing, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, key := serve(t, binary, "../../../examples/"+tt.account+"/account.yaml")
			if key != callerKey {
				t.Errorf("--serve prints access key %q for %s, want %q", key, caller, callerKey)
			}
			check := simulate(t, endpoint)
			report := auditAs(t, binary, endpoint, tt.exit)

			// IAM gives one result for each action. Both lists are equal except for the layers.
			if got, want := actions(check.Results), without(audited(report), layers); !slices.Equal(got,
				want) {
				t.Errorf("Remotion's verdicts are on\n%q, want\n%q: the check only reads the first page of "+
					"an answer, so the endpoint must use pages of 100, as IAM does", got, want)
			}
			assertEqual(t, "Remotion's check denies", denied(check.Results), tt.theirs)
			assertEqual(t, "the audit denies", gaps(report), tt.ours)
			if report.Summary.Unverified != 0 {
				t.Errorf("%d requirements are unverified: %+v", report.Summary.Unverified, report.Problems)
			}
		})
	}
}

// runLine matches the line of a report about its run.
var runLine = regexp.MustCompile(`(?m)^( *Run +)\S+ \S+ by `)

// TestPage checks that docs/narrowed-policies.md shows the output of both commands.
func TestPage(t *testing.T) {
	binary := buildCommand(t)
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
	cmd.Dir = t.TempDir() // this directory is a Remotion project
	cmd.Env = asCaller(t, endpoint)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("audit: %v\n%s", err, out)
	}
	audited := runLine.ReplaceAllString(string(out), "${1}2026-11-16T09:00:00Z 1f0c9e52 by ")
	for _, printed := range []string{lines.String(), audited} {
		if !strings.Contains(string(page), "\n"+printed) {
			t.Errorf("docs/narrowed-policies.md does not show the current output:\n%s", printed)
		}
	}
}

// TestOlderAnswerOfTheSimulator checks the answers of IAM until 2026-07-30, with one result for
// each action and resource. With these answers, Remotion's verdicts and the findings of the audit
// are the same list, including the layers.
func TestOlderAnswerOfTheSimulator(t *testing.T) {
	binary := buildCommand(t)
	for _, example := range []string{"compliant", "drifted"} {
		t.Run(example, func(t *testing.T) {
			account := load(t, example)
			account.Simulator.Shape = "old"
			endpoint := listen(t, &awsemu.Server{Account: account, PageSize: 100})
			check := simulate(t, endpoint)
			report := auditAs(t, binary, endpoint, map[string]int{"compliant": 0, "drifted": 1}[example])
			assertEqual(t, "Remotion's verdicts are on", actions(check.Results), audited(report))
			assertEqual(t, "Remotion's check denies", denied(check.Results), gaps(report))
		})
	}
}

// TestOnlyRemotionAllows checks that Remotion's check misses gaps that the audit reports, as
// documented in docs/narrowed-policies.md.
func TestOnlyRemotionAllows(t *testing.T) {
	binary := buildCommand(t)
	t.Run("a Deny on a real bucket", func(t *testing.T) {
		account := load(t, "compliant")
		account.Users["remotion-user"].Inline["freeze"] = `{"Version": "2012-10-17", "Statement": [
			{"Sid": "Freeze", "Effect": "Deny", "Action": "s3:PutObject",
			"Resource": "arn:aws:s3:::remotionlambda-useast1-*"}]}`
		endpoint := listen(t, &awsemu.Server{Account: account, PageSize: 100})
		assertEqual(t, "Remotion's check denies", denied(simulate(t, endpoint).Results), nil)
		assertEqual(t, "the audit denies", gaps(auditAs(t, binary, endpoint, 1)),
			[]string{"s3:PutObject"})
	})
	t.Run("an account without a render role", func(t *testing.T) {
		account := load(t, "compliant")
		delete(account.Roles, policies.RoleName)
		endpoint := listen(t, &awsemu.Server{Account: account, PageSize: 100})
		assertEqual(t, "Remotion's check denies", denied(simulate(t, endpoint).Results), nil)
		report := auditAs(t, binary, endpoint, 1)
		if report.Status != audit.StatusGaps ||
			!slices.ContainsFunc(report.Findings, func(f audit.Finding) bool {
				return f.Cause == audit.TargetMissing
			}) {
			t.Errorf("audit: %s, %+v, want a missing target", report.Status, report.Summary)
		}
	})
	t.Run("actions after the first page of an answer", func(t *testing.T) {
		account := load(t, "drifted")
		endpoint := listen(t, &awsemu.Server{Account: account, PageSize: 2})
		check := simulate(t, endpoint)
		if slices.Contains(actions(check.Results), "s3:PutBucketPolicy") {
			t.Errorf("Remotion's check reads the following pages too: %q", check.Results)
		}
		assertEqual(t, "the audit denies", gaps(auditAs(t, binary, endpoint, 1)),
			[]string{"s3:PutBucketPolicy", "logs:PutRetentionPolicy"})
	})
}

// TestDeniedAlthoughGranted checks policies that grant all that Remotion needs. A check denies some
// of the actions because the check lacks a detail, for example the name of a bucket.
func TestDeniedAlthoughGranted(t *testing.T) {
	binary := buildCommand(t)
	t.Run("Remotion's check denies a condition that its requests meet", func(t *testing.T) {
		endpoint := listen(t, &awsemu.Server{PageSize: 100, Account: edited(t,
			`"Sid": "LambdaInvokation",`,
			`"Sid": "LambdaInvokation", "Condition": {"StringEquals": `+
				`{"iam:PassedToService": "lambda.amazonaws.com"}},`)})
		assertEqual(t, "Remotion's check denies", denied(simulate(t, endpoint).Results),
			[]string{"iam:PassRole"})
		assertEqual(t, "the audit denies", gaps(auditAs(t, binary, endpoint, 0)), nil)
	})
	t.Run("the audit denies a bucket that BUCKETS does not name", func(t *testing.T) {
		endpoint := listen(t,
			&awsemu.Server{PageSize: 100,
				Account: edited(t, ":::remotionlambda-*", ":::remotionlambda-useast1-a1b2c3d4e5*")})
		theirs := slices.DeleteFunc(denied(simulate(t, endpoint).Results), func(action string) bool {
			return slices.Contains(uncalled, action)
		})
		assertEqual(t, "the audit denies", gaps(auditAs(t, binary, endpoint, 1)), theirs)
		assertEqual(t, "with --buckets, the audit denies",
			gaps(auditAs(t, binary, endpoint, 0, "--buckets", "remotionlambda-useast1-a1b2c3d4e5")), nil)
	})
	t.Run("the audit denies a function with another name", func(t *testing.T) {
		endpoint := listen(t, &awsemu.Server{PageSize: 100, Account: edited(t,
			"function:remotion-render-*", "function:remotion-render-4-0-527-mem3008mb-disk2048mb-300sec")})
		theirs := slices.DeleteFunc(denied(simulate(t, endpoint).Results), func(action string) bool {
			return slices.Contains(uncalled, action)
		})
		assertEqual(t, "the audit denies", gaps(auditAs(t, binary, endpoint, 1)), theirs)
	})
}

// TestVersion checks that package.json and Version name the same release.
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
		t.Errorf("package.json has @remotion/lambda %q, but Version is %q", got, remotion.Version)
	}
}

// skipUnlessReady skips a test if Remotion's package is not installed, or with -short.
func skipUnlessReady(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short leaves out Remotion's own code")
	}
	if err := pkg.Ready(); err != nil {
		t.Skip("SKIPPED, NOT TESTED: Remotion's own code: " + err.Error())
	}
}

func load(t *testing.T, example string) *awsemu.Account {
	t.Helper()
	account, err := account.Load(examples.FS, example+"/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// edited returns the compliant account with one change to the caller's policy.
func edited(t *testing.T, old, replacement string) *awsemu.Account {
	t.Helper()
	account := load(t, "compliant")
	inline := account.Users["remotion-user"].Inline
	for name, text := range inline {
		if strings.Count(text, old) != 1 {
			t.Fatalf("%q must be in the policy exactly once:\n%s", old, text)
		}
		inline[name] = strings.Replace(text, old, replacement, 1)
	}
	return account
}

func listen(t *testing.T, server *awsemu.Server) string {
	t.Helper()
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
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

// tools is the directory of the built command. TestMain creates it.
var tools string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "remotion-audit-e2e-")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }() // a left-over temporary directory is harmless
		tools = dir
		return m.Run()
	}())
}

var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(tools, "remotion-audit")
	return binary, gobuild.Program(context.Background(), "../../../cmd/remotion-audit", binary)
})

// buildCommand builds remotion-audit once and returns its path. It skips the test if Remotion's
// package is not installed.
func buildCommand(t *testing.T) string {
	t.Helper()
	skipUnlessReady(t)
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// environment returns the whole environment of a command. It contains no key, profile or region
// from the environment of the tests.
func environment(t *testing.T, more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"AWS_EC2_METADATA_DISABLED=true"}, more...)
}

func asCaller(t *testing.T, endpoint string) []string {
	return environment(t, "AWS_ENDPOINT_URL="+endpoint, "AWS_ACCESS_KEY_ID="+callerKey,
		"AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1")
}

var (
	endpointLine = regexp.MustCompile(`^export AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+)$`)
	keyLine      = regexp.MustCompile(`^# To call as ` + caller + `: export AWS_ACCESS_KEY_ID=(\w+)$`)
)

// serve runs `remotion-audit local --serve` until the test ends. It returns the printed endpoint
// and the printed access key of the caller.
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
	// Signal and Kill only fail if the process has ended.
	kill := time.AfterFunc(3*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		kill.Reset(10 * time.Second)
		if err := cmd.Wait(); err != nil {
			t.Errorf("local --serve, interrupted: %v\n%s", err, stderr.Bytes())
		}
		kill.Stop()
	})
	lines := bufio.NewScanner(stdout)
	for (endpoint == "" || key == "") && lines.Scan() {
		if m := endpointLine.FindStringSubmatch(lines.Text()); m != nil {
			endpoint = m[1]
		}
		if m := keyLine.FindStringSubmatch(lines.Text()); m != nil {
			key = m[1]
		}
	}
	if endpoint == "" || key == "" {
		t.Fatalf("local --serve prints no endpoint or no access key for %s", caller)
	}
	return endpoint, key
}

// auditAs runs `remotion-audit audit` as the caller, and returns the report.
func auditAs(t *testing.T, binary, endpoint string, exit int,
	flags ...string) (report audit.Report) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"audit", "--format", "json"}, flags...)...)
	cmd.Dir = t.TempDir() // this directory is a Remotion project
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

// actions returns the actions of Remotion's verdicts, sorted because IAM does not guarantee an
// order.
func actions(verdicts []remotion.Verdict) (list []string) {
	for _, v := range verdicts {
		list = append(list, v.Name)
	}
	slices.Sort(list)
	return list
}

// denied returns the actions that Remotion's check denies, sorted.
func denied(verdicts []remotion.Verdict) []string {
	return actions(slices.DeleteFunc(slices.Clone(verdicts), remotion.Verdict.Allowed))
}

// uncalled are the documented actions that no release calls: Remotion checks them, the audit does
// not require them.
var uncalled = []string{"lambda:InvokeAsync", "s3:DeleteBucket"}

// audited returns the actions of all findings on the caller, sorted.
func audited(report audit.Report) []string {
	list := callerActions(report, func(audit.Finding) bool { return true })
	return slices.Sorted(slices.Values(append(list, uncalled...)))
}

// gaps returns the actions of the caller's findings that are not satisfied, sorted.
func gaps(report audit.Report) []string {
	return callerActions(report, func(f audit.Finding) bool { return f.Status != audit.Satisfied })
}

// callerActions returns the actions of the selected findings on the caller, sorted.
func callerActions(report audit.Report, want func(audit.Finding) bool) (list []string) {
	for _, f := range report.Findings {
		if f.Target == caller && want(f) {
			list = append(list, f.Action)
		}
	}
	slices.Sort(list)
	return list
}

// without returns the list without the first occurrence of item.
func without(list []string, item string) []string {
	if i := slices.Index(list, item); i >= 0 {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	return list
}

func assertEqual(t *testing.T, what string, got, want []string) {
	t.Helper()
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s\n%s\nwant\n%s", what, strings.Join(got, " "), strings.Join(want, " "))
	}
}
