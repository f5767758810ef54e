package repository

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// TestSecurityPageIsGenerated checks that docs/security.md lists the permissions that template.yaml
// grants to the function's role, with the purposes from the contract.
func TestSecurityPageIsGenerated(t *testing.T) {
	const file = "../../docs/security.md"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, part := range []struct {
		name        string
		permissions []contract.Permission
	}{
		{"called", slices.Concat(contract.ReadPermissions(), contract.FunctionPermissions())},
		{"on behalf", contract.OnBehalfPermissions()},
	} {
		begin, end := "<!-- generated: "+part.name+" -->\n", "<!-- end -->"
		before, rest, found := strings.Cut(page, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("%s has no section between %q and %q", file, begin, end)
		}
		page = before + begin + permissionTable(t, part.permissions) + end + after
	}
	golden.Compare(t, file, []byte(page))
}

// permissionTable returns a Markdown table. The row of an action contains the action's resources
// and condition in template.yaml, and its purpose.
func permissionTable(t *testing.T, permissions []contract.Permission) string {
	var b strings.Builder
	b.WriteString("| action | resource | purpose |\n|---|---|---|\n")
	granted := grants(t, readResources(t))
	for _, p := range permissions {
		i := slices.IndexFunc(granted, func(g grant) bool {
			return g.Sid == sidOf(p.Scope) && slices.Contains(g.Actions, any(p.Action))
		})
		if i < 0 {
			t.Fatalf("template.yaml does not grant %s", p.Action)
		}
		var resources []string
		for _, resource := range granted[i].Resources {
			name := strings.ReplaceAll(resource.(string), someKey, "${EvidenceKmsKeyArn}")
			resources = append(resources, "`"+name+"`")
		}
		text := strings.Join(resources, ", ")
		if condition, _ := granted[i].Condition.(map[string]any); condition != nil {
			for _, keys := range condition {
				for key, value := range keys.(map[string]any) {
					text += fmt.Sprintf(" if `%s` is `%s`", key, value)
				}
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Action, text, p.Purpose)
	}
	return b.String()
}
