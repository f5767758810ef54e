package main

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/node"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
	"github.com/remotion-audit/remotion-audit/test/e2e/remotion"
)

// TestProjectLikeRemotion compares the project of a directory with what Remotion's CLI finds there:
// its root, the installed @remotion/lambda, and the variables of .env.
func TestProjectLikeRemotion(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short leaves out Remotion's search of a project")
	}
	pkg := remotion.Package{Dir: repo.Path(t, "test/e2e/remotion")}
	if err := pkg.Ready(); err != nil {
		t.Skip("SKIPPED, NOT TESTED: Remotion's search of a project: " + err.Error())
	}
	const manifest = `{"dependencies": {"@remotion/lambda": "*"}}`
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"npm/package.json": manifest,
		"npm/.env":         "REMOTION_AWS_REGION=eu-west-1",
		"npm/src/.env":     "REMOTION_AWS_REGION=eu-west-2",
		"npm/node_modules/@remotion/lambda/package.json":     `{"version": "4.0.300"}`,
		"npm/node_modules/@remotion/lambda/index.js":         "",
		"npm/1/2/3/4/5/6/x":                                  "",
		"work/package.json":                                  `{}`,
		"work/.env":                                          "REMOTION_AWS_REGION=eu-west-3",
		"work/node_modules/@remotion/lambda/package.json":    `{"version": "4.0.310"}`,
		"work/node_modules/@remotion/lambda/index.js":        "",
		"work/packages/hoisted/package.json":                 manifest,
		"work/packages/own/package.json":                     manifest,
		"work/packages/own/node_modules/x":                   "",
		"work/packages/own/node_modules/package.json":        manifest,
		"store/lambda/package.json":                          `{"version": "4.0.330"}`,
		"store/lambda/index.js":                              "",
		"pnpm/package.json":                                  manifest,
		"pnpm/node_modules/@remotion/x":                      "",
		"work/packages/own/node_modules/@remotion/lambda/no": "",
	} {
		name = filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../../../store/lambda",
		filepath.Join(top, "pnpm/node_modules/@remotion/lambda")); err != nil {
		t.Fatal(err)
	}
	var directories []string
	for _, name := range []string{"npm", "npm/src", "npm/1/2/3/4", "npm/1/2/3/4/5/6", "work",
		"work/packages/hoisted", "work/packages/own", "work/packages/own/node_modules", "pnpm"} {
		directories = append(directories, filepath.Join(top, name))
	}
	input, err := json.Marshal(directories)
	if err != nil {
		t.Fatal(err)
	}
	var found []struct {
		Root, Version string
		Variables     map[string]string
	}
	if err := (node.Script{Dir: pkg.Dir, Args: []string{"project.cjs"}, Input: input}).Run(t.Context(),
		&found); err != nil {
		t.Fatal(err)
	}
	for i, dir := range directories {
		t.Chdir(dir)
		want := found[i]
		p := findProject()
		if p.root == "" {
			p.root = dir // Remotion's root without a package.json
		}
		if p.root != want.Root {
			t.Errorf("%s: root %s, Remotion's is %s", dir, p.root, want.Root)
		}
		// Without a dependency on Remotion, the command uses neither a release nor .env, on purpose.
		if !p.lambda {
			continue
		}
		if version, _, problem := p.installed(); version != want.Version || problem != "" {
			t.Errorf("%s: got release %q (%s), Remotion gets %q", dir, version, problem, want.Version)
		}
		file, err := (accessFlags{}).readEnvFile(t.Context(), p, io.Discard)
		if err != nil || !maps.Equal(file.variables, want.Variables) {
			t.Errorf("%s: got the variables %q (%v), Remotion gets %q", dir, file.variables, err,
				want.Variables)
		}
	}
}
