package cfnlint

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

func TestTemplates(t *testing.T) {
	Check(t, "../../../template.yaml", "../../../infra/change-forwarder.yaml")
}

// TestDisabledFindings checks that Run returns findings even if the template disables them, and
// that the warm-up of an alarm, which cfn-lint does not know, hides no other finding: neither in
// the same resource nor in the values of the property.
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
  LongWarmUp:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: RemotionAudit
      MetricName: AuditCompleted
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      ComparisonOperator: LessThanThreshold
      Threshold: 1
      WarmUpConfiguration: {WarmUpPeriodDurationInMinutes: 2881, Colour: red}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	findings, err := Run(t, path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		if _, ok := f.accepted(); !ok {
			got = append(got, f.Rule+" "+f.Where)
		}
	}
	slices.Sort(got)
	if want := []string{"E3002 Resources/DeadManAlarm/Properties/Colour",
		"E3002 Resources/LongWarmUp/Properties/WarmUpConfiguration/Colour",
		"E3034 Resources/LongWarmUp/Properties/WarmUpConfiguration/WarmUpPeriodDurationInMinutes",
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q; all: %v", got, want, findings)
	}
}

func TestAccepted(t *testing.T) {
	for _, tt := range []struct {
		rule, where string
		want        bool
	}{
		{"E3002", "Resources/DeadManAlarm/Properties/WarmUpConfiguration", false},
		{"W1030", "Resources/AlertTopic/Properties/KmsMasterKeyId/Fn::If/2/Ref", true},
		{"W1030", "Resources/AlertTopic/Properties/DisplayName/Ref", false},
		{"W1030", "Resources/OtherTopic/Properties/KmsMasterKeyId/Fn::If/2/Ref", false},
		{"W1030", "Resources/AuditorAlertTopic0123ABCD/Properties/KmsMasterKeyId/Fn::If/2/Ref", true},
		{"W3005", "Resources/AuditorAuditFunction75C7F06C/DependsOn/1", true},
		{"W3005", "Resources/AuditFunction/DependsOn", false},
	} {
		if reason, got := (Finding{Rule: tt.rule, Where: tt.where}).accepted(); got != tt.want || got &&
			reason == "" {
			t.Errorf("%s at %s: accepted %v (%q), want %v", tt.rule, tt.where, got, reason, tt.want)
		}
	}
}

// TestConfigurationFile checks that cfn-lint finds nothing in the checkout, with the configuration
// file that people have who run it by hand.
func TestConfigurationFile(t *testing.T) {
	if testing.Short() {
		t.Skip("cfn-lint takes seconds: run without -short")
	}
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Skip("SKIPPED: cfn-lint is not installed (pip install cfn-lint)")
	}
	command := exec.CommandContext(t.Context(), "cfn-lint")
	command.Dir = filepath.Dir(repo.Path(t, ".cfnlintrc.yaml"))
	if out, err := command.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
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
