package iampolicy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestShortPatternsOfNeeds checks how NewNeed reads a pattern with fewer than six fields, whose
// '*'s stand for several fields.
func TestShortPatternsOfNeeds(t *testing.T) {
	tests := []struct {
		name, pattern     string
		includes, without []string
		err               string
	}{
		{"a star is the region and the account", "arn:aws:dynamodb:*:table/prod-*",
			[]string{"arn:aws:dynamodb:us-east-1:123456789012:table/prod-x"},
			[]string{"arn:aws:dynamodb:us-east-1:123456789012:table/dev-x"}, ""},
		{"a name is no account", "arn:aws:sns:*:remotion-*",
			[]string{"arn:aws:sns:us-east-1:123456789012:remotion-x", "arn:aws:sns:us-east-1:" +
				"123456789012:remotion-x:subscription"},
			[]string{"arn:aws:sns:us-east-1:remotion-x:y", "arn:aws:sns:us-east-1:remotion-:y"}, ""},
		{"digits may be an account and the resource", "arn:aws:x:*:12*",
			[]string{"arn:aws:x:r:123456789012:anything", "arn:aws:x:r:1:12-name"}, nil, ""},
		{"a star at the end is all other fields", "arn:aws:s3*",
			[]string{"arn:aws:s3:::b", "arn:aws:s3-object-lambda:r:1:x"}, []string{"arn:aws:sqs:r:1:q"}, ""},
		{"no star can stand for the missing fields", "arn:aws:s3:bucket", nil, nil,
			`"arn:aws:s3:bucket" is not a resource: it has 4 of the 6 fields of an ARN;`},
		{"a reading without an account does not count", "arn:aws:sns:us-east-1:remotion-*", nil, nil,
			`"arn:aws:sns:us-east-1:remotion-*" is not a resource: it has 5 of the 6 fields of an ARN;`},
		{"a field with an illegal character", "arn:aws:S3:*", nil, nil, `field 3, "S3"`},
	}
	for _, test := range tests {
		n, err := NewNeed("s3:Get", test.pattern)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) ||
				!strings.Contains(err.Error(), test.pattern) {
				t.Errorf("%s: %v, want %q", test.name, err, test.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for _, name := range test.includes {
			if !n.Includes("", name) {
				t.Errorf("%s: %s does not include %s", test.name, test.pattern, name)
			}
		}
		for _, name := range test.without {
			if n.Includes("", name) {
				t.Errorf("%s: %s includes %s", test.name, test.pattern, name)
			}
		}
	}
}

// TestShortPatternsAgreeWithMatch checks that a need with a short pattern includes exactly the
// ARNs, of a small world of ARNs that can exist, that the pattern matches in a policy. As in a
// pattern with six fields, a '*' in front of the resource does not reach into a resource with
// colons.
func TestShortPatternsAgreeWithMatch(t *testing.T) {
	var names []string
	for _, service := range []string{"s3", "sns"} {
		for _, region := range []string{"", "us-east-1", "eu-west-1"} {
			for _, account := range []string{"", "123456789012", "aws"} {
				for _, resource := range []string{"a", "a-b", "table/a", "12", "a:b", "us-x", "aws:a"} {
					names = append(names, strings.Join([]string{"arn:aws", service, region, account, resource},
						":"))
				}
			}
		}
	}
	readable := 0
	for seed := range uint64(rounds(3000)) {
		w := world{rand.New(rand.NewPCG(seed, 23))}
		fields := []string{"arn"}
		for range 1 + w.IntN(4) {
			fields = append(fields, w.pick("*", "*", "aws", "s3", "s*", "us-*", "a*", "12*", "table/*", "?",
				"*-1", "", "aws*", "a"))
		}
		text := strings.Join(fields, ":")
		n, err := NewNeed("s3:Get", text)
		p := compileResource(text, false)
		if err == nil {
			readable++
		}
		for _, name := range names {
			got, want := err == nil && n.Includes("", name), p.match(name)
			if got != want && (got || strings.Count(name, ":") == 5) {
				t.Fatalf("seed %d: the need %s includes %s: %v, and a policy matches it: %v (%v)", seed, text,
					name, got, want, err)
			}
		}
	}
	if readable < rounds(300) {
		t.Errorf("%d readable patterns, want at least %d", readable, rounds(300))
	}
}

// TestExcessOfShortPatterns checks that a boundary and other policies decide about the excess of a
// statement with a short pattern.
func TestExcessOfShortPatterns(t *testing.T) {
	const grant = `{"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:*:remotion-*"}`
	for _, test := range []struct {
		name, boundary string
		required       []Need
		want           []string
	}{
		{"without a boundary", "*", nil,
			[]string{"more actions: sns:Publish on arn:aws:sns:::remotion-"}},
		{"within the boundary of an account", "arn:aws:sns:us-east-1:123456789012:*", nil,
			[]string{"more actions: sns:Publish on arn:aws:sns:us-east-1:123456789012:remotion-"}},
		{"within the same pattern", "arn:aws:sns:*:remotion-*", nil,
			[]string{"more actions: sns:Publish on arn:aws:sns:::remotion-"}},
		{"outside of the boundary", "arn:aws:sns:us-east-1:123456789012:other-*", nil, nil},
		{"required with six fields", "*", []Need{need(t, "sns:Publish", "arn:aws:sns:*:*:remotion-*")}, nil},
		{"required as written", "*", []Need{need(t, "sns:Publish", "arn:aws:sns:*:remotion-*")}, nil},
	} {
		g := identity(t, `{"Version":"2012-10-17","Statement":[`+grant+`]}`)
		g.Boundary = &Policy{ID: "boundary", Document: mustParse(t, statement(
			`"Effect":"Allow","Action":"sns:*","Resource":"`+test.boundary+`"`))}
		var got []string
		list, _ := g.Excess(test.required, nil)
		for _, e := range list {
			got = append(got, fmt.Sprintf("%s: %s on %s", e.Kind, e.ExampleAction, e.ExampleARN))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
