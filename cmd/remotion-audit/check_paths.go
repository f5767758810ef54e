package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The limits of a search for files: of the entries of all directories, of the directories around a
// file, and of the files that are read.
const (
	maxEntries = 50_000
	maxNested  = 32
	maxFound   = 1_000
)

// fileExtensions are the extensions of files with policies.
var fileExtensions = []string{".json", ".yaml", ".yml", ".template"}

// skippedDirectories are directories that hold no source of the user. Directories whose names begin
// with a dot are skipped, too.
var skippedDirectories = []string{"node_modules", "dist", "vendor"}

// expand returns the files that an argument names: the files of a directory and of all directories
// below it, or those that a pattern matches. several is false for the name of one file.
func (f *files) expand(name string) (paths []string, several bool, err error) {
	about := aboutFile("", name)
	s := search{files: f}
	info, err := os.Stat(name)
	isPattern := err != nil && strings.ContainsAny(name, patternCharacters)
	switch {
	case name == "-", err != nil && !isPattern, err == nil && !info.IsDir():
		return []string{name}, false, nil // reading the file gives the error
	case err == nil && isAssembly(f, name):
		return []string{name}, true, nil
	case err == nil:
		s.assemblies = true
		s.matches = func(path string) bool {
			return slices.Contains(fileExtensions, strings.ToLower(filepath.Ext(path)))
		}
		err = s.directory(filepath.Clean(name), 0)
	default:
		pattern := filepath.ToSlash(filepath.Clean(name))
		if !doublestar.ValidatePattern(pattern) {
			return nil, true, fmt.Errorf("%s: the pattern is invalid: close each [ and {", about)
		}
		base, _ := doublestar.SplitPattern(pattern)
		s.matches = func(path string) bool {
			return doublestar.MatchUnvalidated(pattern, filepath.ToSlash(path))
		}
		err = s.directory(filepath.FromSlash(base), 0)
	}
	switch {
	case isPattern && len(s.found) == 0 && (err == nil || errors.Is(err, os.ErrNotExist)):
		err = errors.New("no file matches the pattern")
	case err == nil && len(s.found) == 0:
		err = fmt.Errorf("no file with the extension %s", textfmt.Or(fileExtensions))
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if err != nil {
		return nil, true, fmt.Errorf("%s: %w", about, err)
	}
	return s.found, true, nil
}

// patternCharacters are the characters of patterns that a shell expands.
const patternCharacters = "*?[{"

// A search looks for files in directories.
type search struct {
	files   *files
	matches func(path string) bool
	// assemblies is true if a directory that CDK wrote counts as one file.
	assemblies bool
	found      []string
	entries    int
}

// directory searches a directory, in the order of the names. It does not follow links to
// directories, so that it ends.
func (s *search) directory(name string, depth int) error {
	if err := s.files.ctx.Err(); err != nil {
		return err
	}
	if depth > maxNested {
		return fmt.Errorf("more than %d directories are nested: name a directory further down", maxNested)
	}
	list, err := s.read(name)
	if err != nil {
		return err
	}
	for _, e := range list {
		path := filepath.Join(name, e.Name())
		switch {
		case e.IsDir() && (strings.HasPrefix(e.Name(), ".") ||
			slices.Contains(skippedDirectories, e.Name())):
		case e.IsDir() && s.assemblies && isAssembly(s.files, path):
			s.found = append(s.found, path)
		case e.IsDir():
			if err := s.directory(path, depth+1); err != nil {
				return err
			}
		case s.matches(path) && isFile(path, e):
			if s.found = append(s.found, path); len(s.found) > maxFound {
				return fmt.Errorf("more than %d files: name a directory further down, or a pattern", maxFound)
			}
		}
	}
	return nil
}

// read returns the sorted entries of a directory.
func (s *search) read(name string) ([]os.DirEntry, error) {
	dir, err := os.Open(cmp.Or(name, "."))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	list, err := dir.ReadDir(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if s.entries += len(list); s.entries > maxEntries {
		return nil, fmt.Errorf("more than %d files and directories: name a directory further down",
			maxEntries)
	}
	slices.SortFunc(list, func(a, b os.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return list, nil
}

// isFile reports whether an entry is a file, or a link to one.
func isFile(path string, e os.DirEntry) bool {
	if e.Type()&os.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// isAssembly reports whether CDK wrote a directory.
func isAssembly(f *files, directory string) bool {
	_, ok := f.assembly(directory)
	return ok
}
