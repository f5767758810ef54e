// Package corpus loads the cases that define the decisions of IAM. A case consists of policies, a
// request, the wanted decision, and the source of the wanted decision. The cases are data in
// internal/iampolicy/testdata/corpus, and the README.md there describes the format. The same cases
// test the engine, the plain evaluator of its tests, the embedded AWS, the oracle and AWS itself:
//
//	files, err := corpus.Load("testdata/corpus")
//	for _, f := range files {
//		for _, c := range f.Cases { … }
//	}
//
// The package does not depend on any of these evaluators.
package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A File is one topic and its cases.
type File struct {
	// Name is the file's name without ".json".
	Name string `json:"-"`
	// About states the topic in a sentence.
	About string `json:"about"`
	// Documents are documents that several cases share. A case refers to such a document as "@name".
	Documents map[string]Document `json:"documents,omitempty"`
	Cases     []Case              `json:"cases,omitempty"`
	// Malformed are texts that are not policy documents.
	Malformed []Malformed `json:"malformed,omitempty"`
}

// A Case is a request, the policies that decide it, and the wanted result.
type Case struct {
	// Name is a sentence, unique in the corpus.
	Name string `json:"name"`
	// Identity are the principal's policies. The simulator calls them PolicyInputList.1 and so on.
	Identity []Document `json:"identity,omitempty"`
	// Boundary is the permissions boundary, or nil if there is none. The simulator calls it
	// PermissionsBoundaryPolicyInputList.1.
	Boundary *Document `json:"boundary,omitempty"`
	// Organization are the levels of service control policies, the root first.
	Organization [][]Document `json:"organization,omitempty"`
	// Principal is the ARN of the principal, and Session the name of its session, for a case with the
	// policy of a resource.
	Principal string `json:"principal,omitempty"`
	Session   string `json:"session,omitempty"`
	// Of is the policy of the resource, or nil.
	Of *ResourcePolicy `json:"of,omitempty"`
	// ResourceControl are the levels of resource control policies, the root first.
	ResourceControl [][]Document `json:"resourceControl,omitempty"`
	Action          string       `json:"action"`
	Resource        string       `json:"resource"`
	Context         Context      `json:"context,omitempty"`
	Want            Want         `json:"want"`
	// Source names where the wanted result comes from, with a summary of the source in our words.
	Source string `json:"source"`
	// Contested explains the wanted result of a case on which the sources disagree.
	Contested string `json:"contested,omitempty"`
	// NoSimulator says why the simulator's API cannot evaluate the case. It is empty if the API can
	// evaluate the case.
	NoSimulator string `json:"noSimulator,omitempty"`
}

// A ResourcePolicy is the policy of a bucket or a key.
type ResourcePolicy struct {
	// ARN is that of the bucket or the key, and Account its owner.
	ARN     string   `json:"arn"`
	Account string   `json:"account"`
	Policy  Document `json:"policy"`
}

// Want is the wanted result of a case. A nil field is not compared.
type Want struct {
	// Decision is the decision in the simulator's words: allowed, implicitDeny or explicitDeny.
	Decision string `json:"decision"`
	// Conditional is true if the decision depends on values that the case does not have. Only cases
	// with the policy of a resource or a resource control policy compare it.
	Conditional bool `json:"conditional,omitempty"`
	// Matched are the identity and boundary statements whose action, resource and condition match.
	// "PolicyInputList.1/2" is the second statement of the first policy.
	Matched []string `json:"matched,omitempty"`
	// Missing are the context keys without a value, for an implicitDeny.
	Missing []string `json:"missing,omitempty"`
	// RefusedBy are the layers with a matching Deny or without a matching Allow: "identity",
	// "boundary", "organization".
	RefusedBy []string `json:"refusedBy,omitempty"`
	// Positions are the locations of the matched statements, such as "1:38-1:84", in the order of
	// Matched.
	Positions []string `json:"positions,omitempty"`
}

// Malformed is a text that a parser must reject as an identity policy.
type Malformed struct {
	Name     string   `json:"name"`
	Document Document `json:"document"`
	// Line and Column locate the error, counted from 1. Columns count characters.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Says is a part of the error message.
	Says   string `json:"says"`
	Source string `json:"source"`
}

// A Document is the text of a policy document. A corpus file contains the document as a JSON
// object, and Load removes the white space. If the exact text matters, the file contains the
// document as a string or a list of lines.
type Document string

