package settingsfile

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

const goodMute = "mutes:\n- {action: s3:PutObject, reason: r, owner: o, until: 2026-12-01}\n"

// files are settings files by a description, with the start of their first error; empty for none.
var files = map[string]struct{ text, err string }{
	"nothing":                 {"", ""},
	"a comment":               {"# nothing\n", ""},
	"a list":                  {"callers: [user/ci, role/deploy=render]\n", ""},
	"one text as a list":      {"callers: user/ci\n", ""},
	"a number as an account":  {"account: 012345678901\n", ""},
	"a release":               {"remotion-version: 4.0\n", ""},
	"yes or no":               {"fail-on-unverified: true\n", ""},
	"a schema":                {"$schema: https://example.com/x.json\nregions: [us-east-1]\n", ""},
	"levels":                  {"scp: [\"FullAWSAccess,a/root.json\", ou.json]\n", ""},
	"resource control":        {"rcp: [RCPFullAWSAccess, b.json]\norganization-policies: true\n", ""},
	"a mute":                  {goodMute, ""},
	"a mute that ended":       {strings.Replace(goodMute, "2026-12-01", "2026-01-01", 1), ""},
	"no mutes":                {"mutes:\n", ""},
	"files to check":          {"check: [{files: [a.json, b/*.json], for: role, target: role/x}]\n", ""},
	"required permissions":    {"check: [{files: [a.json], required: needed.json}]\n", ""},
	"CRLF":                    {"regions:\r\n- us-east-1\r\n", ""},
	"a list at the top":       {"- regions\n", "line 1: the file must have keys"},
	"a text at the top":       {"regions\n", "line 1: the file must have keys"},
	"invalid YAML":            {"a: [b\n", "line 2: invalid YAML"},
	"two documents":           {"fail-on: low\n---\nfail-on: high\n", "line 3: second YAML document"},
	"a duplicate key":         {"fail-on: low\nfail-on: high\n", `line 2: duplicate key "fail-on"`},
	"an unknown key":          {"\nregion s: x\n", `line 2: unknown key "region s": did you mean`},
	"an underscore":           {"fail_on: low\n", `line 1: unknown key "fail_on": did you mean fail-on?`},
	"a strange key":           {"zzzzzz: low\n", `line 1: unknown key "zzzzzz": use callers`},
	"a wrong value":           {"fail-on: hihg\n", "line 1: fail-on must be critical, high, medium or low"},
	"a text for yes or no":    {"fail-on-unverified: \"true\"\n", "line 1: fail-on-unverified must be true"},
	"an empty value":          {"regions:\n", "line 1: regions must not be empty"},
	"an empty list":           {"regions: []\n", "line 1: regions must not be empty"},
	"an empty element":        {"regions: [\"\"]\n", "line 1: regions must not be empty"},
	"a list for a text":       {"fail-on: [low]\n", "line 1: fail-on must be one text"},
	"a mapping":               {"regions: {a: b}\n", "line 1: regions must be one text"},
	"a nested list":           {"regions: [[a]]\n", "line 1: regions: each element must be a text"},
	"a line break":            {"regions: \"a\\nb\"\n", "line 1: regions must contain only printable"},
	"an escape sequence":      {"regions: \"\\e[31m\"\n", "line 1: regions must contain only printable"},
	"a long text":             {"regions: " + strings.Repeat("a", maxText+1), "line 1: regions: a text must"},
	"an alias":                {"regions: &a us-east-1\ncallers: *a\n", "line 2: callers: write the value out"},
	"UTF-16":                  {"\xff\xfer\x00", "line 1: the file is not UTF-8"},
	"Latin-1":                 {"regions: [\xe9]\n", "line 1: the file is not UTF-8"},
	"a merge key":             {"<<: {fail-on: low}\n", `line 1: unknown key "<<"`},
	"a topic":                 {"topic-arn: arn\n", `line 1: "topic-arn" cannot be set in remotion-audit.yaml: the`},
	"an evidence bucket":      {"evidence_bucket: x\n", `line 1: "evidence_bucket" cannot be set`},
	"an endpoint":             {"endpoint-url: http://x\n", `line 1: "endpoint-url" cannot be set`},
	"a profile":               {"profile: admin\n", `line 1: "profile" cannot be set`},
	"a key":                   {"AWS_ACCESS_KEY_ID: AKIA\n", `line 1: "AWS_ACCESS_KEY_ID" cannot be set`},
	"a region to connect to":  {"region: us-east-1\n", `line 1: "region" cannot be set`},
	"an output":               {"output: /etc/passwd\n", `line 1: "output" cannot be set`},
	"a program":               {"exec: rm\n", `line 1: "exec" cannot be set in remotion-audit.yaml: the file starts`},
	"a baseline":              {"baseline: all.json\n", `line 1: "baseline" cannot be set`},
	"for at the top":          {"for: role\n", "line 1: for is a key of the elements of check"},
	"callers in check":        {"check: [{files: [a], for: role, callers: x}]\n", "line 1: callers is a key at the top"},
	"no list of checks":       {"check: role.json\n", "line 1: check must be a list"},
	"a text as a check":       {"check: [role.json]\n", "line 1: an element of check must have keys"},
	"no files":                {"check: [{for: role}]\n", "line 1: an element of check needs files"},
	"no requirements":         {"check: [{files: [a]}]\n", "line 1: an element of check needs for"},
	"two requirements":        {"check: [{files: [a], for: role, required: b}]\n", "line 1: for and required exclude"},
	"an output in check":      {"check:\n- files: [a]\n  output: x\n", `line 3: "output" cannot be set`},
	"an absolute path":        {"check: [{files: [/etc/passwd], for: role}]\n", "line 1: files: \"/etc/passwd\" must be a path from"},
	"a path of Windows":       {"check: [{files: ['C:/x'], for: role}]\n", "line 1: files: \"C:/x\" must be a path from"},
	"a backslash":             {"check: [{files: ['a\\b'], for: role}]\n", "line 1: files: "},
	"a path that leaves":      {"check: [{files: [a/../../b], for: role}]\n", "line 1: files: \"a/../../b\" is outside"},
	"the directory above":     {"check: [{files: [..], for: role}]\n", "line 1: files: \"..\" is outside"},
	"standard input":          {"check: [{files: ['-'], for: role}]\n", "line 1: files: the name of a file is missing"},
	"a level that leaves":     {"scp: [\"a.json,../b.json\"]\n", "line 1: scp: \"../b.json\" is outside"},
	"a location that leaves":  {"location: ../x\n", "line 1: location: \"../x\" is outside"},
	"a pattern as target":     {"check: [{files: [a], for: role, target: role/*}]\n", "line 1: target must be user/NAME"},
	"a group as target":       {"check: [{files: [a], for: role, target: group/x}]\n", "line 1: target must be user/NAME"},
	"an invalid mute":         {"mutes:\n- action: s3:PutObject\n", "line 2: mutes: a mute needs reason"},
	"a mute for decades":      {strings.Replace(goodMute, "2026", "2062", 1), "line 2: mutes: until: must be at most one year"},
	"a mapping of mutes":      {"mutes: {action: x}\n", "line 1: mutes must be a list"},
	"a bomb of aliases":       {bomb(), "line "},
	"deep nesting":            {"check: " + strings.Repeat("[", 1000), "line "},
	"an anchor within itself": {"check: &a [*a]\n", "line 1: the anchor &a contains itself"},
	"many tags":               {"regions: [" + strings.Repeat("!!str a,", 200) + "]\n", "line 1: the file must have at most 100 tags"},
	"a large file":            {"# " + strings.Repeat("a", MaxBytes), "the file must have at most 262144 bytes"},

	"many elements": {"check:\n" + strings.Repeat("- {files: [a.json], for: role}\n", 101),
		"line 102: check must have at most 100 elements"},
	"many paths": {"check: [{for: role, files: [" + strings.Repeat("a,", 101) + "]}]\n",
		"line 1: files must have at most 100 paths"},
}

