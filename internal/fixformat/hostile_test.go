package fixformat

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// hostileNames are names that a language could read as code.
var hostileNames = []string{
	`a"b`, `a'b`, "$(touch pwned)", "`touch pwned`", "; touch pwned;", "a\ntouch pwned\n", "${HOME}",
	"%{if true}x%{endif}", "${jsonencode(1)}", "*/ x /*", "# x", "-rf", "--force", "a\\", `\"`,
	"a\x1b[31mb", "a\u202eb", "a\u0085b", "END_OF_DOCUMENT", "\nEND_OF_DOCUMENT\ntouch pwned\n", "{{ x }}",
	"file:///etc/passwd", "!Ref X", "&a *b", "@@ -1 +1 @@", "../../etc/passwd", "ä", "😀", "",
}

// hostileEdit has a name in each place that a format writes.
func hostileEdit(t testing.TB, kind iampolicy.LocationKind, name string) remedy.Edit {
	t.Helper()
	parse := iampolicy.Parse
	quoted, err := json.Marshal("x" + name)
	if err != nil {
		t.Fatal(err)
	}
	principal := ""
	resource := `,"Resource":"arn:aws:s3:::` + string(quoted[1:])
	if kind == iampolicy.TrustLocation {
		parse, resource = iampolicy.ParseTrust, ""
		principal = `,"Principal":{"Service":` + string(quoted) + `}`
	}
	text := func(action string) string {
		return `{"Version":"2008-10-17","Id":` + string(quoted) +
			`,"Statement":{"Effect":"Allow","Action":"` + action + `"` + principal + resource +
			`,"Condition":{"StringEquals":{"aws:PrincipalTag/` + "x" + string(quoted[1:len(quoted)-1]) +
			`":[` + string(quoted) + `,"y"]}}}}`
	}
	before, err := parse(text("s3:GetObject"))
	if err != nil {
		t.Skipf("IAM does not store %q: %v", name, err)
	}
	after, err := parse(text("s3:PutObject"))
	if err != nil {
		t.Fatal(err)
	}
	l := iampolicy.Location{Kind: kind, Holder: "role/" + name, Name: name}
	if kind != iampolicy.InlineLocation && kind != iampolicy.TrustLocation {
		l.ARN = "arn:aws:iam::123456789012:policy/" + name
	}
	return remedy.Edit{Policy: string(kind) + " policy " + name, Location: l, Before: before,
		After: after, Changes: []remedy.Change{{Kind: remedy.AddAction, Statement: 1, Sid: name,
			New: []string{name}, Text: "add " + name}}, Characters: 1, Quota: 2}
}

func hostileHandover(t testing.TB, kind iampolicy.LocationKind, name string) Handover {
	h := handover(hostileEdit(t, kind, name))
	h.Fix.Target, h.ARN = "role/"+name, "arn:aws:iam::123456789012:role/"+name
	h.Fix.Owner = remedy.Ownership{Tool: remedy.Terraform, Certainty: remedy.ProbableOwner,
		Name: name, Evidence: []string{name}}
	h.Findings[0].Why, h.Findings[0].Impact, h.Findings[0].ExampleARN = name, name, name
	h.Fix.Closes = []remedy.Need{{Sid: "Storage", Action: name, Resource: name}}
	h.Fix.Guards = []remedy.Guard{{Cause: iampolicy.SCP, Policy: name, Owner: name, Ask: name,
		Blocks: h.Fix.Closes, Statements: []iampolicy.StatementRef{{Sid: name, Index: 1}}}}
	h.Fix.Remaining = []remedy.Remaining{{Need: h.Fix.Closes[0], Why: name}}
	return h
}

var hostileKinds = []iampolicy.LocationKind{iampolicy.InlineLocation, iampolicy.ManagedLocation,
	iampolicy.TrustLocation, iampolicy.SCPLocation}

