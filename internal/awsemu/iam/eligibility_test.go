package iam

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestEligibleAgreesWithTheCatalogue checks that the simulator and the catalogue have the same
// opinion on which actions name no resource, of those that Remotion documents on "*".
func TestEligibleAgreesWithTheCatalogue(t *testing.T) {
	for _, a := range policies.StarActions() {
		types, known := resourceTypes[strings.ToLower(a.Action)]
		if named := a.Scope == policies.NamedResource; !known || named != (len(types) > 0) {
			t.Errorf("%s has the resource types %q, but the catalogue says: %s", a.Action, types, a.Scope)
		}
	}
	const quota = "arn:aws:servicequotas:us-east-1:123456789012:" + policies.QuotaResource
	for action, want := range map[string]bool{
		"servicequotas:GetServiceQuota":           true,
		"servicequotas:GetAWSDefaultServiceQuota": false,
	} {
		if got := eligible(action, quota); got != want {
			t.Errorf("eligible(%q, %q) = %v", action, quota, got)
		}
	}
}

func TestEligible(t *testing.T) {
	tests := []struct {
		name, action, arn string
		want              bool
	}{
		{"an object for an object's action", "s3:GetObject", "arn:aws:s3:::b/k", true},
		{"a bucket for an object's action", "s3:GetObject", "arn:aws:s3:::b", true},
		{"an object for a bucket's action", "s3:CreateBucket", "arn:aws:s3:::b/k", true},
		{"an action in another case", "S3:getobject", "arn:aws:s3:::b", true},
		{"another partition", "s3:GetObject", "arn:aws-cn:s3:::b", true},
		{"a bucket with a region", "s3:GetObject", "arn:aws:s3:us-east-1::b", false},
		{"a role for an object's action", "s3:GetObject", "arn:aws:iam::123456789012:role/x", false},
		{"a bucket for a user's action", "iam:GetUser", "arn:aws:s3:::b", false},
		{"any resource for an action without resource types", "s3:ListAllMyBuckets", "arn:aws:s3:::b",
			false},
		{"any resource for an action outside the table", "ec2:RunInstances", "arn:aws:s3:::b", true},
		{"a function", "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:f", true},
		{"a function's alias", "lambda:InvokeFunction",
			"arn:aws:lambda:us-east-1:123456789012:function:f:live", true},
		{"a layer for a function's action", "lambda:InvokeFunction",
			"arn:aws:lambda:us-east-1:123456789012:layer:l:1", false},
		{"a pattern of functions", "lambda:InvokeFunction",
			"arn:aws:lambda:*:*:function:remotion-render-*", true},
		{"a pattern of all resources", "lambda:InvokeFunction", "arn:aws:lambda:*:*:*", true},
		{"a layer's version", "lambda:GetLayerVersion",
			"arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-x:3", true},
		{"a layer without a version", "lambda:GetLayerVersion",
			"arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries", false},
		{"a pattern that may end in a version", "lambda:GetLayerVersion",
			"arn:aws:lambda:*:678892195805:layer:remotion-binaries-*", true},
		{"a log group", "logs:CreateLogStream",
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/x", true},
		{"a log group for a stream's action", "logs:PutLogEvents",
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/x", false},
		{"a log stream", "logs:PutLogEvents",
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/x:log-stream:2026/01/01", true},
		{"a pattern that may end in a stream", "logs:PutLogEvents",
			"arn:aws:logs:*:*:log-group:/aws/lambda-insights:*", true},
		{"a role with a path", "iam:PassRole", "arn:aws:iam::123456789012:role/service-role/x", true},
		{"a user for a role's action", "iam:PassRole", "arn:aws:iam::123456789012:user/x", false},
		{"a group for an action with three resource types", "iam:SimulatePrincipalPolicy",
			"arn:aws:iam::123456789012:group/x", true},
	}
	for _, tt := range tests {
		if got := eligible(tt.action, tt.arn); got != tt.want {
			t.Errorf("%s: eligible(%q, %q) = %v", tt.name, tt.action, tt.arn, got)
		}
	}
}

// TestTheTableHasAllRequiredActions checks that the table contains every action that Remotion and
// the auditor need, and that each action of Remotion accepts the resource of its simulation.
func TestTheTableHasAllRequiredActions(t *testing.T) {
	for _, release := range policies.Releases(policies.AWS) {
		for _, k := range policies.Kinds {
			for _, r := range release.Requirements(k) {
				if _, known := resourceTypes[strings.ToLower(r.Action)]; !known {
					t.Errorf("%s: no resource types of %s", release, r.Action)
				}
				if r.Resource != "*" && !eligible(r.Action, r.Resource) {
					t.Errorf("%s: %s does not accept %s", release, r.Action, r.Resource)
				}
			}
		}
	}
	for _, p := range contract.FunctionPermissions() {
		if _, known := resourceTypes[strings.ToLower(p.Action)]; !known {
			t.Errorf("no resource types of the auditor's %s", p.Action)
		}
	}
}

// TestOverlapAgreesWithTryingEveryText compares overlap with a search over all texts of up to five
// letters a and b.
func TestOverlapAgreesWithTryingEveryText(t *testing.T) {
	texts := []string{""}
	for i := 0; i < len(texts) && len(texts[i]) < 5; i++ {
		texts = append(texts, texts[i]+"a", texts[i]+"b")
	}
	var matches func(pattern []int, text string) bool
	matches = func(pattern []int, text string) bool {
		switch {
		case len(pattern) == 0:
			return text == ""
		case pattern[0] == anyRun:
			return matches(pattern[1:], text) || text != "" && matches(pattern, text[1:])
		default:
			return text != "" && (pattern[0] == anyByte || pattern[0] == int(text[0])) &&
				matches(pattern[1:], text[1:])
		}
	}
	patterns := []string{""}
	for i := 0; i < len(patterns) && len(patterns[i]) < 3; i++ {
		for _, c := range []string{"a", "b", "*", "\x00"} {
			patterns = append(patterns, patterns[i]+c)
		}
	}
	for _, p := range patterns {
		for _, q := range patterns {
			a, b := patternTokens(p), patternTokens(q)
			want := false
			for _, text := range texts {
				if want = matches(a, text) && matches(b, text); want {
					break
				}
			}
			if got := overlap(a, b); got != want {
				t.Fatalf("overlap(%q, %q) = %v, want %v, the result of trying every text", p, q, got, want)
			}
		}
	}
}
