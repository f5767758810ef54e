package npm

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/remotion-audit/remotion-audit/internal/testing/gobuild"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// TestReleasesAreBuiltAsTheMakefileBuilds compares the flags and the platforms of goreleaser and of
// the npm packages with the Makefile and with each other.
func TestReleasesAreBuiltAsTheMakefileBuilds(t *testing.T) {
	text := read(t, ".goreleaser.yaml")
	var release struct {
		Builds []struct {
			Main                              string
			Env, Goos, Goarch, Flags, Ldflags []string
			Tags                              []string
		}
	}
	if err := yaml.Unmarshal([]byte(text), &release); err != nil {
		t.Fatal(err)
	}
	if len(release.Builds) != 1 {
		t.Fatalf("%d builds, want one", len(release.Builds))
	}
	b := release.Builds[0]
	flags := append([]string{"-tags", strings.Join(b.Tags, ",")}, b.Flags...)
	if !slices.Equal(flags, gobuild.Flags) || b.Main != "./cmd/remotion-audit" ||
		!slices.Equal(b.Env, []string{"CGO_ENABLED=0"}) {
		t.Errorf("goreleaser builds %s with %q and %q, want %q", b.Main, flags, b.Env, gobuild.Flags)
	}
	tool := read(t, "tools/npm/main.go")
	if want := `"` + strings.Join(gobuild.Flags, `", "`) + `"`; !strings.Contains(tool, want) {
		t.Errorf("tools/npm does not build with %s", want)
	}
	for _, goos := range b.Goos {
		for _, goarch := range b.Goarch {
			if want := `"` + goos + `", "` + goarch + `"}`; !strings.Contains(tool, want) {
				t.Errorf("no npm package for %s", want)
			}
		}
	}
	if n := len(b.Goos) * len(b.Goarch); n != 6 || strings.Count(tool, `", "amd64"}`)*2 != n {
		t.Errorf("goreleaser builds for %d platforms, want the 6 of the npm packages", n)
	}
	makefile := read(t, "Makefile")
	for _, variable := range []string{"-X main.commit=", "/internal/app.linked="} {
		if !strings.Contains(makefile, variable) ||
			!strings.Contains(strings.Join(b.Ldflags, " "), variable) {
			t.Errorf("Makefile and goreleaser do not both set %s", variable)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(repo.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
