package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

func grants(t *testing.T, texts ...string) (g iampolicy.Grants) {
	t.Helper()
	for i, text := range texts {
		doc := policytest.Parse(t, text)
		g.Identity = append(g.Identity, iampolicy.Policy{ID: fmt.Sprintf("%c.json", 'a'+i),
			Document: doc})
	}
	return g
}

func evaluateAll(t *testing.T, g iampolicy.Grants, required Required,
	extra iampolicy.Context) Verdict {
	t.Helper()
	v, err := Evaluate(t.Context(), Exactly(g), required, extra)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestOurOwnPoliciesPass checks that the documented policy of each release, and the policy from
// LeastPrivilege, satisfy all requirements: for any partition and purpose, with and without an
// account and regions.
func TestOurOwnPoliciesPass(t *testing.T) {
	for _, partition := range policies.Partitions() {
		regions := policies.Regions(partition)
		caller := "arn:" + partition + ":iam::123456789012:user/ci"
		for _, release := range policies.Releases(partition) {
			for _, kind := range policies.Kinds {
				for _, target := range []Target{
					{},
					{Account: "123456789012"},
					{Account: "123456789012", Regions: regions[:1]},
					{Account: "123456789012", Regions: regions[:2], Principal: caller},
					{Account: "123456789012", Regions: regions,
						Principal: strings.Replace(caller, "user/", "role/people/", 1)},
				} {
					for _, purpose := range []policies.Purpose{policies.Render, policies.Deploy, policies.All} {
						target.Kind, target.Purpose = kind, purpose
						required, err := ReleaseRequirements(target, release)
						if err != nil {
							t.Fatal(err)
						}
						if len(required.Requirements) == 0 && (kind == policies.User || purpose != policies.Deploy) {
							t.Errorf("%s %s %+v: no requirements", partition, release, target)
						}
						scope := needs.Scope{Partition: partition, Account: target.Account,
							Regions: target.Regions, Caller: target.Principal}
						for i, text := range []string{
							needs.LeastPrivilege([]policies.Release{release}, kind, purpose, scope),
							release.Document(kind),
						} {
							for _, f := range evaluateAll(t, grants(t, text), required, nil).Findings {
								// No document grants the layer of Lambda Insights in four regions.
								undocumented := i == 1 && f.Sid == "FetchBinaries" && f.Severity == policies.Low
								if f.Status != iampolicy.Satisfied && !undocumented {
									t.Errorf("%s %s %+v: %s on %s is %s, such as %s\n%s", partition, release, target, f.Action,
										f.Resource, f.Status, f.ExampleARN, text)
								}
							}
						}
					}
				}
			}
		}
	}
}

// TestNarrowedLayers checks that two narrower layer patterns still grant every version of the
// layers that Remotion attaches.
func TestNarrowedLayers(t *testing.T) {
	for name, narrowed := range map[string]*strings.Replacer{
		"a pattern with a version after the name": strings.NewReplacer("remotion-binaries-*", "remotion-binaries-*:*",
			"InsightsExtension*", "InsightsExtension*:*"),
		"a pattern for Arm only": strings.NewReplacer("InsightsExtension*",
			"InsightsExtension-Arm64:*"),
	} {
		required, err := ReleaseRequirements(Target{Kind: policies.User}, policies.Latest())
		if err != nil {
			t.Fatal(err)
		}
		text := narrowed.Replace(policies.Latest().Document(policies.User))
		for _, f := range evaluateAll(t, grants(t, text), required, nil).Findings {
			if f.Status != iampolicy.Satisfied {
				t.Errorf("%s: %s on %s is %s, such as %s", name, f.Action, f.Resource, f.Status, f.ExampleARN)
			}
		}
	}
}

func TestNarrowedPolicies(t *testing.T) {
	text := strings.NewReplacer(":lambda:*:*:function:", ":lambda:us-east-1:123456789012:function:",
		"remotionlambda-*", "remotionlambda-useast1-*",
		":logs:*:*:", ":logs:us-east-1:123456789012:").Replace(policies.Latest().Document(policies.Role))
	for _, test := range []struct {
		name    string
		target  Target
		gaps    int
		example string
	}{
		{"a policy for the checked region has no gaps",
			Target{Account: "123456789012", Regions: []string{"us-east-1"}}, 0, ""},
		{"a policy for one of two regions has gaps",
			Target{Account: "123456789012", Regions: []string{"us-east-1", "eu-west-1"}},
			13, "arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"},
		{"a policy for one region has gaps if any region is checked",
			Target{}, 13, "arn:aws:s3:::remotionlambda-r3m0t10n4u"},
	} {
		test.target.Kind = policies.Role
		required, err := ReleaseRequirements(test.target, policies.Latest())
		if err != nil {
			t.Fatal(err)
		}
		r := evaluateAll(t, grants(t, text), required, nil)
		example := ""
		for _, f := range r.Findings {
			if f.Action == "s3:ListBucket" {
				example = f.ExampleARN
			}
		}
		if r.Gaps != test.gaps || example != test.example {
			t.Errorf("%s: %d gaps, example %s; want %d, %s", test.name, r.Gaps, example, test.gaps,
				test.example)
		}
	}
}

func TestDocumentRequirements(t *testing.T) {
	const allowAll = `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
	required := func(statements string) string {
		return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	}
	tests := []struct {
		name, required, policy string
		context                iampolicy.Context
		want                   []string
	}{
		{"each Sid, action and resource has one finding, in order",
			required(
				`{"Sid":"A","Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:GetObject"],"Resource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]},{"Sid":"B","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}`),
			allowAll, nil,
			[]string{"A s3:GetObject arn:aws:s3:::a/* satisfied",
				"A s3:GetObject arn:aws:s3:::b/* satisfied", "A s3:PutObject arn:aws:s3:::a/* satisfied",
				"A s3:PutObject arn:aws:s3:::b/* satisfied", "B s3:GetObject arn:aws:s3:::a/* satisfied"}},
		{"a required pattern is compared as written",
			required(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a*"}`),
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a*/*"}}`, nil,
			[]string{" s3:GetObject arn:aws:s3:::a* partial arn:aws:s3:::a"}},
		{"a condition with one value becomes the context",
			required(
				`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}`),
			`{"Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}}`, nil, []string{" iam:PassRole * satisfied"}},
		{"a grant with a condition is conditional without the context",
			required(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`),
			`{"Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}}`, nil, []string{" iam:PassRole * conditional *"}},
		{"a variable takes its value from the context",
			required(
				`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/*"}`),
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::anna/*"}}`,
			iampolicy.Context{"aws:username": {"anna"}},
			[]string{" s3:GetObject arn:aws:s3:::${aws:username}/* satisfied"}},
		{"a literal * covers itself",
			required(
				`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/${*}","arn:aws:s3:::a/${$}"]}`), `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::a/${*}","arn:aws:s3:::a/${$}"]}}`, nil,
			[]string{" s3:GetObject arn:aws:s3:::a/${*} satisfied",
				" s3:GetObject arn:aws:s3:::a/${$} satisfied"}},
		{"a literal * that is not granted as such is unverified",
			required(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/${*}"}`),
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a/b"}}`, nil,
			[]string{" s3:GetObject arn:aws:s3:::a/${*} unverified arn:aws:s3:::a/${*}"}},
		{"a permission that is required in two contexts has one finding",
			required(
				`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}},{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`),
			`{"Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}}`, nil, []string{" iam:PassRole * conditional *"}},
		{"a variable without a value stands for every value",
			required(
				`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/*"}`),
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*/*"}}`, nil,
			[]string{" s3:GetObject arn:aws:s3:::${aws:username}/* satisfied"}},
		{"a variable without a value is unverified if only some values are granted",
			required(
				`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/*"}`),
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::anna/*"}}`, nil,
			[]string{" s3:GetObject arn:aws:s3:::${aws:username}/* unverified " +
				"arn:aws:s3:::${aws:username}/*"}},
		{"a default is not the only value of a variable",
			required(
				`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team, 'video'}/*"}`),
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/video/*"}}`, nil,
			[]string{" s3:GetObject arn:aws:s3:::b/${aws:PrincipalTag/team, 'video'}/* unverified " +
				"arn:aws:s3:::b/${aws:PrincipalTag/team, 'video'}/*"}},
		{"a value counts in place of the default",
			required(
				`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team, 'video'}/*"}`),
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/video/*"}}`,
			iampolicy.Context{"aws:PrincipalTag/team": {"audio"}},
			[]string{" s3:GetObject arn:aws:s3:::b/${aws:PrincipalTag/team, 'video'}/* missing " +
				"arn:aws:s3:::b/audio/"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc := policytest.Parse(t, test.required)
			all, err := DocumentRequirements("needed.json", doc, test.context)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range evaluateAll(t, grants(t, test.policy), all, test.context).Findings {
				got = append(got,
					strings.TrimRight(fmt.Sprintln(f.Sid, f.Action, f.Resource, f.Status, f.ExampleARN), " \n"))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestRequiredStar checks that a required "*" is the resource "*" alone for an action whose
// requests name no resource, and every resource for any other action.
func TestRequiredStar(t *testing.T) {
	const (
		secrets = `,{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::company-secrets*"}`
		admins  = `,{"Effect":"Deny","Action":"*","Resource":"arn:aws:iam::*:role/admin*"}`
		buckets = `,{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::*"}`
		all     = `{"Effect":"Allow","Action":"*","Resource":"*"}`
		arns    = `{"Effect":"Allow","Action":"*","Resource":"arn:*"}`
	)
	tests := []struct {
		action, policy string
		status         iampolicy.Status
		severity       policies.Severity
		disputed       bool
	}{
		{"lambda:ListFunctions", all + secrets, iampolicy.Satisfied, 0, false},
		{"LAMBDA:listfunctions", all + secrets, iampolicy.Satisfied, 0, false},
		{"lambda:ListFunctions", arns, iampolicy.Missing, 0, false},
		{"servicequotas:GetAWSDefaultServiceQuota", all + admins, iampolicy.Satisfied, 0, false},
		{"iam:SimulatePrincipalPolicy", all + admins, iampolicy.Partial, 0, false},
		{"lambda:InvokeFunction", all + admins, iampolicy.Partial, 0, false},
		{"lambda:List*", all + admins, iampolicy.Partial, 0, false},
		{"s3:ListAllMyBuckets", all + secrets, iampolicy.Satisfied, 0, false},
		{"s3:ListAllMyBuckets", all + buckets, iampolicy.Partial, policies.Medium, true},
		{"s3:ListAllMyBuckets",
			`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::*"}`, iampolicy.Partial, policies.Medium,
			true},
		{"s3:ListAllMyBuckets",
			`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::company*"}`, iampolicy.Missing, 0, false},
	}
	for _, test := range tests {
		doc := policytest.Parse(t,
			`{"Statement":{"Effect":"Allow","Action":"`+test.action+`","Resource":"*"}}`)
		required, err := DocumentRequirements("needed.json", doc, nil)
		if err != nil {
			t.Fatal(err)
		}
		g := grants(t, `{"Version":"2012-10-17","Statement":[`+test.policy+`]}`)
		f := evaluate(iampolicy.Unlimited(), Exactly(g), required, nil).Findings[0]
		disputed := strings.Contains(f.Why, "/list_amazons3.html") &&
			strings.Contains(f.Why, "/reference_policies_elements_statement.html")
		if f.Status != test.status || f.Severity != test.severity || disputed != test.disputed {
			t.Errorf("%s by %s is %s, severity %d (%s), want %s, %d, disputed %v", test.action, test.policy,
				f.Status, f.Severity, f.Why, test.status, test.severity, test.disputed)
		}
	}
}

// TestStatementsAboutOtherARNsMakeNoGaps checks that a Deny or a service control policy on ARNs
// that Remotion does not use makes no gap in the documented policy of any release.
func TestStatementsAboutOtherARNsMakeNoGaps(t *testing.T) {
	for _, partition := range policies.Partitions() {
		for _, release := range policies.Releases(partition) {
			for _, kind := range policies.Kinds {
				required, err := ReleaseRequirements(Target{Kind: kind}, release)
				if err != nil {
					t.Fatal(err)
				}
				for _, resource := range []string{"s3:::company-secrets*", "iam::*:role/admin*",
					"lambda:*:*:function:other-*", "servicequotas:*:*:ec2/*", "sqs:*"} {
					deny := `{"Statement":{"Effect":"Deny","Action":"*","Resource":"arn:` + partition + ":" +
						resource + `"}}`
					identity := grants(t, release.Document(kind))
					inOrganization := identity
					identity.Identity = append(identity.Identity, grants(t, deny).Identity...)
					everything := `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
					inOrganization.Organization = append(inOrganization.Organization,
						grants(t, everything, deny).Identity)
					for name, g := range map[string]iampolicy.Grants{"Deny": identity, "SCP": inOrganization} {
						for _, f := range evaluate(iampolicy.Unlimited(), Exactly(g), required,
							nil).Findings {
							// No document grants the layer of Lambda Insights in four regions.
							undocumented := f.Sid == "FetchBinaries" && f.Severity == policies.Low
							if f.Status != iampolicy.Satisfied && !undocumented {
								t.Errorf("%s %s %s, %s on %s: %s is %s, such as %s", partition, release, kind, name,
									resource, f.Action, f.Status, f.ExampleARN)
							}
						}
					}
				}
			}
		}
	}
}

// TestUnverifiedFindings checks that the example of an unverified finding is the whole requirement.
func TestUnverifiedFindings(t *testing.T) {
	needed, granted := "arn:aws:s3:::a"+strings.Repeat("*a", 5000),
		"arn:aws:s3:::"+strings.Repeat("*a*b", 20)+"*"
	for _, action := range []string{"s3:GetObject", "s3:*", "*"} {
		doc := policytest.Parse(t, `{"Statement":{"Effect":"Allow","Action":"`+action+
			`","Resource":"`+needed+`"}}`)
		all, err := DocumentRequirements("needed.json", doc, nil)
		if err != nil {
			t.Fatal(err)
		}
		f := evaluateAll(t, grants(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"`+granted+`"}}`),
			all, nil).Findings[0]
		if f.Status != iampolicy.Unverified || f.Why == "" || f.ExampleAction != action ||
			f.ExampleARN != needed {
			t.Errorf("%s: status %s (%s), example %s on %.40s", action, f.Status, f.Why, f.ExampleAction,
				f.ExampleARN)
		}
	}
}

func TestDocumentRequirementsErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`:                               "requires nothing, because each statement is a Deny",
		`{"Statement":{"Effect":"Allow","Action":"Get?bject","Resource":"*"}}`:                         "is not an action",
		`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:bucket"}}`:         "it has 3 of the 6 fields of an ARN",
		`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:US-EAST:1:x"}}`: `field 4, "US-EAST", must consist of`,
	} {
		doc := policytest.Parse(t, text)
		if _, err := DocumentRequirements("needed.json", doc, nil); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
