package controltower

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// accepted has the reason or the remedy for each control that the templates violate.
// docs/security.md shows the table.
var accepted = map[string]string{
	"CT.CLOUDWATCH.PR.1": "optional: `PagerTopicArn` for GapsCritical, `OpsTopicArn` of the " +
		"forwarder. Gaps is for dashboards, because the function's alert has the details",
	"CT.CLOUDWATCH.PR.2": "optional: `LogRetentionDays=365`. The reports are the evidence, and remain " +
		"for 400 days",
	"CT.CLOUDWATCH.PR.3": "CloudWatch Logs always encrypts logs, by default with a key of AWS; the log " +
		"has the same names as the alerts",
	"CT.KMS.PR.3": "the key's policy lets the account's IAM policies decide, and the roles of the " +
		"stack may create no grant",
	"CT.LAMBDA.PR.3": "the function calls only AWS, and a VPC would need endpoints or a NAT gateway " +
		"for IAM in us-east-1",
	"CT.S3.PR.2": "an access log needs a second bucket with the same protection; CloudTrail's data " +
		"events can record the access",
	"CT.S3.PR.4": "no program waits for new reports",
	"CT.S3.PR.9": "the bucket's policy protects the reports instead; each run replaces the " +
		"state, which must not be locked",
	"CT.S3.PR.10": "optional: `EvidenceKmsKeyArn`",
	"CT.SQS.PR.1": "both queues are the dead-letter queues, and each has an alarm",
}

// page is the page with the table of accepted violations.
const page = "../../../docs/security.md"

// TestControlTower checks that each violation of Control Tower's proactive rules in the templates
// is accepted with a reason, and that docs/security.md lists them. CDK's template has the same
// resources.
func TestControlTower(t *testing.T) {
	if testing.Short() {
		t.Skip("cfn-guard takes seconds: run without -short")
	}
	pkg := Package{Dir: "."}
	if err := pkg.Ready(); err != nil {
		t.Skip("SKIPPED, NOT TESTED: Control Tower's rules: " + err.Error())
	}
	expanded, err := cfn.Expand(cfntest.Read(t, "../../../template.yaml"),
		cfn.Code{Bucket: "code", Key: "function.zip"})
	if err != nil {
		t.Fatal(err)
	}
	// The rules do not evaluate conditions: they also report what a parameter can change.
	auditor := writeTemplate(t, "auditor.json", expanded)
	forwarder := writeTemplate(t, "forwarder.json", cfntest.Read(t,
		"../../../infra/change-forwarder.yaml"))
	violations, rules, err := pkg.Violations(t.Context(), auditor, forwarder)
	if err != nil {
		t.Fatal(err)
	}
	if rules < 200 {
		t.Errorf("the package has %d rules, want at least 200", rules)
	}
	unused := maps.Clone(accepted)
	var table strings.Builder
	table.WriteString("| control | requirement | resources | why it is not met |\n|---|---|---|---|\n")
	for _, v := range violations {
		reason, ok := accepted[v.Control]
		if !ok {
			t.Errorf("not accepted: %s for %v: %s", v.Control, v.Resources, v.Requirement)
		}
		delete(unused, v.Control)
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", v.Control, v.Requirement,
			strings.Join(slices.Compact(v.Resources), ", "), reason)
	}
	for _, control := range slices.Sorted(maps.Keys(unused)) {
		t.Errorf("accepted, but the rules no longer report it: %s", control)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- generated: Control Tower -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no section between %q and %q", page, begin, end)
	}
	golden.Compare(t, page, []byte(before+begin+table.String()+end+after))
}

// TestRulesFindViolations checks that the rules report a violation that the templates do not have.
func TestRulesFindViolations(t *testing.T) {
	if testing.Short() {
		t.Skip("cfn-guard takes seconds: run without -short")
	}
	pkg := Package{Dir: "."}
	if err := pkg.Ready(); err != nil {
		t.Skip("SKIPPED, NOT TESTED: Control Tower's rules: " + err.Error())
	}
	template := writeTemplate(t, "bucket.json", cfn.Template{"Resources": map[string]any{
		"Bucket": map[string]any{"Type": "AWS::S3::Bucket", "Properties": map[string]any{}}}})
	violations, _, err := pkg.Violations(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(violations, func(v Violation) bool {
		return v.Control == "CT.S3.PR.1" && slices.Equal(v.Resources, []string{"Bucket"})
	}) {
		t.Errorf("violations %+v, want CT.S3.PR.1 for a bucket that can be public", violations)
	}
}

func writeTemplate(t *testing.T, name string, template cfn.Template) string {
	t.Helper()
	data, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
