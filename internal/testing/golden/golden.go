// Package golden compares the output of a test with a file, and rewrites the file with -update.
// `make golden` and `make docs` run tests with that flag.
package golden

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files and generated parts of pages")

// Update reports whether the flag -update is set: the test rewrites the files that it compares.
func Update() bool { return *update }

// Compare fails the test if the file differs from got. With -update it writes got to the file
// first.
func Compare(t testing.TB, file string, got []byte) {
	t.Helper()
	if *update {
		Write(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs: run `make golden` or `make docs`, and read the diff. got:\n%s", file, got)
	}
}

// Write writes a file, and fails the test if that fails.
func Write(t testing.TB, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
