package remotion_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/checks"
	"github.com/remotion-audit/remotion-audit/internal/testing/node"
	"github.com/remotion-audit/remotion-audit/test/e2e/remotion"
)

// TestFramesPerFunction compares the formula of the check ConcurrencyQuota with the code of the
// installed releases, the oldest and the newest among them.
func TestFramesPerFunction(t *testing.T) {
	skipUnlessReady(t)
	const longest = 30_000
	published := remotion.Published{Dir: ".", Tarballs: filepath.Join("node_modules", ".packages")}
	for release, file := range map[string]string{
		"3.0.0":          "@remotion/lambda/dist/functions/helpers/best-frames-per-lambda-param.js",
		"3.3.8":          "@remotion/lambda/dist/functions/helpers/best-frames-per-lambda-param.js",
		"3.3.12":         "@remotion/lambda/dist/functions/helpers/best-frames-per-lambda-param.js",
		remotion.Version: "@remotion/serverless-client/dist/best-frames-per-function-param.js",
	} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			root := "."
			if release != remotion.Version {
				root = t.TempDir()
				if err := published.Unpack(t.Context(), root, remotion.Lambda, release); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(root, "node_modules", filepath.FromSlash(file))
			if _, err := os.Stat(path); err != nil {
				t.Fatalf("%v: run `make node_modules`", err)
			}
			var got []int
			script := node.Script{Dir: ".", Args: []string{"frames.cjs", path},
				Input: []byte("[1, 30000]")}
			if err := script.Run(t.Context(), &got); err != nil {
				t.Fatal(err)
			}
			if len(got) != longest {
				t.Fatalf("%d numbers, want %d", len(got), longest)
			}
			for i, each := range got {
				if want := checks.FramesPerFunction(i + 1); each != want {
					t.Fatalf("%d frames: Remotion renders %d in each function, the check says %d", i+1, each,
						want)
				}
			}
		})
	}
}
