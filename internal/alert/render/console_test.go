package render

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

func TestConsoleURL(t *testing.T) {
	for _, tt := range []struct{ name, partition, arn, want string }{
		{"a role", "aws", "arn:aws:iam::123456789012:role/clips",
			"https://console.aws.amazon.com/iam/home#/roles/details/clips"},
		{"a role with a path", "aws", "arn:aws:iam::123456789012:role/service-role/clips",
			"https://console.aws.amazon.com/iam/home#/roles/details/clips"},
		{"a user in China", "aws-cn", "arn:aws-cn:iam::123456789012:user/ci",
			"https://console.amazonaws.cn/iam/home#/users/details/ci"},
		{"a user in GovCloud", "aws-us-gov", "arn:aws-us-gov:iam::123456789012:user/ci",
			"https://console.amazonaws-us-gov.com/iam/home#/users/details/ci"},
		{"a managed policy", "aws", "arn:aws:iam::123456789012:policy/team/Remotion",
			"https://console.aws.amazon.com/iam/home#/policies/details/" +
				"arn%3Aaws%3Aiam%3A%3A123456789012%3Apolicy%2Fteam%2FRemotion"},
		{"a name with signs", "aws", "arn:aws:iam::123456789012:user/a+b=c,d@e.f_g-h",
			"https://console.aws.amazon.com/iam/home#/users/details/a%2Bb%3Dc%2Cd%40e.f_g-h"},
		{"another account", "aws", "arn:aws:iam::210987654321:role/clips", ""},
		{"a policy of AWS", "aws", "arn:aws:iam::aws:policy/AdministratorAccess", ""},
		{"another partition", "aws", "arn:aws-cn:iam::123456789012:role/clips", ""},
		{"an unknown partition", "aws-iso", "arn:aws-iso:iam::123456789012:role/clips", ""},
		{"another service", "aws", "arn:aws:sts::123456789012:assumed-role/clips/s", ""},
		{"a group", "aws", "arn:aws:iam::123456789012:group/g", ""},
		{"a line break", "aws", "arn:aws:iam::123456789012:role/clips\nhttps://evil.example", ""},
		{"markup", "aws", "arn:aws:iam::123456789012:role/<!channel>", ""},
		{"no ARN", "aws", "https://evil.example", ""},
		{"nothing", "aws", "", ""},
	} {
		r := audit.Report{Account: "123456789012", Partition: tt.partition}
		if got := consoleURL(r, tt.arn); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	for _, name := range hostileNames {
		r := audit.Report{Account: "123456789012", Partition: "aws"}
		for _, kind := range []string{"user/", "role/", "policy/"} {
			link := consoleURL(r, "arn:aws:iam::123456789012:"+kind+name)
			if strings.ContainsAny(link, " <>\"'`|()[]\n\r\\") || strings.Count(link, "://") > 1 {
				t.Errorf("%q: the link is %q", name, link)
			}
		}
	}
}

// TestConsolePage checks that the link leads to the managed policy that the fix edits, if it is a
// policy of the account, and else to the principal.
func TestConsolePage(t *testing.T) {
	const role = "https://console.aws.amazon.com/iam/home#/roles/details/remotion-lambda-role"
	const policy = "arn:aws:iam::123456789012:policy/shared"
	inline := fixture(t, "drifted")
	managed := func(location iampolicy.Location) audit.Report {
		r := fixture(t, "drifted")
		for i, fix := range r.Fixes {
			fix.Edits = append([]remedy.Edit{}, fix.Edits...)
			for j := range fix.Edits {
				fix.Edits[j].Location = location
			}
			r.Fixes[i].Edits = fix.Edits
		}
		return r
	}
	missing := reportOf([]string{"user/u"}, audit.Finding{Target: "user/u", Policy: "user",
		Status: audit.Missing, Cause: audit.TargetMissing, Why: "no such user"})
	for _, tt := range []struct {
		name   string
		report audit.Report
		want   string
	}{
		{"an inline policy", inline, role},
		{"a managed policy of the account", managed(iampolicy.Location{
			Kind: iampolicy.ManagedLocation, ARN: policy}), "https://console.aws.amazon.com/iam/home" +
			"#/policies/details/arn%3Aaws%3Aiam%3A%3A123456789012%3Apolicy%2Fshared"},
		{"a managed policy of another account", managed(iampolicy.Location{
			Kind: iampolicy.ManagedLocation, ARN: "arn:aws:iam::210987654321:policy/shared"}), role},
		{"a principal that does not exist", missing, ""},
	} {
		if got := consolePage(tt.report, report.Gaps(tt.report)[0]); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLookupCommand(t *testing.T) {
	for _, tt := range []struct{ partition, target, want string }{
		{"aws", "role/clips", "aws cloudtrail lookup-events --region us-east-1 --lookup-attributes " +
			"AttributeKey=ResourceName,AttributeValue=clips --max-items 5"},
		{"aws-cn", "user/ci", "aws cloudtrail lookup-events --region cn-north-1 --lookup-attributes " +
			"AttributeKey=ResourceName,AttributeValue=ci --max-items 5"},
		{"aws", "user/a,AttributeKey=EventId", ""},
		{"aws", "user/$(id)", ""},
		{"aws-iso", "user/ci", ""},
	} {
		got := lookupCommand(audit.Report{Partition: tt.partition}, report.Group{Target: tt.target})
		if got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.partition, tt.target, got, tt.want)
		}
	}
}
