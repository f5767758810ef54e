package remotion_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// credentialsFile has the profiles of the tests. The access key of each names its profile.
const credentialsFile = `[default]
aws_access_key_id = AKIAPROFILEDEFAULT00
aws_secret_access_key = secret-of-default
[shell]
aws_access_key_id = AKIAPROFILESHELL0000
aws_secret_access_key = secret-of-shell
[remotion]
aws_access_key_id = AKIAPROFILEREMOTION0
aws_secret_access_key = secret-of-remotion
[file]
aws_access_key_id = AKIAPROFILEFILE00000
aws_secret_access_key = secret-of-file
`

// The access keys of the tests: of AWS_* and REMOTION_AWS_*, in the environment and in .env.
const (
	shellKey    = "AKIASHELL00000000000"
	remotionKey = "AKIAREMOTION00000000"
	fileKey     = "AKIAFILE000000000000"
	fileOwnKey  = "AKIAFILEREMOTION0000"
)

// pair returns the variables of a pair of access keys.
func pair(prefix, key string) []string {
	return []string{prefix + "AWS_ACCESS_KEY_ID=" + key, prefix + "AWS_SECRET_ACCESS_KEY=secret-" + key}
}

// A signer is what a request shows of the credentials that signed it.
type signer struct{ key, region, token string }

// TestCredentialsLikeRemotion runs `remotion lambda functions ls` and `remotion-audit audit` in the
// same project with the same environment, and compares the credentials and the region with which
// they sign their first request. A change of Remotion's precedence fails this test.
func TestCredentialsLikeRemotion(t *testing.T) {
	binary := buildCommand(t)
	join := slices.Concat[[]string]
	shell, own := pair("", shellKey), pair("REMOTION_", remotionKey)
	inFile, ownInFile := pair("", fileKey), pair("REMOTION_", fileOwnKey)
	for _, tt := range []struct {
		name string
		// shell is the environment, and file the content of .env; nil for no file.
		shell, file []string
		want        signer
	}{
		{name: "the default profile without variables",
			want: signer{key: "AKIAPROFILEDEFAULT00"}},
		{name: "AWS_* keys", shell: shell, want: signer{key: shellKey}},
		{name: "REMOTION_AWS_* keys before AWS_* keys", shell: join(shell, own),
			want: signer{key: remotionKey}},
		{name: "AWS_SESSION_TOKEN does not go with REMOTION_AWS_* keys",
			shell: join(shell, own, []string{"AWS_SESSION_TOKEN=shell-token"}),
			want:  signer{key: remotionKey}},
		{name: "REMOTION_AWS_SESSION_TOKEN goes with its keys",
			shell: join(own, []string{"REMOTION_AWS_SESSION_TOKEN=own-token"}),
			want:  signer{key: remotionKey, token: "own-token"}},
		{name: "AWS_SESSION_TOKEN goes with its keys",
			shell: join(shell, []string{"AWS_SESSION_TOKEN=shell-token",
				"REMOTION_AWS_SESSION_TOKEN=own-token"}),
			want: signer{key: shellKey, token: "shell-token"}},
		{name: "AWS_PROFILE before AWS_* keys", shell: join(shell, []string{"AWS_PROFILE=shell"}),
			want: signer{key: "AKIAPROFILESHELL0000"}},
		{name: "REMOTION_AWS_* keys before AWS_PROFILE", shell: join(own, []string{"AWS_PROFILE=shell"}),
			want: signer{key: remotionKey}},
		{name: "an unknown AWS_PROFILE is not used with REMOTION_AWS_* keys",
			shell: join(own, []string{"AWS_PROFILE=unknown"}), want: signer{key: remotionKey}},
		{name: "REMOTION_AWS_PROFILE before all keys and AWS_PROFILE",
			shell: join(own, shell, []string{"AWS_PROFILE=shell", "REMOTION_AWS_PROFILE=remotion"}),
			want:  signer{key: "AKIAPROFILEREMOTION0"}},
		{name: "an empty REMOTION_AWS_PROFILE is not set",
			shell: join(own, []string{"REMOTION_AWS_PROFILE="}), want: signer{key: remotionKey}},
		{name: "half a pair of REMOTION_AWS_* keys is ignored", shell: join(shell, own[:1]),
			want: signer{key: shellKey}},
		{name: "the other half of the pair is ignored, too", shell: join(shell, own[1:]),
			want: signer{key: shellKey}},
		{name: "an empty key makes half a pair",
			shell: join(shell, own[1:], []string{"REMOTION_AWS_ACCESS_KEY_ID="}),
			want:  signer{key: shellKey}},
		{name: "halves of two pairs are no pair", shell: join(shell[:1], own[1:]),
			want: signer{key: "AKIAPROFILEDEFAULT00"}},

		{name: "REMOTION_AWS_REGION before AWS_REGION",
			shell: join(shell, []string{"REMOTION_AWS_REGION=eu-west-1", "AWS_REGION=eu-central-1"}),
			want:  signer{key: shellKey, region: "eu-west-1"}},
		{name: "AWS_REGION", shell: join(shell, []string{"AWS_REGION=eu-central-1"}),
			want: signer{key: shellKey, region: "eu-central-1"}},
		{name: "an empty REMOTION_AWS_REGION is not set",
			shell: join(shell, []string{"REMOTION_AWS_REGION=", "AWS_REGION=eu-central-1"}),
			want:  signer{key: shellKey, region: "eu-central-1"}},

		{name: "REMOTION_AWS_* keys in .env before AWS_* keys in the environment", shell: shell,
			file: ownInFile, want: signer{key: fileOwnKey}},
		{name: "the environment before .env", shell: join(shell, own), file: join(inFile, ownInFile),
			want: signer{key: remotionKey}},
		{name: "AWS_* keys in .env", file: inFile, want: signer{key: fileKey}},
		{name: "a profile in .env", shell: shell, file: []string{"AWS_PROFILE=file"},
			want: signer{key: "AKIAPROFILEFILE00000"}},
		{name: "an empty variable of the environment hides .env",
			shell: join(shell, []string{"REMOTION_AWS_ACCESS_KEY_ID="}), file: ownInFile,
			want: signer{key: shellKey}},
		{name: "a pair of which .env has one half", shell: own[:1], file: ownInFile[1:],
			want: signer{key: remotionKey}},
		{name: "the region in .env", shell: shell,
			file: []string{"REMOTION_AWS_REGION='eu-west-1' # home"},
			want: signer{key: shellKey, region: "eu-west-1"}},
		{name: "lines of .env that assign nothing", shell: shell,
			file: join([]string{"set -a", "export -"}, ownInFile), want: signer{key: fileOwnKey}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			if tt.file != nil {
				p.write(".env", strings.Join(tt.file, "\n")+"\n")
			}
			if tt.want.region == "" {
				tt.want.region = "us-east-1"
			}
			theirs, _ := p.run(tt.shell, "node", remotionCLI, "lambda", "functions", "ls")
			if theirs != tt.want {
				t.Errorf("Remotion signs with %+v, want %+v", theirs, tt.want)
			}
			ours, log := p.run(tt.shell, binary, "audit")
			if ours != theirs {
				t.Errorf("audit signs with %+v, Remotion with %+v\n%s", ours, theirs, log)
			}
			for _, variable := range join(tt.shell, tt.file) {
				_, value, _ := strings.Cut(variable, "=")
				if len(value) > 12 && strings.Contains(log, value) {
					t.Errorf("audit prints the value %s:\n%s", value, log)
				}
			}
		})
	}
}

