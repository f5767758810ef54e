package calls

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// cli returns a step that runs Remotion's command: npx remotion lambda and the arguments.
func cli(args ...string) func(*run) error {
	return func(r *run) error {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		command := filepath.Join(r.release.Package, "..", "cli", "remotion-cli.js")
		cmd, err := r.box.command(ctx, "cli", r.user("CALLS_CLI=1", "CALLS_SCENARIO="+
			r.stage.Load().name, "AWS_REGION="+region, "NODE_PATH="+
			filepath.Join(r.release.Package, "..", "..")), append([]string{command, "lambda"}, args...)...)
		if err != nil {
			return err
		}
		// The command looks for a project. It is an error of the command if there is none.
		for name, text := range map[string]string{"package.json": "{}", "src/index.ts": ""} {
			file := filepath.Join(cmd.Dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				return err
			}
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
}
