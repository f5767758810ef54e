package app

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
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
		`CALLERS: "user/ci=everything": unknown operation "everything": write some of all, deploy, `,
		`CALLERS: "group/x" is not a principal`,
		`CALLERS: "arn:aws:iam::123456789012:root" is the root user, which has no policies and cannot ` +
			`be audited: use user/NAME`,
		`CALLERS: duplicate "user/a": name each caller once, and join its operations with +`,
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

// TestSettingsRefuseOtherSeparators checks that a list with another separator than a comma, or a
// name that IAM, S3 or SNS does not accept, is an error and not another list.
func TestSettingsRefuseOtherSeparators(t *testing.T) {
	for variable, refused := range map[string][]string{
		"CALLERS": {"user/ghost user/remotion-user", "user/ghost\nuser/remotion-user",
			"user/ghost;user/remotion-user", "user/ghost|role/b", "user/ghost\tuser/b", "user/a;role/b",
			"user/a\u00a0user/b", "user/a:role/b", "user/", "user//b", "user/a/", "/user/a", "user", "user/ä",
			"user/a b", "user/\u200ba", "role/a\x00b", "user/" + strings.Repeat("a", 65),
			"role/" + strings.Repeat("p/", 256) + "a", "sso/a/b", "sso/" + strings.Repeat("a", 33), "sso/a b",
			"arn:aws:iam::123456789012:user/ghost;arn:aws:iam::123456789012:user/b",
			"arn:aws:iam::123456789012:user/ghost arn:aws:iam::123456789012:user/b",
			"arn:aws:iam::123456789012:user/", "arn:aws:iam::123456789012:role/a//b",
			"arn:aws:iam::123456789012:role/a;b/c", "user/a=render user/b=render", "user/a=all;user/b=all",
			"user/a,USER/b", "user/a,user/A", "user/a=render+render", "user/a=render+", "user/a=+render",
			"user/a=render+rendr", "user/a=Render", "user/a=render quotas"},
		"RENDER_ROLE": {"a b", "a;b", "a\nb", "role/a/b", "role/", "role/role/a", "a/",
			strings.Repeat("r", 65)},
		"REGIONS": {"us-east-1 eu-central-1", "us-east-1;eu-central-1", "us-east-1\neu-central-1",
			"auto us-east-1", "auto,us-east-1", "all;", "US-EAST-1"},
		"BUCKETS": {"site out", "site;out", "site\nout", "site/out", "arn:aws:s3:::site", "Site",
			"site|out", "acme=main", "acme=output+output", "acme=", "acme=output,acme=site", "a=output=site"},
		"ASSUMED_CONTEXT": {"aws:SourceVpc=vpc-1;aws:SourceIp=203.0.113.7",
			"aws:SourceVpc=vpc-1 aws:SourceIp=203.0.113.7", "aws:SourceVpc=vpc-1\naws:SourceIp=203.0.113.7",
			"aws:SourceVpc=a\x1b[0m", "aws:Source Vpc;x=1", "a b:c=1", "aws:=1", "aws: x=1", ":abcd=1",
			"aws:\u202ex=1", "aws:SourceIp=203.0.113.0/24", "aws:sourceip=office",
			"aws:SourceVpc=vpc-1,aws:MultiFactorAuthPresent=yes"},
		"TOPIC_ARN": {"arn:aws:sns:us-east-1:123456789012:a arn:aws:sns:us-east-1:123456789012:b",
			"arn:aws:sns:us-east-1:123456789012:a;b", "arn:aws:sns:us-east-1:123456789012:a\nb",
			"arn:aws:sns:us-east-1:123456789012:", "arn:aws:sns:us-east-1 :123456789012:a"},
		"EVIDENCE_BUCKET":  {"a b", "evidence;other", "evidence\nother", "evidence/"},
		"AUDITOR_ID":       {"a b", "a;b", "a\nb", "a/b", ".."},
		"METRIC_NAMESPACE": {"a b", "a;b", "a\nb"},
		"REMOTION_VERSION": {"4.0.418 4.0.240", "4.0.418;", "4.0.418\n4.0.240", strings.Repeat("4", 1000)},
		"REPEAT_AFTER":     {"24h 1h", "24h;", "24h\n1h"},
		"READ_SCOPE":       {"named account", "named;"},
		"HTTPS_FORMAT":     {"chat json", "chat\njson"},
	} {
		for _, value := range refused {
			pairs := []string{"CALLERS", "none", variable, value}
			if c, err := ConfigFromEnv(environment(pairs...)); err == nil ||
				!strings.HasPrefix(err.Error(), variable+": ") {
				t.Errorf("%s=%q: %+v, error %v", variable, value, c, err)
			}
		}
	}
	for variable, accepted := range map[string][]string{
		"CALLERS": {"user/team/ci", "user/a=b=all", "role/a+.@_-=all",
			"arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/A_b"},
		"ASSUMED_CONTEXT": {"aws:PrincipalTag/cost center=a b", "aws:UserAgent=Mozilla/5.0 (X11; Linux)",
			"aws:SourceArn=arn:aws:s3:::a", "aws:PrincipalTag/größe=1", "aws:PrincipalTag/チーム 1=a"},
	} {
		for _, value := range accepted {
			if _, err := ConfigFromEnv(environment("CALLERS", "none", variable, value)); err != nil {
				t.Errorf("%s=%q: %v", variable, value, err)
			}
		}
	}
}

