// Command remotion-audit audits the IAM permissions of Remotion Lambda, with the credentials in the
// environment or against an embedded AWS. `remotion-audit help` lists its commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/remotion-audit/remotion-audit/internal/app"
)

// The exit statuses. 0 means compliant.
const (
	exitGaps        = 1
	exitUnverified  = 2 // also for every usage or run-time error
	exitInterrupted = 130
)

// exitError ends the command with a status and without a message.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// rootCommand returns the command with all sub-commands. docs/cli.md is generated from it.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "remotion-audit",
		Short: "Check that Remotion Lambda has the IAM permissions it needs, and explain " +
			"what is missing",
		Version:       app.Version(),
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return emptyFlags(cmd.Flags()) },
	}
	var view viewFlags
	view.register(root)
	root.AddCommand(auditCommand(), checkCommand(), explainCommand(), fixCommand(), localCommand(),
		muteCommand(), policiesCommand(), testAlertCommand(), versionCommand())
	return root
}

// emptyFlags returns an error for each flag that is set to an empty value. Mostly the value is a
// variable of a shell that is not set. Without the error, `check --boundary "$FILE"` would pass
// without the boundary.
func emptyFlags(flags *pflag.FlagSet) error {
	var errs []error
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if len(values) == 0 || slices.ContainsFunc(values, isBlank) {
			errs = append(errs, fmt.Errorf("--%s must not be empty: give a value, or leave the flag out",
				f.Name))
		}
	})
	return errors.Join(errs...)
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	}
	fmt.Fprintf(os.Stderr, "remotion-audit: %v\n", err)
	return exitUnverified
}
