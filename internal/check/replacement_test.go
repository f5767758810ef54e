package check

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// without returns the documented policy of the newest release without some actions.
func without(t *testing.T, kind policies.PolicyKind, actions ...string) string {
	t.Helper()
	d := policytest.Parse(t, policies.Latest().Document(kind))
	for i := range d.Statements {
		s := &d.Statements[i]
		s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool {
			return slices.Contains(actions, a)
		})
	}
	d.Statements = slices.DeleteFunc(d.Statements, func(s iampolicy.Statement) bool {
		return len(s.Action) == 0
	})
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func compareTexts(t *testing.T, current, proposed string, required Required) Replacement {
	t.Helper()
	r, err := Compare(t.Context(), Exactly(grants(t, current)), Exactly(grants(t, proposed)),
		required, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Kept+r.Lost+r.Gained+r.MissingInBoth+r.Unverified != r.Requirements {
		t.Errorf("the counts of %+v do not add up", r)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := schematest.Validate(t, schematest.Compile(t, "check-replacement.schema.json"),
		text); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	return r
}

// changesOf lists the changes as "kind action: before to after".
func changesOf(r Replacement) (list []string) {
	for _, c := range r.Changes {
		list = append(list, fmt.Sprintf("%s %s: %s to %s", c.Kind, c.Action, c.Before, c.After))
	}
	return list
}

// TestAReplacementNamesTheOperationThatBreaks checks the rights that are used rarely, which a
// recommendation to remove unused access takes away.
func TestAReplacementNamesTheOperationThatBreaks(t *testing.T) {
	user, err := ReleaseRequirements(Target{Kind: policies.User}, policies.Latest())
	if err != nil {
		t.Fatal(err)
	}
	role, err := ReleaseRequirements(Target{Kind: policies.Role}, policies.Latest())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kind                 policies.PolicyKind
		action               string
		severity             policies.Severity
		operations, used, of string
	}{
		{policies.User, "s3:PutBucketPolicy", policies.High, "[deploy]", "buckets are set up",
			"public-read ACL"},
		{policies.User, "s3:DeleteObject", policies.Medium, "[sites delete-render]",
			"renders are deleted", "renders cannot be deleted"},
		{policies.User, "servicequotas:RequestServiceQuotaIncrease", policies.Low, "[quotas]",
			"raised", "quotas increase"},
		{policies.Role, "s3:DeleteObject", policies.Medium, "[render]", "a function renders",
			"large input props"},
	} {
		required := user
		if test.kind == policies.Role {
			required = role
		}
		r := compareTexts(t, policies.Latest().Document(test.kind),
			without(t, test.kind, test.action), required)
		if r.Status != Loses || r.Lost != 1 || len(r.Changes) != 1 || r.Worst() != test.severity {
			t.Errorf("%s without %s: %s, %d lost, worst %s; want one loss, %s", test.kind, test.action,
				r.Status, r.Lost, r.Worst(), test.severity)
			continue
		}
		c := r.Changes[0]
		if c.Action != test.action || fmt.Sprint(c.Operations) != test.operations ||
			!strings.Contains(c.UsedWhen, test.used) || !strings.Contains(c.Impact, test.of) ||
			c.Cause != iampolicy.NoGrant {
			t.Errorf("%s without %s: %+v, want operations %s, %q, %q", test.kind, test.action, c,
				test.operations, test.used, test.of)
		}
	}
}

// TestReplacements checks each kind of change for one requirement.
func TestReplacements(t *testing.T) {
	allow := func(action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, action, resource)
	}
	doc := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	deny := func(resource string) string {
		return fmt.Sprintf(`{"Effect":"Deny","Action":"s3:*","Resource":%q}`, resource)
	}
	const get, all = "s3:GetObject", "arn:aws:s3:::b-*"
	tagged := func(value string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q,"Condition":{"StringEquals":`+
			`{"aws:PrincipalTag/team":%q}}}`, get, all, value)
	}
	required := requiredOf(t, doc(allow(get, all)))
	for _, test := range []struct {
		name, current, proposed, want, example string
	}{
		{"the same policy", doc(allow("s3:*", "*")), doc(allow("s3:*", "*")), "[]", ""},
		{"another policy that grants all", doc(allow("s3:*", "*")), doc(allow(get, all)), "[]", ""},
		{"a dropped action", doc(allow(get, all)), doc(allow("s3:PutObject", all)),
			"[lost s3:GetObject: satisfied to missing]", "arn:aws:s3:::b-"},
		{"a new condition", doc(allow(get, all)), doc(tagged("video")),
			"[lost s3:GetObject: satisfied to conditional]", "arn:aws:s3:::b-"},
		{"a gained action", doc(allow("s3:PutObject", all)), doc(allow(get, all)),
			"[gained s3:GetObject: missing to satisfied]", "arn:aws:s3:::b-"},
		{"missing in both", doc(allow("s3:PutObject", all)), doc(deny(all)),
			"[missing-in-both s3:GetObject: missing to missing]", "arn:aws:s3:::b-"},
		{"the same part", doc(allow(get, "arn:aws:s3:::b-1*")), doc(allow(get, "arn:aws:s3:::b-1*")),
			"[missing-in-both s3:GetObject: partial to partial]", "arn:aws:s3:::b-"},
		{"a larger part", doc(allow(get, "arn:aws:s3:::b-1*")),
			doc(allow("s3:Get*", "arn:aws:s3:::b-?*")),
			"[missing-in-both s3:GetObject: partial to partial]", "arn:aws:s3:::b-"},
		{"a smaller part", doc(allow(get, "arn:aws:s3:::b-1*")), doc(allow(get, "arn:aws:s3:::b-1a*")),
			"[lost s3:GetObject: partial to partial]", "arn:aws:s3:::b-1"},
		{"no part any more", doc(allow(get, "arn:aws:s3:::b-1*")), doc(allow("s3:PutObject", all)),
			"[lost s3:GetObject: partial to missing]", "arn:aws:s3:::b-1"},
		{"a part beyond the requirement, and less of it", doc(allow(get, "arn:aws:s3:::*-1")),
			doc(allow(get, "arn:aws:s3:::a-1"), allow(get, "arn:aws:s3:::b-?")),
			"[lost s3:GetObject: partial to partial]", "arn:aws:s3:::b--1"},
		{"a Deny of a part that was granted", doc(allow(get, "arn:aws:s3:::b-1*")),
			doc(allow(get, "arn:aws:s3:::b-1*"), deny("arn:aws:s3:::b-12")),
			"[lost s3:GetObject: partial to partial]", "arn:aws:s3:::b-12"},
		{"a Deny that both have", doc(allow("s3:*", "*"), deny("arn:aws:s3:::b-12")),
			doc(allow(get, all), deny("arn:aws:s3:::b-12")),
			"[missing-in-both s3:GetObject: partial to partial]", "arn:aws:s3:::b-12"},
		{"the same condition", doc(tagged("video")), doc(tagged("video")),
			"[missing-in-both s3:GetObject: conditional to conditional]", "arn:aws:s3:::b-"},
		{"another condition", doc(tagged("video")), doc(tagged("audio")),
			"[unverified s3:GetObject: conditional to conditional]", all},
		{"a condition that disappears with its grant", doc(tagged("video")), doc(allow("s3:Put*", all)),
			"[unverified s3:GetObject: conditional to missing]", all},
	} {
		r := compareTexts(t, test.current, test.proposed, required)
		got := fmt.Sprint(changesOf(r))
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
			continue
		}
		if len(r.Changes) > 0 && r.Changes[0].ExampleARN != test.example {
			t.Errorf("%s: the example is %q, want %q", test.name, r.Changes[0].ExampleARN, test.example)
		}
	}
}

// TestReplacementsAgreeWithRequests compares policies at random and evaluates each request about a
// few buckets: what is lost has an example that only the current policies allow, and where nothing
// is lost or unverified, the proposed policies allow each request that the current ones allow.
func TestReplacementsAgreeWithRequests(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 15))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	var buckets []string
	for _, a := range []string{"", "a", "b"} {
		for _, b := range []string{"", "a", "b"} {
			buckets = append(buckets, "arn:aws:s3:::x"+a+b)
		}
	}
	document := func() string {
		var list []string
		for range 1 + random.IntN(3) {
			resources := fmt.Sprintf(`["arn:aws:s3:::%s","arn:aws:s3:::%s"]`, pick("x*", "xa*", "*b", "x?",
				"*", "xab", "y"), pick("x", "xa", "*a", "z*"))
			list = append(list, fmt.Sprintf(`{"Effect":%q,%q:%q,%q:%s}`,
				pick("Allow", "Allow", "Allow", "Deny"),
				pick("Action", "Action", "Action", "NotAction"), pick("s3:GetObject", "s3:*", "s3:PutObject"),
				pick("Resource", "Resource", "Resource", "NotResource"), resources))
		}
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
	}
	required := requiredOf(t,
		`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::x*"}}`)
	counts := map[ChangeKind]int{}
	for range 4000 {
		current, proposed := grants(t, document()), grants(t, document())
		if random.IntN(3) == 0 { // with a common statement
			current.Identity = append(current.Identity, proposed.Identity...)
		}
		if random.IntN(4) == 0 {
			current.Boundary = &iampolicy.Policy{ID: "boundary", Document: policytest.Parse(t, document())}
		}
		r, err := Compare(t.Context(), Exactly(current), Exactly(proposed), required, nil)
		if err != nil {
			t.Fatal(err)
		}
		proposed.Boundary = current.Boundary
		allowed := func(g iampolicy.Grants, arn string) bool {
			return g.Evaluate(iampolicy.Request{Action: "s3:GetObject",
				Resource: arn}).Decision == iampolicy.Allowed
		}
		kind := ChangeKind("")
		if len(r.Changes) > 0 {
			c := r.Changes[0]
			kind = c.Kind
			if kind == Lost && (!allowed(current, c.ExampleARN) || allowed(proposed, c.ExampleARN)) {
				t.Errorf("%s is no loss of\n%v\n%v", c.ExampleARN, texts(current), texts(proposed))
			}
		}
		counts[kind]++
		if kind == Lost || kind == ChangeUnverified {
			continue
		}
		for _, bucket := range buckets {
			if allowed(current, bucket) && !allowed(proposed, bucket) {
				t.Errorf("%q, but %s is lost:\n%v\n%v", kind, bucket, texts(current), texts(proposed))
			}
		}
	}
	t.Logf("changes: %v", counts)
	if counts[ChangeUnverified]*15 > counts[Lost] || counts[MissingInBoth] < 100 ||
		counts[Gained] < 10 || counts[""] < 10 {
		t.Errorf("changes: %v, want each kind, and few unverified ones", counts)
	}
}

// TestAReplacementKeepsTheLimits checks that the boundary and the organization of the current
// policies limit both sides.
func TestAReplacementKeepsTheLimits(t *testing.T) {
	everything := `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	role, err := ReleaseRequirements(Target{Kind: policies.Role}, policies.Latest())
	if err != nil {
		t.Fatal(err)
	}
	current := grants(t, everything)
	current.Boundary = &iampolicy.Policy{ID: "boundary", Document: policytest.Parse(t,
		without(t, policies.Role, "s3:DeleteObject"))}
	r, err := Compare(t.Context(), Exactly(current),
		Exactly(grants(t, policies.Latest().Document(policies.Role))), role,
		nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != LosesNothing || r.MissingInBoth != 1 || r.Changes[0].Action != "s3:DeleteObject" ||
		r.Changes[0].Cause != iampolicy.PermissionsBoundary {
		t.Errorf("%s, %+v; want only s3:DeleteObject, missing in both by the boundary", r.Status,
			r.Changes)
	}
}
