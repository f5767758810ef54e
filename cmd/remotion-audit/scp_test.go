package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// TestLevelsOfTheOrganization checks that a policy with a Deny alone is no level: each level has to
// allow a request, so it would deny all of them.
func TestLevelsOfTheOrganization(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"deny.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*",` +
			`"Resource":"*"}]}`,
		"allow.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*",` +
			`"Resource":"*"}]}`,
		"broken.json": `{`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		levels []string
		want   string // of the error
	}{
		{"a Deny alone", []string{"deny.json"}, "no statement allows anything"},
		{"a Deny alone at one of two levels", []string{"allow.json", "deny.json"},
			"deny.json: no statement allows anything"},
		{"a Deny with an Allow", []string{"deny.json,allow.json"}, ""},
		{"a Deny with the policy of AWS", []string{fullAccess + ",deny.json"}, ""},
		{"the policy of AWS alone", []string{fullAccess}, ""},
		{"the policy of AWS in another case", []string{"fullawsaccess"}, "no such file"},
		{"a broken file has one error", []string{"broken.json"}, "broken.json: line 1"},
	}
	for _, test := range tests {
		f := files{ctx: t.Context()}
		var levels []string
		for _, level := range test.levels {
			names := strings.Split(level, ",")
			for i, name := range names {
				if name != fullAccess {
					names[i] = filepath.Join(folder, name)
				}
			}
			levels = append(levels, strings.Join(names, ","))
		}
		organization := f.organization(levels)
		switch {
		case len(organization) != len(levels):
			t.Errorf("%s: %d levels", test.name, len(organization))
		case test.want == "" && f.errs != nil:
			t.Errorf("%s: %v", test.name, f.errs)
		case test.want != "" && (len(f.errs) != 1 || !strings.Contains(f.errs[0].Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, f.errs, test.want)
		}
	}
}

func TestFilesAreTheLocationOfTheirPolicies(t *testing.T) {
	t.Parallel()
	name := filepath.Join(policyFiles(t), "good.json")
	f := files{ctx: t.Context()}
	got := f.policy("--policy", name).Location
	if want := (iampolicy.Location{Kind: iampolicy.FileLocation, Name: name}); !reflect.DeepEqual(
		got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	level := f.organization([]string{fullAccess + "," + name})[0]
	if len(f.errs) != 0 || len(level) != 2 || level[0].Location.Kind != iampolicy.SCPLocation ||
		!level[0].ByAWS || level[1].Location.Kind != iampolicy.FileLocation {
		t.Errorf("got %+v, %v", level, f.errs)
	}
}
