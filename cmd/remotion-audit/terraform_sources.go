package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// The limits of the sources of a plan. Positions need them, not the verdict, so what exceeds them
// has no positions.
const (
	maxSourceFiles = 500
	maxSourceBytes = 1 << 20
)

// terraformSources returns the sources of the modules of a plan by path, if the plan is in the
// directory of its root module. root is that directory. The sources of a plan from standard input
// are those of the working directory.
func terraformSources(plan string, directories []string) (root string, texts map[string][]byte) {
	root = "."
	if plan != "-" {
		root = filepath.ToSlash(filepath.Dir(plan))
	}
	texts = map[string][]byte{}
	for _, directory := range directories {
		dir := path.Join(root, directory)
		names, err := filepath.Glob(filepath.Join(filepath.FromSlash(escapeGlob(dir)), "*.tf"))
		if err != nil {
			continue
		}
		for _, name := range names {
			info, err := os.Stat(name)
			if err != nil || !info.Mode().IsRegular() || info.Size() > maxSourceBytes ||
				len(texts) == maxSourceFiles {
				continue
			}
			if text, err := readFile(name, maxSourceBytes); err == nil {
				texts[filepath.ToSlash(name)] = text
			}
		}
	}
	return root, texts
}

// escapeGlob returns a pattern that matches only the name.
func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}
