package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/output"
)

const locationUsage = "file of the repository that stands for the account in formats for code " +
	"review, such as sarif (default: " + output.DefaultPlace + ")"

// thisTool returns what the command writes about itself into a document.
func thisTool() *contract.Tool {
	v := currentVersion()
	t := &contract.Tool{Name: contract.ToolName, Version: v.Version, Commit: v.Commit}
	if v.Dirty {
		t.Commit += "-dirty"
	}
	return t
}

// reviewPath returns the path of a file that code review shows, or the name itself.
func reviewPath(name string) string {
	path, err := sourcePath(name)
	if err != nil {
		return name
	}
	return path
}

// sourcePath returns the path of a file from the root of its repository, or else from the working
// directory, with slashes. Code scanning and annotations need it. The path of a file outside of
// both begins with "..". An empty name has an empty path.
func sourcePath(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	if strings.ContainsRune(name, 0) {
		return "", errors.New("the name has a NUL character")
	}
	full, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	base, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if root, ok := repositoryRoot(base); ok {
		base = root
	}
	path, err := filepath.Rel(base, full)
	if err != nil { // another volume of Windows
		return filepath.Base(full), nil
	}
	return filepath.ToSlash(path), nil
}

// programSource returns the path of a source that CDK recorded, from the working directory. It is
// empty if the source is not a file of the repository, or of the working directory without one: the
// program can have run on another machine.
func programSource(recorded string) string {
	base, err := os.Getwd()
	if err != nil || !filepath.IsAbs(recorded) {
		return ""
	}
	root, ok := repositoryRoot(base)
	if !ok {
		root = base
	}
	// Node records paths without links.
	resolved := func(path string) string {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			return target
		}
		return path
	}
	source := resolved(recorded)
	inside, err := filepath.Rel(resolved(root), source)
	info, statErr := os.Stat(source)
	if err != nil || !filepath.IsLocal(inside) || statErr != nil || !info.Mode().IsRegular() {
		return ""
	}
	path, err := filepath.Rel(resolved(base), source)
	if err != nil {
		return ""
	}
	return path
}

// repositoryRoot returns the nearest directory with a .git, from a directory upwards. In a worktree
// and in a submodule, .git is a file. ok is false outside of a repository.
func repositoryRoot(dir string) (root string, ok bool) {
	for {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
		dir = filepath.Dir(dir)
	}
}
