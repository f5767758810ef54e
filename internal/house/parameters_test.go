package house

import (
	"maps"
	"strings"
	"testing"
)

// TestParametersAreRefusedBeforeDeploy checks that template.yaml rejects invalid parameters before
// CloudFormation creates a resource, with an error that names the parameter.
func TestParametersAreRefusedBeforeDeploy(t *testing.T) {
	template := readTemplate(t)
	const topic = "arn:aws:sns:us-east-1:123456789012:alerts"
	tests := []struct {
		parameter          string
		accepted, rejected []string
	}{
		{"Callers",
			[]string{"none", "user/render", "user/a=b=all", "role/web=render,user/ci", "sso/RemotionDeploy",
				"arn:aws-cn:iam::123456789012:role/web=render"},
			[]string{"", "render", "group/ops", "user/a=rendr", "none,user/a",
				"arn:aws:sts::123456789012:assumed-role/a/b", "user/a;role/b"}},
		{"RenderRole", []string{"remotion-lambda-role"},
			[]string{"", "arn:aws:iam::123456789012:role/r", "a/b", strings.Repeat("r", 65)}},
		{"RemotionVersion", []string{"auto", "latest", "4.0.527"},
			[]string{"v4.0.527", "4.0", "newest"}},
		{"Regions", []string{"auto", "all", "us-east-1, eu-central-1"},
			[]string{"", "us-east-1a", "everywhere", "us-east-1;eu-central-1"}},
		{"Buckets", []string{"", "site,out.put"}, []string{"s3://site", "Site", "site/out"}},
		{"AssumedContext", []string{"", "aws:SourceVpc=vpc-1,aws:SourceIp=203.0.113.7"},
			[]string{"aws:SourceVpc", "aws:SourceVpc=", "SourceVpc=vpc-1", "aws:SourceVpc=vpc-1,vpc-2"}},
		{"Every", []string{"15m", "1h", "6h", "12h", "1d"},
			[]string{"", "7d", "rate(1 hour)", "1H"}},
		{"TimeZone", []string{"UTC", "Europe/Vienna", "America/Argentina/Buenos_Aires",
			"Etc/GMT+3"}, []string{"", "Europe/", "+02:00"}},
		{"ReactToChanges", []string{"yes", "no"}, []string{"", "true"}},
		{"AlertEmail", []string{"", "ops@example.com"},
			[]string{"ops", "ops@example", "a b@example.com"}},
		{"AlertTopicArn", []string{"", topic},
			[]string{"alerts", topic + ".fifo", "arn:aws:sqs:us-east-1:123456789012:alerts",
				"arn:aws:sns:us-east-1:1234:alerts"}},
		{"OpsTopicArn", []string{"", topic}, []string{"ops", topic + ".fifo"}},
		{"PagerTopicArn", []string{"", topic}, []string{"pager", topic + ".fifo"}},
		{"KmsKeyArn",
			[]string{"", "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
			[]string{"alias/aws/sns", "arn:aws:kms:us-east-1:123456789012:alias/a",
				"1234abcd-12ab-34cd-56ef-1234567890ab"}},
		{"HttpsFormat", []string{"chat", "json"}, []string{"", "xml"}},
		{"RepeatAfter", []string{"24h", "90m", "0s", "720h", "43200m"},
			[]string{"", "24", "a day", "-1h", "721h", "999h", "43201m", "1h30m"}},
		{"EvidenceBucketName", []string{"", "evidence"},
			[]string{"s3://evidence", "evidence/", "E"}},
		{"ReportRetentionDays", []string{"1", "36500"},
			[]string{"0", "36501", "a year"}},
		{"LogRetentionDays", []string{"1", "3653"}, []string{"0", "31", "for ever"}},
		{"MetricNamespace", []string{"RemotionAudit", "Team/Remotion"},
			[]string{"", "AWS/Lambda", "a b", ":a", strings.Repeat("n", 256)}},
		{"AuditorId", []string{"remotion-audit"},
			[]string{"", "my audit", strings.Repeat("a", 65)}},
		{"Dashboard", []string{"yes", "no"}, []string{"", "false"}},
		{"RolePath", []string{"/", "/audit/", "/a/b/"}, []string{"", "audit", "/audit", "//"}},
		{"PermissionsBoundaryArn", []string{"", "arn:aws:iam::123456789012:policy/a/b",
			"arn:aws:iam::aws:policy/PowerUserAccess"}, []string{"b", "arn:aws:iam::123456789012:role/b"}},
		{"ReadScope", []string{"account"}, []string{"", "all"}},
	}
	tested := map[string]bool{"NamedPrincipals": true} // by TestNamesGoWithTheReadScope
	for _, tt := range tests {
		tested[tt.parameter] = true
		check := func(value string) error {
			parameters := map[string]string{"Callers": "none"}
			parameters[tt.parameter] = value
			return template.Check(parameters)
		}
		for _, value := range tt.accepted {
			if err := check(value); err != nil {
				t.Errorf("%s %q: %v", tt.parameter, value, err)
			}
		}
		for _, value := range tt.rejected {
			if err := check(value); err == nil || !strings.Contains(err.Error(), tt.parameter) {
				t.Errorf("%s %q: error %v, want one that names the parameter", tt.parameter, value, err)
			}
		}
	}
	for name := range template.Section("Parameters") {
		if !tested[name] {
			t.Errorf("parameter %s: add accepted and rejected values to this test", name)
		}
	}
}

// TestNamesGoWithTheReadScope checks that ReadScope=named requires NamedPrincipals, and that
// NamedPrincipals requires ReadScope=named.
func TestNamesGoWithTheReadScope(t *testing.T) {
	const user = "arn:aws:iam::123456789012:user/ci/render"
	for _, tt := range []struct {
		name  string
		given map[string]string
		ok    bool
	}{
		{"ReadScope=named with principals is accepted",
			map[string]string{"ReadScope": "named",
				"NamedPrincipals": user + ",arn:aws:iam::123456789012:policy/p"}, true},
		{"ReadScope=named without principals is rejected", map[string]string{"ReadScope": "named"},
			false},
		{"principals without ReadScope=named are rejected", map[string]string{"NamedPrincipals": user},
			false},
		{"a principal that is not an ARN is rejected",
			map[string]string{"ReadScope": "named", "NamedPrincipals": "user/render"}, false},
		{"the ARN of a session is rejected",
			map[string]string{"ReadScope": "named",
				"NamedPrincipals": "arn:aws:sts::123456789012:assumed-role/a/b"}, false},
		{"a wildcard is rejected",
			map[string]string{"ReadScope": "named", "NamedPrincipals": "arn:aws:iam::123456789012:user/*"},
			false},
		{"a space between principals is rejected",
			map[string]string{"ReadScope": "named", "NamedPrincipals": user + ", " + user}, false},
	} {
		parameters := maps.Clone(tt.given)
		parameters["Callers"] = "none"
		if err := readTemplate(t).Check(parameters); (err == nil) != tt.ok || err != nil &&
			!strings.Contains(err.Error(), "NamedPrincipals") {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

// TestForwarderIsDeployedWhereTheEventsAre checks that the forwarder's template accepts only a
// region that receives IAM's events, and another region as HomeRegion.
func TestForwarderIsDeployedWhereTheEventsAre(t *testing.T) {
	template := parseTemplate(t, forwarderFile)
	for _, tt := range []struct{ region, home, want string }{
		{"us-east-1", "eu-central-1", ""},
		{"cn-north-1", "cn-northwest-1", ""},
		{"eu-west-1", "eu-central-1", "IAM's events are in us-east-1"},
		{"us-east-1", "us-east-1", "HomeRegion"},
		{"us-east-1", "Frankfurt", "HomeRegion"},
	} {
		err := template.Check(map[string]string{"AWS::Region": tt.region, "HomeRegion": tt.home})
		if tt.want == "" && err != nil || tt.want != "" &&
			(err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("in %s to %s: error %v, want %q", tt.region, tt.home, err, tt.want)
		}
	}
}
