package main

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestCheckRefusesScopes checks that a flag that the requirements cannot have is an error that says
// what is accepted.
func TestCheckRefusesScopes(t *testing.T) {
	t.Parallel()
	folder := policyFiles(t)
	const role = " --render-role arn:aws:iam::123456789012:role/render"
	for _, test := range []struct{ flags, want string }{
		{"--for user --render-role render",
			`--render-role: "render" is not the ARN of a role: use ` +
				"arn:aws:iam::123456789012:role/NAME"},
		{"--for user --render-role arn:aws:iam::123456789012:user/render", "is not the ARN of a role"},
		{"--for user --render-role arn:aws:iam::aws:role/render", "is not the ARN of a role"},
		{"--for user --render-role arn:aws:iam::*:role/render", "is not the ARN of a role"},
		{"--for user --render-role arn:aws:iam::123456789012:role/", "is not the ARN of a role"},
		{"--for user --render-role arn:aws:sts::123456789012:assumed-role/r/s",
			"is not the ARN of a role"},
		{"--for user --partition aws-cn" + role, "is in partition aws, but --partition is aws-cn"},
		{"--for user --account 210987654321" + role, "is not in account 210987654321 of --account"},
		{"--for role --buckets s3://acme", `--buckets: "s3://acme" is not a bucket name`},
		{"--for role --buckets acme=main",
			`--buckets: bucket "acme=main": unknown role "main": write NAME`},
		{"--for role --buckets acme=", `--buckets: bucket "acme=": unknown role ""`},
		{"--for role --buckets acme,acme=output", "--buckets: duplicate acme: join its roles with +"},
		{"--for role --function my.render",
			`--function: "my.render" is not a function: write NAME or NAME@REGION`},
		{"--for role --function f@", `--function: "f@" is not a function`},
		{"--for role --function f*@us-east-1", `--function: "f*@us-east-1" is not a function`},
		{"--for role --function f@eu-central-9",
			`--function: "eu-central-9" is not a region of Remotion Lambda in aws`},
		{"--for role --function f@cn-north-1",
			`--function: "cn-north-1" is not a region of Remotion Lambda in aws`},
		{"--for role --function f --function f", "--function: duplicate f"},
		{"--for role --regions us-east-1 --function f@eu-west-1",
			"--function: f@eu-west-1 is in none of " + "the regions of --regions"},
		{"--required " + folder + "/needed.json --buckets acme",
			"--buckets cannot be combined with --required"},
		{"--required " + folder + "/needed.json --function f",
			"--function cannot be combined with --required"},
		{"--for role --buckets " + strings.Repeat("b,", 200), "--buckets: at most 100 buckets"},
		{"--for role" + role, "--render-role needs --for user"},
		{"--required " + folder + "/needed.json" + role,
			"--render-role cannot be combined with --required"},
	} {
		out, _, err := runCommand(t, checkCommand(), test.flags+" "+folder+"/good.json")
		if err == nil || !strings.Contains(err.Error(), test.want) || out != "" {
			t.Errorf("%s: %v, want %q; it printed %q", test.flags, err, test.want, out)
		}
	}
}

// TestCheckRenderRole checks that --render-role replaces the role of the setup guide.
func TestCheckRenderRole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	document := policies.Latest().Document(policies.User)
	write(t, folder, "documented.json", document)
	write(t, folder, "own.json", strings.ReplaceAll(document, policies.RoleName, "my-render-role"))
	const own = " --render-role arn:aws:iam::123456789012:role/my-render-role"
	for line, want := range map[string]exitError{
		"documented.json":                        0,
		"own.json":                               exitGaps,
		"documented.json" + own:                  exitGaps,
		"own.json" + own:                         0,
		"own.json --account 123456789012" + own:  0,
		"own.json --purpose render" + own:        0,
		"documented.json --purpose render" + own: 0,
		"own.json --principal arn:aws:iam::123456789012:role/ci" + own: 0,
	} {
		out, _, exit := checkIn(t, folder, "--for user "+line)
		if exit != want || want != 0 && !strings.Contains(out, "iam:PassRole") &&
			!strings.Contains(out, "iam:SimulatePrincipalPolicy") {
			t.Errorf("%s: exit status %d, want %d\n%s", line, exit, want, out)
		}
	}
}
