// Package corpus reads the cases that say what IAM decides: policies, a request, the wanted
// decision, and where the knowledge comes from. They are data, in
// internal/iampolicy/testdata/corpus, with the format described beside them; this package gives
// them to everyone who answers them, the engine, the plain evaluator of its tests, the embedded
// AWS, the oracle, and AWS itself:
//
//	files, err := corpus.Load("testdata/corpus")
//	for _, f := range files {
//		for _, c := range f.Cases { … }
//	}
//
// It knows nothing of what answers them.
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

// A File is one idea and its cases.
type File struct {
	// Name is the file's name without ".json".
	Name string `json:"-"`
	// About says what the idea is.
	About string `json:"about"`
	// Documents are used by several cases, which name them "@name".
	Documents map[string]Document `json:"documents,omitempty"`
	Cases     []Case              `json:"cases,omitempty"`
	// Malformed are texts that are not policy documents.
	Malformed []Malformed `json:"malformed,omitempty"`
}

// A Case is a request, the policies it is decided by, and what is wanted.
type Case struct {
	// Name is a sentence, unique in the corpus.
	Name string `json:"name"`
	// Identity are the principal's policies. They are called PolicyInputList.1 and so on, as
	// the simulator calls them.
	Identity []Document `json:"identity,omitempty"`
	// Boundary is called PermissionsBoundaryPolicyInputList.1.
	Boundary *Document `json:"boundary,omitempty"`
	// Organization are the levels of service control policies, the root first.
	Organization [][]Document `json:"organization,omitempty"`
	Action       string       `json:"action"`
	Resource     string       `json:"resource"`
	Context      Context      `json:"context,omitempty"`
	Want         Want         `json:"want"`
	// Source is where the knowledge comes from, and what it says in our words.
	Source string `json:"source"`
	// Contested says, of a case on which the sources do not agree, what was decided and why.
	Contested string `json:"contested,omitempty"`
	// NoSimulator says why the simulator's API cannot be asked this.
	NoSimulator string `json:"noSimulator,omitempty"`
}

// Want is the answer to a case. What is nil is not said, and not compared.
type Want struct {
	// Decision is the simulator's word: allowed, implicitDeny or explicitDeny.
	Decision string `json:"decision"`
	// Matched are the identity and boundary statements whose action, resource and condition fit,
	// "PolicyInputList.1/2" for the second one.
	Matched []string `json:"matched,omitempty"`
	// Missing are the context keys without a value, of an implicitDeny.
	Missing []string `json:"missing,omitempty"`
	// RefusedBy are the layers that hold a matching Deny or no matching Allow: "identity",
	// "boundary", "organization".
	RefusedBy []string `json:"refusedBy,omitempty"`
	// Positions are where the matched statements stand, "1:38-1:84", in the order of Matched.
	Positions []string `json:"positions,omitempty"`
}

// Malformed is a text no parser may take for an identity policy.
type Malformed struct {
	Name     string   `json:"name"`
	Document Document `json:"document"`
	// Line and Column are where the error is, counted from 1, columns in characters.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Says is a part of the message.
	Says   string `json:"says"`
	Source string `json:"source"`
}

// A Document is the text of a policy document. In a file it is the document itself, which is read
// without its white space, or, where the text matters, a string or a list of lines.
type Document string

// UnmarshalJSON reads any of the three.
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

// MarshalJSON writes a document that JSON would give back as it is as itself, and any other as a
// string.
func (d Document) MarshalJSON() ([]byte, error) {
	var compact bytes.Buffer
	if strings.HasPrefix(string(d), "{") && json.Compact(&compact, []byte(d)) == nil &&
		compact.String() == string(d) {
		return compact.Bytes(), nil
	}
	return json.Marshal(string(d))
}

// Context are the context keys of a request.
type Context map[string]Values

// Values are the values of a context key. A list is multivalued even with one value or none.
type Values struct {
	List     bool
	Elements []string
}

// UnmarshalJSON reads a string, or a list of them.
func (v *Values) UnmarshalJSON(data []byte) error {
	if v.List = data[0] == '['; v.List {
		return json.Unmarshal(data, &v.Elements)
	}
	v.Elements = make([]string, 1)
	return json.Unmarshal(data, &v.Elements[0])
}

// MarshalJSON is the reverse of UnmarshalJSON.
func (v Values) MarshalJSON() ([]byte, error) {
	if v.List {
		return json.Marshal(append([]string{}, v.Elements...))
	}
	return json.Marshal(v.Elements[0])
}

// Load reads the files of a directory, in the order of their names. The errors of all of them come
// joined.
func Load(dir string) ([]File, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s holds no corpus: no file there ends in .json", dir)
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

// checkNameAndSource refuses what has no name of its own, or does not say where it comes from.
func checkNameAndSource(names map[string]string, file, name, source string) error {
	switch {
	case name == "":
		return errors.New("a case has no name")
	case names[name] != "":
		return fmt.Errorf("%q is the name of a case in %s.json too", name, names[name])
	case source == "":
		return fmt.Errorf("%q does not say where it comes from: fill source", name)
	}
	names[name] = file
	return nil
}

// resolve puts the file's documents in the place of their names, and checks what a slip of the pen
// would leave untested.
func (c *Case) resolve(documents map[string]Document) error {
	lists := append([][]Document{c.Identity}, c.Organization...)
	if c.Boundary != nil {
		boundary := []Document{*c.Boundary}
		c.Boundary = &boundary[0]
		lists = append(lists, boundary)
	}
	for _, list := range lists {
		for i, d := range list {
			if name, ok := strings.CutPrefix(string(d), "@"); ok {
				if list[i], ok = documents[name]; !ok {
					return fmt.Errorf("the file has no document %q", name)
				}
			}
		}
	}
	if !slices.Contains([]string{"allowed", "implicitDeny", "explicitDeny"}, c.Want.Decision) {
		return fmt.Errorf("the decision %q is none: want allowed, implicitDeny or explicitDeny",
			c.Want.Decision)
	}
	for _, layer := range c.Want.RefusedBy {
		if !slices.Contains([]string{"identity", "boundary", "organization"}, layer) {
			return fmt.Errorf("there is no layer %q", layer)
		}
	}
	if len(c.Want.Positions) > 0 && len(c.Want.Positions) != len(c.Want.Matched) {
		return errors.New("there are not as many positions as matched statements")
	}
	return nil
}
