// Package cdk reads the principals of the directory that cdk synth writes, which is cdk.out in most
// projects: the templates of all stacks, of their nested stacks, and of the stages.
//
//	stacks, err := cdk.Read(func(name string) (string, error) {
//		text, err := os.ReadFile(filepath.Join("cdk.out", filepath.FromSlash(name)))
//		return string(text), err
//	}, nil, cloudformation.Values{})
//
// The directory is a cloud assembly: manifest.json names its files.
// https://github.com/aws/aws-cdk/blob/main/design/cloud-assembly.md
package cdk

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/cloudformation"
)

// Manifest is the name of the file that makes a directory a cloud assembly.
const Manifest = "manifest.json"

// A Stack is a stack with its principals.
type Stack struct {
	// Name is the name of the stack. A nested stack has that of its parent and its logical id.
	Name string
	// TemplateFile is the path of the template in the directory, with slashes.
	TemplateFile string
	// Environment is the account and the region, such as 123456789012/eu-west-1; empty if the stack
	// can be deployed to any.
	Environment string
	File        policyfile.File
}

// The limits of an assembly.
const (
	maxStacks  = 1000
	maxDepth   = 20
	maxContent = 256 << 20
)

var limits = jsonlimit.Limits{Bytes: 64 << 20, Depth: 100, Values: 2_000_000, Elements: 1_000_000}

// Read returns the stacks of a directory in the order of their names. read returns the content of a
// file of the directory; names have slashes and stay in the directory. The values that the user
// gave are those of each stack, except that a stack with an account or a region keeps it.
//
// place returns the path to show for a source of the program, of which the assembly has the path on
// the machine of cdk synth; empty if the source is not to be shown. It may be nil.
//
// An error in a template is a *tree.Error, with the name of the template in front.
func Read(read func(name string) (string, error), place func(source string) string,
	values cloudformation.Values) ([]Stack, error) {
	r := reader{read: read, place: place, values: values, seen: map[string]bool{}}
	if err := r.assembly(".", 0); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.stacks, func(a, b Stack) int { return strings.Compare(a.Name, b.Name) })
	return r.stacks, nil
}

type reader struct {
	read    func(name string) (string, error)
	place   func(source string) string
	values  cloudformation.Values
	seen    map[string]bool // the files so far, against assemblies that contain themselves
	stacks  []Stack
	content int
}

