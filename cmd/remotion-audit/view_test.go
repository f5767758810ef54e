package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestColoursAreForTerminals checks that a text has escape sequences only at a terminal, unless the
// user does not want them, and that its width is that of the terminal. It does not run in parallel,
// because it sets the environment.
func TestColoursAreForTerminals(t *testing.T) {
	for _, test := range []struct {
		name        string
		args        []string
		environment map[string]string
		columns     uint16 // of the terminal; 0 for a pipe
		width       int
		colours     bool
	}{
		{name: "a terminal has colours", columns: 80, width: 80, colours: true},
		{name: "NO_COLOR", environment: map[string]string{"NO_COLOR": "1"}, columns: 80, width: 80},
		{name: "an empty NO_COLOR does not count", environment: map[string]string{"NO_COLOR": ""},
			columns: 80, width: 80, colours: true},
		{name: "--no-color", args: []string{"--no-color"}, columns: 80, width: 80},
		{name: "a dumb terminal", environment: map[string]string{"TERM": "dumb"}, columns: 80, width: 80},
		{name: "a narrow terminal", columns: 20, width: minWidth, colours: true},
		{name: "a wide terminal", columns: 300, width: maxWidth, colours: true},
		{name: "a pipe", width: textfmt.DefaultWidth},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", "")
			t.Setenv("TERM", "xterm")
			for name, value := range test.environment {
				t.Setenv(name, value)
			}
			in, out := pipeOrTerminal(t, test.columns)
			root := &cobra.Command{Use: "x", RunE: func(cmd *cobra.Command, _ []string) error {
				v := viewOf(cmd, out)
				if v.Columns() != test.width {
					t.Errorf("width %d, want %d", v.Columns(), test.width)
				}
				_, err := fmt.Fprintln(out, v.Painted(textfmt.Critical, "text"))
				return err
			}}
			var view viewFlags
			view.register(root)
			root.SetArgs(append([]string{}, test.args...)) // nil would mean those of the process
			if err := root.Execute(); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 64)
			n, err := in.Read(got)
			if err != nil && err != io.EOF {
				t.Fatal(err)
			}
			if escaped := bytes.Contains(got[:n], []byte("\x1b[")); escaped != test.colours {
				t.Errorf("got %q, want colours %v", got[:n], test.colours)
			}
			if !strings.Contains(string(got[:n]), "text") {
				t.Errorf("got %q", got[:n])
			}
		})
	}
}

// pipeOrTerminal returns the two ends of a terminal with columns, or of a pipe for 0.
func pipeOrTerminal(t *testing.T, columns uint16) (in io.Reader, out *os.File) {
	t.Helper()
	if columns == 0 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = r.Close(), w.Close() })
		return r, w
	}
	control, terminal, err := pty.Open()
	if err != nil {
		t.Skip("this machine has no terminals: ", err)
	}
	t.Cleanup(func() { _, _ = terminal.Close(), control.Close() })
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	return control, terminal
}

// TestEveryToneHasAColour checks that no tone is printed without a colour by mistake, and that a
// colour keeps the text.
func TestEveryToneHasAColour(t *testing.T) {
	t.Parallel()
	for tone := textfmt.Critical; tone <= textfmt.Faint; tone++ {
		if got := paint(tone, "text"); got == "text" || !strings.Contains(got, "text") {
			t.Errorf("tone %d: %q", tone, got)
		}
	}
	if got := paint(textfmt.Plain, "text"); got != "text" {
		t.Errorf("no tone: %q", got)
	}
}
