package release

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Check returns an error if checkout cannot be released as version. The error joins all reasons.
func Check(checkout, version string) error {
	if version != semver.Canonical(version) || semver.Major(version) > "v1" {
		return fmt.Errorf("%q is not a version such as v0.2.0 or v1.0.0-rc.1 (from v2 on, the paths of "+
			"the modules must end in the major version)", version)
	}
	var errs []error
	changed, err := git(checkout, "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		errs = append(errs, fmt.Errorf("the checkout has uncommitted changes: commit or restore "+
			"them:\n%s", changed))
	}
	tags, err := git(checkout, "tag", "--list")
	if err != nil {
		return err
	}
	for tag := range strings.FieldsSeq(tags) {
		if released := strings.TrimPrefix(tag, "infra/"); semver.IsValid(released) &&
			semver.Compare(released, version) >= 0 {
			errs = append(errs, fmt.Errorf("the tag %s exists: the new version must be higher", tag))
		}
	}
	changelog, err := os.ReadFile(filepath.Join(checkout, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if !regexp.MustCompile(`(?m)^## ` + regexp.QuoteMeta(version) + `( .*)?\n\n*- `).Match(changelog) {
		errs = append(errs, fmt.Errorf(`CHANGELOG.md has no section "## %s" with entries`, version))
	}
	return errors.Join(errs...)
}

// Prepare changes go.mod and go.sum of infra/ in the checkout to their form in a release: go.mod
// requires the root module at version and has no replace directive. Prepare returns the git
// commands that make the release. Check must accept the checkout: the go command later hashes the
// files of the tag, and Prepare hashes the files of the checkout.
func Prepare(checkout, version string) (commands []string, err error) {
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	tree, root := filepath.Join(work, "tree"), filepath.Join(work, "root.zip")
	if err := copyCheckout(tree, checkout); err != nil {
		return nil, err
	}
	if err := writeZip(root, module.Version{Path: Root, Version: version}, tree); err != nil {
		return nil, err
	}
	if err := requireRoot(filepath.Join(checkout, "infra"), version, tree, root); err != nil {
		return nil, err
	}
	// The branch keeps the replace directive: the commit with the release's go.mod is not on the
	// branch, and only the tag refers to the commit.
	return []string{
		"git tag -a " + version + " -m " + version,
		"git switch --detach",
		"git commit -m 'release infra/" + version + "' infra/go.mod infra/go.sum",
		"git tag -a infra/" + version + " -m infra/" + version,
		"git switch -",
		"git push origin " + version + " infra/" + version,
	}, nil
}

func git(checkout string, args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"-C", checkout}, args...)...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}
