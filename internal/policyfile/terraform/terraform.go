// Package terraform reads the IAM principals and policies that Terraform and OpenTofu plan, from
// the JSON of a plan or of a state:
//
//	terraform plan -out plan.bin
//	terraform show -json plan.bin > plan.json
//
// The values that Terraform knows after apply are open. Terraform's configuration in the plan names
// what such a value depends on, and so do the policies of a role that does not exist yet. The plan
// names no positions: the texts of the modules add them.
//
// https://developer.hashicorp.com/terraform/internals/json-format
package terraform

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// limits are the limits of a plan. One with 5,000 resources has about 20 MB.
var limits = jsonlimit.Limits{Bytes: 128 << 20, Depth: 100, Values: 3_000_000, Elements: 1_000_000}

// configurationLimits are the limits of the configuration in a plan. terraform-json copies the text
// of a nested block once for each block around it.
var configurationLimits = jsonlimit.Limits{Bytes: 32 << 20, Depth: 60, Values: 2_000_000,
	Elements: 1_000_000}

// Plan is a decoded plan or state.
type Plan struct {
	state     bool // all values are known
	resources []*resource
	byAddress map[string]*resource
	// instances are the resources of one resource block in one instance of a module, by resourceKey.
	instances map[string][]*resource
	// modules are the addresses of the instances of modules, by the address of the instance around
	// them and the name of the module.
	modules map[string][]string
	// knownModules are the addresses in modules.
	knownModules map[string]bool
	// superseded are the inline policies and attachments that the plan removes or replaces.
	superseded map[superseded]bool
	config     *configModule // of the root module
	variables  map[string]*tfjson.PlanVariable
	notes      []string
	// incomplete says why resources can be missing in the plan; empty if it is complete.
	incomplete string
	// assumed are the policies that are taken to be the only value that they depend on.
	assumed []string
	sources *sources
}

// A document is what this package reads of the JSON of a plan or of a state.
type document struct {
	FormatVersion   string                           `json:"format_version"`
	Variables       map[string]*tfjson.PlanVariable  `json:"variables"`
	PlannedValues   *tfjson.StateValues              `json:"planned_values"`
	ResourceChanges []*tfjson.ResourceChange         `json:"resource_changes"`
	DeferredChanges []*tfjson.DeferredResourceChange `json:"deferred_changes"`
	Complete        *bool                            `json:"complete"`
	Errored         bool                             `json:"errored"`
	PriorState      *tfjson.State                    `json:"prior_state"`
	Configuration   json.RawMessage                  `json:"configuration"`
	Values          *tfjson.StateValues              `json:"values"`
}

// Read reads the JSON of a plan or of a state, without positions.
func Read(text []byte) (policyfile.File, error) {
	p, err := Parse(text)
	if err != nil {
		return policyfile.File{}, err
	}
	return p.File("", nil), nil
}

// Parse decodes the JSON of a plan or of a state.
func Parse(text []byte) (*Plan, error) {
	if err := refuseOtherFiles(text); err != nil {
		return nil, err
	}
	if err := jsonlimit.Check(text, limits); err != nil {
		return nil, err
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, decodingError(text, err)
	}
	plan := tfjson.Plan{FormatVersion: d.FormatVersion}
	if err := plan.Validate(); err != nil {
		return nil, fmt.Errorf("format_version %s of the plan is not supported: use the JSON of "+
			"Terraform 0.12 or newer, or of OpenTofu: %w", textfmt.Quote(d.FormatVersion, 20), err)
	}
	if d.Values == nil && d.PlannedValues == nil && d.ResourceChanges == nil {
		// Terraform writes an empty state without values.
		if d.PriorState != nil || d.Configuration != nil {
			return nil, errors.New("the plan has no planned_values: give the whole output of terraform " +
				"show -json")
		}
	}
	p := &Plan{state: d.PlannedValues == nil && d.ResourceChanges == nil,
		superseded: map[superseded]bool{}, byAddress: map[string]*resource{},
		instances: map[string][]*resource{}, modules: map[string][]string{},
		knownModules: map[string]bool{}, variables: d.Variables}
	if d.Configuration != nil {
		if err := p.decodeConfiguration(d.Configuration); err != nil {
			return nil, err
		}
	}
	p.addResources(&d)
	if d.Errored {
		p.incomplete = "it ended with an error"
	}
	if d.Complete != nil && !*d.Complete || len(d.DeferredChanges) > 0 {
		p.incomplete = cmp.Or(p.incomplete, "it was limited to targets, or defers changes")
	}
	if p.incomplete != "" {
		p.notes = append(p.notes, "the plan is incomplete, so that policies can be missing: "+
			p.incomplete)
	}
	return p, nil
}

