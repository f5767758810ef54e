package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/cdk"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/cloudformation"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/formats"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// files reads files with policies. It stops reading when ctx ends.
type files struct {
	ctx   context.Context
	stdin io.Reader // nil after a flag has used it
	errs  []error   // the errors of policy
	// within is the directory that links must not leave; empty for no limit.
	within string
	// values are for templates, and chosen chooses from the principals of a file.
	values cloudformation.Values
	chosen choice
	// parameters are the names in values, and those that templates declare.
	parameters *parameters
}

// policy returns the policy of document, and collects the error.
func (f *files) policy(flag, name string) iampolicy.Policy {
	p, err := f.document(flag, name)
	if err != nil {
		f.errs = append(f.errs, err)
	}
	return p
}

// document returns the only policy document in a file, or in standard input if name is "-". After
// an error, its Document is nil. flag is empty for an argument.
func (f *files) document(flag, name string) (iampolicy.Policy, error) {
	p := iampolicy.Policy{ID: fileName(name),
		Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: name}}
	list, err := f.declarations(flag, name, false)
	if err != nil {
		return p, err
	}
	about := aboutFile(flag, name)
	if list, err = f.chosen.only(list); err != nil {
		return p, fmt.Errorf("%s: %w", about, err)
	}
	var documents []policyfile.Document
	for _, principal := range list {
		documents = append(documents, principal.Policies...)
	}
	if len(documents) != 1 {
		return p, fmt.Errorf("%s must hold one policy document, got %d: write the document into a file",
			about, len(documents))
	}
	d := documents[0]
	if len(d.Open) > 0 {
		return p, fmt.Errorf("%s: the policy leaves %s open (%s), and this flag needs a policy of which "+
			"all is known", about, d.Open[0].Name, placeOf(name, policyfile.Place{Place: d.Open[0].At}))
	}
	p.Document = d.AtMost
	return p, nil
}

// parse returns what the text of a file declares. The error does not name the file.
func (f *files) parse(name string, text []byte) (policyfile.File, error) {
	return formats.Read(text, formats.Surroundings{Values: f.values,
		Sources: func(directories []string) (string, map[string][]byte) {
			return terraformSources(name, directories)
		}})
}

// text returns the text of a file, or of standard input if name is "-". The error does not name the
// file.
func (f *files) text(name string) ([]byte, error) {
	if f.within != "" && name != "-" && leavesThroughLink(name, f.within) {
		return nil, errOutside
	}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() &&
		info.Size() > formats.MaxBytes {
		return nil, errTooLarge
	}
	read := func() ([]byte, error) { return readFile(name, formats.MaxBytes) }
	if name == "-" {
		in := f.stdin
		f.stdin = nil
		read = func() ([]byte, error) {
			if in == nil {
				return nil, errors.New("standard input is already used for another document: use a file")
			}
			return io.ReadAll(io.LimitReader(in, formats.MaxBytes+1))
		}
	}
	text, err := interruptible(f.ctx, read)
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if err == nil && len(text) > formats.MaxBytes {
		err = errTooLarge
	}
	return text, err
}

var errTooLarge = fmt.Errorf("the file has more than %d MiB, the most that a check reads: name a "+
	"smaller file", formats.MaxBytes>>20)

// aboutFile names a file with its flag in an error.
func aboutFile(flag, name string) string {
	return strings.TrimSpace(flag + " " + textfmt.OneLine(name))
}

// fileName returns the name of a file in texts.
func fileName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return filepath.Base(name)
}

// assembly returns the directory of an assembly of CDK: name itself, or that of its manifest.
func (f *files) assembly(name string) (directory string, ok bool) {
	manifest := filepath.Join(name, cdk.Manifest)
	directory = name
	if filepath.Base(name) == cdk.Manifest {
		manifest, directory = name, filepath.Dir(name)
	}
	if info, err := os.Stat(manifest); err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	text, err := f.text(manifest)
	return directory, err == nil && cdk.IsManifest(string(text))
}

// stacks returns what the stacks of an assembly of CDK declare.
func (f *files) stacks(directory string) (list []declaration, err error) {
	stacks, err := cdk.Read(func(name string) (string, error) {
		text, err := f.text(filepath.Join(directory, filepath.FromSlash(name)))
		return string(text), err
	}, programSource, f.values)
	for _, stack := range stacks {
		f.parameters.declare(stack.File)
		file := filepath.Join(directory, filepath.FromSlash(stack.TemplateFile))
		for _, p := range stack.File.Principals {
			list = append(list, declaration{file, stack.File.Format, stack.File.Notes, p})
		}
	}
	return list, err
}

// maxDirectory is the number of policy files of one principal that the command reads from a
// directory.
const maxDirectory = 200

// policyPaths returns the .json files of a directory in the order of their names, or name itself if
// it is no directory, or one that CDK wrote. It ignores directories within the directory.
func (f *files) policyPaths(flag, name string) ([]string, error) {
	info, err := os.Stat(name)
	if name == "-" || err != nil || !info.IsDir() {
		return []string{name}, nil // reading the file gives the error
	}
	if _, ok := f.assembly(name); ok {
		return []string{name}, nil
	}
	about := aboutFile(flag, name)
	entries, err := os.ReadDir(name)
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	var list []string
	for _, e := range entries {
		if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ".json") {
			list = append(list, filepath.Join(name, e.Name()))
		}
	}
	switch {
	case list == nil:
		return nil, fmt.Errorf("%s: the directory has no .json file: name the policy files", about)
	case len(list) > maxDirectory:
		return nil, fmt.Errorf("%s: the directory has %d .json files, and at most %d are read: name the "+
			"policy files", about, len(list), maxDirectory)
	}
	return list, nil
}