// file returns the content of a file that another file names. dir is the directory of that file.
func (r *reader) file(dir, name string) (text, full string, err error) {
	full = path.Join(dir, name)
	if name == "" || !fs.ValidPath(full) || path.IsAbs(name) || strings.Contains(name, `\`) {
		return "", "", fmt.Errorf("%s: the name of a file is %.200q, which is not in the directory",
			path.Join(dir, Manifest), name)
	}
	if r.seen[full] {
		return "", "", fmt.Errorf("%s: the assembly names the file twice", full)
	}
	r.seen[full] = true
	if text, err = r.read(full); err != nil {
		return "", "", fmt.Errorf("%s: %w: run cdk synth again", full, err)
	}
	if r.content += len(text); r.content > maxContent {
		return "", "", fmt.Errorf("%s: the files of the assembly have more than %d MB", full,
			maxContent>>20)
	}
	return text, full, nil
}

// A manifest is the part of manifest.json that this package reads.
type manifest struct {
	Artifacts map[string]artifact
}

type artifact struct {
	Type        string
	Environment string
	Properties  struct {
		TemplateFile  string
		StackName     string
		DirectoryName string
		Parameters    map[string]string
	}
	Metadata               metadata
	AdditionalMetadataFile string
}

// decode decodes a file of the assembly.
func decode(name, text string, into any) error {
	if err := jsonlimit.Check([]byte(text), limits); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("%s: %w: run cdk synth again", name, err)
	}
	return nil
}

// assembly reads an assembly. A stage is an assembly in a directory of its own.
func (r *reader) assembly(dir string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: more than %d assemblies contain one another", dir, maxDepth)
	}
	text, name, err := r.file(dir, Manifest)
	if err != nil {
		return err
	}
	var m manifest
	if err := decode(name, text, &m); err != nil {
		return err
	}
	if m.Artifacts == nil {
		return fmt.Errorf("%s: no manifest of CDK: it has no artifacts", name)
	}
	for _, id := range slices.Sorted(maps.Keys(m.Artifacts)) {
		a := m.Artifacts[id]
		switch a.Type {
		case "cdk:cloud-assembly":
			nested := path.Join(dir, a.Properties.DirectoryName)
			if a.Properties.DirectoryName == "" || !fs.ValidPath(nested) {
				return fmt.Errorf("%s: the directory %.200q of %s is not in the directory", name,
					a.Properties.DirectoryName, id)
			}
			err = r.assembly(nested, depth+1)
		case "aws:cloudformation:stack":
			err = r.stack(dir, id, &a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stack reads a stack with its nested stacks.
func (r *reader) stack(dir, id string, a *artifact) error {
	all := a.Metadata
	if a.AdditionalMetadataFile != "" {
		text, name, err := r.file(dir, a.AdditionalMetadataFile)
		if err != nil {
			return err
		}
		var more metadata
		if err := decode(name, text, &more); err != nil {
			return err
		}
		if all == nil {
			all = metadata{}
		}
		for construct, entries := range more {
			all[construct] = append(all[construct], entries...)
		}
	}
	stackName := a.Properties.StackName
	if stackName == "" {
		stackName = id
	}
	values := r.values
	environment := ""
	if account, region, ok := a.environment(); ok {
		if account != "" {
			values.Account = account
		}
		if region != "" {
			values.Region, values.Partition = region, ""
		}
		environment = account + "/" + region
	}
	values.Parameters = maps.Clone(a.Properties.Parameters)
	if values.Parameters == nil {
		values.Parameters = map[string]string{}
	}
	maps.Copy(values.Parameters, r.values.Parameters)
	stack := Stack{Name: stackName, Environment: environment}
	return r.template(dir, a.Properties.TemplateFile, stack, values, newConstructs(all, r.place), 0)
}

// environment returns the account and the region of a stack, each empty if it is unknown.
func (a *artifact) environment() (account, region string, ok bool) {
	rest, ok := strings.CutPrefix(a.Environment, "aws://")
	if !ok {
		return "", "", false
	}
	account, region, _ = strings.Cut(rest, "/")
	account = strings.TrimSuffix(account, "unknown-account")
	region = strings.TrimSuffix(region, "unknown-region")
	return account, region, account != "" || region != ""
}

// template reads the template of a stack, and those of its nested stacks.
func (r *reader) template(dir, file string, stack Stack, values cloudformation.Values,
	c *constructs, depth int) error {
	if len(r.stacks) >= maxStacks || depth > maxDepth {
		return fmt.Errorf("%s: the assembly has more than %d stacks, or more than %d in one another",
			path.Join(dir, Manifest), maxStacks, maxDepth)
	}
	text, name, err := r.file(dir, file)
	if err != nil {
		return err
	}
	t, err := cloudformation.Parse(text)
	if err != nil {
		if noResources(text) {
			return nil
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	t.Constructs = c.find
	if depth > 0 {
		t.Constructs = c.findInNested
	}
	if stack.File, err = t.File(values); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	stack.TemplateFile = name
	if depth > 0 { // its parameters are those that the parent gives
		stack.File.Parameters = nil
	}
	nested, err := t.NestedStacks(values)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var found []cloudformation.NestedStack
	for _, n := range nested {
		if n.TemplateFile = c.template(n); n.TemplateFile == "" {
			stack.File.Notes = append(stack.File.Notes, "the template of the nested stack "+n.LogicalID+
				" is not in the directory: it is not checked")
			continue
		}
		found = append(found, n)
	}
	r.stacks = append(r.stacks, stack)
	for _, n := range found {
		values.Parameters = n.Parameters
		child := Stack{Name: stack.Name + "/" + n.LogicalID, Environment: stack.Environment}
		if err := r.template(dir, n.TemplateFile, child, values, c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// noResources reports whether a template is valid but empty: CDK writes such a template for a stack
// without constructs.
func noResources(text string) bool {
	var t map[string]json.RawMessage
	return jsonlimit.Check([]byte(text), limits) == nil && json.Unmarshal([]byte(text), &t) == nil &&
		t["Resources"] == nil
}

// IsManifest reports whether a text looks like the manifest of an assembly.
func IsManifest(text string) bool {
	var m manifest
	return decode(Manifest, text, &m) == nil && m.Artifacts != nil
}
