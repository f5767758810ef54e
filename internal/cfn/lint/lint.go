// Package lint checks templates with cfn-lint. Unlike internal/cfn, cfn-lint knows which properties
// and values each CloudFormation resource type accepts.
//
//	lint.Check(t, "../../template.yaml")
//
// This package lists the accepted findings, each with a reason. The list applies to template.yaml
// and to the CDK template. The package also reports findings that a template tells cfn-lint to
// ignore: those settings are only for people who run cfn-lint by hand.
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

// accepted lists the findings that need no change to the template. where matches the path of a
// finding, with the resource names of template.yaml. In a CDK template, the prefix (the construct's
// id) and the suffix (a hash) are removed from a resource name before the match.
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
		"NamedPrincipals is empty by default; the template uses it only with ReadScope=named, and a " +
			"template rule then requires a value"},
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
	// --mandatory-checks reports errors and warnings even if the template ignores them. cfn-lint exits
	// with a nonzero status if it has findings, so Run ignores the status if it can parse the output.
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
