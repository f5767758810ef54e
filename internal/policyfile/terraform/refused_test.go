package terraform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

func TestParseRefuses(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, tt := range []struct{ name, text, want string }{
		{"a binary plan", "PK\x03\x04\x14\x00\x08", "binary plan of Terraform: run terraform show -json"},
		{"the log of a plan", `{"@level":"info","@message":"Terraform 1.9.8"}` + "\n{}", "terraform plan -json"},
		{"a state file", `{"version": 4, "terraform_version": "1.9.8", "resources": []}`, "state file"},
		{"a source", "# role\n/* of\nCI */ resource \"aws_iam_role\" \"a\" {\n}\n", "source of Terraform"},
		{"another source", "\nterraform {\n}\n", "source of Terraform"},
		{"the text of a plan", "\x1b[0m\nTerraform used the selected providers to generate", "prints"},
		{"no format version", `{"planned_values":{}}`, `format_version "" of the plan is not supported`},
		{"a later format version", `{"format_version":"2.0","planned_values":{}}`, `format_version "2.0"`},
		{"a format version of a hostile file", `{"format_version":"` + strings.Repeat("9", 1000) + `"}`,
			"of the plan is not supported"},
		{"a plan without values", `{"format_version":"1.2","configuration":{}}`, "no planned_values"},
		{"an error in the third line", "{\"format_version\":\"1.2\",\n\"planned_values\":\n[}", "line 3: "},
		{"values of another kind", "{\"format_version\":\"1.2\",\n\"planned_values\":[]}", "line 2: "},
		{"depth", `{"format_version":"1.2","planned_values":` + nested(100) + `}`, "at most 100"},
		{"depth of the configuration", `{"format_version":"1.2","planned_values":{},"configuration":` +
			nested(70) + `}`, "configuration of the plan: at most 60"},
		{"values", `{"format_version":"1.2","planned_values":{},"x":{"y":[` +
			strings.Repeat("0,", 1_000_001) + `0]}}`, "at most 1000000 elements"},
		{"no JSON", "hello", "no JSON of a plan"},
		{"an empty file", "", "no JSON of a plan"},
		{"null", "null", "format_version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, error %v, want one with %q", p, err, tt.want)
			}
		})
	}
}

func TestEmptyStateHasNoPrincipals(t *testing.T) {
	f, err := Read([]byte(`{"format_version":"1.0"}`))
	if err != nil || len(f.Principals) > 0 {
		t.Errorf("got %v, error %v", f, err)
	}
}

func TestIncompletePlansHaveNotes(t *testing.T) {
	f, err := Read([]byte(`{"format_version":"1.2","planned_values":{},"errored":true,"complete":false}`))
	if err != nil || len(f.Notes) != 1 {
		t.Errorf("got notes %q, error %v, want one note", f.Notes, err)
	}
}

func TestRecognize(t *testing.T) {
	for text, want := range map[string]bool{
		`{"format_version":"1.2"}`:                      true,
		"PK\x03\x04":                                    true,
		"resource \"aws_iam_role\" \"a\" {}":            true,
		`{"@level":"info"}`:                             true,
		`{"Version":"2012-10-17","Statement":[]}`:       false,
		"Resources:\n  Role:\n    Type: AWS::IAM::Role": false,
		"": false,
	} {
		if got := Recognize([]byte(text)); got != want {
			t.Errorf("%.30q: got %t, want %t", text, got, want)
		}
	}
}

