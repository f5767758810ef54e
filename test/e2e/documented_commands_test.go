package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// TestDocumentedCommands runs the commands in the console blocks of the documentation, page by page
// and in the order of the page. A line that begins with `$ ` is a command. If a line of a command
// ends with a backslash, the next line continues the command. The other lines are the output of the
// command.
//
//   - `remotion-audit …` runs with an embedded AWS, and so do the file commands between such lines.
//     The exit status must be 0 or 1 (gaps). The output on the page must be the real output. A line
//     `…` on the page replaces omitted paragraphs.
//   - `make …` must name targets of the Makefile.
//   - `aws …` runs a stub, and the test checks the form of the arguments.
//   - bash parses every other command, without running it. The command must begin with a known
//     program.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	ran := 0
	t.Run("pages", func(t *testing.T) {
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			examples := consoleExamples(string(text))
			if len(examples) == 0 {
				continue
			}
			ran += len(examples)
			t.Run(strings.TrimPrefix(page, "../../"), func(t *testing.T) {
				t.Parallel()
				shell := newDocShell(t)
				corrected := string(text)
				for _, e := range examples {
					output := shell.run(e)
					if output != e.output {
						corrected = strings.Replace(corrected, e.text+e.output, e.text+output, 1)
					}
				}
				if golden.Update() && corrected != string(text) && !t.Failed() {
					golden.Write(t, page, []byte(corrected))
				}
			})
		}
	})
	if ran < 40 {
		t.Errorf("the pages have %d commands: the parser of console blocks is broken", ran)
	}
}

// A consoleExample is one command of a page.
type consoleExample struct {
	// text is the command as the page shows it, with the `$ ` and the last line break.
	text string
	// command is text without the `$ `.
	command string
	// output is the text that the page shows below the command. It can be empty.
	output string
}

