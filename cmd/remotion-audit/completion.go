package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// shells are the shells for which the command writes completions.
var shells = []string{"bash", "fish", "powershell", "zsh"}

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "Print a script that lets a shell complete commands, flags and values",
		Long: `Print a script that lets a shell complete commands, flags and values. Write it to the
file that the shell reads at its start, or load it in the current shell.`,
		Example: `  source <(remotion-audit completion bash)
  remotion-audit completion bash >/etc/bash_completion.d/remotion-audit
  remotion-audit completion zsh >"${fpath[1]}/_remotion-audit"
  remotion-audit completion fish >~/.config/fish/completions/remotion-audit.fish
  remotion-audit completion powershell | Out-String | Invoke-Expression`,
		ValidArgs:             shells,
		DisableFlagsInUseLine: true,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("completion: the shell is missing: give " + textfmt.Or(shells))
			case len(args) > 1:
				return fmt.Errorf("completion: takes one shell, got %d arguments", len(args))
			case !slices.Contains(shells, args[0]):
				return fmt.Errorf("completion: the shell must be %s, got %s%s", textfmt.Or(shells),
					textfmt.Quote(args[0], 100), textfmt.DidYouMean(args[0], "", shells))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return root.GenZshCompletion(out)
		},
	}
}

// completeTargets lets shells complete a principal: the callers and the render role of the
// environment.
func completeTargets(cmd *cobra.Command, flag string) {
	// An error can only mean that the flag does not exist.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string,
		string) ([]string, cobra.ShellCompDirective) {
		names := []string{"role/remotion-lambda-role"}
		if role := os.Getenv("RENDER_ROLE"); role != "" {
			names[0] = "role/" + role
		}
		for caller := range strings.SplitSeq(os.Getenv(settings.EnvCallers), ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(caller), "=")
			if strings.HasPrefix(name, "user/") || strings.HasPrefix(name, "role/") {
				names = textfmt.AppendNew(names, name)
			}
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}
