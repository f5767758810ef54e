package policies

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseFunctionName(t *testing.T) {
	tests := []struct {
		about, name string
		remotion    bool
		release     string
	}{
		{"the current format shows the release",
			"remotion-render-4-0-527-mem2048mb-disk10240mb-120sec", true, "4.0.527"},
		{"the first release with its number in the name",
			"remotion-render-3-2-16-mem2048mb-disk512mb-120sec", true, "3.2.16"},
		{"a release newer than the catalogue is found",
			"remotion-render-4-0-540-mem3008mb-disk2048mb-900sec", true,
			"4.0.540"},
		{"a later major release is found",
			"remotion-render-5-1-0-mem2048mb-disk2048mb-120sec", true, "5.1.0"},
		{"a date shows the first range",
			"remotion-render-2022-04-20-mem2048mb-disk512mb-120sec", true, "3.0.0-3.3.7"},
		{"a date with sizes without mem and disk shows the first range",
			"remotion-render-2021-12-16-2048mb-120sec", true, "3.0.0-3.3.7"},
		{"an id of 2021 shows no release", "remotion-render-bds9aab", true, ""},
		{"a prerelease truncated to ten characters",
			"remotion-render-4-0-0-alph-mem2048mb-disk2048mb-120sec", true, "4.0.0-alph"},
		{"a prerelease truncated after its hyphen",
			"remotion-render-3-3-100--mem2048mb-disk2048mb-120sec", true, "3.3.100"},
		{"a release with a suffix is found",
			"remotion-render-4-0-240-ab-mem2048mb-disk2048mb-120sec", true, "4.0.240-ab"},
		{"a number truncated to ten characters is a release",
			"remotion-render-4-0-240000-mem2048mb-disk2048mb-120sec",
			true, "4.0.240000"},
		{"a prefix before Remotion's name is ignored",
			"prod-remotion-render-4-0-240-mem2048mb-disk2048mb-120sec",
			true, "4.0.240"},
		{"a release older than the catalogue is unknown",
			"remotion-render-2-5-0-mem2048mb-disk2048mb-120sec", true, ""},
		{"a number with leading zeros is no release",
			"remotion-render-4-0-007-mem2048mb-disk2048mb-120sec", true, ""},
		{"a word is no release", "remotion-render-canary-mem2048mb-disk2048mb-120sec", true, ""},
		{"a name without a release is a custom name",
			"remotion-render-mem2048mb-disk2048mb-120sec", false, ""},
		{"Remotion's prefix alone is a custom name", "remotion-render-webhook", false, ""},
		{"a name without Remotion's prefix is a custom name", "clips", false, ""},
		{"a name with text after the sizes is a custom name",
			"remotion-render-4-0-240-mem2048mb-disk2048mb-120sec-proxy", false,
			""},
		{"a name with capitals is a custom name",
			"Remotion-Render-4-0-240-mem2048mb-disk2048mb-120sec", false, ""},
		{"an empty name is a custom name", "", false, ""},
		{"a name with a wildcard is a custom name", "remotion-render-*", false, ""},
		{"a name with a line break is a custom name",
			"remotion-render-4-0-240\nCRITICAL-mem2048mb-disk2048mb-120sec", false, ""},
		{"an escape sequence is no release", "remotion-render-\x1b[31m-mem1mb-disk1mb-1sec", true, ""},
		{"a thousand hyphens are no release",
			"remotion-render-" + strings.Repeat("-", 1000) + "-mem1mb-disk1mb-1sec",
			true, ""},
		{"a number of 400 digits is a release", "remotion-render-4-0-" + strings.Repeat("9", 400) +
			"-mem1mb-disk1mb-1sec", true, "4.0." + strings.Repeat("9", 400)},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			origin := ParseFunctionName(test.name)
			got := ""
			if origin.Release != (Release{}) {
				got = origin.Release.Name()
			}
			if origin.Remotion != test.remotion || got != test.release {
				t.Errorf("%q: %v %q, want %v %q", test.name, origin.Remotion, got, test.remotion, test.release)
			}
		})
	}
}

func TestDeployedByRemotion(t *testing.T) {
	for _, test := range []struct {
		description string
		layers      []string
		want        bool
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
		if got := DeployedByRemotion(test.description, test.layers); got != test.want {
			t.Errorf("%q with %q: %v, want %v", test.description, test.layers, got, test.want)
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

// FuzzParseFunctionName checks that Find returns every release that ParseFunctionName finds in a
// name, and that ParseFunctionName parses every name that follows Remotion's rule.
func FuzzParseFunctionName(f *testing.F) {
	for _, name := range []string{"remotion-render-4-0-527-mem2048mb-disk10240mb-120sec",
		"remotion-render-2022-04-20-mem2048mb-disk512mb-120sec", "clips",
		"remotion-render-\x00-mem1mb-1sec", "remotion-render-00-0-0-mem1mb-1sec",
		"remotion-render-1-2-3-4-5-mem1mb-1sec"} {
		f.Add(name, uint16(4), uint16(0), uint16(240))
	}
	f.Fuzz(func(t *testing.T, name string, major, minor, patch uint16) {
		origin := ParseFunctionName(name)
		if origin.Release != (Release{}) {
			if !origin.Remotion {
				t.Errorf("%q has a release but is not Remotion's", name)
			}
			if v := origin.Release.Version; v != "" {
				if again, err := Find(v); err != nil || again != origin.Release {
					t.Errorf("%q has release %q, but Find returns %v, %v", name, v, again, err)
				}
			}
		}
		version := fmt.Sprintf("%d.%d.%d", major, minor, patch)
		cut := strings.ReplaceAll(version, ".", "-")
		made := "remotion-render-" + cut[:min(len(cut), 10)] + "-mem2048mb-disk2048mb-120sec"
		if len(cut) <= 10 && !datePart.MatchString(cut) {
			if got, want := ParseFunctionName(made), releaseOrZero(version); !got.Remotion ||
				got.Release != want {
				t.Errorf("%q: %+v, want %+v", made, got, want)
			}
		}
	})
}
