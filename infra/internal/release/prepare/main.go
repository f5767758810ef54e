// Command prepare prepares a checkout for a release (docs/releasing.md) and prints the git commands
// that make the release. It commits, tags and pushes nothing. "make release" runs this command in
// infra/.
package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/remotion-audit/remotion-audit/infra/internal/release"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] == "" {
		fmt.Fprintln(os.Stderr, "usage: make release VERSION=v0.2.0")
		os.Exit(2)
	}
	if err := prepare(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func prepare(version string) error {
	if err := release.Check("..", version); err != nil {
		return err
	}
	fmt.Println("Testing both modules from an empty module …")
	outside := exec.Command("go", "test", "-run", "^TestOutsideTheRepository$", "-count", "1", ".")
	outside.Stdout, outside.Stderr = os.Stdout, os.Stderr
	if err := outside.Run(); err != nil {
		return fmt.Errorf("testing both modules from an empty module: %w", err)
	}
	commands, err := release.Prepare("..", version)
	if err != nil {
		return err
	}
	fmt.Printf("\ninfra/go.mod and infra/go.sum now have their form in release %s. To make the "+
		"release, run:\n\n", version)
	for _, command := range commands {
		fmt.Println("  " + command)
	}
	fmt.Print("\nTo undo the changes, run: git restore infra/go.mod infra/go.sum\n")
	return nil
}