// TestEnvFilesLikeRemotion compares which files with variables both commands read. Remotion's
// --env-file sets variables of a video, not credentials; that of this project sets the credentials.
func TestEnvFilesLikeRemotion(t *testing.T) {
	binary := buildCommand(t)
	shell := pair("", shellKey)
	for _, tt := range []struct {
		name, file, dir string
		// theirs and ours are the access keys that sign requests.
		theirs, ours string
		args         []string
	}{
		{name: ".env", file: ".env", theirs: fileOwnKey, ours: fileOwnKey},
		{name: "no .env.local", file: ".env.local", theirs: shellKey, ours: shellKey},
		{name: "no .env of a directory above", file: ".env", dir: "src", theirs: shellKey,
			ours: shellKey},
		{name: ".env in a directory of the project", file: "src/.env", dir: "src", theirs: fileOwnKey,
			ours: fileOwnKey},
		{name: "--env-file", file: "other.env", args: []string{"--env-file=other.env"},
			theirs: shellKey, ours: fileOwnKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.write(tt.file, strings.Join(pair("REMOTION_", fileOwnKey), "\n"))
			p.dir = filepath.Join(p.dir, tt.dir)
			theirs, _ := p.run(shell, "node",
				append([]string{remotionCLI, "lambda", "functions", "ls"}, tt.args...)...)
			ours, log := p.run(shell, binary, append([]string{"audit"}, tt.args...)...)
			if theirs.key != tt.theirs || ours.key != tt.ours {
				t.Errorf("Remotion signs with %s, want %s; audit signs with %s, want %s\n%s", theirs.key,
					tt.theirs, ours.key, tt.ours, log)
			}
		})
	}
}

// remotionCLI is the file of Remotion's command in a project.
const remotionCLI = "node_modules/@remotion/cli/remotion-cli.js"

// A project is a directory with Remotion, and a server that records who signs requests.
type project struct {
	t *testing.T
	// root is the directory of the project, dir the working directory of the commands.
	root, dir string
	// profiles is the file with the profiles.
	profiles string
	url      string
	mu       sync.Mutex
	first    signer
}

var credentialScope = regexp.MustCompile(`Credential=(\w+)/\d+/([a-z0-9-]+)/`)

func newProject(t *testing.T) *project {
	t.Helper()
	p := &project{t: t, root: t.TempDir(), profiles: filepath.Join(t.TempDir(), "credentials")}
	p.dir = p.root
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Symlink(modules, filepath.Join(p.root, "node_modules")),
		os.Mkdir(filepath.Join(p.root, "src"), 0o755),
		os.WriteFile(p.profiles, []byte(credentialsFile), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.write("package.json", `{"name": "clips", "dependencies": {"@remotion/lambda": "4"}}`)
	server := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// serve records the credentials of the first request, and denies each request.
func (p *project) serve(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a client that goes away needs no answer
	p.mu.Lock()
	defer p.mu.Unlock()
	m := credentialScope.FindStringSubmatch(r.Header.Get("Authorization"))
	if m != nil && p.first.key == "" {
		p.first = signer{key: m[1], region: m[2], token: r.Header.Get("X-Amz-Security-Token")}
	}
	w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, `{"message": "denied"}`)
}

func (p *project) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.root, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run runs a command in the project. It returns who signed the first request, and the output.
func (p *project) run(env []string, name string, args ...string) (signer, string) {
	p.t.Helper()
	p.mu.Lock() // a request of the last command may still arrive
	p.first = signer{}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer cancel()
	if name == "node" {
		args[0] = filepath.Join(p.root, args[0])
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = p.dir
	cmd.Env = environment(p.t, slices.Concat([]string{"AWS_ENDPOINT_URL=" + p.url,
		"AWS_SHARED_CREDENTIALS_FILE=" + p.profiles}, env)...)
	out, _ := cmd.CombinedOutput() // both commands fail, because the server denies their requests
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first, string(out)
}
