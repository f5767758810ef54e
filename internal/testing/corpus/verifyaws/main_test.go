package main

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus/replay"
)

// TestRun checks that the command finds no differences on the embedded AWS. The environment
// variables contain the address of the embedded AWS.
func TestRun(t *testing.T) {
	server := &awsemu.Server{}
	end, err := server.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end.Close() })
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": end.URL, "AWS_ACCESS_KEY_ID": "AKIAANYBODYATALL0000",
		"AWS_SECRET_ACCESS_KEY":     "local",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	const dir = "../../../iampolicy/testdata/corpus"
	files, err := corpus.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	differences, err := run(t.Context(), dir, 0, "2026-09-11")
	if err != nil || differences != 0 {
		t.Errorf("run finds %d differences, error %v; want none", differences, err)
	}
	calls := make(map[string]int)
	for _, c := range server.Calls() {
		calls[c.Operation]++
	}
	if want := replay.Calls(files); len(calls) != 1 || calls["SimulateCustomPolicy"] != want {
		t.Errorf("calls %v, want only %d calls of SimulateCustomPolicy", calls, want)
	}
}