func (p *Plan) decodeConfiguration(text json.RawMessage) error {
	if err := jsonlimit.Check(text, configurationLimits); err != nil {
		return fmt.Errorf("configuration of the plan: %w", err)
	}
	var config *tfjson.Config
	if err := json.Unmarshal(text, &config); err != nil {
		return fmt.Errorf("configuration of the plan: %w", err)
	}
	if config != nil && config.RootModule != nil {
		p.config = newConfigModule(config.RootModule)
	}
	return nil
}

// variable returns the value of a variable of the root module that is a text and not sensitive.
func (p *Plan) variable(name string) (string, bool) {
	v := p.variables[name]
	if v == nil || p.config == nil || p.config.Variables[name] == nil ||
		p.config.Variables[name].Sensitive {
		return "", false
	}
	text, ok := v.Value.(string)
	return text, ok
}

// decodingError adds the line to an error of encoding/json.
func decodingError(text []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	offset := int64(-1)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	if offset < 0 || offset > int64(len(text)) {
		return fmt.Errorf("the file is no JSON of a plan: %w", err)
	}
	line := 1 + bytes.Count(text[:offset], []byte("\n"))
	return fmt.Errorf("line %d: the file is no JSON of a plan: %w", line, err)
}

var (
	// hclBlock is the first block of a file in Terraform's language.
	hclBlock = regexp.MustCompile(`^\s*(?:(?:#|//)[^\n]*\n\s*|/\*(?s:.*?)\*/\s*)*` +
		`(?:resource|data|module|variable|output|locals|provider|terraform)\s*(?:"[^"\n]*"\s*){0,2}\{`)
	// planLog is a line of terraform plan -json.
	planLog = regexp.MustCompile(`^\s*\{"@level":`)
	// rawState is the begin of a state file.
	rawState = regexp.MustCompile(`^\s*\{\s*"version":\s*[0-9]+,\s*"terraform_version":`)
	// planText is the begin of the text that terraform plan prints.
	planText = regexp.MustCompile(`^(?:\s|\x1b\[[0-9;]*m)*(?:(?:Terraform|OpenTofu) (?:used the ` +
		`selected providers|will perform)|No changes\.)`)
)

// refuseOtherFiles returns an error for the other files and outputs of Terraform.
func refuseOtherFiles(text []byte) error {
	head := text[:min(len(text), 64<<10)]
	const remedy = "run terraform show -json PLAN > plan.json, and give plan.json"
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return errors.New("the file is a binary plan of Terraform: " + remedy)
	case planLog.Match(head):
		return errors.New("the file is the log of terraform plan -json, which has no values: run " +
			"terraform plan -out PLAN, then terraform show -json PLAN > plan.json, and give plan.json")
	case rawState.Match(head):
		return errors.New("the file is a state file of Terraform: run terraform show -json > " +
			"state.json, and give state.json")
	case hclBlock.Match(head):
		return errors.New("the file is a source of Terraform, in which values are not resolved: run " +
			"terraform plan -out PLAN, then terraform show -json PLAN > plan.json, and give plan.json")
	case planText.Match(head):
		return errors.New("the file is the text that terraform plan prints: run terraform plan -out " +
			"PLAN, then terraform show -json PLAN > plan.json, and give plan.json")
	}
	return nil
}

// Recognize reports whether a text is a plan or a state, or another file of Terraform, for which
// Parse has an error that names the remedy.
func Recognize(text []byte) bool {
	if refuseOtherFiles(text) != nil {
		return true
	}
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) &&
		bytes.Contains(text, []byte(`"format_version"`))
}
