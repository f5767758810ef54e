package app

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/collect"
)

// TestASessionIsReadAsItsRole checks that the ARN of a session of a role is that role, in the
// account and partition of the session.
func TestASessionIsReadAsItsRole(t *testing.T) {
	for _, tt := range []struct {
		entry string
		want  collect.Caller
	}{
		{"arn:aws:sts::123456789012:assumed-role/ci/run-7", collect.Caller{Name: "role/ci",
			ARN: "arn:aws:iam::123456789012:role/ci", Session: "run-7"}},
		{"arn:aws-cn:sts::123456789012:assumed-role/ci/a.b@c.example", collect.Caller{Name: "role/ci",
			ARN: "arn:aws-cn:iam::123456789012:role/ci", Session: "a.b@c.example"}},
		{"arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Video_0123456789abcdef/ann=render",
			collect.Caller{Name: "role/AWSReservedSSO_Video_0123456789abcdef",
				ARN:     "arn:aws:iam::123456789012:role/AWSReservedSSO_Video_0123456789abcdef",
				Session: "ann"}},
	} {
		c, err := ConfigFromEnv(environment("CALLERS", tt.entry))
		if err != nil || len(c.Sessions()) != 1 {
			t.Errorf("%s: %+v, %v", tt.entry, c.Callers, err)
			continue
		}
		got := c.Sessions()[0]
		if got.Name != tt.want.Name || got.ARN != tt.want.ARN || got.Session != tt.want.Session {
			t.Errorf("%s: got %+v, want %+v", tt.entry, got, tt.want)
		}
		other := Location{Account: "210987654321", Partition: "aws", Region: "us-east-1"}
		if _, err := c.Plan(other); err == nil || !strings.Contains(err.Error(), "123456789012") {
			t.Errorf("%s in another account: %v", tt.entry, err)
		}
	}
}

// TestRefusedARNs checks that the error about an ARN says what it is and what is accepted.
func TestRefusedARNs(t *testing.T) {
	const form = ": use user/NAME, role/NAME, sso/PERMISSION-SET or an ARN"
	const other = "is not the ARN of a user, of a role or of a session"
	for entry, want := range map[string]string{
		"arn:aws:iam::123456789012:root": "is the root user, which has no policies and cannot be audited",
		"arn:aws:sts::123456789012:federated-user/ann": "is a federated user, which cannot be audited: " +
			"its permissions depend on those of the user that called sts:GetFederationToken, so audit " +
			"that user",
		"arn:aws:sts::123456789012:assumed-role/ci":    other,
		"arn:aws:sts::123456789012:assumed-role/ci/":   other,
		"arn:aws:sts::123456789012:assumed-role/c*/ab": other,
		"arn:aws:sts::1234:assumed-role/ci/run-7":      other,
		"arn:aws:iam::123456789012:assumed-role/ci/ab": other,
		"arn:aws:iam::123456789012:group/ops":          other,
		"arn:aws:s3:::bucket":                          other,
		"arn:":                                         other,
	} {
		_, err := ConfigFromEnv(environment("CALLERS", entry))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), form) {
			t.Errorf("%s: got %v, want %s", entry, err, want)
		}
	}
	_, err := ConfigFromEnv(environment("CALLERS",
		"role/ci,arn:aws:sts::123456789012:assumed-role/ci/run-7"))
	if err == nil || !strings.Contains(err.Error(), "duplicate") {
		t.Errorf("a role and its session: %v", err)
	}
}
