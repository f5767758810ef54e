package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// publicVerdict checks a policy of testdata/public, and returns the verdict and the text.
func publicVerdict(t *testing.T, line string) (v check.Verdict, text string) {
	t.Helper()
	folder := filepath.Join("testdata", "public")
	out, _, _ := checkIn(t, folder, line+" --format json")
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	text, _, _ = checkIn(t, folder, line)
	return v, strings.Join(strings.Fields(text), " ")
}

// TestPublicPolicies checks policies that people wrote. gaps are all gaps: the action and, in
// brackets, the status and the severity. Parts of the text are in parts, none of those in absent.
func TestPublicPolicies(t *testing.T) {
	t.Parallel()
	const ownNames = "--for role --buckets remotionbucket-1a2b3c4 " +
		"--function RemotionFunction-5d6e7f8@eu-central-1 06-remotion-sst-role.json"
	tests := []struct {
		name, line    string
		gaps          []string
		parts, absent []string
	}{
		{"a role without the actions on buckets", "--for role 01-unscroll-pulumi-role.json",
			[]string{"s3:ListAllMyBuckets (missing critical)", "s3:CreateBucket (missing low)",
				"s3:PutBucketAcl (missing low)", "logs:CreateLogGroup (missing medium)",
				"logs:CreateLogStream (missing medium)", "logs:PutLogEvents (missing medium)"},
			[]string{"MISSING critical Actions s3:ListAllMyBuckets Not covered",
				"MISSING low Actions s3:CreateBucket, s3:PutBucketAcl Not covered"}, nil},
		{"a role for a bucket and a function with names of their own", ownNames,
			[]string{"s3:ListBucket (missing critical)", "logs:CreateLogStream (missing medium)",
				"logs:PutLogEvents (missing medium)"},
			[]string{"it matches the objects, but not the bucket: add the bucket's own ARN, " +
				"arn:aws:s3:::remotionbucket-1a2b3c4", "it matches the log group, but not its streams: " +
				"add :*", "Note account 123456789012 is that of the functions in the policy"},
			[]string{"arn:aws:s3:::remotionlambda-", "remotion-render-"}},
		{"a user with lists on functions only", "--for user 11-viralcut-combined-user.json",
			[]string{"iam:SimulatePrincipalPolicy (missing low)", "s3:PutBucketPolicy (missing high)",
				"lambda:ListFunctions (missing high)"},
			[]string{"lambda:ListFunctions", "the action takes no resource: use *"},
			[]string{"lambda:InvokeAsync"}},
		{"a role for an environment", "--for role 14-per-env-role.json", nil,
			[]string{"COMPLIANT"}, nil},
		{"a user with the render role of an environment", "--for user 14-per-env-user.json " +
			"--render-role arn:aws:iam::123456789012:role/remotion-lambda-role-prod-use1", nil,
			[]string{"COMPLIANT"}, nil},
		{"a user with the render role of another environment", "--for user 14-per-env-user.json " +
			"--render-role arn:aws:iam::123456789012:role/remotion-lambda-role-dev-use1",
			[]string{"iam:PassRole (missing high)"},
			[]string{"grants the action only on arn:aws:iam::*:role/remotion-lambda-role-prod-use1"}, nil},
		{"a role with actions that do not exist", "--for role 17-typo-action.json",
			[]string{"s3:GetObject (missing critical)", "lambda:InvokeFunction (missing critical)"},
			[]string{"s3:GetObjects is no action: s3:GetObject?",
				"lambda:InvokeFunctions is no action: lambda:InvokeFunction?"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v, text := publicVerdict(t, test.line)
			var gaps []string
			for _, f := range v.Findings {
				if f.Status != iampolicy.Satisfied {
					gaps = append(gaps, fmt.Sprintf("%s (%s %s)", f.Action, f.Status, f.Severity))
				}
				if f.Action == "s3:GetBucketLocation" || f.Action == "lambda:InvokeAsync" {
					if f.Status.Gap() && f.Severity > policies.Low {
						t.Errorf("%s is %s %s, and no release calls it", f.Action, f.Status, f.Severity)
					}
				}
			}
			slices.Sort(gaps)
			if want := slices.Sorted(slices.Values(test.gaps)); !slices.Equal(gaps, want) {
				t.Errorf("gaps %q, want %q", gaps, want)
			}
			for _, part := range test.parts {
				if !strings.Contains(text, part) {
					t.Errorf("no %q in\n%s", part, text)
				}
			}
			for _, f := range v.Findings {
				for _, absent := range test.absent {
					if strings.Contains(f.Resource+f.ExampleARN+f.Action+f.Why, absent) {
						t.Errorf("%s in %+v", absent, f)
					}
				}
			}
		})
	}
}

// TestPublicPoliciesAreChecked checks that each file of testdata/public has a test.
func TestPublicPoliciesAreChecked(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("check_public_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/public/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		if !strings.Contains(string(source), filepath.Base(file)) {
			t.Errorf("no test checks %s", file)
		}
	}
}
