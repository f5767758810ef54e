// Package lint asks cfn-lint about a template: it knows what CloudFormation's resources take, which
// internal/cfn does not.
//
//	lint.Check(t, "../../template.yaml")
//
// What it finds and is accepted stands in this package with a reason, for template.yaml and the
// template of CDK alike. What a template tells cfn-lint to ignore is not ignored here: that is for
// those who run it by hand.
package lint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// A Finding is something that cfn-lint does not like.
type Finding struct {
	File    string
	Rule    string // E for an error, W for a warning, and a number
	Where   string // the path in the template: Resources/Topic/Properties/Name
	Line    int
	Message string
}

// accepted is what cfn-lint finds and is right as it is. Where is the path, with names as
// template.yaml has them: the construct's id before them and the hash after them, in what CDK
// writes, are left out.
var accepted = []struct {
	rule   string
	where  *regexp.Regexp
	reason string
}{
	{"E3002", regexp.MustCompile(`^Resources/DeadManAlarm/Properties/WarmUpConfiguration$`),
		"a property since 2026, which cfn-lint 1.51 does not know: " +
			"https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html"},
	{"W1030", regexp.MustCompile(`^Resources/AlertTopic/Properties/KmsMasterKeyId/Fn::If/2/Ref$`),
		"KmsKeyArn is empty by default, and is used where it is not"},
	{"W1033",
		regexp.MustCompile(
			`^(Parameters/NamedPrincipals/Default|Resources/AuditPolicy/Properties/PolicyDocument/` +
				`Statement/[0-9]+/Fn::If/1/Resource/Fn::Split)$`),
		"NamedPrincipals is empty by default, and is used with ReadScope=named, for which a rule wants " +
			"it filled"},
	{"W3005", regexp.MustCompile(`^Resources/[A-Za-z]+/DependsOn/[0-9]+$`),
		"CDK lists all parts of a construct in DependsOn, and also refers to some of them"},
}

var fromCDK = regexp.MustCompile(`^(Resources/)Auditor([A-Za-z]+?)[0-9A-F]{8}/`)

// Check fails the test for each finding in the templates at these paths that is not accepted, and
// skips it where cfn-lint is not installed.
func Check(t testing.TB, paths ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("cfn-lint takes seconds: make test")
	}
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Skipf("SKIPPED: cfn-lint is not installed, so nothing has checked %s against "+
			"CloudFormation's own rules (pip install cfn-lint)", strings.Join(paths, ", "))
	}
	// The go command takes a result from its cache unless a file that the test itself has read has
	// changed.
	for _, path := range paths {
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := Run(t.Context(), paths...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if reason, ok := f.accepted(); ok {
			t.Logf("%s:%d: %s at %s, accepted: %s", f.File, f.Line, f.Rule, f.Where, reason)
			continue
		}
		t.Errorf("%s:%d: %s at %s: %s", f.File, f.Line, f.Rule, f.Where, f.Message)
	}
}

// Run returns what cfn-lint finds in the templates at these paths.
func Run(ctx context.Context, paths ...string) ([]Finding, error) {
	// Errors and warnings are mandatory, even if the template ignores them. The exit status tells of
	// findings, as the output does.
	args := append([]string{"--format", "json", "--mandatory-checks", "E", "W", "--"}, paths...)
	out, err := exec.CommandContext(ctx, "cfn-lint", args...).Output()
	findings, parseErr := parse(out)
	if parseErr == nil {
		return findings, nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w\n%s", err, exit.Stderr)
	}
	return nil, fmt.Errorf("cfn-lint %s: %w", strings.Join(paths, " "), errors.Join(err, parseErr))
}

func parse(out []byte) (findings []Finding, err error) {
	var list []struct {
		Filename string
		Rule     struct{ ID string }
		Message  string
		Location struct {
			Start struct{ LineNumber int }
			Path  []any
		}
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("its output: %w", err)
	}
	for _, f := range list {
		var path []string
		for _, step := range f.Location.Path {
			path = append(path, fmt.Sprint(step))
		}
		findings = append(findings, Finding{f.Filename, f.Rule.ID, strings.Join(path, "/"),
			f.Location.Start.LineNumber, f.Message})
	}
	return findings, nil
}

// accepted reports whether the finding is one that is right as it is, and why.
func (f Finding) accepted() (reason string, ok bool) {
	where := fromCDK.ReplaceAllString(f.Where, "$1$2/")
	for _, a := range accepted {
		if a.rule == f.Rule && a.where.MatchString(where) {
			return a.reason, true
		}
	}
	return "", false
}
