package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// twoUsers is an account with an administrator and the user that Remotion runs as, who has no
// policy.
const twoUsers = `account: "123456789012"
users:
  laptop-admin:
    accessKeys: [AKIAIOSFODNN7EXAMPLE]
    inline:
      all: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}
  remotion-user: {accessKeys: [AKIAI44QH8DHBEXAMPLE]}
roles:
  remotion-lambda-role: {trust: lambda.amazonaws.com}
`

// TestEnvFile checks which principal `audit` audits in a Remotion project, when .env has the keys
// of remotion-user in REMOTION_AWS_*, and the environment has those of laptop-admin in AWS_*.
func TestEnvFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	environment := append(serve(t, "--account", write("account.yaml", twoUsers)),
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "HOME="+dir)
	const keys = "REMOTION_AWS_ACCESS_KEY_ID=AKIAI44QH8DHBEXAMPLE\n" +
		"REMOTION_AWS_SECRET_ACCESS_KEY=do-not-print\n"
	const admin, remotion = "user/laptop-admin (caller)", "user/remotion-user (caller)"
	const fromEnvFile = "credentials: REMOTION_AWS_ACCESS_KEY_ID (.env), " +
		"REMOTION_AWS_SECRET_ACCESS_KEY (.env)\nregion: AWS_REGION (environment)\n" +
		"identity: arn:aws:iam::123456789012:user/remotion-user\n"
	const fromShell = "credentials: AWS_ACCESS_KEY_ID (environment), AWS_SECRET_ACCESS_KEY " +
		"(environment)\nregion: AWS_REGION (environment)\n" +
		"identity: arn:aws:iam::123456789012:user/laptop-admin\n"
	write("other.env", keys)
	write("large.env", strings.Repeat("#", 1<<20+1))
	write("clips/.env", keys+"CALLERS=user/other\nTOPIC_ARN=nonsense\n"+
		"AWS_ENDPOINT_URL=http://127.0.0.1:1\n")
	write("clips/package.json", `{"dependencies": {"@remotion/lambda": "4.0.527"}}`)
	write("dev/.env", keys)
	write("dev/package.json", `{"devDependencies": {"remotion": "4.0.527"}}`)
	write("half/.env", "REMOTION_AWS_SECRET_ACCESS_KEY=do-not-print\nAWS_ACCESS_KEY_ID=AKIAOTHER\n")
	write("half/package.json", `{"dependencies": {"remotion": "4.0.527"}}`)
	write("region/.env", "REMOTION_AWS_REGION=do-not-print\n")
	write("region/package.json", `{"dependencies": {"remotion": "4.0.527"}}`)
	write("profile/.env", "REMOTION_AWS_PROFILE=do-not-print\n")
	write("profile/package.json", `{"dependencies": {"remotion": "4.0.527"}}`)
	write("site/.env", keys)
	write("site/package.json", `{"dependencies": {"next": "15"}}`)
	write("broken/.env", keys)
	write("broken/package.json", `{`)
	write("python/.env/pip", "")
	write("python/package.json", `{"dependencies": {"remotion": "4.0.527"}}`)
	for _, tt := range []struct {
		name, dir string
		args      []string
		// audited is in the report, and log at the start of the standard error. If audited is empty, the
		// command fails with log at any place.
		audited, log string
	}{
		{name: "Remotion's keys in .env", dir: "clips", audited: remotion, log: fromEnvFile},
		{name: "a development dependency on Remotion", dir: "dev", audited: remotion, log: fromEnvFile},
		{name: "--no-env-file", dir: "clips", args: []string{"--no-env-file"}, audited: admin,
			log: fromShell},
		{name: "a project without Remotion", dir: "site", audited: admin, log: fromShell},
		{name: "a package.json that is not JSON", dir: "broken", audited: admin,
			log: "notice: package.json: is not a JSON object: the command does not search a .env and an " +
				"installed Remotion\n" + fromShell},
		{name: "a directory without package.json", dir: ".", audited: admin, log: fromShell},
		{name: "a directory with the name .env", dir: "python", audited: admin, log: fromShell},
		{name: "--env-file", dir: "site", args: []string{"--env-file", "../other.env"},
			audited: remotion, log: strings.ReplaceAll(fromEnvFile, "(.env)", "(../other.env)")},
		{name: "half a pair, and a key that the environment has", dir: "half", audited: admin,
			log: strings.Replace(fromShell, "region:", "not used: REMOTION_AWS_SECRET_ACCESS_KEY without "+
				"REMOTION_AWS_ACCESS_KEY_ID; AWS_ACCESS_KEY_ID of .env, which the environment sets, too\n"+
				"region:", 1)},

		{name: "both flags", dir: "clips", args: []string{"--env-file", ".env", "--no-env-file"},
			log: "--env-file and --no-env-file exclude each other: set one of them"},
		{name: "a file that does not exist", dir: "site", args: []string{"--env-file", "no.env"},
			log: "--env-file: open no.env: no such file or directory"},
		{name: "a directory", dir: "site", args: []string{"--env-file", ".."},
			log: "--env-file: read ..: is a directory"},
		{name: "a file that is too large", dir: "site", args: []string{"--env-file", "../large.env"},
			log: "--env-file: ../large.env must have at most 1048576 bytes"},
		{name: "a region that is none", dir: "region", args: []string{},
			log: "REMOTION_AWS_REGION is not a region: set it to a name such as us-east-1"},
		{name: "a profile that does not exist", dir: "profile",
			log: "the profile of REMOTION_AWS_PROFILE is not in the AWS configuration files"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(command, append([]string{"audit"}, tt.args...)...)
			cmd.Dir, cmd.Env = filepath.Join(dir, tt.dir), environment
			var out, errs strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run() // a gap is an exit status
			ok := strings.Contains(out.String(), tt.audited) && strings.HasPrefix(errs.String(), tt.log)
			if tt.audited == "" {
				ok = cmd.ProcessState.ExitCode() == 2 && out.Len() == 0 &&
					strings.Contains(errs.String(), tt.log)
			}
			if !ok || strings.Contains(out.String()+errs.String(), "do-not-print") {
				t.Errorf("stdout %s\nstderr %s\nwant %s, and at the start of stderr\n%s", out.String(),
					errs.String(), tt.audited, tt.log)
			}
		})
	}
}

// TestAuditOfASession checks that --callers takes the ARN of a session, and that the command says
// which role it audits for it.
func TestAuditOfASession(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(command, "audit", "--callers",
		"arn:aws:sts::123456789012:assumed-role/remotion-lambda-role/run-7")
	cmd.Env = serve(t)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // a gap is an exit status
	if !strings.Contains(out.String(), "role/remotion-lambda-role (caller): ") ||
		!strings.Contains(errs.String(), "\nauditing role/remotion-lambda-role for its session run-7\n") {
		t.Errorf("stdout %s\nstderr %s", out.String(), errs.String())
	}
}
