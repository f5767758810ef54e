package main

import (
	"maps"
	"strings"
	"testing"
)

// TestParseDotenv checks texts that other dialects of .env read differently.
// TestParseDotenvLikeRemotion compares the parser with the npm package dotenv.
func TestParseDotenv(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       map[string]string
	}{
		{"an empty file assigns nothing", "", nil},
		{"a value ends at a line break", "A=1\nB=2\n", map[string]string{"A": "1", "B": "2"}},
		{"Windows line breaks are line breaks", "A=1\r\nB=2\rC=3",
			map[string]string{"A": "1", "B": "2", "C": "3"}},
		{"the last assignment counts", "A=1\nA=2", map[string]string{"A": "2"}},
		{"an assignment can be empty", "A=\nB=", map[string]string{"A": "", "B": ""}},
		{"a dollar is no variable", "A=a$B\nC=\"${B}\"", map[string]string{"A": "a$B", "C": "${B}"}},
		{"a # starts a comment, without a blank before it, too", "A=x#y\nB=x #y",
			map[string]string{"A": "x", "B": "x"}},
		{"quotes protect a #", `A="x#y" # z`, map[string]string{"A": "x#y"}},
		{"backticks are quotes", "A=`x`", map[string]string{"A": "x"}},
		{"a quote within the value stays", "A='it''s'", map[string]string{"A": "it''s"}},
		{"an unclosed quote stays", `A="x`, map[string]string{"A": `"x`}},
		{"only double quotes have escapes", "A=\"a\\nb\\tc\"\nB='a\\nb'",
			map[string]string{"A": "a\nb\\tc", "B": `a\nb`}},
		{"a value in quotes can have several lines", "A=\"1\n2\"\nB=3",
			map[string]string{"A": "1\n2", "B": "3"}},
		{"export and blanks are dropped", "  export A = 1  ", map[string]string{"A": "1"}},
		{"export can be a name", "export=1", map[string]string{"export": "1"}},
		{"a colon and a blank assign", "A: 1\nB:2", map[string]string{"A": "1"}},
		{"other lines are ignored", "junk line\n#A=1\nA\nB=2", map[string]string{"B": "2"}},
		{"a byte order mark is white space", "\ufeffA=1", map[string]string{"A": "1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := parseDotenv(tt.text); !maps.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestParseDotenvIsLinear parses the largest files with much white space, many quotes or many
// names. A parser whose time grows with the square of the length does not end.
func TestParseDotenvIsLinear(t *testing.T) {
	for _, part := range []string{"\n", " ", "A", "A\n", `\"`, "A='\n", "A=\"\\\"\n", "export ", "#"} {
		parseDotenv(`A="` + strings.Repeat(part, maxEnvFile/len(part)))
		parseDotenv(strings.Repeat(part, maxEnvFile/len(part)))
	}
}