// The resources of a hostile plan refer to each other in ways that Terraform does not allow.
func TestHostileReferencesTakeBoundedTime(t *testing.T) {
	var cycle, wide []testResource
	for i := range 60 { // each document holds the next one twice, and the last the first
		n := (i + 1) % 60
		cycle = append(cycle, testResource{
			address: fmt.Sprintf("data.aws_iam_policy_document.d%d", i),
			after: `{"source_policy_documents":[null,null],"statement":[{"actions":["s3:*"],` +
				`"resources":["*"]}]}`, unknown: `{"json":true,"source_policy_documents":[true,true]}`,
			config: fmt.Sprintf(`{"source_policy_documents":{"references":[`+
				`"data.aws_iam_policy_document.d%d.json","data.aws_iam_policy_document.d%d.json"]}}`,
				n, (i+2)%60)})
	}
	cycle = append(cycle, testResource{address: "aws_iam_policy.p", unknown: `{"policy":true}`,
		config: `{"policy":{"references":["data.aws_iam_policy_document.d0.json"]}}`})
	for i := range 2_000 {
		wide = append(wide, testResource{address: fmt.Sprintf("aws_iam_role.a[%d]", i)},
			testResource{address: fmt.Sprintf("aws_iam_role_policy.p[%d]", i), unknown: `{"role":true}`,
				after:  `{"policy":` + policy("s3:GetObject") + `}`,
				config: `{"role":{"references":["aws_iam_role.a","var.x"]}}`})
	}
	for _, tt := range []struct {
		name      string
		resources []testResource
		limit     uint64
		modules   map[string]string
	}{
		{"documents in a cycle", cycle, 20 << 20, nil},
		{"each policy may belong to each role", wide, 120 << 20, nil},
		{"variables in a cycle", []testResource{{address: "module.m.aws_iam_user_policy.p",
			unknown: `{"user":true}`, config: `{"user":{"references":["var.a"]}}`,
			after: `{"policy":` + policy("a:b") + `}`}}, 20 << 20,
			map[string]string{"m": `{"a":{"references":["module.m.o","module.m.o.x"]}}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := testPlan(t, tt.resources, tt.modules,
				`{"o":{"expression":{"references":["var.a","var.a.b"]}}}`)
			memory.AtMost(t, tt.limit, func() {
				if _, err := Read(text); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A decoder makes a struct of hundreds of bytes from each empty element.
func TestEmptyElementsTakeBoundedMemory(t *testing.T) {
	const n = 50_000
	for _, key := range []string{"resource_changes", "deferred_changes", "planned_values"} {
		list := "[" + strings.Repeat("{},", n) + "{}]"
		if key == "planned_values" {
			list = `{"root_module":{"resources":` + list + "}}"
		}
		text := []byte(`{"format_version":"1.2","planned_values":{},"` + key + `":` + list + "}")
		memory.AtMost(t, n*1000, func() {
			if f, err := Read(text); err != nil || len(f.Principals) > 0 {
				t.Errorf("%s: got %v, error %v", key, f.Principals, err)
			}
		})
	}
}

func TestHostileSourcesAreLeftOut(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"nesting", "a = " + strings.Repeat("[", 100_000)},
		{"balanced nesting", "a = " + strings.Repeat("(", 50_000) + "1" + strings.Repeat(")", 50_000)},
		{"templates", "a = " + strings.Repeat(`"${`, 50_000)},
		{"operators", "a = " + strings.Repeat("!", 500_000) + "true"},
		{"conditionals", "a = " + strings.Repeat("true ? 1 : ", 50_000) + "1"},
		{"size", "# " + strings.Repeat("x", maxSource)},
		{"no source", "\x00\xff{"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if body := parseSource("main.tf", []byte(tt.text)); body != nil {
				t.Errorf("the source was parsed")
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(string(readFile(f, "create/plan.json")), string(readFile(f, "create/main.tf")))
	for _, tt := range planTests {
		f.Add(string(testPlan(f, tt.resources, tt.modules, tt.outputs)), "")
	}
	f.Add(`{"format_version":"1.2","planned_values":{"root_module":{"resources":[null,{}],`+
		`"child_modules":[null,{"address":"module.","resources":[{"address":"[","type":"aws_iam_role"}]}`+
		`]}},"resource_changes":[null,{"type":"aws_iam_role"},{"type":"aws_iam_role","change":{}}],`+
		`"configuration":{"root_module":{"resources":[null],"module_calls":{"a":null}}}}`,
		`resource "aws_iam_role" "a" { policy = jsonencode({(a) = 1, "Statement" = [for x in y : x]}) }`)
	f.Fuzz(func(t *testing.T, text, source string) {
		p, err := Parse([]byte(text))
		if err != nil {
			return
		}
		p.Directories()
		file := p.File(".", map[string][]byte{"main.tf": []byte(source)})
		for _, principal := range file.Principals {
			for _, d := range principal.Policies {
				if d.AtLeast == nil || d.AtMost == nil {
					t.Errorf("%s of %s has no bounds", d.Name, principal.Address)
				}
			}
		}
	})
}
