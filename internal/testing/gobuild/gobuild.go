// Package gobuild builds programs of this module in tests with the flags of the Makefile. Then the
// tests find the packages that `make test` has compiled in Go's build cache.
package gobuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
)

// Flags are the flags that decide what is compiled.
var Flags = []string{"-tags", "lambda.norpc", "-trimpath", "-buildvcs=false"}

// Lambda is the environment that builds the function for AWS Lambda.
var Lambda = []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64", "GOARM64=v8.2"}

// Command returns the command that builds a package into the file out. The linker flags do not
// change what is compiled. env is added to the environment of the test.
func Command(ctx context.Context, pkg, out, linkerFlags string, env ...string) *exec.Cmd {
	args := slices.Concat([]string{"build"}, Flags, []string{"-ldflags", linkerFlags, "-o", out, pkg})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// Function builds the function, stripped as in a deployment. pkg is its path, such as
// ../../function.
func Function(ctx context.Context, pkg, out string, env ...string) error {
	return run(Command(ctx, pkg, out, "-s -w", env...))
}

// Program builds a program.
func Program(ctx context.Context, pkg, out string) error { return run(Command(ctx, pkg, out, "")) }

func run(cmd *exec.Cmd) error {
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, text)
	}
	return nil
}
