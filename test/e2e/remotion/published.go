package remotion

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/testing/node"
)

// Lambda is the name of the package that documents the policies.
const Lambda = "@remotion/lambda"

// Documents are the policies that a release documents, as its code returns them. The CLI adds a
// line break at the end.
type Documents struct {
	User string `json:"user"`
	Role string `json:"role"`
	// China has the policies for partition aws-cn. It is nil for a release that only supports
	// partition aws.
	China *Documents `json:"china"`
}

// Published reads releases of @remotion/lambda from the npm registry, without their dependencies.
type Published struct {
	// Dir is the directory of this package, which contains policies.cjs.
	Dir string
	// Tarballs is the directory for the files that `npm pack` writes.
	Tarballs string
	// Fetch downloads missing packages with npm. If it is false, a missing package is an error that
	// wraps fs.ErrNotExist.
	Fetch bool
}

// Versions lists the published releases in the order of npm: by number.
func (p Published) Versions(ctx context.Context) (list []string, err error) {
	out, err := npm(ctx, p.Dir, "view", Lambda, "versions", "--json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("npm view %s versions: %w", Lambda, err)
	}
	return list, nil
}

// ErrUnpublished means that the npm registry does not contain the release of a package.
var ErrUnpublished = errors.New("the release is not in the npm registry")

// Documents runs the code of a release and returns its policies. It also unpacks the dependencies
// that this code needs. The error wraps ErrUnpublished if the registry does not contain a package.
func (p Published) Documents(ctx context.Context, version string) (Documents, error) {
	root, err := os.MkdirTemp("", "remotion-audit-package-")
	if err != nil {
		return Documents{}, err
	}
	defer func() { _ = os.RemoveAll(root) }() // a left-over temporary directory is harmless
	name := Lambda
	const most = 8 // dependencies; so far no release needed more than one
	for range most {
		if err := p.Unpack(ctx, root, name, version); err != nil {
			return Documents{}, err
		}
		var out struct {
			Documents
			Needs *struct{ Name, Version string } `json:"needs"`
		}
		if err := readDocuments(ctx, p.Dir, root, &out); err != nil {
			return Documents{}, err
		}
		if out.Needs == nil {
			return out.Documents, nil
		}
		name, version = out.Needs.Name, out.Needs.Version
	}
	return Documents{}, fmt.Errorf("%s needs more than %d of its dependencies, the last is %s", Lambda,
		most, name)
}

// readDocuments runs policies.cjs, which is in dir, for the package in root/node_modules. It
// decodes what the script prints into out.
func readDocuments(ctx context.Context, dir, root string, out any) error {
	return node.Script{Dir: dir, Args: []string{"policies.cjs", root}}.Run(ctx, out)
}

// Unpack extracts a package to root/node_modules, and downloads it first if Fetch is set.
func (p Published) Unpack(ctx context.Context, root, name, version string) error {
	file := filepath.Join(p.Tarballs, strings.NewReplacer("@", "", "/", "-").Replace(name)+"-"+version+
		".tgz")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && p.Fetch {
		if err := os.MkdirAll(p.Tarballs, 0o755); err != nil {
			return err
		}
		if _, err := npm(ctx, p.Tarballs, "pack", "--loglevel=error", name+"@"+version); err != nil {
			return err
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("%s %s: %w: run `make node_modules`", name, version, err)
	}
	defer func() { _ = f.Close() }() // only read
	if err := extract(f, filepath.Join(root, "node_modules", filepath.FromSlash(name))); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// extract unpacks the code of a package. It skips the zips of functions, which are nine tenths of a
// package.
func extract(r io.Reader, dir string) error {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	archive := tar.NewReader(unzipped)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, _ := strings.Cut(h.Name, "/") // npm puts all files into package/
		ext := filepath.Ext(name)
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) || ext != ".js" && ext != ".cjs" &&
			ext != ".json" {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		text, err := io.ReadAll(io.LimitReader(archive, 64<<20))
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
}

// npm runs npm with the environment of this process, which can configure the registry. npm does
// not run the code of a package.
func npm(ctx context.Context, dir string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", append(args, "--ignore-scripts")...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			if bytes.Contains(exit.Stderr, []byte("ETARGET")) ||
				bytes.Contains(exit.Stderr, []byte("E404")) {
				err = ErrUnpublished
			}
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("npm %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}
