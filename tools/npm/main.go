// Command npm writes the npm packages of the command: remotion-audit, and a package with the binary
// for each platform. `make npm` runs it and packs the result.
//
//	go -C tools run ./npm -version 0.2.0 -ldflags '-s -w' -o ../dist/npm
//
// The packages depend only on the sources, the flags and the release of Go. With -platforms, only
// some packages with a binary are written; the package remotion-audit still names all of them.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// name is the name of the package, and of the command in it. It is the prefix of the others.
const name = "remotion-audit"

// A platform is a platform of Node with the names that Go has for it.
type platform struct{ os, cpu, goos, goarch string }

func (p platform) String() string { return p.os + "-" + p.cpu }

// binary returns the path of the binary in its package.
func (p platform) binary() string {
	if p.goos == "windows" {
		return "bin/" + name + ".exe"
	}
	return "bin/" + name
}

var platforms = []platform{
	{"darwin", "arm64", "darwin", "arm64"},
	{"darwin", "x64", "darwin", "amd64"},
	{"linux", "arm64", "linux", "arm64"},
	{"linux", "x64", "linux", "amd64"},
	{"win32", "arm64", "windows", "arm64"},
	{"win32", "x64", "windows", "amd64"},
}

// manifest is a package.json. Its fields have the order of npm's documentation.
type manifest struct {
	Name                 string            `json:"name"`
	Version              string            `json:"version"`
	Description          string            `json:"description"`
	Keywords             []string          `json:"keywords,omitempty"`
	Homepage             string            `json:"homepage"`
	Bugs                 string            `json:"bugs"`
	License              string            `json:"license"`
	Files                []string          `json:"files"`
	Bin                  map[string]string `json:"bin,omitempty"`
	Repository           repository        `json:"repository"`
	OptionalDependencies map[string]string `json:"optionalDependencies,omitempty"`
	Engines              map[string]string `json:"engines,omitempty"`
	OS                   []string          `json:"os,omitempty"`
	CPU                  []string          `json:"cpu,omitempty"`
	// PreferUnplugged lets Yarn unpack the package: a binary in a zip file cannot be run.
	PreferUnplugged bool `json:"preferUnplugged,omitempty"`
}

type repository struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

const source = "https://github.com/remotion-audit/remotion-audit"

func common(version string) manifest {
	return manifest{Version: version, Homepage: source + "#readme", Bugs: source + "/issues",
		License: "Apache-2.0", Repository: repository{"git", "git+" + source + ".git"}}
}

type options struct {
	root, out, version, ldflags string
	platforms                   []platform
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(o)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "npm:", err)
		os.Exit(2)
	}
}

// validVersion is a version of npm without build metadata, which npm drops.
var validVersion = regexp.MustCompile(
	`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("npm", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", "..", "the root of the repository")
	flags.StringVar(&o.out, "o", "../dist/npm", "the directory to write; its packages are replaced")
	flags.StringVar(&o.version, "version", "", "the version of all packages, such as 0.2.0")
	flags.StringVar(&o.ldflags, "ldflags", "-s -w", "the flags of the linker")
	list := flags.String("platforms", "", "the platforms to build, with commas (default: all)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if !validVersion.MatchString(o.version) {
		return o, fmt.Errorf("-version: %q is not a version of npm, such as 0.2.0", o.version)
	}
	o.platforms = platforms
	if *list != "" {
		o.platforms = nil
		for text := range strings.SplitSeq(*list, ",") {
			i := slices.IndexFunc(platforms, func(p platform) bool { return p.String() == text })
			if i < 0 {
				return o, fmt.Errorf("-platforms: %q is none of %v", text, platforms)
			}
			o.platforms = append(o.platforms, platforms[i])
		}
	}
	return o, nil
}

func run(o options) error {
	license, err := os.ReadFile(filepath.Join(o.root, "LICENSE"))
	if err != nil {
		return err
	}
	if err := writeMain(o, license); err != nil {
		return err
	}
	for _, p := range o.platforms {
		if err := writeBinary(o, p, license); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

// writeMain writes the package that people install.
func writeMain(o options, license []byte) error {
	m := common(o.version)
	m.Name, m.Description = name,
		"Checks that Remotion Lambda has the AWS permissions it needs, and explains what is missing"
	m.Keywords = []string{"remotion", "aws", "iam", "lambda", "permissions", "policy", "audit"}
	m.Bin = map[string]string{name: "bin/" + name + ".js"}
	m.Files = []string{"bin/" + name + ".js"}
	m.Engines = map[string]string{"node": ">=16"}
	m.OptionalDependencies = map[string]string{}
	for _, p := range platforms {
		m.OptionalDependencies[name+"-"+p.String()] = o.version
	}
	script, err := os.ReadFile(filepath.Join(o.root, "npm/bin", name+".js"))
	if err != nil {
		return err
	}
	readme, err := os.ReadFile(filepath.Join(o.root, "npm/README.md"))
	if err != nil {
		return err
	}
	dir, err := newPackage(o, m, license, readme)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bin", name+".js"), script, 0o755)
}

// writeBinary writes the package with the binary of a platform.
func writeBinary(o options, p platform, license []byte) error {
	m := common(o.version)
	m.Name = name + "-" + p.String()
	m.Description = fmt.Sprintf("The binary of %s for %s on %s", name, p.os, p.cpu)
	m.Files, m.OS, m.CPU, m.PreferUnplugged = []string{p.binary()}, []string{p.os},
		[]string{p.cpu}, true
	readme := fmt.Sprintf("# %s\n\nThe binary of [%s](https://www.npmjs.com/package/%s) for %s on "+
		"%s. Install that\npackage instead: it has this one as an optional dependency.\n", m.Name, name,
		name, p.os, p.cpu)
	dir, err := newPackage(o, m, license, []byte(readme))
	if err != nil {
		return err
	}
	out, err := filepath.Abs(filepath.Join(dir, p.binary()))
	if err != nil {
		return err
	}
	// The flags that decide what is compiled are those of the Makefile.
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false",
		"-ldflags", o.ldflags, "-o", out, "./cmd/"+name)
	build.Dir = o.root
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.goos, "GOARCH="+p.goarch)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	return build.Run()
}

// newPackage writes the directory of a package with all files outside bin, and returns it.
func newPackage(o options, m manifest, license, readme []byte) (string, error) {
	dir := filepath.Join(o.out, m.Name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return "", err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		return "", err
	}
	for _, file := range []struct {
		name string
		text []byte
	}{{"package.json", text.Bytes()}, {"LICENSE", license}, {"README.md", readme}} {
		if err := os.WriteFile(filepath.Join(dir, file.name), file.text, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}
