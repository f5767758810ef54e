package cloudformation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

// subBomb returns a template in which n mappings each name the one before it ten times.
func subBomb() string {
	text := "${A}${A}${A}${A}${A}${A}${A}${A}${A}${A}"
	value := strings.Repeat("x", 100)
	for range 12 {
		value = fmt.Sprintf("!Sub [%q, {A: %s}]", text, value)
	}
	return role(value)
}

// conditionChain returns a template with n conditions that each name the next one.
func conditionChain(n int) string {
	var b strings.Builder
	b.WriteString("Conditions:\n")
	for i := range n {
		fmt.Fprintf(&b, "  C%d: !Not [!Condition C%d]\n", i, i+1)
	}
	fmt.Fprintf(&b, "  C%d: !Equals [a, a]\n", n)
	b.WriteString("Resources: {R: {Type: AWS::IAM::Role, Condition: C0}}\n")
	return b.String()
}

// nameChain returns a template with n roles whose names each contain the name of the next one.
func nameChain(n int) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	for i := range n {
		fmt.Fprintf(&b, "  R%d: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub '${R%d}x'}}\n", i, i+1)
	}
	fmt.Fprintf(&b, "  R%d: {Type: AWS::IAM::Role, Properties: {RoleName: x}}\n", n)
	return b.String()
}

// mappingBomb returns a template with a large text in a mapping that a policy names n times.
func mappingBomb(n int) string {
	return "Mappings: {M: {a: {b: " + strings.Repeat("x", 1<<20) + "}}}\n" +
		"Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      Policies:\n" +
		strings.Repeat("        - !FindInMap [M, a, b]\n", n)
}

// roleCross returns a template with n roles and n policies that may be attached to each of them.
func roleCross(n int) string {
	var b strings.Builder
	b.WriteString("Parameters: {P: {Type: String}}\nResources:\n")
	for i := range n {
		fmt.Fprintf(&b, "  R%d: {Type: AWS::IAM::Role, Properties: {RoleName: r%d}}\n", i, i)
		fmt.Fprintf(&b, "  P%d: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, "+
			"Roles: [!Ref P], PolicyDocument: {Statement: "+
			"[{Effect: Allow, Action: '*', Resource: '*'}]}}}\n", i)
	}
	return b.String()
}

func TestHostileTemplatesAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"texts that multiply", subBomb(), "takes more than 64 MB"},
		{"a large mapping many times", mappingBomb(100), "takes more than 64 MB"},
		{"a chain of conditions", conditionChain(2000), "more than 100 conditions depend on one another"},
		{"a chain of names", nameChain(2000), "more than 100 names of resources depend on one another"},
		{"aliases that multiply", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" +
			"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
			"at most 400000 keys and values"},
		{"deep nesting in YAML", "Resources: " + strings.Repeat("[", 5_000) +
			strings.Repeat("]", 5_000), "nested"},
		{"deep nesting in JSON", `{"Resources":` + strings.Repeat("[", 10_000), "nested"},
		{"a large file", "Resources:\n" + strings.Repeat("# x\n", 2<<20), "at most 4194304 bytes"},
		{"names of many roles in many attachments", strings.Replace(roleCross(3000), "[!Ref P]",
			"["+strings.Repeat("x,", 3000)+"x]", 1), "takes more than 64 MB"},
		{"policies that may be attached to many roles", roleCross(1000),
			"takes more than 64 MB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			memory.AtMost(t, 1<<30, func() { _, err = Read(tt.text, Values{}) })
			var at *tree.Error
			if !errors.As(err, &at) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestChainsThatTemplatesHaveAreAccepted(t *testing.T) {
	for _, text := range []string{conditionChain(50), nameChain(50), roleCross(20)} {
		if _, err := Read(text, Values{}); err != nil {
			t.Error(err)
		}
	}
}

// FuzzRead checks that no template causes a panic, that each error has the type tree.Error, and
// that a policy is completely known or names what is not.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no templates: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for seed := range uint64(5) {
		f.Add(generator{rand.New(rand.NewPCG(seed, 7))}.template())
	}
	for _, text := range []string{conditionChain(3), nameChain(3), roleCross(3),
		role(`!Select [1, !Split ["/", !GetAtt Named.Arn]]`)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		template, err := Parse(text)
		var refused *tree.Error
		if err != nil {
			if !errors.As(err, &refused) {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		if _, err := template.NestedStacks(Values{}); err != nil && !errors.As(err, &refused) {
			t.Fatalf("error of type %T: %v", err, err)
		}
		file, err := template.File(Values{Parameters: map[string]string{"P": "x,y"}})
		if err != nil {
			if !errors.As(err, &refused) || refused.Msg == "" {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		for _, p := range file.Principals {
			if p.Address == "" || p.Kind == "" {
				t.Errorf("a principal has the address %q and the kind %q", p.Address, p.Kind)
			}
			documents := p.Policies
			if p.Boundary != nil {
				documents = append(documents[:len(documents):len(documents)], *p.Boundary)
			}
			for _, d := range documents {
				checkDocument(t, d)
			}
		}
	})
}

func checkDocument(t *testing.T, d policyfile.Document) {
	t.Helper()
	if d.Name == "" || d.AtLeast == nil || d.AtMost == nil {
		t.Errorf("incomplete document %+v", d)
	}
	if known := d.AtLeast == d.AtMost; known != (len(d.Open) == 0) {
		t.Errorf("%s has one document: %v, open %v", d.Name, known, d.Open)
	}
	for _, o := range d.Open {
		if o.Name == "" {
			t.Errorf("%s has an open part without a name", d.Name)
		}
	}
}
