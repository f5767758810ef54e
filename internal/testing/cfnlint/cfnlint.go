// Package cfnlint checks templates with cfn-lint. Unlike internal/cfn, cfn-lint checks the
// properties of each resource and their values.
//
//	cfnlint.Check(t, "../../template.yaml")
//
// The package contains a list of accepted findings, each with a reason. The list applies to
// template.yaml and to the template from CDK. The package also reports findings that the Metadata
// of a template disables: that Metadata is only for people who run cfn-lint by hand.
package cfnlint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// Finding is an error or a warning of cfn-lint.
type Finding struct {
	File    string
	Rule    string // such as E3002 (an error) or W1030 (a warning)
	Where   string // the path in the template, such as Resources/Topic/Properties/Name
	Line    int
	Message string
}

// accepted lists the findings that need no change to the template. where matches the path of a
// finding, with the resource names of template.yaml. CDK adds a prefix (the construct's id) and a
// suffix (a hash) to a resource name; Finding.accepted removes both before the match.
var accepted = []struct {
	rule   string
	where  *regexp.Regexp
	reason string
}{
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

// Check runs cfn-lint on the templates at these paths. A finding that is not accepted is a test
// error. Check skips the test with -short, or if cfn-lint is not installed.
func Check(t testing.TB, paths ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("cfn-lint takes seconds: make test")
	}
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Skipf("SKIPPED: cfn-lint is not installed, so %s is not checked against CloudFormation's "+
			"rules (pip install cfn-lint)", strings.Join(paths, ", "))
	}
	// Read the templates in the test itself: the go command caches the result of a test until a file
	// changes that the test has read. It does not track the files that cfn-lint reads.
	for _, path := range paths {
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := Run(t, paths...)
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

// schemas is the file that declares the properties that cfn-lint does not know yet, so that it
// checks their values. .cfnlintrc.yaml names the same file.
const schemas = "infra/cfn-lint.json"

// Run returns the findings of cfn-lint in the templates at these paths.
func Run(t testing.TB, paths ...string) ([]Finding, error) {
	t.Helper()
	// --mandatory-checks reports errors and warnings even if the template disables them. If there are
	// findings, cfn-lint exits with a nonzero status, so Run ignores the status of a valid output.
	args := append([]string{"--format", "json", "--mandatory-checks", "E", "W", "--override-spec",
		repo.Path(t, schemas), "--"}, paths...)
	out, err := exec.CommandContext(t.Context(), "cfn-lint", args...).Output()
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

// accepted returns the reason for an accepted finding; ok is false if the finding is not accepted.
func (f Finding) accepted() (reason string, ok bool) {
	where := fromCDK.ReplaceAllString(f.Where, "$1$2/")
	for _, a := range accepted {
		if a.rule == f.Rule && a.where.MatchString(where) {
			return a.reason, true
		}
	}
	return "", false
}
