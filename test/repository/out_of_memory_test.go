package repository

import (
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
	"github.com/remotion-audit/remotion-audit/internal/testing/cwalarm"
	"github.com/remotion-audit/remotion-audit/internal/testing/gobuild"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// limitedMemory is the memory that the operating system allows the function, in KB.
const limitedMemory = 200_000

// runLimited runs the binary of the function with little memory against an account with that many
// callers. It returns the result, the names of the published metrics and the start of the output.
// Go does not collect garbage in it, so that an audit of many callers needs more memory than the
// function has.
func runLimited(t *testing.T, binary string, callers int) (result runtimeapi.Invocation,
	metrics []string, output string) {
	t.Helper()
	account, err := account.Load(examples.FS, "compliant/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range callers {
		name := fmt.Sprintf("render-%02d", i)
		account.Users[name] = awsemu.User{Inline: account.Users["remotion-user"].Inline}
		names = append(names, "user/"+name)
	}
	server := &awsemu.Server{Account: account}
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	env := maps.Clone(account.Function.Environment)
	maps.Copy(env, map[string]string{
		"AWS_ENDPOINT_URL": endpoint.URL, "AWS_ACCESS_KEY_ID": "AKIAADMINISTRATOR000",
		"AWS_SECRET_ACCESS_KEY": "local", "CALLERS": strings.Join(names, ","), "REGIONS": "all",
		"GOGC": "off", "GOMEMLIMIT": "off", "GOMAXPROCS": "2",
	})
	var log head
	rt, err := runtimeapi.New(runtimeapi.Config{Binary: binary, Timeout: time.Minute, MemoryMB: 256,
		Env: env, Log: &log, Wrapper: []string{"/bin/sh", "-c",
			fmt.Sprintf(`ulimit -d %d && exec "$0"`, limitedMemory)}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rt.Close() }() // always nil
	event, err := events.FS.ReadFile("scheduler.json")
	if err != nil {
		t.Fatal(err)
	}
	result, err = rt.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range server.Metrics() {
		metrics = append(metrics, m.Name)
	}
	return result, metrics, log.String()
}

// head is a writer that keeps the start of the output.
type head struct{ strings.Builder }

func (h *head) Write(p []byte) (int, error) {
	_, _ = h.Builder.Write(p[:min(len(p), max(0, 8192-h.Len()))]) // never fails
	return len(p), nil
}

// TestOutOfMemory checks that alarms notice an audit that dies of memory: it publishes nothing, and
// Lambda counts an error. The same limit is enough for an account with one caller.
func TestOutOfMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the function")
	}
	if runtime.GOOS != "linux" {
		t.Skip("needs a limit for the memory of a process")
	}
	binary := filepath.Join(t.TempDir(), "bootstrap")
	if err := gobuild.Function(t.Context(), repo.Path(t, "function"), binary,
		"CGO_ENABLED=0"); err != nil {
		t.Fatal(err)
	}
	result, metrics, output := runLimited(t, binary, 1)
	if result.FunctionError != "" || !slices.Contains(metrics, contract.MetricAuditCompleted) {
		t.Fatalf("with one caller: %s, metrics %q\n%s", result.Payload, metrics, output)
	}
	failures := 0
	for range 2 { // the run and Lambda's retry
		result, metrics, output = runLimited(t, binary, 60)
		if result.TimedOut || metrics != nil || result.ErrorType != "Runtime.ExitError" ||
			result.Exit != "exit status 2" || !strings.Contains(output, "memory") {
			t.Fatalf("with 60 callers: timed out %v, %s %q, metrics %q\n%s", result.TimedOut,
				result.ErrorType, result.Exit, metrics, output)
		}
		failures++
	}
	alarms := alarmsOf(t, resourcesWith(t, nil))
	for _, s := range []scenario{
		{"audits die of memory from one run on", "DeadManAlarm",
			func(w *timeline, _ cwalarm.Alarm) []timeRange {
				i := w.middleRun()
				w.modify(i, len(w.runs)-i, func(r *run) { r.failures = failures })
				return nil
			}, alarmsUntilEnd},
		{"eight audits die of memory", "ErrorsAlarm", func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.failFor(w.middleRun(), 8, failures, a)
		}, alarmsOnce},
	} {
		for seed := range 3 {
			if err := s.check(t, time.Hour, seed, alarms[s.alarm]); err != nil {
				t.Errorf("%s, seed %d: %s: %v", s.alarm, seed, s.name, err)
			}
		}
	}
}
