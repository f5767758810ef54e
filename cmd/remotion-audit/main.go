// Command remotion-audit audits the IAM permissions of Remotion Lambda, with the credentials in the
// environment or against an embedded AWS. `remotion-audit help` lists its commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
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
	// From the first signal on, the next one has its default effect: it ends the process at once.
	context.AfterFunc(ctx, stop)
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
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetContext(withCallCounter(cmd.Context()))
			return validateFlags(cmd.Flags())
		},
	}
	var view viewFlags
	view.register(root)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	root.AddCommand(auditCommand(), checkCommand(), completionCommand(), convertCommand(),
		explainCommand(), fixCommand(), localCommand(), muteCommand(), policiesCommand(), reportCommand(),
		testAlertCommand(), unmuteCommand(), versionCommand())
	return root
}

func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case ctx.Err() != nil:
		_ = interrupted(cmd) // writes the message
		return exitInterrupted
	}
	fmt.Fprintf(os.Stderr, "remotion-audit: %s\n", errorText(root, cmd, args, err))
	return exitUnverified
}

// errorText returns the text of an error of a command, in the words of the user's arguments.
func errorText(root, cmd *cobra.Command, args []string, err error) string {
	// Cobra's own error for an unknown command has no type.
	var word string
	if n, _ := fmt.Sscanf(err.Error(), "unknown command %q for ", &word); n == 1 && cmd == root {
		err = subcommandOnly(root, []string{word})
	}
	return textfmt.Lines(withTypedNames(cmd, args, err.Error()))
}
