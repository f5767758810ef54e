package policies

import (
	"slices"
	"strings"
	"testing"
)

func TestParsePurpose(t *testing.T) {
	for text, want := range map[string]Purpose{
		"all": "all", "render": "render", "quotas+render": "render+quotas",
		"validate+sites+delete-render": "sites+delete-render+validate",
		"progress-from-bucket":         "progress-from-bucket",
	} {
		if got, err := ParsePurpose(text); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                       `unknown operation ""`,
		"rendr":                  `unknown operation "rendr": write some of all, deploy, render, sites, invoke, stills,`,
		"render+render":          `duplicate operation "render"`,
		"render+":                `unknown operation ""`,
		"Render":                 `unknown operation "Render"`,
		strings.Repeat("a+", 99): "is too long",
	} {
		if got, err := ParsePurpose(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v; want the error %s", text, got, err, want)
		}
	}
}

// TestSetsOfOperations checks that the sets together have all operations but the deletion of
// renders, and that all has all of them.
func TestSetsOfOperations(t *testing.T) {
	together := Purpose("deploy+render+delete-render").Operations()
	if all := All.Operations(); !slices.Equal(all, Operations()) || !slices.Equal(together, all) {
		t.Errorf("%s, together %s; want %s", all, together, Operations())
	}
	if Purpose("render+quotas").Deploys() || !Purpose("sites").Deploys() {
		t.Error("only deploy and sites create functions or sites")
	}
}

func TestParseBucket(t *testing.T) {
	for text, want := range map[string]Bucket{
		"acme-output":               {Name: "acme-output", Roles: []BucketRole{OutputBucket}, Assumed: true},
		"remotionlambda-x":          {Name: "remotionlambda-x", Roles: []BucketRole{MainBucket}, Assumed: true},
		"acme=output+no-acl":        {Name: "acme", Roles: []BucketRole{OutputBucket}, NoACL: true},
		"acme=site+output":          {Name: "acme", Roles: []BucketRole{SiteBucket, OutputBucket}},
		"remotionlambda-old=output": {Name: "remotionlambda-old", Roles: []BucketRole{OutputBucket}},
	} {
		got, err := ParseBucket(text)
		if err != nil || got.Name != want.Name || !slices.Equal(got.Roles, want.Roles) ||
			got.NoACL != want.NoACL || got.Assumed != want.Assumed {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%q: String returns %q", text, got)
		}
	}
	for text, want := range map[string]string{
		"acme=main":               `unknown role "main": write NAME, NAME=output or NAME=site`,
		"acme=":                   `unknown role ""`,
		"acme=output+output":      `duplicate "output"`,
		"s3://acme=output":        "is not a bucket name",
		"remotionlambda-a=no-acl": "Remotion sets ACLs",
		"acme=output=site":        `unknown role "output=site"`,
		"acme=site,other":         `unknown role "site,other"`,
	} {
		if got, err := ParseBucket(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want the error %s", text, got, err, want)
		}
	}
}

// TestOperationsDecideTheImpact checks that a caller reads only about its own operations.
func TestOperationsDecideTheImpact(t *testing.T) {
	find := func(action string) Requirement {
		list := Latest().Requirements(User)
		return list[slices.IndexFunc(list, func(r Requirement) bool { return r.Action == action })]
	}
	latest := []Release{Latest()}
	for _, test := range []struct {
		action   string
		purpose  Purpose
		severity string
		impact   string
	}{
		{"s3:PutObject", "render", "medium", "renders with large input props cannot " +
			"start, and renders cannot be cancelled with cancelRenderOnLambda()"},
		{"s3:PutObject", "sites", "high", "sites cannot be uploaded"},
		{"s3:PutObject", "all", "high",
			"sites cannot be uploaded; renders with large input props cannot start; renders cannot be " +
				"cancelled with cancelRenderOnLambda()"},
		{"s3:PutObject", "stills", "medium", "renders with large input props cannot start"},
		{"s3:PutObject", "invoke", "", ""},
		{"lambda:InvokeFunction", "invoke", "critical", "renders cannot be started"},
		{"lambda:ListFunctions", "render", "medium", "`remotion lambda render` and getFunctions() " +
			"fail: renders start only with renderMediaOnLambda() and the name of the function"},
		{"lambda:ListFunctions", "invoke", "", ""},
		{"s3:GetBucketLocation", "sites", "high", "sites cannot be deployed"},
		{"s3:GetObject", "progress-from-bucket", "critical", "render progress cannot be read"},
		{"servicequotas:GetServiceQuota", "render+quotas", "low", "`remotion lambda quotas` fails"},
		{"servicequotas:GetServiceQuota", "render", "", ""},
		{"lambda:InvokeAsync", "all", "", ""},
		{"s3:DeleteBucket", "all", "", ""},
	} {
		r, ok := find(test.action).For(test.purpose, latest, MainBucket)
		if !ok && test.impact == "" {
			continue
		}
		if r.Severity.String() != test.severity || r.Impact != test.impact {
			t.Errorf("%s for %s: %s %q, want %s %q", test.action, test.purpose, r.Severity, r.Impact,
				test.severity, test.impact)
		}
	}
}

// TestAnAlternativeLowersTheSeverity checks that the progress of renders can be read in two ways.
func TestAnAlternativeLowersTheSeverity(t *testing.T) {
	list := Latest().Requirements(User)
	i := slices.IndexFunc(list, func(r Requirement) bool { return r.Action == "s3:GetObject" })
	r, _ := list[i].For("render", []Release{Latest()}, MainBucket)
	invokes := func(action string) bool { return action == "lambda:InvokeFunction" }
	if got := r.Given(invokes); got.Severity != Medium ||
		!strings.Contains(got.Impact, "only by invoking the function") {
		t.Errorf("with lambda:InvokeFunction: %s %q", got.Severity, got.Impact)
	}
	if got := r.Given(func(string) bool { return false }); got.Severity != Critical {
		t.Errorf("without lambda:InvokeFunction: %s %q", got.Severity, got.Impact)
	}
}
