package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

func TestPolicyOfTheAuditor(t *testing.T) {
	const ci, role = "arn:aws-cn:iam::123456789012:user/bots/ci",
		"arn:aws-cn:iam::123456789012:role/remotion-lambda-role"
	tests := []struct {
		line           string
		permissions    int
		want, unwanted []string
	}{
		{"auditor", len(contract.ReadPermissions()),
			[]string{`"arn:aws:iam::*:user/*"`, `"lambda:ListFunctions"`, `"arn:aws:lambda:*:*:function:*"`},
			[]string{"s3:", "sns:", "${"}},
		{"auditor --account 123456789012", len(contract.ReadPermissions()),
			[]string{`"arn:aws:iam::123456789012:policy/*"`, `"arn:aws:iam::aws:policy/*"`}, nil},
		{"auditor --function", len(contract.ReadPermissions()) + len(contract.FunctionPermissions()) +
			len(contract.OnBehalfPermissions()),
			[]string{`"arn:aws:s3:::${EvidenceBucket}/state/*/*"`, `"cloudwatch:namespace": "RemotionAudit"`,
				`"kms:ViaService": "sns.${AWS::Region}.amazonaws.com*"`}, nil},
		{"auditor --function --partition aws-cn --read-scope named --named " + ci + "," + role,
			len(contract.ReadPermissions()) + len(contract.FunctionPermissions()) +
				len(contract.OnBehalfPermissions()) - 6,
			[]string{`"` + ci + `"`, `"` + role + `"`, `"arn:aws-cn:iam::aws:policy/*"`,
				`"arn:aws-cn:s3:::${EvidenceBucket}/state/123456789012/*"`},
			[]string{"lambda:", "iam:ListRoles", "user/*", "arn:aws:"}},
	}
	for _, test := range tests {
		out, _, err := runCommand(t, policiesCommand(), test.line)
		if err != nil {
			t.Fatalf("%s: %v", test.line, err)
		}
		// The template replaces the references of a whole resource.
		doc, err := iampolicy.Parse(wholeReference.ReplaceAllString(out,
			`"arn:aws:sns:us-east-1:123456789012:alerts"`))
		if err != nil {
			t.Fatalf("%s: %v", test.line, err)
		}
		actions := map[string]bool{} // by statement, because two keys have kms:Decrypt
		for _, s := range doc.Statements {
			for _, action := range s.Action {
				actions[s.Sid+" "+action] = true
			}
			// Only discovery and actions with a condition cover all resources.
			if slices.Contains(s.Resource, "*") && s.Sid != "List" && s.Conditions == nil {
				t.Errorf("%s: %+v covers all resources", test.line, s)
			}
		}
		if len(actions) != test.permissions {
			t.Errorf("%s: %d actions, want %d", test.line, len(actions), test.permissions)
		}
		for _, want := range test.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %s in\n%s", test.line, want, out)
			}
		}
		for _, unwanted := range test.unwanted {
			if strings.Contains(out, unwanted) {
				t.Errorf("%s: unwanted %s in\n%s", test.line, unwanted, out)
			}
		}
	}
}

// wholeReference matches a resource that is a reference of the template, such as "${AlertTopic}".
var wholeReference = regexp.MustCompile(`"\$\{[A-Za-z.]+\}"`)

func TestPolicyOfTheAuditorRefuses(t *testing.T) {
	const ci = "arn:aws:iam::123456789012:user/ci"
	for line, want := range map[string]string{
		"--account 123":          `--account must be an account number with twelve digits, got "123"`,
		"--partition aws-us-gov": `--partition: partition "aws-us-gov" (GovCloud) is not supported`,
		"--read-scope all":       `--read-scope must be account or named, got "all"`,
		"--read-scope named":     "--named is required",
		"--named " +
			ci: "--named requires --read-scope named",
		"--read-scope named --named user/ci": `--named: "user/ci" is not the ARN of a user, role, group or policy`,
		"--read-scope named --named " + ci +
			",": `--named: "" is not the ARN of`,
		"--read-scope named --named " + ci + "/": `--named: "` + ci +
			`/" is not the ARN of`,
		"--read-scope named --named " + ci + "*": `--named: "` + ci +
			`*" is not the ARN of`,
		"--read-scope named --named " + ci + "," + ci: "--named: duplicate " + ci,
		"--read-scope named --named arn:aws:iam::123456789012:root": "is not the ARN of a " +
			"user, role, group or policy",
		"--read-scope named --named arn:aws:sts::123456789012:assumed-role/x/y": "is not the ARN of a " +
			"user, role, group or policy",
		"--read-scope named --named arn:aws:iam::aws:policy/ReadOnlyAccess": "is an AWS managed policy",
		"--read-scope named --named arn:aws-cn:iam::123456789012:user/ci":   "is in partition aws-cn: set --partition aws-cn",
		"--read-scope named --account 210987654321 --named " + ci: "--named: " + ci +
			" does not belong to account 210987654321",
		"--read-scope named --named " + ci +
			",arn:aws:iam::210987654321:role/remotion-lambda-role": "does not belong to account 123456789012",
	} {
		if _, _, err := runCommand(t, policiesCommand(), "auditor "+line); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
