package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestOrderIsStable checks that help, completions and joined errors have one order. The maps of Go
// have a random one.
func TestOrderIsStable(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"--help", "audit --help", "explain --help", "policies --help", "zzz", "audit --zzz",
		"audit --purpose x", "completion bash", "completion zsh", "__complete audit --", "version",
		"check --for usr --partition x --fail-on y", "mute --for 2x --target x --action y",
		"fix --report none.json --callers a --regions b --scp c --profile d --timeout 1s",
		"explain s3:GetObject --for role --boundary x --account y --purpose all",
		"local --listen x --event y --function z", "local --serve --event y --function z",
	} {
		first := ""
		for i := range 20 {
			var out bytes.Buffer
			root := rootCommand()
			root.SetArgs(strings.Fields(line))
			root.SetOut(&out)
			root.SetErr(&out)
			if err := root.Execute(); err != nil {
				out.WriteString(err.Error())
			}
			if i == 0 {
				first = out.String()
			} else if out.String() != first {
				t.Errorf("%s: got\n%s\nand\n%s", line, first, out.String())
				break
			}
		}
	}
}
