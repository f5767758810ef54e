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
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

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

// WriteProxy writes both modules of a git checkout to folder, as the given version. The folder can
// be a file:// GOPROXY. The modules contain uncommitted files, but no files that git ignores.
func WriteProxy(folder, checkout, version string) error {
	tree, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	if err := copyCheckout(tree, checkout); err != nil {
		return err
	}
	root, err := writeModule(folder, module.Version{Path: Root, Version: version}, tree)
	if err != nil {
		return err
	}
	infra := filepath.Join(tree, "infra")
	if err := requireRoot(infra, version, tree, root); err != nil {
		return err
	}
	// As the go command does for a module in a subdirectory.
	if err := copyFile(filepath.Join(infra, "LICENSE"), filepath.Join(tree, "LICENSE")); err != nil {
		return err
	}
	_, err = writeModule(folder, module.Version{Path: Infra, Version: version}, infra)
	return err
}

// writeModule writes one version of the module in dir, in the layout of
// https://go.dev/ref/mod#goproxy-protocol, and returns the file name of the zip.
func writeModule(folder string, m module.Version, dir string) (archive string, err error) {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return "", err
	}
	versions := filepath.Join(folder, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return "", err
	}
	if err := copyFile(filepath.Join(versions, m.Version+".mod"),
		filepath.Join(dir, "go.mod")); err != nil {
		return "", err
	}
	for name, text := range map[string]string{
		"list":              m.Version + "\n",
		m.Version + ".info": fmt.Sprintf(`{"Version":%q}`, m.Version),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	archive = filepath.Join(versions, m.Version+".zip")
	return archive, writeZip(archive, m, dir)
}

// writeZip writes the zip of the module in dir, without the modules in its subdirectories.
func writeZip(archive string, m module.Version, dir string) error {
	file, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer file.Close() // after an error; a second Close has no effect
	if err := zip.CreateFromDir(file, m, dir); err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	return file.Close()
}

// requireRoot changes go.mod and go.sum of the module in infra to their form in a release. root is
// the zip of the root module at version, and tree is the directory of the root module.
func requireRoot(infra, version, tree, root string) error {
	file := filepath.Join(infra, "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	parsed, err := modfile.Parse(file, data, nil)
	if err != nil {
		return err
	}
	if err := parsed.DropReplace(Root, ""); err != nil {
		return err
	}
	if err := parsed.AddRequire(Root, version); err != nil {
		return err
	}
	parsed.Cleanup()
	if len(parsed.Replace) > 0 {
		return fmt.Errorf("%s replaces %s, which has no effect in modules that require infra",
			file, parsed.Replace[0].Old.Path)
	}
	mod, err := parsed.Format()
	if err != nil {
		return err
	}
	sumFile := filepath.Join(infra, "go.sum")
	sum, err := os.ReadFile(sumFile)
	if err != nil {
		return err
	}
	added, err := sums(version, tree, root)
	if err != nil {
		return err
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(sum)), "\n"),
		func(line string) bool { return strings.HasPrefix(line, Root+" ") })
	lines = append(lines, added...)
	slices.Sort(lines)
	if err := os.WriteFile(file, mod, 0o644); err != nil {
		return err
	}
	return os.WriteFile(sumFile, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// sums returns the lines of a go.sum for Root.
func sums(version, tree, root string) ([]string, error) {
	all, err := dirhash.HashZip(root, dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(tree, name))
	})
	if err != nil {
		return nil, err
	}
	return []string{Root + " " + version + " " + all, Root + " " + version + "/go.mod " + mod}, nil
}

// copyCheckout copies the files of a git checkout to tree, except the files that git ignores.
func copyCheckout(tree, checkout string) error {
	// --deduplicate omits the additional entries of a merge conflict.
	listed, err := git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard",
		"--deduplicate")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		file := filepath.Join(checkout, filepath.FromSlash(name))
		// Skip files that are deleted but still in the index, and symbolic links, as x/mod/zip does.
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := copyFile(filepath.Join(tree, filepath.FromSlash(name)), file); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
