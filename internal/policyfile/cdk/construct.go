package cdk

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/cloudformation"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// metadata are the entries about the constructs of a stack, by their paths with a slash in front.
type metadata map[string][]entry

// An entry of the type aws:cdk:logicalId has the logical id as its data, and in earlier versions of
// CDK the trace of the program. In later versions, an entry of the type aws:cdk:creationStack has
// the trace as its data.
type entry struct {
	Type  string
	Data  json.RawMessage
	Trace []string
}

// constructs are the constructs of a stack.
type constructs struct {
	byPath, byLogicalID map[string]cloudformation.Construct
	// templates are the templates of nested stacks by the paths of their constructs.
	templates map[string]string
}

func newConstructs(all metadata, place func(source string) string) *constructs {
	c := &constructs{byPath: map[string]cloudformation.Construct{},
		byLogicalID: map[string]cloudformation.Construct{}, templates: map[string]string{}}
	for name, entries := range all {
		construct := cloudformation.Construct{Path: strings.TrimPrefix(name, "/")}
		var logicalID, template string
		for _, e := range entries {
			trace := e.Trace
			switch e.Type {
			case "aws:cdk:logicalId":
				_ = json.Unmarshal(e.Data, &logicalID) // other data is no logical id
			case "aws:cdk:creationStack":
				_ = json.Unmarshal(e.Data, &trace)
			case "aws:cdk:templateFile":
				_ = json.Unmarshal(e.Data, &template)
				continue
			default:
				continue
			}
			if construct.At.File == "" {
				construct.At = source(trace, place)
			}
		}
		if template != "" {
			c.templates[construct.Path] = template
		}
		if logicalID == "" {
			continue
		}
		c.byPath[construct.Path] = construct
		c.byLogicalID[logicalID] = construct
	}
	return c
}

// find returns the construct of a resource of the stack itself.
func (c *constructs) find(logicalID, path string) cloudformation.Construct {
	if path == "" {
		return c.byLogicalID[logicalID]
	}
	return c.findInNested(logicalID, path)
}

// findInNested returns the construct of a resource by its path alone, because a logical id of a
// nested stack can be that of another stack, too.
func (c *constructs) findInNested(_, path string) cloudformation.Construct {
	construct := c.byPath[path]
	construct.Path = path
	return construct
}

// template returns the template of a nested stack; empty if it is not known.
func (c *constructs) template(n cloudformation.NestedStack) string {
	if n.TemplateFile != "" {
		return n.TemplateFile
	}
	construct, _, _ := strings.Cut(n.Path, ".NestedStack/")
	return c.templates[construct]
}

// frame is a frame of a trace of Node: "new Stack (/app/lib/stack.ts:12:5)".
var frame = regexp.MustCompile(`\(?((?:file://)?[^()\s][^()]*):([0-9]{1,9}):([0-9]{1,9})\)?$`)

// extensions are those of the sources of programs for Node.
var extensions = []string{".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"}

// source returns the first place of a trace in a source of the user: not in a package, and not in
// Node or in the bridge of CDK to other languages. place returns the path to show, as for Read.
func source(trace []string, place func(source string) string) policyfile.Place {
	for _, text := range trace {
		if i := strings.LastIndex(text, "("); i >= 0 {
			text = text[i:]
		}
		parts := frame.FindStringSubmatch(strings.TrimPrefix(text, "at "))
		if parts == nil {
			continue
		}
		file := strings.TrimPrefix(parts[1], "file://")
		slashed := strings.ReplaceAll(file, `\`, "/")
		if strings.Contains(slashed, "/node_modules/") || strings.Contains(slashed, "jsii") ||
			strings.HasPrefix(slashed, "node:") || !slices.Contains(extensions, path.Ext(slashed)) {
			continue
		}
		if place != nil {
			if file = place(file); file == "" {
				continue
			}
		}
		line, _ := strconv.Atoi(parts[2]) // both have at most nine digits
		column, _ := strconv.Atoi(parts[3])
		return policyfile.Place{File: file, Place: tree.Place{Line: line, Column: column}}
	}
	return policyfile.Place{}
}
