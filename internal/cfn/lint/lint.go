// Package lint checks templates with cfn-lint, which knows the properties of CloudFormation's
// resources. internal/cfn does not.
//
//	lint.Check(t, "../../template.yaml")
//
// This package lists the accepted findings with their reasons, for template.yaml and the template
// of CDK. It reports findings even if the template tells cfn-lint to ignore them: those settings
// are for users who run cfn-lint by hand.
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

// Finding is an error or a warning of cfn-lint.
type Finding struct {
	File    string
	Rule    string // E (error) or W (warning), and a number
	Where   string // the path in the template, such as Resources/Topic/Properties/Name
	Line    int
	Message string
}

// accepted lists findings that are wrong or harmless. where matches the path with the logical ids
// of template.yaml: the prefix and the hash of CDK's logical ids are removed first.
var accepted = []struct {
	rule   string
	where  *regexp.Regexp
	reason string
}{
	{"E3002", regexp.MustCompile(`^Resources/DeadManAlarm/Properties/WarmUpConfiguration$`),
		"cfn-lint 1.51 does not support this property of 2026: " +
			"https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html"},
	{"W1030", regexp.MustCompile(`^Resources/AlertTopic/Properties/KmsMasterKeyId/Fn::If/2/Ref$`),
		"KmsKeyArn is empty by default, and used only if set"},
	{"W1033",
		regexp.MustCompile(
			`^(Parameters/NamedPrincipals/Default|Resources/AuditPolicy/Properties/PolicyDocument/` +
				`Statement/[0-9]+/Fn::If/1/Resource/Fn::Split)$`),
		"NamedPrincipals is empty by default, and used only with ReadScope=named, for which a rule " +
			"requires it"},
	{"W3005", regexp.MustCompile(`^Resources/[A-Za-z]+/DependsOn/[0-9]+$`),
		"CDK lists all parts of a construct in DependsOn, even if a property refers to them"},
}

var fromCDK = regexp.MustCompile(`^(Resources/)Auditor([A-Za-z]+?)[0-9A-F]{8}/`)

// Check reports each finding in the templates at these paths that is not accepted as a test error.
// It skips the test if cfn-lint is not installed.
func Check(t testing.TB, paths ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("cfn-lint takes seconds: make test")
	}
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Skipf("SKIPPED: cfn-lint is not installed, so %s is not checked against CloudFormation's "+
			"rules (pip install cfn-lint)", strings.Join(paths, ", "))
	}
	// The go command reuses a cached result unless a file that the test has read has changed. It does
	// not see the files that cfn-lint reads.
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

// Run returns the findings of cfn-lint in the templates at these paths.
func Run(ctx context.Context, paths ...string) ([]Finding, error) {
	// Mandatory checks also run if the template ignores them. The exit status is not 0 if there are
	// findings, so a readable output is a success.
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
		return nil, fmt.Errorf("output: %w", err)
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

// accepted returns the reason why a finding is accepted; ok is false if it is not.
func (f Finding) accepted() (reason string, ok bool) {
	where := fromCDK.ReplaceAllString(f.Where, "$1$2/")
	for _, a := range accepted {
		if a.rule == f.Rule && a.where.MatchString(where) {
			return a.reason, true
		}
	}
	return "", false
}