func consoleExamples(page string) (list []consoleExample) {
	for _, block := range strings.Split(page, "\n```console\n")[1:] {
		block, _, _ = strings.Cut(block, "\n```")
		continued := false
		for line := range strings.SplitSeq(block, "\n") {
			command, begins := strings.CutPrefix(line, "$ ")
			switch {
			case begins:
				list = append(list, consoleExample{text: line + "\n", command: command + "\n"})
			case len(list) == 0:
				list = append(list, consoleExample{text: line + "\n", command: "no command\n"})
			case continued:
				list[len(list)-1].text += line + "\n"
				list[len(list)-1].command += line + "\n"
			default:
				list[len(list)-1].output += line + "\n"
			}
			continued = (begins || continued) && strings.HasSuffix(line, `\`)
		}
	}
	return list
}

// placeholders lists the names that a reader replaces, and the values that this test uses.
var placeholders = []struct {
	name        *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`\bmine\.yaml\b`), "examples/drifted/account.yaml"},
	{regexp.MustCompile(`\bBUCKET\b`), "remotion-audit-evidence"},
	{regexp.MustCompile(`--topic-arn (ARN|TOPIC-ARN)\b`),
		"--topic-arn arn:aws:sns:us-east-1:123456789012:remotion-audit"},
}

const documentedAddress = "127.0.0.1:4599"

// notRun lists programs that the test does not run. Their commands need a network, an AWS account,
// npm packages or several minutes.
var notRun = []string{"sam", "npx", "go", "git", "mkdir", "cd", "bash", "$EDITOR", "(cd", "while"}

// A docShell is a checkout of the repository, an embedded AWS and an environment for the commands
// of one page.
type docShell struct {
	t   *testing.T
	dir string
	env []string
	// address replaces documentedAddress once the page has started `local --serve`.
	address string
	// status is the exit status of the previous command.
	status int
}

func newDocShell(t *testing.T) *docShell {
	t.Helper()
	s := &docShell{t: t, dir: t.TempDir()}
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(s.dir, "dist", "local")
	if err := os.MkdirAll(bin, 0o777); err != nil {
		t.Fatal(err)
	}
	link := func(from, to string) {
		from, err := filepath.Abs(from)
		if err == nil {
			err = os.Symlink(from, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		if e.Name() != "dist" && e.Name() != ".git" {
			link("../../"+e.Name(), filepath.Join(s.dir, e.Name()))
		}
	}
	link(command, filepath.Join(bin, "remotion-audit"))
	link(bootstrap, filepath.Join(bin, "bootstrap"))
	// The stub writes its arguments to a log, each with a NUL after it.
	stub := filepath.Join(s.dir, "dist", "stub")
	if err := os.MkdirAll(stub, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stub, "aws"),
		[]byte("#!/bin/sh\nprintf '%s\\0' \"$@\" >>\"$AWS_STUB_LOG\"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	server := &awsemu.Server{Account: account(t, "drifted")}
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() }) // the subtest has ended
	s.env = []string{"PATH=" + stub + ":" + bin + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"USER=kim", "AWS_EC2_METADATA_DISABLED=true", "AWS_STUB_LOG=" + filepath.Join(stub, "log"),
		"AWS_ENDPOINT_URL=" + endpoint.URL, "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
		"AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1"}
	return s
}

// run checks one example, and returns the output that the page should show.
func (s *docShell) run(e consoleExample) string {
	s.t.Helper()
	line := e.command
	if s.address != "" {
		line = strings.ReplaceAll(line, documentedAddress, s.address)
	}
	syntax := exec.Command("bash", "-n", "-c", line)
	if out, err := syntax.CombinedOutput(); err != nil {
		s.t.Errorf("%s%v\n%s", e.text, err, out)
		return e.output
	}
	program := strings.Fields(line)[0]
	switch {
	case filepath.Base(program) == "remotion-audit" && strings.Contains(line, " --serve"):
		s.serve(line)
	case filepath.Base(program) == "remotion-audit",
		slices.Contains([]string{"cp", "sed", "cat", "echo"}, program):
		return s.execute(e, line)
	case program == "export":
		for pair := range strings.FieldsSeq(strings.TrimPrefix(line, "export ")) {
			if pair != "AWS_PROFILE=PROFILE" { // there is no such profile
				s.env = append(s.env, pair)
			}
		}
	case program == "make":
		s.checkTargets(line)
	case program == "aws", regexp.MustCompile(`^\w+=\$\(aws `).MatchString(line):
		s.checkCallOfAWS(line)
	case !slices.Contains(notRun, program):
		s.t.Errorf("%sbegins with the unknown program %q", e.text, program)
	}
	return e.output
}

// bash prepares a command with the environment of the page.
func (s *docShell) bash(line string) *exec.Cmd {
	cmd := exec.CommandContext(s.t.Context(), "bash", "-c", line)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

func (s *docShell) execute(e consoleExample, line string) string {
	s.t.Helper()
	for _, p := range placeholders {
		line = p.name.ReplaceAllString(line, p.replacement)
	}
	if strings.Contains(line, "…") {
		s.t.Errorf("%scontains …, so the command is not complete", e.text)
		return e.output
	}
	var stdout, stderr bytes.Buffer
	cmd := s.bash(fmt.Sprintf("(exit %d); %s", s.status, line))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		s.t.Fatal(err)
	}
	if s.status = cmd.ProcessState.ExitCode(); s.status > 1 {
		s.t.Errorf("%sexit status %d\n%s%s", e.text, s.status, &stdout, &stderr)
		return e.output
	}
	if e.output == "" {
		return ""
	}
	// The page may show the command's standard error first, or leave it out.
	actual := exampleRun(stdout.String())
	errs := strings.Fields(stderr.String())
	if len(errs) > 0 && strings.HasPrefix(e.output, errs[0]+" ") {
		actual = stderr.String() + actual
	}
	want := abbreviate(e.output, actual)
	if want != e.output && !golden.Update() {
		s.t.Errorf("%sthe page shows\n%s\nwant (fix with -update)\n%s\nfrom the output\n%s", e.text,
			e.output, want, actual)
	}
	return want
}

// abbreviate returns the real output in the form that the page must show. Without a line `…`, the
// page must show the whole output. Otherwise, abbreviate replaces each shown paragraph with the
// next real paragraph that begins with the same word.
func abbreviate(shown, actual string) string {
	const ellipsis = "…"
	if !slices.Contains(strings.Split(shown, "\n"), ellipsis) {
		return actual
	}
	rest := strings.Split(strings.TrimSpace(actual), "\n\n")
	var list []string
	for _, paragraph := range strings.Split(strings.TrimSpace(shown), "\n\n") {
		if paragraph == ellipsis {
			list = append(list, ellipsis)
			continue
		}
		word := strings.Fields(paragraph)[0]
		i := slices.IndexFunc(rest, func(p string) bool { return strings.HasPrefix(p, word+" ") })
		if i < 0 {
			list = append(list, "(no paragraph begins with "+word+")")
			continue
		}
		list = append(list, rest[i])
		rest = rest[i+1:]
	}
	return strings.Join(list, "\n\n") + "\n"
}

// serve starts `remotion-audit local --serve` on a free port for the commands that follow.
func (s *docShell) serve(line string) {
	s.t.Helper()
	line = strings.ReplaceAll(line, documentedAddress, "127.0.0.1:0")
	for _, p := range placeholders {
		line = p.name.ReplaceAllString(line, p.replacement)
	}
	cmd := s.bash("exec " + line)
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // the process may have ended
		_ = cmd.Wait()                       // the error is the interrupt
	})
	text, buffer := "", make([]byte, 4096)
	for !strings.Contains(text, "\nexport AWS_ACCESS_KEY_ID") {
		n, err := out.Read(buffer)
		if err != nil {
			s.t.Fatalf("%s: %v after %q", line, err, text)
		}
		text += string(buffer[:n])
	}
	_, rest, _ := strings.Cut(text, "AWS_ENDPOINT_URL=http://")
	s.address, _, _ = strings.Cut(rest, "\n")
}

// checkTargets checks that the Makefile contains the targets of a make command.
func (s *docShell) checkTargets(line string) {
	s.t.Helper()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		s.t.Fatal(err)
	}
	line, _, _ = strings.Cut(line, " #")
	line, _, _ = strings.Cut(line, "PARAMETERS='")
	targets := 0
	for word := range strings.FieldsSeq(strings.TrimPrefix(line, "make")) {
		if strings.Contains(word, "=") || word == `\` {
			continue
		}
		targets++
		if !bytes.Contains(makefile, []byte("\n"+word+":")) {
			s.t.Errorf("%sthe Makefile has no target %q", line, word)
		}
	}
	if targets == 0 {
		s.t.Errorf("%snames no target", line)
	}
}

var (
	awsWord   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	awsOption = regexp.MustCompile(`^--[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
)

// checkCallOfAWS checks the form of the arguments of an AWS CLI command. bash splits the command
// into arguments.
func (s *docShell) checkCallOfAWS(line string) {
	s.t.Helper()
	log := filepath.Join(s.dir, "dist", "stub", "log")
	_ = os.Remove(log) // the log does not exist before the first call
	cmd := s.bash(line)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Errorf("%s%v\n%s", line, err, out)
		return
	}
	raw, err := os.ReadFile(log)
	if err != nil {
		s.t.Errorf("%sdoes not call aws: %v", line, err)
		return
	}
	args := strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")
	if len(args) < 2 || !awsWord.MatchString(args[0]) || !awsWord.MatchString(args[1]) {
		s.t.Errorf("%sis not aws SERVICE OPERATION …: %q", line, args)
		return
	}
	for i, arg := range args[2:] { // args[2:2+i] are the options before arg
		switch {
		case !strings.HasPrefix(arg, "-"):
		case !awsOption.MatchString(arg):
			s.t.Errorf("%s%q is not an option", line, arg)
		case slices.Contains(args[2:2+i], arg):
			s.t.Errorf("%s%s appears twice", line, arg)
		}
	}
	if i := slices.Index(args, "--payload"); i >= 0 && i+1 < len(args) {
		if _, err := app.ParseEvent([]byte(args[i+1])); err != nil {
			s.t.Errorf("%s--payload: %v", line, err)
		}
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, `{"`) && !json.Valid([]byte(arg)) {
			s.t.Errorf("%s%q is not JSON", line, arg)
		}
	}
}
