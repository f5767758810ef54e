package app

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/settings"
)

func environment(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func TestConfigDefaults(t *testing.T) {
	c, err := ConfigFromEnv(environment("CALLERS", "user/ci"))
	if err != nil {
		t.Fatal(err)
	}
	if c.RenderRole != "remotion-lambda-role" || c.MetricNamespace != contract.Namespace ||
		c.RemotionVersion.Release.Since != policies.Latest().Since ||
		c.TopicARN != "" || len(c.Callers) != 1 ||
		c.HTTPSFormat != "chat" || c.ReadScope != contract.ReadScopeAccount || c.EvidenceBucket != "" ||
		time.Duration(c.RepeatAfter) != 24*time.Hour {
		t.Errorf("%+v", c)
	}
}

func TestCallers(t *testing.T) {
	c, err := ConfigFromEnv(environment("CALLERS",
		" user/ci , role/app=render,sso/Video=deploy,arn:aws:iam::123456789012:role/team/x/site=all"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, caller := range c.Callers {
		a, _ := arn.Parse(caller.ARN)
		got = append(got, caller.Name+"="+string(caller.Purpose)+a.Account)
	}
	if want := "user/ci=all role/app=render sso/Video=deploy " +
		"role/site=all123456789012"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if c, err := ConfigFromEnv(environment("CALLERS", "none")); err != nil || len(c.Callers) != 0 {
		t.Errorf("none: %+v, %v", c.Callers, err)
	}
}

// TestConfigErrorListsAllVariables checks that the error names each variable with an invalid value.
func TestConfigErrorListsAllVariables(t *testing.T) {
	_, err := ConfigFromEnv(environment(
		"CALLERS", "user/ci=everything,group/x,arn:aws:iam::123456789012:root,user/a,user/a",
		"RENDER_ROLE", "a/b", "REMOTION_VERSION", "newest", "REGIONS", "us-east,eu-west-1,eu-west-1",
		"BUCKETS", "s3://x",
		"ASSUMED_CONTEXT", "aws:SourceVpc", "TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:x.fifo",
		"METRIC_NAMESPACE", "AWS/Mine",
		"HTTPS_FORMAT", "xml", "EVIDENCE_BUCKET", "s3://evidence", "AUDITOR_ID", "../other",
		"REPEAT_AFTER", "1 day", "READ_SCOPE", "all"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`CALLERS: "user/ci=everything" has an unknown purpose "everything"`,
		`CALLERS: "group/x" is not a principal`,
		`is not the ARN of a user or a role (sessions and the root user cannot be audited)`,
		`CALLERS: duplicate "user/a"`,
		`RENDER_ROLE: "a/b" is not the name of a role`,
		`REMOTION_VERSION: "newest" is not a Remotion release`,
		`REGIONS: "us-east" is not a region of Remotion Lambda`, `REGIONS: duplicate "eu-west-1"`,
		`BUCKETS: "s3://x" is not a bucket name`,
		`ASSUMED_CONTEXT: "aws:SourceVpc" is not key=value`,
		`TOPIC_ARN: "arn:aws:sns:us-east-1:123456789012:x.fifo" is a FIFO topic`,
		`METRIC_NAMESPACE: "AWS/Mine" is not a custom namespace`,
		`HTTPS_FORMAT: "xml" is not a format: use chat or json`,
		`EVIDENCE_BUCKET: "s3://evidence" is not a bucket name`,
		`AUDITOR_ID: "../other" is not an auditor id`,
		`REPEAT_AFTER: "1 day" is not a duration from 0s to 720h`,
		`READ_SCOPE: "all" is not a scope: use account or named`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not contain %q:\n%v", want, err)
		}
	}
}

// TestReadScopeNamedRefusesPermissionSets checks that READ_SCOPE=named refuses a permission set.
// The error names the ARN to use instead.
func TestReadScopeNamedRefusesPermissionSets(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Video_0123456789abcdef"
	_, err := ConfigFromEnv(environment("CALLERS", "sso/Video,user/ci,sso/Clips=render", "READ_SCOPE",
		"named", "REPEAT_AFTER", "no"))
	for _, want := range []string{
		"REPEAT_AFTER: ",
		"CALLERS: sso/Video needs a search for its role, which READ_SCOPE=named does not allow: use " +
			"the role's ARN, " +
			"arn:aws:iam::<account>:role/aws-reserved/sso.amazonaws.com/…/AWSReservedSSO_Video_…",
		"CALLERS: sso/Clips needs a search",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not contain %q:\n%v", want, err)
		}
	}
	c, err := ConfigFromEnv(environment("CALLERS", role+"=render,user/ci", "READ_SCOPE", "named"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := c.Plan(Location{"123456789012", "aws", "eu-west-1"})
	if err != nil || !plan.Named || plan.Callers[0].ARN != role ||
		plan.Callers[0].Name != "role/AWSReservedSSO_Video_0123456789abcdef" ||
		plan.Callers[1].ARN != "" {
		t.Errorf("%+v, %v", plan, err)
	}
	if c, err = ConfigFromEnv(environment("CALLERS", "sso/Video", "READ_SCOPE",
		"account")); err != nil || c.ReadScope.named() {
		t.Errorf("account: %v, %v", c.ReadScope, err)
	}
}

func TestRepeatAfterHasBounds(t *testing.T) {
	for value, valid := range map[string]bool{"0s": true, "90m": true, "720h": true, "721h": false,
		"-1h": false, "24": false} {
		if _, err := ConfigFromEnv(environment("CALLERS", "none", "REPEAT_AFTER",
			value)); (err == nil) != valid {
			t.Errorf("REPEAT_AFTER=%s: %v, want valid %v", value, err, valid)
		}
	}
}

func TestCallersAreRequired(t *testing.T) {
	for _, value := range []string{"", "  ", " , "} {
		if _, err := ConfigFromEnv(environment("CALLERS", value)); err == nil ||
			!strings.HasPrefix(err.Error(), "CALLERS: ") {
			t.Errorf("CALLERS=%q: %v, want an error about CALLERS", value, err)
		}
	}
}

func TestEmptyRegionsAreRefused(t *testing.T) {
	if _, err := ConfigFromEnv(environment("CALLERS", "none", "REGIONS", ",")); err == nil ||
		!strings.HasPrefix(err.Error(), "REGIONS: must name a region") {
		t.Errorf("%v", err)
	}
}

func TestContextKeysIgnoreCase(t *testing.T) {
	c, err := ConfigFromEnv(environment("CALLERS", "none", "ASSUMED_CONTEXT",
		"aws:SourceVpc=a,AWS:sourcevpc=b"))
	if got := c.AssumedContext["aws:SourceVpc"]; err != nil || len(c.AssumedContext) != 1 ||
		!slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v, %v", c.AssumedContext, err)
	}
}

// TestFunctionAcceptsWhatTheTemplateAccepts checks that the function accepts the values that
// template.yaml accepts.
func TestFunctionAcceptsWhatTheTemplateAccepts(t *testing.T) {
	for _, s := range settings.All() {
		if s.Variable == "" {
			continue
		}
		for _, value := range s.Valid {
			if _, err := ConfigFromEnv(environment("CALLERS", "none", s.Variable, value)); err != nil {
				t.Errorf("%s=%s: %v", s.Variable, value, err)
			}
		}
	}
}

// TestRegionsOfAPlan checks the regions that are always audited, the number of further regions, and
// whether a further region is audited only if it has functions.
func TestRegionsOfAPlan(t *testing.T) {
	for _, test := range []struct {
		regions, partition, home string
		named                    string
		further                  int
		onlyWithFunctions        bool
	}{
		// 23 current regions and one former region, without the home region
		{"auto", "aws", "eu-west-1", "eu-west-1", 23, true},
		{"all", "aws", "eu-west-1", "eu-west-1", 22, false},
		{"all", "aws", "ca-west-1", "us-east-1", 22, false},
		{"us-east-2,me-south-1", "aws", "eu-west-1", "us-east-2 me-south-1", 0, true},
		{"auto", "aws-cn", "cn-north-1", "cn-north-1", 1, true},
		{"all", "aws-cn", "cn-northwest-1", "cn-northwest-1", 1, false},
		{"cn-north-1", "aws-cn", "cn-northwest-1", "cn-north-1", 0, true},
	} {
		c, err := ConfigFromEnv(environment("CALLERS", "none", "REGIONS", test.regions))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := c.Plan(Location{"123456789012", test.partition, test.home})
		if err != nil {
			t.Errorf("%s from %s: %v", test.regions, test.home, err)
		}
		if got := strings.Join(plan.Regions, " "); got != test.named ||
			len(plan.Further) != test.further || plan.OnlyWithFunctions != test.onlyWithFunctions {
			t.Errorf("%s from %s: %s, %d further, only with functions %v; want %s, %d, %v", test.regions,
				test.home,
				got, len(plan.Further), plan.OnlyWithFunctions, test.named, test.further,
				test.onlyWithFunctions)
		}
		if plan.Release.Partition != test.partition || slices.Contains(plan.Further, plan.Regions[0]) {
			t.Errorf("%s from %s: release of %s, further %s", test.regions, test.home,
				plan.Release.Partition, plan.Further)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, test := range []struct {
		variables []string
		place     Location
		want      string
	}{
		{[]string{"CALLERS", "arn:aws:iam::210987654321:user/ci"},
			Location{"123456789012", "aws", "us-east-1"}, "audit it with credentials of its account"},
		{[]string{"CALLERS", "arn:aws-cn:iam::123456789012:user/ci"},
			Location{"123456789012", "aws", "us-east-1"},
			"user/ci is in partition aws-cn, but this audit runs in partition aws"},
		{[]string{"CALLERS", "none"}, Location{"210987654321", "aws-us-gov", "us-gov-west-1"},
			"partition \"aws-us-gov\" (GovCloud) is not supported by Remotion"},
		{[]string{"CALLERS", "none"}, Location{"123456789012", "aws", "ca-west-1"},
			"REGIONS: ca-west-1 is not a region of Remotion Lambda in partition aws"},
		{[]string{"CALLERS", "none", "REGIONS", "us-east-1"},
			Location{"123456789012", "aws-cn", "cn-north-1"},
			"REGIONS: us-east-1 is not a region of Remotion Lambda in partition aws-cn"},
		{[]string{"CALLERS", "none", "REMOTION_VERSION", "4.0.240"},
			Location{"123456789012", "aws-cn", "cn-north-1"},
			"REMOTION_VERSION: partition aws-cn needs Remotion 4.0.510 or later"},
	} {
		c, err := ConfigFromEnv(environment(test.variables...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Plan(test.place); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Plan(%+v) of %q: %v, want %s", test.place, test.variables, err, test.want)
		}
	}
}

// TestFlagsMakeTheSameConfig checks that the command in a mail uses the configuration of the
// function.
func TestFlagsMakeTheSameConfig(t *testing.T) {
	variables := map[string]string{
		"CALLERS": "none", "RENDER_ROLE": "video-renderer", "REMOTION_VERSION": "4.0.240",
		"BUCKETS":         "a-bucket,b-bucket",
		"ASSUMED_CONTEXT": "aws:SourceVpc=vpc-1,aws:SourceVpc=vpc-2,aws:PrincipalTag/team=video",
		"READ_SCOPE":      "named",
	}
	want, err := ConfigFromEnv(func(name string) string { return variables[name] })
	if err != nil {
		t.Fatal(err)
	}
	flags := want.flags()
	again := map[string]string{"CALLERS": "none"}
	for i := 0; i < len(flags); i += 2 {
		again[strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(flags[i], "--"), "-",
			"_"))] = flags[i+1]
	}
	got, err := ConfigFromEnv(func(name string) string { return again[name] })
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("flags %q give %+v, %v; want %+v", flags, got, err, want)
	}
	if c, _ := ConfigFromEnv(environment("CALLERS", "none")); c.flags() != nil {
		t.Errorf("flags of the default configuration: %q, want none", c.flags())
	}
}
