package cfnlint

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

func TestTemplates(t *testing.T) {
	Check(t, "../../../template.yaml", "../../../infra/change-forwarder.yaml")
}

// TestDisabledFindings checks that Run returns findings even if the template disables them, and
// that an accepted finding does not hide another finding in the same resource.
func TestDisabledFindings(t *testing.T) {
	if testing.Short() {
		t.Skip("cfn-lint takes seconds: run without -short")
	}
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Skip("SKIPPED: cfn-lint is not installed (pip install cfn-lint)")
	}
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(`
Metadata: {cfn-lint: {config: {ignore_checks: [E3002]}}}
Resources:
  DeadManAlarm:
    Type: AWS::CloudWatch::Alarm
    Metadata: {cfn-lint: {config: {ignore_checks: [E3002]}}}
    Properties:
      Namespace: RemotionAudit
      MetricName: AuditCompleted
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      ComparisonOperator: LessThanThreshold
      Threshold: 1
      WarmUpConfiguration: {WarmUpPeriodDurationInMinutes: 100}
      Colour: red
`), 0o600); err != nil {
		t.Fatal(err)
	}
	findings, err := Run(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		if _, ok := f.accepted(); !ok {
			got = append(got, f.Rule+" "+f.Where)
		}
	}
	if want := []string{"E3002 Resources/DeadManAlarm/Properties/Colour"}; !reflect.DeepEqual(got,
		want) {
		t.Errorf("got %q, want %q; all: %v", got, want, findings)
	}
}

func TestAccepted(t *testing.T) {
	for _, tt := range []struct {
		rule, where string
		want        bool
	}{
		{"E3002", "Resources/DeadManAlarm/Properties/WarmUpConfiguration", true},
		{"E3002", "Resources/AuditorDeadManAlarm0123ABCD/Properties/WarmUpConfiguration", true},
		{"E3003", "Resources/DeadManAlarm/Properties/WarmUpConfiguration", false},
		{"E3002", "Resources/DeadManAlarm/Properties/WarmUpConfiguration/Colour", false},
		{"E3002", "Resources/BlindAlarm/Properties/WarmUpConfiguration", false},
		{"W3005", "Resources/AuditorAuditFunction75C7F06C/DependsOn/1", true},
		{"W3005", "Resources/AuditFunction/DependsOn", false},
	} {
		if reason, got := (Finding{Rule: tt.rule, Where: tt.where}).accepted(); got != tt.want || got &&
			reason == "" {
			t.Errorf("%s at %s: accepted %v (%q), want %v", tt.rule, tt.where, got, reason, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	const out = `[{"Filename": "x.yaml", "Level": "Warning", "Location": {"Start": {"ColumnNumber": 5, "LineNumber": 23}, "Path": ["Resources", "F", "DependsOn", 1]},
		"Message": "m", "Rule": {"Id": "W3005", "ShortDescription": "d"}}, {"Filename": null, "Location": {"Start": {"LineNumber": 1}, "Path": null}, "Message": "no YAML", "Rule": {"Id": "E0000"}}]`
	want := []Finding{{"x.yaml", "W3005", "Resources/F/DependsOn/1", 23, "m"},
		{"", "E0000", "", 1, "no YAML"}}
	if got, err := parse([]byte(out)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := parse([]byte("usage: cfn-lint")); err == nil {
		t.Errorf("invalid JSON: got %v, want an error", got)
	}
}
