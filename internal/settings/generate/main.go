// Command generate writes the files and the parts of files that follow from internal/settings:
// parameters and environment in template.yaml, the tables in docs/configuration.md, app.Config and
// infra.PermissionAuditorProps. `go generate ./internal/settings` runs it. A test fails if a file
// is out of date.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func main() {
	// go generate runs the command in the directory of package settings.
	if err := run("../.."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes the generated files that are out of date.
func run(root string) error {
	files, err := generated(root, settings.All())
	if err != nil {
		return err
	}
	for name, want := range files {
		file := filepath.Join(root, name)
		if got, err := os.ReadFile(file); err == nil && bytes.Equal(got, want) {
			continue
		}
		if err := os.WriteFile(file, want, 0o666); err != nil {
			return err
		}
		fmt.Println("wrote", name)
	}
	return nil
}

// generated returns the current content of all files with generated parts, by path below root.
func generated(root string, all []settings.Setting) (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, parts := range map[string][]part{
		"template.yaml": {
			{"  # generated: parameters\n", "  # end\n", templateParameters(all)},
			{"          # generated: environment\n", "          # end\n", templateEnvironment(all)},
		},
		"docs/configuration.md": {
			{"<!-- generated: variables -->\n", "<!-- end -->\n", variableTable(all)},
			{"<!-- generated: parameters -->\n", "<!-- end -->\n", parameterTable(all)},
		},
	} {
		page, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			if page, err = p.replaceIn(page); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		files[name] = page
	}
	for name, source := range map[string]func([]settings.Setting) ([]byte, error){
		"internal/app/config_generated.go": configSource,
		"infra/props_generated.go":         propsSource,
	} {
		var err error
		if files[name], err = source(all); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, nil
}

// part is a generated part of a file between two lines.
type part struct{ begin, end, content string }

func (p part) replaceIn(page []byte) ([]byte, error) {
	before, rest, found := strings.Cut(string(page), p.begin)
	_, after, closed := strings.Cut(rest, p.end)
	if !found || !closed {
		return nil, fmt.Errorf("has no part between the lines %q and %q", p.begin, p.end)
	}
	return []byte(before + p.begin + p.content + p.end + after), nil
}

// wrap breaks a text into lines of at most 100 columns, each of which begins with the prefix.
func wrap(prefix, text string) string {
	var b strings.Builder
	for _, line := range textfmt.Wrap(text, 100-utf8.RuneCountInString(prefix)) {
		b.WriteString(prefix + line + "\n")
	}
	return b.String()
}
