// Package cfntest reads templates in tests.
package cfntest

import (
	"os"
	"regexp"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
)

// Read reads a template from a file. An error ends the test.
func Read(t testing.TB, file string) cfn.Template {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	template, err := cfn.Parse(data)
	if err != nil {
		t.Fatal(file, ": ", err)
	}
	return template
}

// cdkID matches a logical id of CDK: template.yaml's id between the construct's id and a hash.
var cdkID = regexp.MustCompile(`\bAuditor([A-Za-z0-9]*?)[0-9A-F]{8}\b`)

// TemplateIDs returns a text that CDK wrote for a construct named Auditor, with the logical ids of
// template.yaml.
func TemplateIDs(text string) string { return cdkID.ReplaceAllString(text, "$1") }

// ParseCDK parses a template that CDK wrote for a construct named Auditor, with the logical ids of
// template.yaml. An error ends the test.
func ParseCDK(t testing.TB, text []byte) cfn.Template {
	t.Helper()
	template, err := cfn.Parse([]byte(TemplateIDs(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	return template
}
