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
)

// Lambda is the name of the package that documents the policies.
const Lambda = "@remotion/lambda"

// Documents are the policies that a release documents, as its code returns them: the CLI ends them
// with a line break.
type Documents struct {
	User string `json:"user"`
	Role string `json:"role"`
	// China are those for partition aws-cn; nil of a release that knows partition aws only.
	China *Documents `json:"china"`
}

// Published are releases of @remotion/lambda as the npm registry has them, without their
// dependencies.
type Published struct {
	// Dir is the directory of policies.cjs: that of this file.
	Dir string
	// Tarballs is the directory that has what `npm pack` writes.
	Tarballs string
	// Fetch has npm bring what is not there. Without it, that is an error that is fs.ErrNotExist.
	Fetch bool
}

// Versions lists the published releases, in npm's order: by number.
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

// ErrUnpublished says that the registry has no such release of a package.
var ErrUnpublished = errors.New("it is not in the npm registry")

// Documents runs a release's own code. What it needs of its dependencies is brought as well; the
// error is ErrUnpublished where the registry does not have that.
func (p Published) Documents(ctx context.Context, version string) (Documents, error) {
	root, err := os.MkdirTemp("", "remotion-audit-package-")
	if err != nil {
		return Documents{}, err
	}
	defer os.RemoveAll(root)
	name := Lambda
	const most = 8 // of its dependencies, one was ever needed
	for range most {
		if err := p.unpack(ctx, root, name, version); err != nil {
			return Documents{}, err
		}
		var out struct {
			Documents
			Needs *struct{ Name, Version string } `json:"needs"`
		}
		if err := script(ctx, p.Dir, &out, nil, "policies.cjs", root); err != nil {
			return Documents{}, err
		}
		if out.Needs == nil {
			return out.Documents, nil
		}
		name, version = out.Needs.Name, out.Needs.Version
	}
	return Documents{}, fmt.Errorf("%s needs more than %d of its dependencies, %s the last", Lambda,
		most, name)
}

// unpack puts a package into root/node_modules.
func (p Published) unpack(ctx context.Context, root, name, version string) error {
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
	defer f.Close()
	if err := extract(f, filepath.Join(root, "node_modules", filepath.FromSlash(name))); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// extract unpacks the code of a package: not the zips of functions, which are nine tenths of it.
func extract(r io.Reader, dir string) error {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	archive := tar.NewReader(unzipped)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, _ := strings.Cut(h.Name, "/") // npm puts all into package/
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

// npm runs npm with this process's environment, which says where its registry is. It runs no code
// of a package.
func npm(ctx context.Context, dir string, args ...string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
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
