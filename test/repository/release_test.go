package repository

import (
	"os"
	"regexp"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/app"
)

// TestRelease checks that app.Release is the newest release in CHANGELOG.md. Messages about an
// upgrade of the auditor name it.
func TestRelease(t *testing.T) {
	changelog, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## (v\d+\.\d+\.\d+)`).FindSubmatch(changelog)
	if newest != nil && string(newest[1]) != app.Release {
		t.Errorf("app.Release is %s, but the newest section of CHANGELOG.md is %s: set app.Release",
			app.Release, newest[1])
	}
}