// UnmarshalJSON accepts an object, a string or a list of lines.
func (d *Document) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, (*string)(d))
	case '[':
		var lines []string
		err := json.Unmarshal(data, &lines)
		*d = Document(strings.Join(lines, "\n"))
		return err
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, data)
	*d = Document(compact.String())
	return err
}

// MarshalJSON writes a document as a JSON object if that preserves its text, else as a string.
func (d Document) MarshalJSON() ([]byte, error) {
	var compact bytes.Buffer
	if strings.HasPrefix(string(d), "{") && json.Compact(&compact, []byte(d)) == nil &&
		compact.String() == string(d) {
		return compact.Bytes(), nil
	}
	return json.Marshal(string(d))
}

// Context maps the context keys of a request to their values.
type Context map[string]Values

// Values are the values of a context key. A list is multivalued, even with one value or none.
type Values struct {
	List     bool
	Elements []string
}

// UnmarshalJSON accepts a string or a list of strings.
func (v *Values) UnmarshalJSON(data []byte) error {
	if v.List = data[0] == '['; v.List {
		return json.Unmarshal(data, &v.Elements)
	}
	v.Elements = make([]string, 1)
	return json.Unmarshal(data, &v.Elements[0])
}

// MarshalJSON writes a string, or a list if List is set.
func (v Values) MarshalJSON() ([]byte, error) {
	if v.List {
		return json.Marshal(append([]string{}, v.Elements...))
	}
	return json.Marshal(v.Elements[0])
}

// Load reads the corpus files of a directory in the order of their names. It joins the errors of
// all files.
func Load(dir string) ([]File, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s contains no corpus: it has no file that ends in .json", dir)
	}
	var files []File
	var problems []error
	names := make(map[string]string)
	for _, path := range paths {
		f, err := read(path, names)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", path, err))
		}
		files = append(files, f)
	}
	return files, errors.Join(problems...)
}

func read(path string, names map[string]string) (f File, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return f, err
	}
	if _, err := d.Token(); err != io.EOF {
		return f, errors.New("text after the end of the file's object")
	}
	f.Name = strings.TrimSuffix(filepath.Base(path), ".json")
	var problems []error
	for i := range f.Cases {
		c := &f.Cases[i]
		if err := c.resolve(f.Documents); err != nil {
			problems = append(problems, fmt.Errorf("%q: %w", c.Name, err))
		}
		problems = append(problems, checkNameAndSource(names, f.Name, c.Name, c.Source))
	}
	for _, m := range f.Malformed {
		problems = append(problems, checkNameAndSource(names, f.Name, m.Name, m.Source))
	}
	return f, errors.Join(problems...)
}

// checkNameAndSource returns an error for a case without a unique name or without a source. It adds
// the name of a valid case to names.
func checkNameAndSource(names map[string]string, file, name, source string) error {
	switch {
	case name == "":
		return errors.New("a case has no name")
	case names[name] != "":
		return fmt.Errorf("duplicate name %q, also in %s.json", name, names[name])
	case source == "":
		return fmt.Errorf("%q has no source: add one", name)
	}
	names[name] = file
	return nil
}

// resolve replaces each "@name" with the document of that name. It returns an error for an unknown
// name, and for a wanted result that no test could compare.
func (c *Case) resolve(documents map[string]Document) error {
	lists := slices.Concat([][]Document{c.Identity}, c.Organization, c.ResourceControl)
	if c.Boundary != nil {
		boundary := []Document{*c.Boundary}
		c.Boundary = &boundary[0]
		lists = append(lists, boundary)
	}
	for _, list := range lists {
		for i, d := range list {
			if name, ok := strings.CutPrefix(string(d), "@"); ok {
				if list[i], ok = documents[name]; !ok {
					return fmt.Errorf("unknown document %q: add it to the documents of the file", name)
				}
			}
		}
	}
	if !slices.Contains([]string{"allowed", "implicitDeny", "explicitDeny"}, c.Want.Decision) {
		return fmt.Errorf("decision must be allowed, implicitDeny or explicitDeny, got %q",
			c.Want.Decision)
	}
	for _, layer := range c.Want.RefusedBy {
		if !slices.Contains([]string{"identity", "boundary", "organization"}, layer) {
			return fmt.Errorf("refusedBy must contain identity, boundary or organization, got %q", layer)
		}
	}
	if len(c.Want.Positions) > 0 && len(c.Want.Positions) != len(c.Want.Matched) {
		return fmt.Errorf("positions must have one entry for each of the %d matched statements, got %d",
			len(c.Want.Matched), len(c.Want.Positions))
	}
	return nil
}