// bomb returns a text whose aliases stand for 10^9 values.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 x\n")
	for i := 1; i < 10; i++ {
		d := string(rune('0' + i))
		p := string(rune('0' + i - 1))
		b.WriteString("a" + d + ": &a" + d + " [" + strings.Repeat("*a"+p+",", 10) + "]\n")
	}
	return b.String()
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(test.text), now)
			switch {
			case test.err == "" && err != nil:
				t.Errorf("error %v", err)
			case test.err != "" && (err == nil || !strings.HasPrefix(err.Error(), test.err)):
				t.Errorf("error %v, want %s", err, test.err)
			}
		})
	}
}

func TestParseReturnsValuesInTheirOrder(t *testing.T) {
	t.Parallel()
	f, err := Parse([]byte(`regions: [us-east-1, eu-west-1]
account: 012345678901
check:
  - files: [./infra/role.json]
    for: role
    boundary: infra/../limits.json
    target: role/remotion-lambda-role
mutes:
  - {cause: scp, reason: r, owner: o, until: 2026-12-01}
`), now)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Values) != 2 || f.Values[0].Key.Name != "regions" || f.Values[1].Line != 2 ||
		strings.Join(f.Values[0].Texts, " ") != "us-east-1 eu-west-1" ||
		f.Values[1].Texts[0] != "012345678901" {
		t.Errorf("values %+v", f.Values)
	}
	if len(f.Checks) != 1 {
		t.Fatalf("checks %+v", f.Checks)
	}
	c := f.Checks[0]
	if c.Line != 4 || c.Files[0] != "infra/role.json" || c.Target != "role/remotion-lambda-role" ||
		len(c.Values) != 2 || c.Values[1].Texts[0] != "limits.json" {
		t.Errorf("check %+v", c)
	}
	if len(f.Mutes) != 1 || f.MuteLines[0] != 9 {
		t.Errorf("mutes %+v on lines %v", f.Mutes, f.MuteLines)
	}
}

