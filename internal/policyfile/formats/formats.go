// Package formats finds out the format of a file with policies, and reads it.
package formats

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/awscli"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/cloudformation"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/encoding"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/terraform"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// MaxBytes is the maximum size of a file. A plan of 5,000 resources has about 30 MB. The readers of
// each format have smaller limits of their own.
const MaxBytes = 64 << 20

// Surroundings are what a reader needs to know besides a file. All are optional.
type Surroundings struct {
	// Values are the values of a template.
	Values cloudformation.Values
	// Sources returns the *.tf files of the directories of a plan, by path, and the path of the root
	// module. The directories are relative to that of the root module.
	Sources func(directories []string) (root string, files map[string][]byte)
}

// Read returns what a file declares. A file of an unknown format is taken for a policy document, so
// that the error says what to do.
func Read(file []byte, around Surroundings) (policyfile.File, error) {
	text, note, err := encoding.Decode(file)
	if err != nil {
		return policyfile.File{}, err
	}
	var f policyfile.File
	switch Detect(text) {
	case policyfile.CloudFormation:
		f, err = cloudformation.Read(text, around.Values)
	case policyfile.TerraformPlan:
		f, err = readPlan(text, around)
	case policyfile.CLIAnswer:
		f, err = awscli.Read(text)
	default:
		f, err = readDocument(text)
	}
	if note != "" && err == nil {
		f.Notes = append(f.Notes, note)
	}
	return f, err
}

func readPlan(text string, around Surroundings) (policyfile.File, error) {
	plan, err := terraform.Parse([]byte(text))
	if err != nil {
		return policyfile.File{}, err
	}
	if around.Sources == nil {
		return plan.File("", nil), nil
	}
	return plan.File(around.Sources(plan.Directories())), nil
}

// readDocument reads a policy document.
func readDocument(text string) (policyfile.File, error) {
	doc, err := iampolicy.Parse(text)
	if err != nil {
		return policyfile.File{}, err
	}
	return policyfile.File{Format: policyfile.PolicyDocument,
		Principals: []policyfile.Principal{{Kind: policyfile.Policy,
			Policies: []policyfile.Document{{Bounds: policyfile.Bounds{AtLeast: doc, AtMost: doc}}}}}}, nil
}

// Detect returns the format of a text by its first keys; empty if it is none of the known formats.
// A text of a known format can be invalid.
func Detect(text string) policyfile.Format {
	if planStart.MatchString(text) { // the keys of a large plan need not be read
		return policyfile.TerraformPlan
	}
	start := strings.TrimLeft(text, " \t\r\n")
	detect := detectYAML
	if strings.HasPrefix(start, "{") || strings.HasPrefix(start, "[") {
		detect = detectJSON
	}
	format := detect(text)
	switch {
	case format != "":
	case terraform.Recognize([]byte(text)):
		return policyfile.TerraformPlan
	case awscli.OtherOutput(text) != "":
		return policyfile.CLIAnswer
	case resourceType.MatchString(text): // the content of Resources alone
		return policyfile.CloudFormation
	}
	return format
}

// resourceType matches the type of a resource of a template.
var resourceType = regexp.MustCompile(`\bType["']?\s*:\s*["']?AWS::\w+::\w`)

// planStart matches the start of a plan or a state as Terraform writes it.
var planStart = regexp.MustCompile(`^\s*\{\s*"format_version"\s*:`)

// templateKeys are keys that only templates have at the top. A template of CloudFormation needs
// Resources alone.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
var templateKeys = []string{"Resources", "AWSTemplateFormatVersion", "Transform"}

func hasAny(v *tree.Value, keys []string) bool {
	for _, key := range keys {
		if v.Get(key) != nil {
			return true
		}
	}
	return false
}

func detectJSON(text string) policyfile.Format {
	top := topLevel(text)
	first := top
	if items := top.Elements(); top.Kind == tree.List && len(items) > 0 {
		first = items[0]
	}
	switch {
	case top.Get("Statement") != nil:
		return policyfile.PolicyDocument
	case hasAny(&top, templateKeys):
		return policyfile.CloudFormation
	case awscli.Recognize(top):
		return policyfile.CLIAnswer
	case first.Get("Effect") != nil: // statements without their document
		return policyfile.PolicyDocument
	}
	return ""
}

// topLevel returns the mapping of a JSON text, or the list with its first mapping, with
// unknown values. It reads an invalid text as far as it is valid.
func topLevel(text string) tree.Value {
	d := json.NewDecoder(strings.NewReader(text))
	t, err := d.Token()
	if err != nil || t != json.Delim('[') {
		return tree.Value{Kind: tree.Map, Members: members(d)}
	}
	list := tree.Value{Kind: tree.List}
	if t, err = d.Token(); err == nil && t == json.Delim('{') {
		list.Items = []tree.Value{{Kind: tree.Map, Members: members(d)}}
	}
	return list
}

// members returns the keys of the mapping that the decoder has begun.
func members(d *json.Decoder) (list []tree.Member) {
	depth, isKey := 0, true
	for {
		t, err := d.Token()
		if err != nil {
			return list
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
			continue
		case json.Delim('}'), json.Delim(']'):
			if depth--; depth < 0 {
				return list
			}
		}
		if depth > 0 {
			continue
		}
		if key, ok := t.(string); ok && isKey {
			list = append(list, tree.Member{Key: key, Value: tree.Value{Kind: tree.Unknown}})
			isKey = false
		} else {
			isKey = true // a value has ended
		}
	}
}

// topKey matches a key at the top of a YAML text.
var topKey = regexp.MustCompile(`(?m)^["']?(\w+)["']?[ \t]*:(?:[ \t\r]|$)`)

func detectYAML(text string) policyfile.Format {
	for _, m := range topKey.FindAllStringSubmatch(text, maxKeys) {
		for _, key := range templateKeys {
			if m[1] == key {
				return policyfile.CloudFormation
			}
		}
	}
	return ""
}

// maxKeys is the number of keys at the top of a YAML text that Detect compares.
const maxKeys = 10_000

// markers are texts of which each file with an IAM policy has one.
var markers = regexp.MustCompile(`"Statement"|AWS::IAM::|PolicyDocument|AssumeRolePolicy|"aws_iam_`)

// MayHoldPolicies reports whether a file may hold an IAM policy. A file of a directory that holds
// none is no error, even if it has statements: a valid file of another format, such as the report
// of a tool, holds no policy that is applied.
func MayHoldPolicies(file []byte) bool {
	text, _, err := encoding.Decode(file)
	if err != nil {
		return markers.MatchString(strings.ReplaceAll(string(file), "\x00", ""))
	}
	if start := strings.TrimLeft(text, " \t\r\n"); !strings.HasPrefix(start, "{") &&
		!strings.HasPrefix(start, "[") {
		return bareStatement.MatchString(text) || markers.MatchString(text) && Detect(text) != ""
	}
	return markers.MatchString(text) && (Detect(text) != "" || !json.Valid([]byte(text)))
}

// bareStatement matches a policy document in YAML, which IAM does not take.
var bareStatement = regexp.MustCompile(`(?m)^["']?Statement["']?[ \t]*:`)

// IsResourcePolicy reports whether a file looks like a policy of a resource or a trust policy: its
// statements name principals. Such a policy is not one of a role or a user.
func IsResourcePolicy(file []byte) bool {
	text, _, err := encoding.Decode(file)
	return err == nil && Detect(text) == policyfile.PolicyDocument &&
		strings.Contains(text, `"Principal"`)
}
