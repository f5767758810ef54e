// Command stackset converts template.yaml to a template for a stack set, which has no transform and
// takes the code from a bucket in each region. To stdout, it prints the commands that deploy the
// result. `make stackset` runs this command; docs/organizations.md describes the next steps.
//
//	go run ./internal/cfn/stackset [-prefix acme-remotion-audit] \
//	    [-regions us-east-1,eu-central-1] Callers=user/render …
//
// The arguments after the flags are parameters of the template. The command validates them as
// CloudFormation does, and includes them in the printed commands.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/settings"
)

// options are the flags and parameters from the command line.
type options struct {
	template, zip, out string // files
	// prefix of the bucket names; if empty, the printed commands read it from the environment
	prefix     string
	key        string   // of the code in the buckets; if empty, run builds it from the zip's SHA-256
	regions    []string // the regions of the buckets
	parameters map[string]string
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(o, os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "stackset:", err)
		os.Exit(2)
	}
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("stackset", flag.ContinueOnError)
	flags.StringVar(&o.template, "template", "template.yaml", "the template to expand")
	flags.StringVar(&o.zip, "zip", "dist/remotion-audit-lambda-arm64.zip",
		"the zip with the code, from make build")
	flags.StringVar(&o.out, "o", "dist/stackset.template.json", "the template to write")
	flags.StringVar(&o.prefix, "prefix", "",
		"the prefix of the bucket names: PREFIX-us-east-1")
	flags.StringVar(&o.key, "key", "",
		"the key of the code in the buckets (default: a key with the SHA-256 of the zip, so that new "+
			"code has a new key)")
	regions := flags.String("regions", "us-east-1",
		"the regions of the buckets, comma-separated: every region that the stack set is deployed to")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for name := range strings.SplitSeq(*regions, ",") {
		if name = strings.TrimSpace(name); !awsname.IsRegion(name) {
			return o, fmt.Errorf("-regions: %q is not a region, such as us-east-1", name)
		}
		o.regions = append(o.regions, name)
	}
	o.parameters = map[string]string{}
	for _, arg := range flags.Args() {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return o, fmt.Errorf("%q is not a parameter of the template, such as Callers=user/render", arg)
		}
		o.parameters[name] = value
	}
	return o, nil
}

// run writes the template to the file o.out, and the commands to w.
func run(o options, w io.Writer) error {
	code, err := os.ReadFile(o.zip)
	if err != nil {
		return fmt.Errorf("-zip: %w; make build creates it", err)
	}
	if o.key == "" {
		o.key = fmt.Sprintf("remotion-audit/%x.zip", sha256.Sum256(code))
	}
	data, err := os.ReadFile(o.template)
	if err != nil {
		return err
	}
	source, err := cfn.Parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", o.template, err)
	}
	template, err := build(source, o.key)
	if err != nil {
		return fmt.Errorf("%s: %w", o.template, err)
	}
	if err := check(template, o); err != nil {
		return err
	}
	encoded, err := encode(template)
	if err != nil {
		return err
	}
	if len(encoded) > maxTemplate {
		return fmt.Errorf("%s has %d bytes, CloudFormation accepts at most %d", o.out, len(encoded),
			maxTemplate)
	}
	if err := os.WriteFile(o.out, encoded, 0o666); err != nil {
		return err
	}
	return commands(w, o, len(encoded))
}

// check validates the parameters as CloudFormation does.
func check(template cfn.Template, o options) error {
	parameters := map[string]string{paramPrefix: "the-prefix", paramKey: o.key}
	if o.prefix != "" {
		parameters[paramPrefix] = o.prefix
	}
	for name, value := range o.parameters {
		if name == paramPrefix || name == paramKey {
			return fmt.Errorf("parameter %s: set it with -prefix or -key", name)
		}
		parameters[name] = value
	}
	if err := template.Check(parameters); err != nil {
		return err
	}
	resources, err := template.Resources(parameters)
	if err != nil {
		return err
	}
	return checkEnvironment(resources)
}

// checkEnvironment returns an error if the environment of a function is too large for Lambda. It
// omits values with references, which only AWS knows.
func checkEnvironment(resources map[string]cfn.Resource) error {
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		environment, _ := resources[id].Properties["Environment"].(map[string]any)
		variables, _ := environment["Variables"].(map[string]any)
		known := map[string]string{}
		for name, value := range variables {
			if text, ok := value.(string); ok && !strings.Contains(text, "${") {
				known[name] = text
			}
		}
		if variables == nil {
			continue
		}
		if err := settings.CheckEnvironment(known); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}