// TestHostileNamesAreText checks that no form lets a name become code or reach a terminal, and that
// each form still contains the proved document.
func TestHostileNamesAreText(t *testing.T) {
	t.Parallel()
	for i, name := range hostileNames {
		for _, kind := range hostileKinds {
			t.Run(fmt.Sprint(i, " ", kind), func(t *testing.T) {
				t.Parallel()
				h := hostileHandover(t, kind, name)
				want := sorted(h.Fix.Edits[0].After)
				for _, f := range Formats() {
					var b strings.Builder
					err := f.Write(&b, h, Default)
					if err != nil {
						if f.Name == "cli" || f.Name == "terraform" && kind == iampolicy.SCPLocation {
							continue // a name that no command can contain
						}
						t.Fatalf("%s: %v", f.Name, err)
					}
					checkPrintable(t, f.Name, b.String())
				}
				var b strings.Builder
				if err := ForAdmin(&b, h, Default); err != nil {
					t.Fatal(err)
				}
				checkPrintable(t, "for an administrator", b.String())

				resources := hclResources(t, formatted(t, h, Default, "terraform"))
				document := resources[0]["policy"] + resources[0]["assume_role_policy"] +
					resources[0]["content"]
				if got := sorted(parsedDocument(t, document)); got != want || len(resources) != 1 {
					t.Errorf("Terraform: %d resources, got\n%s\nwant\n%s", len(resources), got, want)
				}
				_, templates := cloudFormationResources(t, formatted(t, h, Default, "cloudformation"))
				properties, _ := templates[0]["Properties"].(map[string]any)
				for _, key := range []string{"PolicyDocument", "AssumeRolePolicyDocument", "Content"} {
					if properties[key] == nil {
						continue
					}
					raw, err := json.Marshal(properties[key])
					if err != nil {
						t.Fatal(err)
					}
					if got := sorted(parsedDocument(t, string(raw))); got != want {
						t.Errorf("CloudFormation: got\n%s\nwant\n%s", got, want)
					}
				}
			})
		}
	}
}

func checkPrintable(t *testing.T, format, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%s contains the character %U", format, r)
			return
		}
	}
}

// TestHostileNamesInAShell runs scripts with a program aws that records its arguments, and checks
// that each name arrives as it is and that no other command runs.
func TestHostileNamesInAShell(t *testing.T) {
	t.Parallel()
	recorder := commandLine(program(t, `#!/bin/sh
for argument; do printf '%s\0' "$argument"; done >>"$RECORD"
printf '\n' >>"$RECORD"
case $2 in
get-caller-identity) echo 123456789012 ;;
get-policy) echo v1 ;;
list-policy-versions) echo '"none"' ;;
get-*) echo audited ;;
*) ;;
esac
`))
	for i, name := range hostileNames {
		for _, kind := range hostileKinds[:3] {
			t.Run(fmt.Sprint(i, " ", kind), func(t *testing.T) {
				t.Parallel()
				var b strings.Builder
				if err := writeCLI(&b, hostileHandover(t, kind, name), Default); err != nil {
					if strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 &&
						name != "" {
						t.Errorf("a printable name: %v", err)
					}
					return
				}
				record := filepath.Join(t.TempDir(), "record")
				out, err := runScript(t, recorder, "", b.String(), "RECORD="+record)
				if err != nil {
					t.Fatalf("%v\n%s\nof\n%s", err, out, b.String())
				}
				text, err := os.ReadFile(record)
				if err != nil {
					t.Fatal(err)
				}
				var stored []string
				for _, call := range strings.Split(strings.TrimSuffix(string(text), "\x00\n"), "\x00\n") {
					if arguments := strings.Split(call, "\x00"); len(arguments) > 1 &&
						!strings.HasPrefix(arguments[1], "get-") &&
						!strings.HasPrefix(arguments[1], "list-") {
						stored = append(stored, strings.Join(arguments[1:4], " "))
					}
				}
				want := map[iampolicy.LocationKind]string{
					iampolicy.InlineLocation: "put-role-policy --role-name=" + name +
						" --policy-name=" + name,
					iampolicy.ManagedLocation: "create-policy-version " +
						"--policy-arn=arn:aws:iam::123456789012:policy/" + name + " --set-as-default",
					iampolicy.TrustLocation: "update-assume-role-policy --role-name=" + name +
						" --policy-document",
				}[kind]
				if !slices.Equal(stored, []string{want}) {
					t.Errorf("got %q, want %q", stored, want)
				}
				if files, err := filepath.Glob(filepath.Dir(record) + "/pwned"); err != nil || files != nil {
					t.Errorf("the script ran a name: %q, %v", files, err)
				}
			})
		}
	}
}

