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
	"time"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The exit statuses. 0 means compliant.
const (
	exitGaps        = 1
	exitUnverified  = 2 // also for every usage or run-time error
	exitInterrupted = 130
)

// sameSignal is the time after a signal in which a further one counts as the same.
const sameSignal = 500 * time.Millisecond

// exitError ends the command with a status and without a message.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	stopAfterFirst(ctx, stop)
	os.Exit(run(ctx, os.Args[1:]))
}

// stopAfterFirst lets signals have their default effect some time after the one that ends ctx: the
// next signal then ends the process at once. npx and the npm package pass on a Ctrl-C that the
// terminal sends to this process, too, so signals that come together count as one.
func stopAfterFirst(ctx context.Context, stop func()) {
	context.AfterFunc(ctx, func() { time.AfterFunc(sameSignal, stop) })
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
			if err := validateFlags(cmd.Flags()); err != nil {
				return err
			}
			return loadSettingsFile(cmd)
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
	if _, ok := terminalOf(os.Stderr); !ok {
		root.SetErr(output.LogWriter(os.Stderr))
	}
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
	fmt.Fprintf(root.ErrOrStderr(), "remotion-audit: %s\n", errorText(root, cmd, args, err))
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
