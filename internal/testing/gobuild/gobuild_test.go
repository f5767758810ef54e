package gobuild

import (
	"os"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// TestFlagsAreThoseOfTheMakefile compares the flags and the environment with the Makefile. If they
// differ, the tests compile the AWS SDK again.
func TestFlagsAreThoseOfTheMakefile(t *testing.T) {
	text, err := os.ReadFile(repo.Path(t, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nBUILD_FLAGS := " + strings.Join(Flags, " ") + "\n",
		"\nFUNCTION_FLAGS := $(BUILD_FLAGS) -ldflags '-s -w'\n",
		"\n\t" + strings.Join(Lambda, " ") + " go build $(FUNCTION_FLAGS) ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the Makefile does not contain %q", want)
		}
	}
}
