package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// envRemotionVersion is the variable with the Remotion release to audit for.
const envRemotionVersion = "REMOTION_VERSION"

// releaseUsage describes --remotion-version of the commands about files.
const releaseUsage = "release of Remotion: x.y.z or latest (default: " + envRemotionVersion +
	", else the installed release in a Remotion project, else latest)"

// lambdaPackage is the npm package whose version decides which permissions are needed.
const lambdaPackage = "@remotion/lambda"

// maxManifest is the maximum size of a package.json in bytes.
const maxManifest = 1 << 20

// maxParents is the number of directories in which Remotion searches package.json: the working
// directory and those above it.
const maxParents = 5

// A project is the npm project of the working directory. The zero value is no project.
type project struct {
	// root is the directory of package.json.
	root string
	// remotion is true if the project depends on a package of Remotion that reads .env or calls AWS.
	remotion bool
	// lambda is true if the project depends on @remotion/lambda.
	lambda bool
	// problem says why package.json cannot be used, as the end of a sentence that starts with the name
	// of the file.
	problem string
}

// findProject returns the project with the nearest package.json, in the directories in which
// Remotion's CLI searches it. A package.json that cannot be used is a project with a problem.
func findProject() project {
	dir, err := os.Getwd()
	if err != nil {
		return project{}
	}
	for range maxParents {
		text, err := readManifest(filepath.Join(dir, "package.json"))
		if errors.Is(err, fs.ErrNotExist) {
			dir = filepath.Dir(dir)
			continue
		}
		p := project{root: dir}
		if err != nil {
			p.problem = err.Error()
			return p
		}
		p.addDependencies(text)
		return p
	}
	return project{}
}

// addDependencies reads the dependencies in a package.json. No content of the file gets into the
// problem, because the file may be a link to another one.
func (p *project) addDependencies(text []byte) {
	var manifest map[string]json.RawMessage
	if err := json.Unmarshal(text, &manifest); err != nil || manifest == nil {
		p.problem = "is not a JSON object"
		return
	}
	for _, field := range []string{"dependencies", "devDependencies", "peerDependencies",
		"optionalDependencies"} {
		if manifest[field] == nil {
			continue
		}
		var list map[string]json.RawMessage
		if json.Unmarshal(manifest[field], &list) != nil {
			p.problem = cmp.Or(p.problem, field+" is not a JSON object")
			continue
		}
		p.lambda = p.lambda || list[lambdaPackage] != nil
		p.remotion = p.remotion || p.lambda || list["remotion"] != nil ||
			list["@remotion/lambda-client"] != nil
	}
}

// errNotAFile is the error for what is neither a file nor a link to one. Reading a pipe or a device
// might never end.
var errNotAFile = errors.New("is not a regular file")

// readManifest returns the text of a package.json without a byte order mark. Its errors contain no
// name of the file.
func readManifest(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	if !info.Mode().IsRegular() {
		return nil, errNotAFile
	}
	text, err := readFile(name, maxManifest)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	if len(text) > maxManifest {
		return nil, fmt.Errorf("has more than %d bytes", maxManifest)
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil
}

// writeProblem writes a notice to log if package.json cannot be used.
func (p project) writeProblem(log io.Writer) {
	if p.problem == "" {
		return
	}
	effect := ""
	if !p.remotion {
		effect = ": the command does not search a .env and an installed Remotion"
	}
	fmt.Fprintln(log, textfmt.OneLine(fmt.Sprintf("notice: %s: %s%s",
		fromHere(filepath.Join(p.root, "package.json")), p.problem, effect)))
}

// installed returns the version of @remotion/lambda that Node finds from the project, and the file
// that has it. Both are empty if the project does not depend on the package, or if it is not
// installed. problem says why a version is not used, as a sentence without a full stop.
func (p project) installed() (version, file, problem string) {
	if !p.lambda {
		return "", "", ""
	}
	// https://nodejs.org/api/modules.html#loading-from-node_modules-folders
	for dir := p.root; ; dir = filepath.Dir(dir) {
		file = filepath.Join(dir, "node_modules", filepath.FromSlash(lambdaPackage), "package.json")
		text, err := []byte(nil), fs.ErrNotExist
		if filepath.Base(dir) != "node_modules" {
			text, err = readManifest(file)
		}
		switch file = fromHere(file); {
		case errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) == dir:
			return "", "", ""
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", file, fmt.Sprintf("%s %v", file, err)
		}
		var manifest map[string]json.RawMessage
		if json.Unmarshal(text, &manifest) != nil ||
			json.Unmarshal(manifest["version"], &version) != nil {
			return "", file, file + " has no version"
		}
		if err := checkInstalled(version); err != nil {
			return "", file, fmt.Sprintf("%s: %v", file, err)
		}
		return version, file, ""
	}
}

// checkInstalled returns an error for a version that cannot be the one of an npm package, or that
// the catalogue does not know.
func checkInstalled(version string) error {
	const most = 64 // the maximum for REMOTION_VERSION
	if len(version) > most || version == "" || version[0] < '0' || version[0] > '9' {
		return fmt.Errorf("version %s is not a Remotion release", textfmt.Quote(version, most))
	}
	_, err := policies.Find(version)
	return err
}

// fromHere returns a path relative to the working directory, if it is not far away.
func fromHere(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(short, filepath.FromSlash(strings.Repeat("../", maxParents))) {
		return path
	}
	return short
}

// installedRelease returns the release of @remotion/lambda in the project. It writes to log, after
// label, which file has it, or why it is not used. It returns nil without a version, or if Remotion
// has no such release in the partition.
func (p project) installedRelease(log io.Writer, label, partition string) *policies.Release {
	version, file, problem := p.installed()
	if problem == "" && version == "" {
		return nil
	}
	var release policies.Release
	if problem == "" {
		var err error
		if release, err = findIn(version, partition); err != nil {
			problem = fmt.Sprintf("%s: %v", file, err)
		}
	}
	if problem != "" {
		fmt.Fprintln(log, textfmt.OneLine("notice: the installed Remotion is not used: "+problem))
		return nil
	}
	fmt.Fprintln(log, textfmt.OneLine(fmt.Sprintf("%s: %s (%s)", label, release.Name(), file)))
	return &release
}

// releaseOfFiles returns the release for a command about files: that of --remotion-version if flag
// is not empty, of REMOTION_VERSION, of the project, or else the newest known one.
func releaseOfFiles(cmd *cobra.Command, flag, partition string) (policies.Release, error) {
	if flag != "" {
		release, err := findIn(flag, partition)
		if err != nil {
			err = fmt.Errorf("--remotion-version: %w", err)
		}
		return release, err
	}
	if version := os.Getenv(envRemotionVersion); version != "" {
		release, err := findIn(version, partition)
		if err != nil {
			return release, fmt.Errorf("%s: %w", envRemotionVersion, err)
		}
		fmt.Fprintf(notes(cmd), "Remotion release: %s (%s)\n",
			release.Name(), envRemotionVersion)
		return release, nil
	}
	p := findProject()
	p.writeProblem(notes(cmd))
	if release := p.installedRelease(notes(cmd), "Remotion release", partition); release != nil {
		return *release, nil
	}
	return findIn("latest", partition)
}

// setFlag returns the value of a flag, or nothing for a flag that is not set.
func setFlag(cmd *cobra.Command, name string) string {
	if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
		return f.Value.String()
	}
	return ""
}
