package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// storedReports returns n reports about examples/drifted as objects of an evidence bucket, one for
// each hour until now.
func storedReports(t *testing.T, account string, n int) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../internal/page/testdata/drifted.json")
	if err != nil {
		t.Fatal(err)
	}
	var r audit.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	objects := map[string]string{}
	for i := range n {
		r.Account = account
		r.Run.ID, r.Run.At = fmt.Sprintf("run-%s-%04d", account, i),
			time.Now().UTC().Add(time.Duration(i+1-n)*time.Hour)
		stored, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		objects[evidence.ReportKey(r.Run.At, r.Run.ID)] = string(stored)
	}
	return objects
}

// directoryOf writes objects as files.
func directoryOf(t *testing.T, objects map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for key, text := range objects {
		file := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// reportLine runs `report`, and returns the exit status.
func reportLine(t *testing.T, line string) (out, diagnostics string, status int, err error) {
	t.Helper()
	out, diagnostics, err = runCommand(t, reportCommand(), line)
	var exit exitError
	if errors.As(err, &exit) {
		return out, diagnostics, int(exit), nil
	}
	if err != nil {
		status = exitUnverified
	}
	return out, diagnostics, status, err
}

func contains(t *testing.T, what, text string, pieces ...string) {
	t.Helper()
	for _, piece := range pieces {
		if !strings.Contains(text, piece) {
			t.Errorf("%s does not contain %q:\n%.2000s", what, piece, text)
		}
	}
}

func TestReportOfADirectory(t *testing.T) {
	t.Parallel()
	dir := directoryOf(t, storedReports(t, "123456789012", 30))
	out, diagnostics, status, err := reportLine(t, "--evidence "+dir)
	if err != nil || status != 0 || diagnostics != "" {
		t.Errorf("status %d, error %v, diagnostics %q", status, err, diagnostics)
	}
	contains(t, "the page", out, "<!doctype html>", "Renders will fail", `id="history"`,
		"<svg class=\"chart\"",
		"30, from ")
	file := filepath.Join(dir, "page.html")
	if out, _, status, err := reportLine(t, "--evidence "+dir+" --output "+file); err != nil ||
		status != 0 || out != "" {
		t.Errorf("with --output: status %d, error %v, output %.100q", status, err, out)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text),
		"<!doctype html>") {
		t.Errorf("the file is %.100q, %v", text, err)
	}
	out, _, _, err = reportLine(t, "--evidence "+dir+" --format json")
	var r audit.Report
	if err := errors.Join(err, json.Unmarshal([]byte(out), &r)); err != nil ||
		r.Run.ID != "run-123456789012-0029" {
		t.Errorf("the JSON is about the run %s: %v", r.Run.ID, err)
	}
	out, _, _, err = reportLine(t, "--evidence "+dir+" --format text")
	if err != nil {
		t.Error(err)
	}
	contains(t, "the text", out, "s3:PutBucketPolicy")
}

// TestReportNamesWhatItCannotUse checks that a page is never complete by omission.
func TestReportNamesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	objects := storedReports(t, "123456789012", 3)
	today := time.Now().UTC().Format("reports/2006/01/02/")
	objects[today+"empty.json"] = ""
	objects[today+"garbled.json"] = `{"schemaVersion":`
	objects[today+"huge.json"] = strings.Repeat(" ", 33<<20)
	dir := directoryOf(t, objects)
	secret := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(secret, []byte(`{"schemaVersion":"1","account":"secret"}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, today, "link.json")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(filepath.Dir(secret), filepath.Join(dir, "reports", "folder")); err != nil {
		t.Fatal(err)
	}
	out, diagnostics, status, err := reportLine(t, "--evidence "+dir)
	if err != nil || status != exitUnverified {
		t.Errorf("status %d, error %v", status, err)
	}
	contains(t, "the page", out, "empty.json", "garbled.json", "huge.json", "link.json",
		"reports/folder",
		"5 objects of the evidence could not be used", "A report that may be newer than this one")
	contains(t, "the diagnostics", diagnostics, "note: 5 objects")
	if strings.Contains(out, "secret\"") {
		t.Error("the page has the content of a file outside of the directory")
	}
}

func TestReportOfSeveralAccounts(t *testing.T) {
	t.Parallel()
	objects := storedReports(t, "123456789012", 3)
	for key, text := range storedReports(t, "999999999999", 2) {
		var r audit.Report
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		r.Status, r.Findings, r.Fixes = audit.StatusCompliant, r.Findings[:1], nil
		r.Findings[0].Status = audit.Satisfied
		r.Summary = audit.Summary{Requirements: 1, Satisfied: 1}
		r.Targets = slices.DeleteFunc(r.Targets, func(t audit.TargetReport) bool {
			return t.Name != r.Findings[0].Target
		})
		r.Targets[0].Summary = r.Summary
		compliant, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		objects[key] = string(compliant)
	}
	dir := directoryOf(t, objects)
	out, _, status, err := reportLine(t, "--evidence "+dir)
	if err != nil || status != 0 {
		t.Errorf("status %d, error %v", status, err)
	}
	contains(t, "the page", out, "<h1>Renders will fail</h1>", "Account 123456789012, auditor",
		"Account 999999999999, auditor", "the reports of 2 accounts or auditors",
		"Account 999999999999 by remotion-audit: No missing permission found.")
	out, diagnostics, _, err := reportLine(t, "--account 999999999999 --evidence "+dir)
	if err != nil {
		t.Error(err)
	}
	contains(t, "the page of one account", out, "<h1>No missing permission found</h1>")
	contains(t, "the diagnostics", diagnostics, "3 reports are of other accounts")
	if strings.Contains(out, "Account 123456789012") {
		t.Error("the page has the other account")
	}
}

// TestOldReportIsNamed checks that an auditor that stopped does not look compliant.
func TestOldReportIsNamed(t *testing.T) {
	t.Parallel()
	objects := map[string]string{}
	for key, text := range storedReports(t, "123456789012", 24*5) {
		var r audit.Report
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if time.Since(r.Run.At) > 72*time.Hour {
			objects[key] = text
		}
	}
	_, diagnostics, status, err := reportLine(t, "--evidence "+directoryOf(t, objects))
	if err != nil || status != 0 {
		t.Errorf("status %d, error %v", status, err)
	}
	contains(t, "the diagnostics", diagnostics, "note: The latest report of account 123456789012 by "+
		"remotion-audit is 3d", "What changed since then is unknown")
}

func TestReportOfManyRuns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it writes 2,000 reports")
	}
	dir := directoryOf(t, storedReports(t, "123456789012", 2000))
	out, _, status, err := reportLine(t, "--evidence "+dir)
	if err != nil || status != 0 || len(out) > 300_000 {
		t.Errorf("status %d, error %v, %d bytes", status, err, len(out))
	}
	contains(t, "the page", out, "2000, from ", "240 steps for 2000 runs")
	_, diagnostics, _, err := reportLine(t, "--last 10 --evidence "+dir)
	if err != nil {
		t.Error(err)
	}
	contains(t, "the diagnostics", diagnostics,
		"1990 older reports are left out, because --last is 10")
}

func TestReportFlags(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for line, want := range map[string]string{
		"":                                "--evidence is required",
		"--evidence x --since yesterday":  "--since must be a number of days",
		"--evidence x --since 0d":         "--since must be a number of days",
		"--evidence x --since 2999-01-01": "--since must be a number of days",
		"--evidence x --last 0":           "--last must be a number of at least 1",
		"--evidence x --last many":        "--last must be a number of at least 1",
		"--evidence x --account 12":       "--account must be an account id of 12 digits",
		"--evidence x --timeout 0s":       "--timeout must be greater than 0",
		"--evidence " + empty + "/none":   "--evidence: open",
		"--evidence " + empty:             "there is no report in " + empty + " since",
		"--evidence s3://":                "--evidence: ",
		"--evidence s3://Not_A_Bucket/x":  "--evidence: ",
	} {
		out, _, status, err := reportLine(t, line)
		if err == nil || status != exitUnverified || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: status %d, error %v, want %q", line, status, err, want)
		}
	}
}

// bucketWith serves an account with an evidence bucket. The test cannot be parallel, because it
// sets the environment.
func bucketWith(t *testing.T, objects map[string]string, faults ...awsemu.Fault) *awsemu.Server {
	t.Helper()
	server := useExample(t, "drifted")
	server.Account.Buckets["my-evidence"] = awsemu.Bucket{Objects: objects}
	server.Account.Buckets["foreign"] = awsemu.Bucket{Owner: "999999999999", Objects: objects}
	server.Faults = faults
	t.Setenv("AWS_ENDPOINT_URL", emutest.Listen(t, server))
	return server
}

func TestReportOfABucket(t *testing.T) {
	objects := storedReports(t, "123456789012", 40)
	for key, text := range objects {
		objects["copies/ours/"+key] = text
	}
	server := bucketWith(t, objects)
	for _, place := range []string{"s3://my-evidence", "s3://my-evidence/copies/ours",
		"s3://my-evidence/copies/ours/"} {
		out, _, status, err := reportLine(t, "--no-env-file --evidence "+place)
		if err != nil || status != 0 {
			t.Fatalf("%s: status %d, error %v", place, status, err)
		}
		contains(t, place, out, "<h1>Renders will fail</h1>", "40, from ")
	}
	for _, call := range server.Calls() {
		if !strings.HasPrefix(call.Operation, "Get") && !strings.HasPrefix(call.Operation, "List") {
			t.Errorf("the command called %s", call.Operation)
		}
	}
	if _, _, _, err := reportLine(t, "--no-env-file --evidence s3://foreign"); err == nil ||
		!strings.Contains(err.Error(), "check that account 123456789012 owns it") {
		t.Errorf("a bucket of another account: %v", err)
	}
	if _, _, _, err := reportLine(t, "--no-env-file --evidence s3://no-such-bucket"); err == nil ||
		!strings.Contains(err.Error(), "the bucket does not exist") {
		t.Errorf("a bucket that does not exist: %v", err)
	}
}

func TestReportWhenS3Refuses(t *testing.T) {
	objects := storedReports(t, "123456789012", 6)
	t.Run("a list that is denied", func(t *testing.T) {
		bucketWith(t, objects, awsemu.Fault{Operation: "s3:ListObjectsV2", Deny: true})
		out, _, status, err := reportLine(t, "--no-env-file --evidence s3://my-evidence")
		if err == nil || status != exitUnverified || out != "" ||
			!strings.Contains(err.Error(), "grant s3:ListBucket") {
			t.Errorf("status %d, error %v, output %.100q", status, err, out)
		}
	})
	t.Run("a list that is cut", func(t *testing.T) {
		bucketWith(t, objects, awsemu.Fault{Operation: "s3:ListObjectsV2",
			Corrupt: func(body []byte) []byte { return body[:len(body)/2] }})
		out, _, status, err := reportLine(t, "--no-env-file --evidence s3://my-evidence")
		if err == nil || status != exitUnverified || out != "" {
			t.Errorf("status %d, error %v, output %.100q", status, err, out)
		}
	})
	for name, fault := range map[string]awsemu.Fault{
		"reports that are denied": {Operation: "s3:GetObject", Deny: true, After: 4},
		"reports that are cut": {Operation: "s3:GetObject", After: 4,
			Corrupt: func(body []byte) []byte { return body[:len(body)/2] }},
	} {
		t.Run(name, func(t *testing.T) {
			// The latest report is read twice, so the fault must not apply to the last call.
			fault.Times = 2
			bucketWith(t, objects, fault)
			out, diagnostics, status, err := reportLine(t, "--no-env-file --evidence s3://my-evidence")
			if err != nil || status != exitUnverified {
				t.Fatalf("status %d, error %v", status, err)
			}
			contains(t, "the page", out, "2 objects of the evidence could not be used", "4, from ")
			contains(t, "the diagnostics", diagnostics, "note: 2 objects")
		})
	}
	t.Run("throttled once", func(t *testing.T) {
		bucketWith(t, objects, awsemu.Fault{Operation: "s3:GetObject", Throttle: true, Times: 1})
		out, _, status, err := reportLine(t, "--no-env-file --evidence s3://my-evidence")
		if err != nil || status != 0 {
			t.Fatalf("status %d, error %v", status, err)
		}
		contains(t, "the page", out, "6, from ")
	})
}

// TestFutureReportIsNamed checks that a report of a wrong clock does not hide newer ones unnoticed.
func TestFutureReportIsNamed(t *testing.T) {
	t.Parallel()
	objects := map[string]string{}
	for _, text := range storedReports(t, "123456789012", 1) {
		var r audit.Report
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		r.Run.At = time.Now().UTC().AddDate(0, 0, 3)
		future, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		objects[r.Run.At.Format("reports/2006/01/02/")+"future.json"] = string(future)
	}
	out, diagnostics, status, err := reportLine(t, "--evidence "+directoryOf(t, objects))
	if err != nil || status != 0 {
		t.Errorf("status %d, error %v", status, err)
	}
	contains(t, "the page", out,
		"in the future. The clock of this computer or of the auditor is wrong")
	contains(t, "the diagnostics", diagnostics, "in the future. The clock")
}
