package remotion_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/test/e2e/remotion"
)

// writeTarball writes a package in the format of `npm pack`.
func writeTarball(t *testing.T, dir, name string, files map[string]string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(f)
	archive := tar.NewWriter(zipped)
	for path, text := range files {
		if err := archive.WriteHeader(&tar.Header{Name: path, Typeflag: tar.TypeReg, Mode: 0o644,
			Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// lambdaPackage returns the files of a package with the layout of @remotion/lambda and with two
// dependencies: helper and @aws/sdk.
func lambdaPackage(code string) map[string]string {
	return map[string]string{
		"package/package.json": `{"name": "@remotion/lambda", "version": "9.9.9", ` +
			`"dependencies": {"helper": "^1.2.3", "@aws/sdk": "3.0.0"}}`,
		"package/dist/api/iam-validation/suggested-policy.js": code,
		"package/remotionlambda.zip":                          "not code",
		"package/../../../../escaped.js":                      "not in the package",
	}
}

// needsHelper is the code of a package. The policies of the package contain a value of helper. Of
// @aws/sdk, the package uses only one class, and no policy depends on that class.
const needsHelper = `
const {S3Client} = require('@aws/sdk/s3');
class Client extends S3Client {}
new Client().send({Bucket: 'at load'}).then(() => undefined);
const {PREFIX} = require('helper');
exports.getUserPolicy = (options) => 'user ' + PREFIX + ' ' + (options?.partition ?? 'aws');
exports.getRolePolicy = () => JSON.stringify({role: PREFIX});
`

// TestAPackageRunsWithoutItsDependencies checks that a package runs without its dependencies,
// except for dependencies that provide values in the text of a policy.
func TestAPackageRunsWithoutItsDependencies(t *testing.T) {
	if testing.Short() {
		t.Skip("runs Node")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("SKIPPED, NOT TESTED: node is not installed")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	packages := remotion.Published{Dir: ".", Tarballs: dir}

	_, err := packages.Documents(t.Context(), "9.9.9")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "make node_modules") {
		t.Errorf("without the package: %v", err)
	}
	writeTarball(t, dir, "remotion-lambda-9.9.9.tgz", lambdaPackage(needsHelper))
	_, err = packages.Documents(t.Context(), "9.9.9")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "helper 1.2.3") {
		t.Errorf("without a dependency that its policies need: %v", err)
	}
	writeTarball(t, dir, "helper-1.2.3.tgz",
		map[string]string{"package/index.js": "exports.PREFIX = 'remotion-';"})
	d, err := packages.Documents(t.Context(), "9.9.9")
	if err != nil {
		t.Fatal(err)
	}
	want := remotion.Documents{User: "user remotion- aws", Role: `{"role":"remotion-"}`}
	if d.User != want.User || d.Role != want.Role || d.China == nil ||
		d.China.User != "user remotion- aws-cn" || d.China.Role != want.Role {
		t.Errorf("got %+v and for China %+v, want %+v", d, d.China, want)
	}

	writeTarball(t, dir, "remotion-lambda-9.9.8.tgz",
		lambdaPackage("exports.getUserPolicy = exports.getRolePolicy = "+
			"() => require('undeclared').text + '';"))
	if _, err := packages.Documents(t.Context(), "9.9.8"); err == nil ||
		!strings.Contains(err.Error(), "needs undeclared, which its package.json does not list") {
		t.Errorf("with an undeclared dependency: %v", err)
	}
	writeTarball(t, dir, "remotion-lambda-9.9.7.tgz",
		lambdaPackage("throw new Error('broken at load');"))
	if _, err := packages.Documents(t.Context(), "9.9.7"); err == nil ||
		!strings.Contains(err.Error(), "broken at load") {
		t.Errorf("with code that throws: %v", err)
	}
	if remaining, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(remaining) > 0 {
		t.Errorf("temporary files remain: %s", remaining)
	}
}
