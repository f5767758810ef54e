package repository

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maxTracked is the maximum size of a file in the repository, in bytes.
const maxTracked = 1 << 20

// TestTrackedFilesAreSmall finds a program that was built and committed. It would be part of every
// clone.
func TestTrackedFilesAreSmall(t *testing.T) {
	if _, err := os.Stat(filepath.Join(repository, ".git")); err != nil {
		t.Skip("no git checkout")
	}
	out, err := exec.Command("git", "-C", repository, "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("git does not list the files: %v", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(repository, name))
		if err == nil && info.Size() > maxTracked {
			t.Errorf("%s has %d bytes, more than %d: remove it from git, and list it in .gitignore", name,
				info.Size(), maxTracked)
		}
	}
}
