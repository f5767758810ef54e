package policies

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

func TestParseFunctionName(t *testing.T) {
	tests := []struct {
		about, name string
		remotion    bool
		release     string
	}{
		{"today's", "remotion-render-4-0-527-mem2048mb-disk10240mb-120sec", true, "4.0.527"},
		{"the first with a number", "remotion-render-3-2-16-mem2048mb-disk512mb-120sec", true, "3.2.16"},
		{"newer than the catalogue", "remotion-render-4-0-540-mem3008mb-disk2048mb-900sec", true,
			"4.0.540"},
		{"a later major", "remotion-render-5-1-0-mem2048mb-disk2048mb-120sec", true, "5.1.0"},
		{"a date of 3.0", "remotion-render-2022-04-20-mem2048mb-disk512mb-120sec", true, "3.0.0-3.3.7"},
		{"a prerelease's date, and sizes without mem and disk",
			"remotion-render-2021-12-16-2048mb-120sec", true, "3.0.0-3.3.7"},
		{"an id of 2021", "remotion-render-bds9aab", true, ""},
		{"a prerelease, cut to ten characters", "remotion-render-4-0-0-alph-mem2048mb-disk2048mb-120sec",
			true, "4.0.0-alph"},
		{"a prerelease cut at its hyphen", "remotion-render-3-3-100--mem2048mb-disk2048mb-120sec", true,
			"3.3.100"},
		{"a build", "remotion-render-4-0-240-ab-mem2048mb-disk2048mb-120sec", true, "4.0.240-ab"},
		{"ten characters of a long number", "remotion-render-4-0-240000-mem2048mb-disk2048mb-120sec",
			true, "4.0.240000"},
		{"with something before it", "prod-remotion-render-4-0-240-mem2048mb-disk2048mb-120sec", true,
			"4.0.240"},
		{"older than the catalogue", "remotion-render-2-5-0-mem2048mb-disk2048mb-120sec", true, ""},
		{"a number that is none", "remotion-render-4-0-007-mem2048mb-disk2048mb-120sec", true, ""},
		{"not a release at all", "remotion-render-canary-mem2048mb-disk2048mb-120sec", true, ""},
		{"no version", "remotion-render-mem2048mb-disk2048mb-120sec", false, ""},
		{"somebody's own that begins alike", "remotion-render-webhook", false, ""},
		{"a name of one's own", "clips", false, ""},
		{"the sizes not at the end", "remotion-render-4-0-240-mem2048mb-disk2048mb-120sec-proxy", false,
			""},
		{"capitals", "Remotion-Render-4-0-240-mem2048mb-disk2048mb-120sec", false, ""},
		{"nothing", "", false, ""},
		{"a wildcard", "remotion-render-*", false, ""},
		{"a line of its own", "remotion-render-4-0-240\nCRITICAL-mem2048mb-disk2048mb-120sec", false, ""},
		{"escapes", "remotion-render-\x1b[31m-mem1mb-disk1mb-1sec", true, ""},
		{"a thousand hyphens", "remotion-render-" + strings.Repeat("-", 1000) + "-mem1mb-disk1mb-1sec",
			true, ""},
		{"a number beyond any", "remotion-render-4-0-" + strings.Repeat("9", 400) +
			"-mem1mb-disk1mb-1sec", true, "4.0." + strings.Repeat("9", 400)},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			d := ParseFunctionName(test.name)
			got := ""
			if d.Release != (Release{}) {
				got = d.Release.Name()
			}
			if d.Remotion != test.remotion || got != test.release {
				t.Errorf("%q: %v %q, want %v %q", test.name, d.Remotion, got, test.remotion, test.release)
			}
		})
	}
}

