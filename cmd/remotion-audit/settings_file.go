package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/remotion-audit/remotion-audit/internal/settingsfile"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// addSettingsFlags adds the flags about the settings file to a command that reads it.
func addSettingsFlags(cmd *cobra.Command) {
	cmd.Flags().String("config", "", "settings file (default: "+settingsfile.Name+" in the working "+
		"directory or above it, up to the root of the repository); its paths are then relative to the "+
		"working directory")
	cmd.Flags().Bool("no-config", false, "do not read a settings file")
}

// A settingsKey is the key of the settings in the context of a command.
type settingsKey struct{}

// repositorySettings is a settings file that was read. The zero value has no settings.
type repositorySettings struct {
	settingsfile.File
	// name is the name of the file in errors and notes, and dir the directory to which its paths are
	// relative.
	name, dir string
}

// settingsOf returns the settings file of a command.
func settingsOf(cmd *cobra.Command) repositorySettings {
	s, _ := cmd.Context().Value(settingsKey{}).(repositorySettings)
	return s
}

// otherName is a name that users give to the settings file.
const otherName = "remotion-audit.yml"

// loadSettingsFile reads the settings file of a command that has one, and sets the flags that
// neither the command line nor the environment sets.
func loadSettingsFile(cmd *cobra.Command) error {
	if cmd.Flags().Lookup("no-config") == nil || isSet(cmd, "no-config") && !isGiven(cmd, "config") {
		return nil
	}
	if isSet(cmd, "no-config") {
		return errors.New("--config and --no-config exclude each other: leave one of them out")
	}
	s, err := readSettings(cmd)
	if err != nil {
		return err
	}
	if s.name == "" {
		if _, err := os.Lstat(otherName); err == nil {
			fmt.Fprintf(notes(cmd), "notice: %s is not read: name it %s\n", otherName, settingsfile.Name)
		}
		return nil
	}
	fmt.Fprintln(notes(cmd), "settings: "+textfmt.OneLine(s.name))
	now := time.Now()
	for i, m := range s.Mutes {
		if !m.Until.After(now) {
			fmt.Fprintf(notes(cmd), "notice: %s: line %d: the mute ended on %s and has no effect\n",
				textfmt.OneLine(s.name), s.MuteLines[i], textfmt.Time(m.Until))
		}
	}
	cmd.SetContext(context.WithValue(cmd.Context(), settingsKey{}, s))
	for _, v := range s.Values {
		if !slices.Contains(v.Key.Commands, cmd.Name()) {
			continue
		}
		if err := s.set(cmd, v); err != nil {
			return err
		}
	}
	return validateFlags(cmd.Flags())
}

// readSettings reads the file of --config, or else the one that it finds.
func readSettings(cmd *cobra.Command) (s repositorySettings, err error) {
	var text []byte
	if isGiven(cmd, "config") {
		s.name, s.dir = cmd.Flags().Lookup("config").Value.String(), "."
		text, err = interruptible(cmd.Context(), func() ([]byte, error) {
			return readFile(s.name, settingsfile.MaxBytes)
		})
		if cmd.Context().Err() != nil {
			return s, interrupted(cmd)
		}
		if err != nil {
			return s, fmt.Errorf("--config %s: %w", s.name, withoutPath(err))
		}
	} else {
		var found string
		if found, text, err = findSettings(); err != nil || found == "" {
			return s, err
		}
		s.name, s.dir = fromHere(found), fromHere(filepath.Dir(found))
	}
	s.File, err = settingsfile.Parse(bytes.TrimPrefix(text, []byte("\ufeff")), time.Now())
	if err == nil {
		return s, nil
	}
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, s.name+": "+line)
	}
	if !isGiven(cmd, "config") {
		lines = append(lines, "correct the file, or leave it out with --no-config")
	}
	return s, errors.New(strings.Join(lines, "\n"))
}

