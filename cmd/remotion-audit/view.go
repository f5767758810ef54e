package main

import (
	"io"
	"os"

	"github.com/fatih/color"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// viewFlags are the flags of every command that say how texts look and how much they show.
type viewFlags struct{ noColor, verbose, quiet, all bool }

// register adds the flags to the root command, for all commands.
func (f *viewFlags) register(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.BoolVar(&f.noColor, "no-color", false, "no colours, also at a terminal (or NO_COLOR in the "+
		"environment)")
	flags.BoolVarP(&f.verbose, "verbose", "v", false,
		"also print evidence, assumptions and logs")
	flags.BoolVarP(&f.quiet, "quiet", "q", false,
		"print only results and errors: no progress, no notes")
	flags.BoolVar(&f.all, "all", false, "also list what is as it should be")
}

// isSet returns the value of a flag of the root command. A command in a test has no such flags.
func isSet(cmd *cobra.Command, name string) bool {
	value, _ := cmd.Flags().GetBool(name)
	return value
}

// terminalOf returns the file descriptor of a terminal. ok is false for a file or a pipe.
func terminalOf(w io.Writer) (descriptor int, ok bool) {
	file, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	descriptor = int(file.Fd())
	return descriptor, term.IsTerminal(descriptor)
}

// viewOf returns the view of a text that the command writes to out: the width of the terminal, and
// colours at a terminal only. https://no-color.org
func viewOf(cmd *cobra.Command, out io.Writer) textfmt.View {
	v := textfmt.View{Verbose: isSet(cmd, "verbose"), All: isSet(cmd, "all")}
	descriptor, ok := terminalOf(out)
	if !ok {
		return v
	}
	if width, _, err := term.GetSize(descriptor); err == nil && width > 0 {
		v.Width = min(max(width, minWidth), maxWidth)
	}
	if !isSet(cmd, "no-color") && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		v.Paint = paint
	}
	return v
}

// A text is readable between these widths. Wider lines are hard to follow.
const minWidth, maxWidth = 40, 110

// tones are the colours of the tones. They are of the 16 that each terminal shows as its user
// chose, on light and on dark.
var tones = map[textfmt.Tone]*color.Color{
	textfmt.Critical: color.New(color.FgRed, color.Bold),
	textfmt.High:     color.New(color.FgYellow, color.Bold),
	textfmt.Medium:   color.New(color.FgYellow),
	textfmt.Low:      color.New(color.FgCyan),
	textfmt.Unknown:  color.New(color.FgMagenta, color.Bold),
	textfmt.Good:     color.New(color.FgGreen, color.Bold),
	textfmt.Added:    color.New(color.FgGreen),
	textfmt.Removed:  color.New(color.FgRed),
	textfmt.Strong:   color.New(color.Bold),
	textfmt.Faint:    color.New(color.Faint),
}

func init() {
	for _, c := range tones {
		c.EnableColor() // viewOf decides
	}
}

func paint(t textfmt.Tone, text string) string {
	if c := tones[t]; c != nil {
		return c.Sprint(text)
	}
	return text
}