// TestParseReportsAllErrors checks that one run shows all errors of a file.
func TestParseReportsAllErrors(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("fail-on: x\nprofile: y\nmutes: [{}]\ncheck: [{}]\n"), now)
	if err == nil || len(strings.Split(err.Error(), "\n")) < 5 {
		t.Errorf("errors %v", err)
	}
}

func TestParseTakesLittleMemory(t *testing.T) {
	text := []byte("regions: [" + strings.Repeat("a,", MaxBytes/2-100) + "]\n")
	memory.AtMost(t, uint64(600*len(text)), func() { _, _ = Parse(text, now) })
}

// FuzzParse checks that no text panics, and that what is returned keeps the promises of the
// package: no path leaves the directory of the file.
func FuzzParse(f *testing.F) {
	for _, test := range files {
		if len(test.text) < 10_000 {
			f.Add(test.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse([]byte(text), now)
		if err != nil {
			if file.Values != nil || file.Checks != nil || file.Mutes != nil {
				t.Error("a file with errors has values")
			}
			return
		}
		inside := func(name string) {
			if !filepath.IsLocal(filepath.FromSlash(name)) {
				t.Errorf("%q leaves the directory", name)
			}
		}
		values := file.Values
		for _, c := range file.Checks {
			if len(c.Files) == 0 {
				t.Error("a check without files")
			}
			for _, name := range c.Files {
				inside(name)
			}
			values = append(values, c.Values...)
		}
		for _, v := range values {
			if len(v.Texts) == 0 {
				t.Errorf("%s without a text", v.Key.Name)
			}
			for _, text := range v.Texts {
				switch v.Key.Kind {
				case Path:
					inside(text)
				case Levels:
					for name := range strings.SplitSeq(text, ",") {
						inside(strings.TrimSpace(name))
					}
				case Text, List, YesNo:
				}
			}
		}
		if len(file.Mutes) != len(file.MuteLines) {
			t.Error("mutes without lines")
		}
	})
}
