package iampolicy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestAGapNamesTheMisnamedAction checks that the explanation of a gap has the action that was
// probably meant, if an Allow of the principal names one that does not exist.
func TestAGapNamesTheMisnamedAction(t *testing.T) {
	allow := func(actions, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":[%s],"Resource":%q}`, actions, resource)
	}
	const objects = "arn:aws:s3:::b/*"
	tests := []struct{ name, policy, action, want string }{
		{"a misnamed action in the only statement", allow(`"s3:PutObject","s3:GetObjects"`, objects),
			"s3:GetObject", "no statement grants the action; statement 1 of a: s3:GetObjects is no " +
				"action: s3:GetObject?"},
		{"a misnamed action beside a narrower grant",
			allow(`"s3:GetObject"`, "arn:aws:s3:::a/*") + "," + allow(`"s3:GetObjects"`, objects),
			"s3:GetObject", "statement 1 of a grants the action only on arn:aws:s3:::a/*; statement 2 of " +
				"a: s3:GetObjects is no action: s3:GetObject?"},
		{"a misnamed service", allow(`"s-3:GetObject"`, objects), "s3:GetObject",
			"no statement grants the action; statement 1 of a: s-3:GetObject is no action: s3:GetObject?"},
		{"a misnamed action that stands for another", allow(`"s3:PutObjects"`, objects),
			"s3:GetObject", "no statement grants the action"},
		{"a Deny of a misnamed action",
			`{"Effect":"Deny","Action":"s3:GetObjects","Resource":"*"}`, "s3:GetObject",
			"no statement grants the action"},
		{"a misnamed action that is granted elsewhere",
			allow(`"s3:GetObjects","s3:GetObject"`, objects), "s3:GetObject", ""},
	}
	for _, test := range tests {
		g := identity(t, `{"Version":"2012-10-17","Statement":[`+test.policy+`]}`)
		got := g.Cover(need(t, test.action, objects), nil)
		if got.Explanation() != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.Explanation(), test.want)
		}
	}
}

// TestMisnamedActions checks the list of actions of a document that do not exist.
func TestMisnamedActions(t *testing.T) {
	g := identity(t, `{"Version":"2012-10-17","Statement":[
		{"Sid":"A","Effect":"Allow","Action":["s3:Get*","s3:UploadPart","S3:uploadpart"],"Resource":"*"},
		{"Effect":"Deny","NotAction":["iam:*","lambda:Invoke"],"Resource":"*"}]}`)
	var got []string
	for _, m := range g.Identity[0].Document.MisnamedActions(10) {
		got = append(got, fmt.Sprintf("%d %s %s", m.Index, m.Sid, m))
	}
	want := []string{"1 A s3:UploadPart is no action: s3:PutObject?",
		"2  lambda:Invoke is no action: lambda:InvokeFunction?"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := g.Identity[0].Document.MisnamedActions(1); len(got) != 1 {
		t.Errorf("%d actions, want at most 1", len(got))
	}
}

// TestManyMisnamedActions checks that the work for a gap is bounded: the search for the action that
// was meant ends after a few comparisons.
func TestManyMisnamedActions(t *testing.T) {
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf(`"s3:X%d"`, i)
	}
	g := identity(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[`+
		strings.Join(names, ",")+`]}]}`)
	s := Unlimited().newSearch(1)
	before := s.steps
	if m := g.findMisnamed("s3:GetObject", s); m != nil {
		t.Errorf("got %s", m)
	}
	if got, most := before-s.steps, len(names)+maxMisnamed*stepsOfNaming; got > most {
		t.Errorf("%d steps, want at most %d", got, most)
	}
}
