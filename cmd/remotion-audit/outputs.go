package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// outputFlags are the flags --format and --output of a command that writes one document in several
// formats. The help, the completion and the errors list the formats that internal/output has.
type outputFlags struct {
	formats []string // NAME or NAME=FILE
	file    string
}

// register adds the flags to a command. document is the name of the document in the help, and names
// are those of its formats; the first is the default.
func (f *outputFlags) register(cmd *cobra.Command, names []string, document string) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.formats, "format", "f", nil, "format of the "+document+": "+
		textfmt.Or(names)+"; FORMAT=FILE writes it to a file (repeatable; default "+names[0]+")")
	flags.StringVarP(&f.file, "output", "o", "",
		"file for the "+document+" in the format without =FILE (default: standard output)")
	// An error can only mean that the flag does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format",
		cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

// An outputFile is a file that is replaced when its whole content is known.
type outputFile struct {
	name    string
	file    *os.File
	created bool
	written bool
}

// openOutput opens a file without changing its content.
func openOutput(name string) (*outputFile, error) {
	_, err := os.Stat(name)
	o := &outputFile{name: name, created: errors.Is(err, os.ErrNotExist)}
	o.file, err = os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o666)
	return o, err
}

// replace replaces the content. A device or a pipe has no content to remove.
func (o *outputFile) replace(content []byte) error {
	o.written = true
	if info, err := o.file.Stat(); err == nil && info.Mode().IsRegular() {
		if err := o.file.Truncate(0); err != nil {
			return err
		}
	}
	_, err := o.file.Write(content)
	return errors.Join(err, o.file.Close())
}

// abandon closes a file that was not written. A file that did not exist before does not stay.
func (o *outputFile) abandon() {
	if o.written {
		return
	}
	_ = o.file.Close()
	if o.created {
		_ = os.Remove(o.name)
	}
}

// A destination is a format with the file for it.
type destination[D any] struct {
	// flag names the destination in errors: --output, or --format with its value.
	flag   string
	format output.Format[D]
	file   *outputFile // nil for standard output
}

// outputs are the formats of one document with their files.
type outputs[D any] struct {
	cmd  *cobra.Command
	list []destination[D]
}

// openOutputs opens the files of the flags, so that a wrong name fails before the work. The caller
// has to call close. inputs are files that the command reads, which are no output.
func openOutputs[D any](cmd *cobra.Command, f outputFlags, formats output.Formats[D],
	inputs ...string) (*outputs[D], error) {
	out := &outputs[D]{cmd: cmd}
	err := out.open(f, formats, inputs)
	if err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

func (out *outputs[D]) open(f outputFlags, formats output.Formats[D], inputs []string) error {
	wanted := f.formats
	if len(wanted) == 0 {
		wanted = formats.Names()[:1]
	}
	first := ""
	for _, value := range wanted {
		name, file, hasFile := strings.Cut(value, "=")
		format, err := formats.Find(name)
		if err != nil {
			return fmt.Errorf("--format %w", err)
		}
		flag := "--format " + textfmt.OneLine(value)
		switch {
		case hasFile && strings.TrimSpace(file) == "":
			return fmt.Errorf("%s: the name of the file is missing: use %s=FILE", flag, name)
		case !hasFile && first != "":
			return fmt.Errorf("--format %s and --format %s have no file: only one format can go to "+
				"standard output or to --output; add =FILE to the others", first, name)
		case !hasFile:
			first, flag, file = name, "--output", f.file
		case output.IsName(file):
			return fmt.Errorf("%s: %s is the name of a format: to write a file of that name, use %s=./%s",
				flag, file, name, file)
		}
		if err := out.add(flag, format, file, inputs); err != nil {
			return err
		}
	}
	if f.file != "" && first == "" {
		return errors.New("--output needs a --format without =FILE, and every --format has a file")
	}
	return nil
}

// stdoutNames are the names of standard output. Opened by such a name, a file to which it is
// redirected would lose what it has already.
var stdoutNames = []string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}

// add adds a destination. file is empty or - for standard output, or one of its names.
func (out *outputs[D]) add(flag string, format output.Format[D], file string,
	inputs []string) error {
	if flag == "--output" {
		if err := checkOutputName(file); err != nil {
			return err
		}
	}
	if file == "" && flag == "--output" {
		flag = "--format " + format.Name
	}
	d := destination[D]{flag: flag, format: format}
	if file == "" || file == "-" || slices.Contains(stdoutNames, file) {
		if slices.ContainsFunc(out.list, func(o destination[D]) bool { return o.file == nil }) {
			return fmt.Errorf("%s: another format goes to standard output already: use a file", flag)
		}
		out.list = append(out.list, d)
		return nil
	}
	for _, input := range inputs {
		if sameFile(input, file) {
			return fmt.Errorf("%s: the command reads %s: use another file", flag, textfmt.OneLine(file))
		}
	}
	for _, o := range out.list {
		if o.file != nil && (filepath.Clean(o.file.name) == filepath.Clean(file) ||
			sameFile(o.file.name, file)) {
			return fmt.Errorf("%s: duplicate file %s", flag, textfmt.OneLine(file))
		}
	}
	opened, err := openOutput(file)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	d.file = opened
	out.list = append(out.list, d)
	return nil
}

// checkOutputName refuses the name of a format as a file of --output. In other tools, --output
// chooses the format, and a file named json would be a surprise.
func checkOutputName(file string) error {
	if !output.IsName(file) {
		return nil
	}
	name := output.AuditFormats().Nearest(file)
	if name != file {
		name += ", because there is no format " + file
	}
	return fmt.Errorf("--output %s: to choose the format, use --format %s; to write a file of that "+
		"name, use ./%s", file, name, file)
}

// sameFile reports whether two names are those of one regular file that exists.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil || !x.Mode().IsRegular() {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// write writes the document in all formats. It formats everything before it changes a file. more,
// unless nil, adds to the text format.
func (out *outputs[D]) write(document D, more func(io.Writer, textfmt.View) error) error {
	contents := make([]bytes.Buffer, len(out.list))
	for i, d := range out.list {
		w := out.cmd.OutOrStdout()
		if d.file != nil {
			w = d.file.file
		}
		view := viewOf(out.cmd, w)
		if err := d.format.Write(&contents[i], document, view); err != nil {
			return fmt.Errorf("--format %s: %w", d.format.Name, err)
		}
		if more != nil && d.format.Name == "text" {
			if err := more(&contents[i], view); err != nil {
				return err
			}
		}
	}
	var errs []error
	for i, d := range out.list {
		if d.file == nil {
			_, err := out.cmd.OutOrStdout().Write(contents[i].Bytes())
			errs = append(errs, err)
		} else if err := d.file.replace(contents[i].Bytes()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.flag, err))
		}
	}
	return errors.Join(errs...)
}

// close closes the files that were not written.
func (out *outputs[D]) close() {
	for _, d := range out.list {
		if d.file != nil {
			d.file.abandon()
		}
	}
}