// TestSettingsAreBounded checks that a long value takes little memory, and that its error is short.
func TestSettingsAreBounded(t *testing.T) {
	long := func(unit string) string { return strings.Repeat(unit, maxVariable/len(unit)) }
	for _, test := range []struct{ variable, value, want string }{
		{"CALLERS", long("a,"), "and 32758 more errors"},
		{"CALLERS", long("user/a,"), "more errors"},
		{"CALLERS", "user/" + long("/a") + "a", "CALLERS: must have at most 65536 bytes, got 65542"},
		{"CALLERS", long("x"), `"… is not a principal`},
		{"REGIONS", long("us-east-1,"), "more errors"},
		{"REGIONS", long("a-b-1,"), "more errors"},
		{"BUCKETS", long("A,"), "more errors"},
		{"ASSUMED_CONTEXT", long("a:bcd=,"), "more errors"},
		{"ASSUMED_CONTEXT", long("aws:a b=c d:e=f,"), "more errors"},
		{"RENDER_ROLE", long("r"), `"… is not the name of a role`},
		{"REMOTION_VERSION", long("4."), `"… is not a Remotion release`},
		{"TOPIC_ARN", long(":"), `"… is not the ARN of a topic`},
		{"TOPIC_ARN", long("a") + "aa", "TOPIC_ARN: must have at most 65536 bytes, got 65538"},
		{"EVIDENCE_BUCKET", long("A"), "is not a bucket name"},
		{"AUDITOR_ID", long("/"), `"… is not an auditor id`},
		{"REPEAT_AFTER", long("1h"), `"… is not a duration`},
	} {
		var err error
		memory.AtMost(t, 64<<20, func() {
			_, err = ConfigFromEnv(environment("CALLERS", "none", test.variable, test.value))
		})
		if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 10_000 ||
			strings.Contains(err.Error(), "is not set") {
			t.Errorf("%s=%.20q…: %.2000v; want %q", test.variable, test.value, err, test.want)
		}
	}
	many := make([]string, 2000)
	for i := range many {
		many[i] = fmt.Sprintf("user/caller-number-%05d", i)
	}
	if c, err := ConfigFromEnv(environment("CALLERS", strings.Join(many, ","))); err != nil ||
		len(c.Callers) != len(many) {
		t.Errorf("%d callers, %v; want %d", len(c.Callers), err, len(many))
	}
}

// FuzzConfig checks that a configuration without an error audits as many callers as the list has
// entries, each with a name that IAM accepts, and that memory and errors are bounded.
func FuzzConfig(f *testing.F) {
	for _, s := range settings.All() {
		for _, value := range slices.Concat(s.Valid, s.Invalid) {
			if s.Variable != "" {
				f.Add("user/ci", s.Variable, value)
			}
		}
	}
	f.Add("user/ghost user/remotion-user", "REGIONS", "us-east-1;eu-west-1")
	f.Add("arn:aws:iam::123456789012:user/a;arn:aws:iam::123456789012:user/b", "BUCKETS", "a b")
	f.Add("role/x=render,sso/Y=all", "ASSUMED_CONTEXT", "aws:SourceVpc=a,AWS:sourcevpc=b c")
	f.Fuzz(func(t *testing.T, callers, variable, value string) {
		memory.AtMost(t, 8<<20+2000*uint64(len(callers)+len(value)), func() {
			c, err := ConfigFromEnv(environment(variable, value, "CALLERS", callers))
			if err != nil {
				if len(err.Error()) > 20_000 {
					t.Errorf("the error has %d bytes", len(err.Error()))
				}
				return
			}
			if entries := items([]byte(callers)); len(c.Callers) != len(entries) && callers != "none" &&
				!slices.Equal(entries, []string{"none"}) {
				t.Errorf("%q: %d callers", callers, len(c.Callers))
			}
			for _, caller := range c.Callers {
				if kind, name, _ := strings.Cut(caller.Name, "/"); !awsname.IsRoleName(name) ||
					!slices.Contains([]string{"user", "role", "sso"}, kind) {
					t.Errorf("%q: caller %q", callers, caller.Name)
				}
			}
			_, _ = c.Plan(Location{"123456789012", "aws", "us-east-1"})
		})
	})
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
	variableOf := map[string]string{}
	for _, s := range settings.All() {
		variableOf["--"+s.Flag] = s.Variable
	}
	flags := want.flags()
	again := map[string]string{"CALLERS": "none"}
	for i := 0; i < len(flags); i += 2 {
		again[variableOf[flags[i]]] = flags[i+1]
	}
	got, err := ConfigFromEnv(func(name string) string { return again[name] })
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("flags %q give %+v, %v; want %+v", flags, got, err, want)
	}
	if c, _ := ConfigFromEnv(environment("CALLERS", "none")); c.flags() != nil {
		t.Errorf("flags of the default configuration: %q, want none", c.flags())
	}
}
