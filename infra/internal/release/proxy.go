// Package release builds the two modules of this repository in the form of a release: the root
// module with the function, and infra/, which requires the root module at the same version. In a
// checkout, infra/go.mod replaces the root module with the parent directory. A release must not
// contain the replace directive, which has no effect in modules that require infra/.
//
//	err := release.WriteProxy(folder, "..", "v0.2.0") // then GOPROXY=file://folder
//
// Prepare changes go.mod and go.sum of infra/ in the checkout to their form in a release, and
// returns the git commands that make the release.
package release

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// The paths of the two modules.
const (
	Root  = "github.com/remotion-audit/remotion-audit"
	Infra = Root + "/infra"
)

// WriteProxy writes both modules of a checkout to folder, as the given version. The folder can be a
// file:// GOPROXY. The modules contain uncommitted files, but no files that git ignores.
func WriteProxy(folder, checkout, version string) error {
	files, err := sources(checkout)
	if err != nil {
		return err
	}
	var root, infra []zip.File
	for _, f := range files {
		if inner, ok := strings.CutPrefix(f.Path(), "infra/"); !ok {
			root = append(root, f)
		} else if inner != "go.mod" && inner != "go.sum" {
			infra = append(infra, renamed{f, inner})
		}
		if f.Path() == "LICENSE" {
			infra = append(infra, f) // as the go command does for a module in a subdirectory
		}
	}
	if err := write(folder, module.Version{Path: Root, Version: version}, root); err != nil {
		return err
	}
	mod, sum, err := released(checkout, version, files)
	if err != nil {
		return err
	}
	infra = append(infra, content{"go.mod", mod}, content{"go.sum", sum})
	return write(folder, module.Version{Path: Infra, Version: version}, infra)
}

// write writes one version of a module in the layout of https://go.dev/ref/mod#goproxy-protocol.
func write(folder string, m module.Version, files []zip.File) error {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	versions := filepath.Join(folder, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	i := slices.IndexFunc(files, func(f zip.File) bool { return f.Path() == "go.mod" })
	if i < 0 {
		return fmt.Errorf("%s has no go.mod", m.Path)
	}
	mod, err := read(files[i])
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, m, files); err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	for name, data := range map[string][]byte{
		"list":              []byte(m.Version + "\n"),
		m.Version + ".info": fmt.Appendf(nil, `{"Version":%q}`, m.Version),
		m.Version + ".mod":  mod,
		m.Version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// released returns the go.mod and go.sum of infra/ in a release. files are the files of the
// checkout.
func released(checkout, version string, files []zip.File) (mod, sum []byte, err error) {
	file := filepath.Join(checkout, "infra", "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := modfile.Parse(file, data, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := parsed.DropReplace(Root, ""); err != nil {
		return nil, nil, err
	}
	if err := parsed.AddRequire(Root, version); err != nil {
		return nil, nil, err
	}
	parsed.Cleanup()
	if len(parsed.Replace) > 0 {
		return nil, nil, fmt.Errorf("%s replaces %s, which has no effect in modules that require infra",
			file, parsed.Replace[0].Old.Path)
	}
	if mod, err = parsed.Format(); err != nil {
		return nil, nil, err
	}
	if sum, err = os.ReadFile(filepath.Join(checkout, "infra", "go.sum")); err != nil {
		return nil, nil, err
	}
	added, err := sums(version, files)
	if err != nil {
		return nil, nil, err
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(sum)), "\n"),
		func(line string) bool { return strings.HasPrefix(line, Root+" ") })
	lines = append(lines, added...)
	slices.Sort(lines)
	return mod, []byte(strings.Join(lines, "\n") + "\n"), nil
}

// sums returns the lines of a go.sum for Root.
func sums(version string, files []zip.File) ([]string, error) {
	open := map[string]func() (io.ReadCloser, error){}
	var names []string
	checked, err := zip.CheckFiles(files)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		// Skip nested modules: they are not part of Root.
		if slices.Contains(checked.Valid, f.Path()) {
			name := Root + "@" + version + "/" + f.Path()
			names = append(names, name)
			open[name] = f.Open
		}
	}
	all, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return open[name]() })
	if err != nil {
		return nil, err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return open[Root+"@"+version+"/go.mod"]()
	})
	if err != nil {
		return nil, err
	}
	return []string{Root + " " + version + " " + all, Root + " " + version + "/go.mod " + mod}, nil
}

// sources returns the files of a checkout except the files that git ignores. It does not run git,
// which may not be installed.
func sources(checkout string) ([]zip.File, error) {
	ignore, err := os.ReadFile(filepath.Join(checkout, ".gitignore"))
	if err != nil {
		return nil, err
	}
	patterns := strings.Fields(string(ignore))
	var files []zip.File
	err = filepath.WalkDir(checkout, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || file == checkout {
			return err
		}
		name, err := filepath.Rel(checkout, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		ignored := name == ".git"
		for _, pattern := range patterns {
			matched, err := matches(pattern, name, entry.IsDir())
			if err != nil {
				return fmt.Errorf(".gitignore: %w", err)
			}
			ignored = ignored || matched
		}
		switch {
		case ignored && entry.IsDir():
			return fs.SkipDir
		case !ignored && entry.Type().IsRegular():
			files = append(files, onDisk{name, file})
		}
		return nil
	})
	return files, err
}

// matches reports whether a line of .gitignore matches a file. It supports only the syntax that
// this repository's .gitignore uses, and returns an error for other syntax.
func matches(pattern, name string, folder bool) (bool, error) {
	glob, folders := strings.CutSuffix(pattern, "/")
	glob, anchored := strings.CutPrefix(glob, "/")
	if strings.ContainsAny(glob, "!#/\\") || strings.Contains(glob, "**") {
		return false, fmt.Errorf("pattern %q is not supported", pattern)
	}
	if folders && !folder {
		return false, nil
	}
	if !anchored {
		name = path.Base(name)
	}
	return path.Match(glob, name)
}

func read(f zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// onDisk is a file on disk with its name in a module.
type onDisk struct{ name, file string }

func (f onDisk) Path() string                 { return f.name }
func (f onDisk) Lstat() (fs.FileInfo, error)  { return os.Lstat(f.file) }
func (f onDisk) Open() (io.ReadCloser, error) { return os.Open(f.file) }

// renamed is a file with another name in the module.
type renamed struct {
	zip.File
	name string
}

func (f renamed) Path() string { return f.name }

// content is a file in memory.
type content struct {
	name string
	data []byte
}

func (f content) Path() string                 { return f.name }
func (f content) Lstat() (fs.FileInfo, error)  { return f, nil }
func (f content) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.data)), nil }
func (f content) Name() string                 { return f.name }
func (f content) Size() int64                  { return int64(len(f.data)) }
func (f content) Mode() fs.FileMode            { return 0o644 }
func (f content) ModTime() time.Time           { return time.Time{} }
func (f content) IsDir() bool                  { return false }
func (f content) Sys() any                     { return nil }