// findSettings returns the settings file in the working directory or in the nearest directory above
// it, up to the root of the repository. Outside of a repository, it searches the working directory
// only: a file above it may be that of another person. found is empty without a file.
func findSettings() (found string, text []byte, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", nil, err
	}
	root, ok := repositoryRoot(dir)
	if !ok {
		root = dir
	}
	for {
		name := filepath.Join(dir, settingsfile.Name)
		info, err := os.Stat(name)
		_, notEven := os.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && notEven == nil:
			return "", nil, fmt.Errorf("%s: the link leads to no file: replace it, or leave it out with "+
				"--no-config", fromHere(name))
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", nil, fmt.Errorf("%s: %w", fromHere(name), withoutPath(err))
		case !info.Mode().IsRegular():
			return "", nil, fmt.Errorf("%s: %w: replace it, or leave it out with --no-config",
				fromHere(name), errNotAFile)
		case leavesThroughLink(name, root):
			return "", nil, fmt.Errorf("%s: %w: replace it, or leave it out with --no-config",
				fromHere(name), errOutside)
		default:
			text, err := readFile(name, settingsfile.MaxBytes)
			if err != nil {
				return "", nil, fmt.Errorf("%s: %w", fromHere(name), withoutPath(err))
			}
			return name, text, nil
		}
		if dir == root {
			return "", nil, nil
		}
		dir = filepath.Dir(dir)
	}
}

// errOutside is the error for a path that a settings file must not name.
var errOutside = errors.New("a link leads to a file outside of the repository")

// leavesThroughLink reports whether a path in a directory leads to a file outside of the directory,
// because it goes through links. A pull request could show files of the machine with them. A path
// without a file leads nowhere.
func leavesThroughLink(name, directory string) bool {
	full, err := filepath.Abs(name)
	if err != nil || !isBelow(full, directory) {
		return false
	}
	from, err := filepath.EvalSymlinks(directory)
	if err != nil {
		return false
	}
	to, err := filepath.EvalSymlinks(full)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return !isBelow(to, from)
}

// isBelow reports whether a path is a directory or in it. Both are absolute.
func isBelow(path, directory string) bool {
	inside, err := filepath.Rel(directory, path)
	return err == nil && filepath.IsLocal(inside)
}

// readableRoot returns the directory that holds all files that the settings may name: the root of
// the repository, or else the directory to which the paths of the settings are relative.
func (s repositorySettings) readableRoot() string {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return s.dir
	}
	if root, ok := repositoryRoot(dir); ok {
		return root
	}
	return dir
}

// set sets the flag of a value, unless the command line or the environment sets it.
func (s repositorySettings) set(cmd *cobra.Command, v settingsfile.Value) error {
	f := cmd.Flags().Lookup(v.Key.Name)
	if f == nil || f.Changed || isAutomatic(cmd, v) {
		return nil
	}
	if variable := f.Annotations[variableOf]; variable != nil && os.Getenv(variable[0]) != "" {
		return nil
	}
	place := fmt.Sprintf("%s: line %d: %s", s.name, v.Line, v.Key.Name)
	for _, text := range v.Texts {
		switch v.Key.Kind {
		case settingsfile.Path:
			text = s.path(text)
			if leavesThroughLink(text, s.readableRoot()) {
				return fmt.Errorf("%s: %s: %w", place, textfmt.OneLine(text), errOutside)
			}
		case settingsfile.Levels:
			text = s.level(text)
			for name := range strings.SplitSeq(text, ",") {
				if leavesThroughLink(name, s.readableRoot()) {
					return fmt.Errorf("%s: %s: %w", place, textfmt.OneLine(name), errOutside)
				}
			}
		case settingsfile.Text, settingsfile.List, settingsfile.YesNo:
		}
		if err := cmd.Flags().Set(f.Name, text); err != nil {
			var invalid *pflag.InvalidValueError
			if errors.As(err, &invalid) {
				err = errors.New(strings.TrimPrefix(flagError(cmd, err).Error(), "--"+f.Name+" "))
			}
			return fmt.Errorf("%s %w", place, err)
		}
	}
	annotate(cmd, f.Name, settingOf, place)
	return nil
}

// isAutomatic reports whether a value leaves a choice to an audit, which has an account to look at.
// For policy files, it is as good as no value.
func isAutomatic(cmd *cobra.Command, v settingsfile.Value) bool {
	words := map[string][]string{"remotion-version": {"auto"}, "regions": {"auto", "all"}}
	return cmd.Name() == "check" && len(v.Texts) == 1 && slices.Contains(words[v.Key.Name], v.Texts[0])
}

// path returns the path of a file that the settings name, from the working directory.
func (s repositorySettings) path(name string) string {
	return filepath.Join(s.dir, filepath.FromSlash(name))
}

// level returns a value of --scp or --rcp with paths from the working directory.
func (s repositorySettings) level(text string) string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != fullAccess && name != fullResourceAccess {
			name = s.path(name)
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}
