package app

import (
	"bytes"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestGoldenReportOfThreeReleases audits an account with three releases and a custom function name,
// as the function does. internal/report/testdata/releases.txt is the same report as text.
func TestGoldenReportOfThreeReleases(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	account, err := account.Load(examples.FS, "releases/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	end, err := (&awsemu.Server{Account: account}).Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	cfg, err := ConfigFromEnv(func(name string) string { return account.Function.Environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	to := policytest.Release(t, "4.0.527")
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	a := App{Config: cfg, Clients: load(t, end.URL), Function: "remotion-audit", UpgradeTo: &to,
		Now: func() time.Time { return noon }}
	r, err := a.Report(t.Context(), Location{"123456789012", "aws", "us-east-1"}, "golden")
	if err != nil {
		t.Fatal(err)
	}
	r.Run.Version = "" // of this build
	var got bytes.Buffer
	if err := report.JSON(&got, r); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "../report/testdata/releases.json", got.Bytes())
}
