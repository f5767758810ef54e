package main

import "github.com/spf13/cobra"

// helpCommand is Cobra's command help, except that an unknown command is an error.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string,
			_ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if about, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range about.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, sub.Name()+"\t"+sub.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if about == nil || err != nil {
				return subcommandOnly(cmd.Root(), args)
			}
			if len(rest) > 0 && about.HasSubCommands() {
				return subcommandOnly(about, rest)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
