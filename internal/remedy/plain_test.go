package remedy_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// The plain evaluator decides one request from the texts of the documents, with straight loops. It
// shares no code with package iampolicy, which makes and proves the repairs. It knows the operators
// that the mutations and the repair use, and panics on others.

// plainPolicies are the texts of the documents that decide about a principal.
type plainPolicies struct {
	identity     []map[string]any
	boundary     map[string]any
	organization [][]map[string]any
}

// plainParse decodes a document.
func plainParse(t testing.TB, text string) map[string]any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return d
}

// allow reports whether the policies allow a request. Keys of the context are in lower case.
func (p plainPolicies) allow(action, resource string, ctx map[string]string) bool {
	denied := false
	allowed := func(list []map[string]any) bool {
		found := false
		for _, d := range list {
			for _, s := range plainStatements(d) {
				if plainApplies(d, s, action, resource, ctx) {
					found = found || s["Effect"] == "Allow"
					denied = denied || s["Effect"] == "Deny"
				}
			}
		}
		return found
	}
	ok := allowed(p.identity)
	if p.boundary != nil {
		ok = allowed([]map[string]any{p.boundary}) && ok
	}
	for _, level := range p.organization {
		ok = allowed(level) && ok
	}
	return ok && !denied
}

func plainStatements(d map[string]any) (list []map[string]any) {
	if one, ok := d["Statement"].(map[string]any); ok {
		return []map[string]any{one}
	}
	for _, s := range d["Statement"].([]any) {
		list = append(list, s.(map[string]any))
	}
	return list
}

// plainTexts returns a text, or the texts of a list.
func plainTexts(v any) (list []string) {
	switch v := v.(type) {
	case string:
		list = []string{v}
	case []any:
		for _, e := range v {
			list = append(list, e.(string))
		}
	case []string:
		list = v
	}
	return list
}

func plainApplies(d, s map[string]any, action, resource string, ctx map[string]string) bool {
	hits := func(key string, hit func(string) bool) (found, present bool) {
		v, present := s[key]
		switch v := v.(type) {
		case string:
			return hit(v), true
		case []any:
			for _, e := range v {
				if hit(e.(string)) {
					return true, true
				}
			}
		}
		return false, present
	}
	action = strings.ToLower(action)
	hitAction := func(p string) bool { return plainGlob(strings.ToLower(p), action) }
	hitResource := func(p string) bool {
		if d["Version"] == "2012-10-17" {
			if name := ctx["aws:username"]; name != "" {
				p = strings.ReplaceAll(p, "${aws:username}", name)
			}
			if strings.Contains(p, "${") {
				return false // a variable without a value matches nothing
			}
		}
		return plainResource(p, resource)
	}
	found, present := hits("Action", hitAction)
	if not, inverted := hits("NotAction", hitAction); inverted {
		found, present = !not, true
	}
	if !present || !found {
		return false
	}
	found, _ = hits("Resource", hitResource)
	if not, inverted := hits("NotResource", hitResource); inverted {
		found = !not
	}
	if !found {
		return false
	}
	conditions, _ := s["Condition"].(map[string]any)
	for operator, keys := range conditions {
		for key, values := range keys.(map[string]any) {
			have, known := ctx[strings.ToLower(key)]
			if !plainCondition(operator, plainTexts(values), have, known) {
				return false
			}
		}
	}
	return true
}

func plainCondition(operator string, values []string, have string, known bool) bool {
	operator, optional := strings.CutSuffix(operator, "IfExists")
	positive := strings.Replace(operator, "Not", "", 1)
	negated := positive != operator
	if operator == "Null" {
		return slices.Contains(values, "true") != known
	}
	if !known {
		return negated || optional
	}
	hit := slices.ContainsFunc(values, func(v string) bool {
		switch positive {
		case "StringEquals":
			return v == have
		case "Bool":
			return strings.EqualFold(v, have)
		case "StringLike":
			return plainGlob(v, have)
		case "ArnEquals", "ArnLike":
			return plainResource(v, have)
		case "IpAddress":
			prefix, err := netip.ParsePrefix(v)
			return err == nil && prefix.Contains(netip.MustParseAddr(have))
		}
		panic("the plain evaluator does not know " + operator)
	})
	return hit != negated
}

// plainResource reports whether a pattern of a policy matches a resource. In the first five fields
// of an ARN, a wildcard matches no colon, unless it is a star at the end of its field.
func plainResource(pattern, resource string) bool {
	if pattern == "*" {
		return true
	}
	if i := strings.IndexAny(pattern, "*?"); i < 0 || !strings.HasPrefix(resource, pattern[:i]) {
		return pattern == resource
	}
	stops := make([]bool, len(pattern))
	colons := 0
	for i := range len(pattern) {
		switch pattern[i] {
		case ':':
			colons++
		case '*', '?':
			last := i+1 == len(pattern) || pattern[i+1] == ':'
			stops[i] = colons < 5 && (pattern[i] == '?' || !last)
		}
	}
	return plainMatch(pattern, resource, stops)
}

func plainGlob(pattern, text string) bool {
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == text
	}
	return plainMatch(pattern, text, make([]bool, len(pattern)))
}

// plainMatch fills a table: row i says which suffixes of the text the pattern matches from i.
func plainMatch(pattern, text string, stops []bool) bool {
	prefix := strings.IndexAny(pattern, "*?")
	if prefix < 0 {
		return pattern == text
	}
	if len(text) < prefix || pattern[:prefix] != text[:prefix] {
		return false // most patterns differ here
	}
	pattern, text, stops = pattern[prefix:], text[prefix:], stops[prefix:]
	if pattern == "*" && !stops[0] {
		return true
	}
	below := make([]bool, len(text)+1)
	below[len(text)] = true
	for i := len(pattern) - 1; i >= 0; i-- {
		row := make([]bool, len(text)+1)
		for j := len(text); j >= 0; j-- {
			fits := j < len(text) && (!stops[i] || text[j] != ':')
			switch pattern[i] {
			case '*':
				row[j] = below[j] || fits && row[j+1]
			case '?':
				row[j] = fits && below[j+1]
			default:
				row[j] = fits && text[j] == pattern[i] && below[j+1]
			}
		}
		below = row
	}
	return below[0]
}

func TestPlainEvaluator(t *testing.T) {
	p := plainPolicies{identity: []map[string]any{plainParse(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:Get*"],"Resource":"arn:aws:s3:::b-*/*"},
		{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"},
		{"Effect":"Deny","NotAction":"s3:GetObject","NotResource":"arn:aws:iam::*:user/ci",
			"Condition":{"StringNotEquals":{"aws:RequestedRegion":["r1"]}}}]}`)}}
	ctx := map[string]string{"aws:username": "ci", "aws:requestedregion": "r2"}
	for _, test := range []struct {
		name, action, resource string
		want                   bool
	}{
		{"an Allow with wildcards", "S3:getobject", "arn:aws:s3:::b-1/x/y", true},
		{"another bucket", "s3:GetObject", "arn:aws:s3:::c-1/x", false},
		{"a Deny with NotAction", "s3:GetObjectAcl", "arn:aws:s3:::b-1/x", false},
		{"a Deny with NotResource, and a variable", "iam:GetUser", "arn:aws:iam::1:user/ci", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := p.allow(test.action, test.resource, ctx); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
	if plainResource("arn:aws:s*3:::x", "arn:aws:s:3:::x") || !plainResource("arn:aws:s3:*:x",
		"arn:aws:s3:a:b:x") {
		t.Error("a star in a field stops at its colon, and a star at its end does not")
	}
}