func TestLooksDeployed(t *testing.T) {
	for _, test := range []struct {
		about  string
		layers []string
		want   bool
	}{
		{"Renders a Remotion video.", nil, true},
		{"", []string{"arn:aws:lambda:us-east-1:580247275435:layer:LambdaInsightsExtension-Arm64:5",
			"arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-chromium-arm64:18"}, true},
		{"renders",
			[]string{"arn:aws:lambda:us-east-1:123456789012:layer:remotion-binaries-chromium-arm64:18"},
			false},
		{"", []string{"arn:aws:lambda:us-east-1:678892195805:layer:other:1",
			"678892195805:layer:remotion-binaries-", ""}, false},
	} {
		if got := LooksDeployed(test.about, test.layers); got != test.want {
			t.Errorf("%q with %q: %v, want %v", test.about, test.layers, got, test.want)
		}
	}
}

func TestParseTag(t *testing.T) {
	for tag, want := range map[string]string{"4.0.240": "4.0.240",
		"4.0.0-alpha.217": "4.0.0-alpha.217", "": "", "latest": "", "auto": "", "2.1.0": "", "x\ny": ""} {
		got := ""
		if r := ParseTag(map[string]string{"remotion-version": tag}); r != (Release{}) {
			got = r.Name()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", tag, got, want)
		}
	}
}

