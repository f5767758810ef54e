package repository

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

// TestParametersAreRefusedBeforeDeploy checks that template.yaml rejects invalid parameters before
// CloudFormation creates a resource, with an error that names the parameter.
func TestParametersAreRefusedBeforeDeploy(t *testing.T) {
	template := readTemplate(t)
	for _, s := range settings.All() {
		name := s.Parameter
		if name == "" {
			continue
		}
		check := func(value string) error {
			parameters := map[string]string{"Callers": "none"}
			parameters[name] = value
			return template.Check(parameters)
		}
		for _, value := range s.Valid {
			if err := check(value); err != nil {
				t.Errorf("%s %q: %v", name, value, err)
			}
		}
		for _, value := range s.Invalid {
			if err := check(value); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %q: error %v, want one that names the parameter", name, value, err)
			}
		}
	}
	for name := range template.Section("Parameters") {
		if !slices.ContainsFunc(settings.All(),
			func(s settings.Setting) bool { return s.Parameter == name }) {
			t.Errorf("parameter %s is not declared in internal/settings", name)
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
	template := cfntest.Read(t, forwarderFile)
	for _, tt := range []struct{ region, home, want string }{
		{"us-east-1", "eu-central-1", ""},
		{"us-east-1", "cn-northwest-1", "HomeRegion"},
		{"cn-north-1", "eu-central-1", "IAM's events are in us-east-1"},
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
