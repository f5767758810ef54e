package calls

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// command matches the construction of a command of the AWS SDK.
var command = regexp.MustCompile(`new (?:[\w$]+\.)*([A-Z]\w*)Command\(`)

// constructed returns the commands that the code of a release constructs, each with one of the
// files. It reads the packages of Remotion that call AWS, and the deployed code. The deployed code
// of releases before 4.0.240 contains whole clients of the SDK, which construct every command: the
// packages contain the same code of Remotion without them.
func constructed(r Release, code string) (map[string]string, error) {
	found := map[string]string{}
	scan := func(name, file string) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, match := range command.FindAllSubmatch(text, -1) {
			if _, ok := found[string(match[1])]; !ok {
				found[string(match[1])] = name
			}
		}
		return nil
	}
	scope := filepath.Dir(r.Package)
	for _, name := range []string{"lambda", "lambda-client", "serverless", "serverless-client"} {
		dir := filepath.Join(scope, name, "dist")
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".js" {
				return err
			}
			file, err := filepath.Rel(scope, path)
			if err != nil {
				return err
			}
			return scan("@remotion/"+filepath.ToSlash(file), path)
		})
		if err != nil && (name == "lambda" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	if r.before("4.0.240") {
		return found, nil
	}
	return found, scan("the deployed index.js", code)
}