func TestCheckFunctionName(t *testing.T) {
	for name, want := range map[string]bool{
		"clips": true, "remotion-render-4-0-240-mem2048mb-disk2048mb-120sec": true, "": false, "*": false,
		"a?b":             false,
		"${aws:username}": false, "a\nb": false, "a:b": false, strings.Repeat("x", 65): false,
	} {
		if got := ValidFunctionName(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

// Whatever a name tells is a release that can be looked up again, and every name that Remotion's
// own rule makes is read back.
func FuzzParseFunctionName(f *testing.F) {
	for _, name := range []string{"remotion-render-4-0-527-mem2048mb-disk10240mb-120sec",
		"remotion-render-2022-04-20-mem2048mb-disk512mb-120sec", "clips",
		"remotion-render-\x00-mem1mb-1sec", "remotion-render-00-0-0-mem1mb-1sec",
		"remotion-render-1-2-3-4-5-mem1mb-1sec"} {
		f.Add(name, uint16(4), uint16(0), uint16(240))
	}
	f.Fuzz(func(t *testing.T, name string, major, minor, patch uint16) {
		d := ParseFunctionName(name)
		if d.Release != (Release{}) {
			if !d.Remotion {
				t.Errorf("%q tells a release and is not Remotion's", name)
			}
			if v := d.Release.Version; v != "" {
				if again, err := Find(v); err != nil || again != d.Release {
					t.Errorf("%q tells %q, which is looked up as %v, %v", name, v, again, err)
				}
			}
		}
		if ValidFunctionName(name) && strings.ContainsAny(name, "*?$:/\n") {
			t.Errorf("%q is taken for a name", name)
		}
		version := fmt.Sprintf("%d.%d.%d", major, minor, patch)
		cut := strings.ReplaceAll(version, ".", "-")
		made := "remotion-render-" + cut[:min(len(cut), 10)] + "-mem2048mb-disk2048mb-120sec"
		if len(cut) <= 10 && !dated.MatchString(cut) {
			if got, want := ParseFunctionName(made), released(version); !got.Remotion ||
				got.Release != want {
				t.Errorf("%q: %+v, want %+v", made, got, want)
			}
		}
	})
}

// A role that functions have, a function and a bucket with names of their own: what each adds, and
// that the documented policy is not enough for it.
func TestRealNames(t *testing.T) {
	const standard = "remotion-render-4-0-240-mem2048mb-disk2048mb-120sec"
	real := place
	real.RenderRole = "arn:aws:iam::123456789012:role/remotion-lambda-role"
	real.FunctionRoles = []string{real.RenderRole, "arn:aws:iam::123456789012:role/service-role/clips"}
	real.Functions = map[string][]string{"us-east-1": {standard,
		"remotion-render-4-0-418-mem2048mb-disk2048mb-120sec", "clips"}, "eu-west-1": {"clips"}}
	real.Regions = []string{"us-east-1", "eu-west-1", "eu-west-2"}
	real.Buckets = []string{"videos.example"}
	tests := []struct {
		kind     PolicyKind
		action   string
		patterns []string
		missing  []string
	}{
		{User, "lambda:InvokeFunction", []string{
			"arn:aws:lambda:us-east-1:123456789012:function:remotion-render-*",
			"arn:aws:lambda:us-east-1:123456789012:function:clips",
			"arn:aws:lambda:eu-west-1:123456789012:function:clips",
			"arn:aws:lambda:eu-west-2:123456789012:function:remotion-render-*",
		}, []string{"arn:aws:lambda:us-east-1:123456789012:function:clips",
			"arn:aws:lambda:eu-west-1:123456789012:function:clips"}},
		{User, "logs:PutRetentionPolicy", []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/remotion-render-*",
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/clips",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/clips",
			"arn:aws:logs:eu-west-2:123456789012:log-group:/aws/lambda/remotion-render-*",
		}, []string{"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/clips",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/clips"}},
		{Role, "logs:PutLogEvents", []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/remotion-render-*:log-stream:*",
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/clips:log-stream:*",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/clips:log-stream:*",
			"arn:aws:logs:eu-west-2:123456789012:log-group:/aws/lambda/remotion-render-*:log-stream:*",
		}, []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/clips:log-stream:" + syntheticStream,
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/clips:log-stream:" + syntheticStream,
		}},
		{User, "iam:PassRole", real.FunctionRoles, real.FunctionRoles[1:]},
		{Role, "s3:GetBucketLocation", []string{
			"arn:aws:s3:::remotionlambda-useast1-*", "arn:aws:s3:::videos.example",
			"arn:aws:s3:::remotionlambda-euwest1-*", "arn:aws:s3:::remotionlambda-euwest2-*",
		}, []string{"arn:aws:s3:::videos.example"}},
	}
	for _, test := range tests {
		t.Run(test.action, func(t *testing.T) {
			doc, err := iampolicy.Parse(Latest().Document(test.kind))
			if err != nil {
				t.Fatal(err)
			}
			documented := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: doc}}}
			reqs := RequirementsIn(real, []Release{Latest()}, test.kind, All)
			i := slices.IndexFunc(reqs, func(r Requirement) bool {
				return r.Action == test.action &&
					!strings.Contains(r.Resource, insights)
			})
			var patterns, missing []string
			for _, n := range reqs[i].Needed(real) {
				patterns = append(patterns, n.Pattern)
				if documented.Evaluate(iampolicy.Request{Action: n.Action,
					Resource: n.Resource}).Decision != iampolicy.Allowed {
					missing = append(missing, n.Resource)
				}
			}
			if !slices.Equal(patterns, test.patterns) {
				t.Errorf("needs %q\nwant  %q", patterns, test.patterns)
			}
			if !slices.Equal(missing, test.missing) {
				t.Errorf("the document lacks %q\nwant              %q", missing, test.missing)
			}
		})
	}
}

func TestNeededInLeavesOutWhatIsNotThere(t *testing.T) {
	has := func(p Scope, action string, version string, resource string) bool {
		r, err := Find(version)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(RequirementsIn(p, []Release{r}, User, All), func(r Requirement) bool {
			return r.Action == action && strings.Contains(r.Resource, resource)
		})
	}
	africa, role := place, place
	africa.Regions = []string{"af-south-1"}
	role.Caller = "arn:aws:iam::123456789012:role/ci"
	for _, test := range []struct {
		name string
		got  bool
		want bool
	}{
		{"a user asks who it is", has(place, "iam:GetUser", "3.0.0", ""), true},
		{"a role cannot", has(role, "iam:GetUser", "3.0.0", ""), false},
		{"Insights of the documented account", has(place, "lambda:GetLayerVersion", "4.0.240",
			"580247275435"), true},
		{"is not in every region", has(africa, "lambda:GetLayerVersion", "4.0.240", "580247275435"),
			false},
		{"where another account has it", has(africa, "lambda:GetLayerVersion", "4.0.240", "012438385374"),
			true},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", test.name, test.got, test.want)
		}
	}
}
