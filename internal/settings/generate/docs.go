package main

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/settings"
)

// variableTable returns the table of the function's environment variables.
func variableTable(all []settings.Setting) string {
	var b strings.Builder
	b.WriteString("| variable | parameter | default | meaning |\n|---|---|---|---|\n")
	for _, s := range all {
		if s.Variable != "" {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Variable, s.Parameter, defaultCell(s), s.Docs)
		}
	}
	return b.String()
}

// parameterTable returns the table of the parameters that the function does not read.
func parameterTable(all []settings.Setting) string {
	var b strings.Builder
	b.WriteString("| parameter | default | meaning |\n|---|---|---|\n")
	for _, s := range all {
		if s.Parameter != "" && s.Variable == "" {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Parameter, defaultCell(s), s.Docs)
		}
	}
	return b.String()
}

func defaultCell(s settings.Setting) string {
	switch {
	case s.Required:
		return ""
	case s.FunctionDefault != "":
		return s.FunctionDefault
	case s.Default == "":
		return "none"
	}
	return "`" + s.Default + "`"
}