// TestServiceControlPolicies checks the commands for the organization, which the embedded AWS does
// not have, with a program aws that records its arguments.
func TestServiceControlPolicies(t *testing.T) {
	t.Parallel()
	recorder := commandLine(program(t, `#!/bin/sh
echo "$*" | head -n 1 >>"$RECORD"
case $2 in
get-caller-identity) echo "${CALLER}" ;;
describe-policy) echo '{"Statement":"stored"}' ;;
get-user-policy) echo audited ;;
*) ;;
esac
`))
	withoutARN := handover(scpEdit(t, ""))
	for name, test := range map[string]struct {
		handover    Handover
		environment []string
		calls       []string
		out, err    string
	}{
		"the management account": {handover(scpEdit(t, scpARN)), []string{"CALLER=999999999999"},
			[]string{"describe-policy --policy-id p-examplepol1", "update-policy --policy-id p-examplepol1"},
			`{"Statement":"stored"}`, ""},
		"another account": {handover(scpEdit(t, scpARN)), []string{"CALLER=123456789012"}, nil, "",
			"the credentials belong to account 123456789012: use those of the management account"},
		"an unknown id": {withoutARN, []string{"CALLER=999999999999"}, nil, "",
			"set POLICY_ID to the id of the service control policy"},
		"a given id": {withoutARN, []string{"CALLER=999999999999", "POLICY_ID=p-12345678"},
			[]string{"describe-policy --policy-id p-12345678", "update-policy --policy-id p-12345678"},
			"", ""},
		"edits of both, by the management account": {
			handover(inlineEdit(t, "user/ci", "remotion"), scpEdit(t, scpARN)),
			[]string{"CALLER=999999999999"},
			[]string{"describe-policy --policy-id p-examplepol1", "update-policy --policy-id p-examplepol1"},
			"Skipped: the policies of account 123456789012", ""},
		"edits of both, by the account": {
			handover(inlineEdit(t, "user/ci", "remotion"), scpEdit(t, scpARN)),
			[]string{"CALLER=123456789012"}, []string{"put-user-policy --user-name=ci"},
			"Storing inline policy", "use those of the management account"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record := filepath.Join(t.TempDir(), "record")
			text := formatted(t, test.handover, Default, "cli")
			out, err := runScript(t, recorder, "", text, append(test.environment, "RECORD="+record)...)
			if (err != nil) != (test.err != "") || !strings.Contains(out, test.err) ||
				!strings.Contains(out, test.out) {
				t.Errorf("%v, want %q and %q in\n%s", err, test.out, test.err, out)
			}
			recorded, err := os.ReadFile(record)
			if err != nil {
				t.Fatal(err)
			}
			var changes []string
			for _, call := range strings.Split(string(recorded), "\n") {
				if words := strings.Fields(call); len(words) > 3 && !strings.HasPrefix(words[1], "get-") {
					changes = append(changes, strings.Join(words[1:min(4, len(words))], " "))
				}
			}
			if len(changes) != len(test.calls) || slices.ContainsFunc(test.calls, func(want string) bool {
				return !slices.ContainsFunc(changes, func(got string) bool {
					return strings.HasPrefix(got, want)
				})
			}) {
				t.Errorf("calls %q, want %q", changes, test.calls)
			}
		})
	}
}

// TestAllFormsOfScriptsAreValidShell checks the syntax with the shells that are installed.
func TestAllFormsOfScriptsAreValidShell(t *testing.T) {
	t.Parallel()
	text := formatted(t, handover(allEdits(t)...), Default, "cli")
	for _, shell := range []string{"sh", "dash", "bash", "zsh", "busybox"} {
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		arguments := []string{"-n"}
		if shell == "busybox" {
			arguments = []string{"sh", "-n"}
		}
		cmd := exec.CommandContext(t.Context(), shell, arguments...)
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// TestScriptsFitTheQuota covers documents near their quota: the script stores no more characters
// than the proof counts.
func TestScriptsFitTheQuota(t *testing.T) {
	first, second := newEdit(t, iampolicy.InlineLocation, "user/ci", "a"),
		newEdit(t, iampolicy.InlineLocation, "user/ci", "b")
	compact := iampolicy.Size(compactText(first.After))
	lists := iampolicy.Size(documentText(first.After))
	if compact >= lists {
		t.Fatalf("%d and %d characters", compact, lists)
	}
	for quota, want := range map[int]int{2 * lists: 2 * lists, 2*lists - 1: 2 * compact} {
		first.Characters, first.Quota = 2*compact, quota
		second.Characters, second.Quota = 2*compact, quota
		got := 0
		text := formatted(t, handover(first, second), Default, "cli")
		for _, part := range strings.Split(text, "<<'END_OF_DOCUMENT'\n")[1:] {
			stored, _, _ := strings.Cut(part, "END_OF_DOCUMENT\n")
			got += iampolicy.Size(stored)
		}
		if got != want {
			t.Errorf("a quota of %d: %d characters are stored, not %d", quota, got, want)
		}
	}
}
