package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// document returns a document with statements.
func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// read returns a statement about s3:GetObject on the bucket b, with further keys.
func read(further string) string {
	return `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"` + further + `}`
}

func under(conditions string) string { return `,"Condition":{` + conditions + `}` }

// documentsWithConditions are documents of the forms that AWS's managed policies have.
var documentsWithConditions = map[string]string{
	"a condition with several values": document(
		read(under(`"StringEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}`))),
	"a pattern": document(read(under(`"StringLike":{"iam:PassedToService":"*.amazonaws.com"}`))),
	"several conditions": document(read(under(`"Bool":{"aws:SecureTransport":"true"},` +
		`"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"},"Null":{"aws:TokenIssueTime":"false"},` +
		`"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"},` +
		`"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}`))),
	"ForAllValues and ForAnyValue": document(read(under(
		`"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]},"ForAnyValue:StringLike":{"aws:TagKeys":"a*"}`))),
	"a variable in a condition": document(read(under(
		`"StringEquals":{"aws:ResourceTag/owner":"${aws:username}"}`))),
	"a variable in a resource": document(`{"Effect":"Allow","Action":"s3:*",` +
		`"Resource":"arn:aws:s3:::homes/${aws:username}/*"}`),
	"a variable with a default": document(`{"Effect":"Allow","Action":"s3:*",` +
		`"Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team, 'video'}/*"}`),
	"a literal wildcard": document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${*}"}`),
	"a Deny": document(`{"Effect":"Allow","Action":"*","Resource":"*"}`,
		`{"Effect":"Deny","Action":"s3:Delete*","Resource":"arn:aws:s3:::b*"}`),
	"a Deny under a condition": document(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`,
		`{"Effect":"Deny","Action":"*","Resource":"*"`+
			under(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`)+`}`),
	"a Deny with NotAction and a variable": document(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`,
		`{"Effect":"Deny","NotAction":"s3:Get*","NotResource":"arn:aws:s3:::homes/${aws:username}/*"`+
			under(`"StringNotEquals":{"aws:PrincipalTag/team":"video"}`)+`}`),
	"NotAction": document(`{"Effect":"Allow","NotAction":["iam:*","organizations:*"],"Resource":"*"}`),
	"NotResource": document(`{"Effect":"Allow","Action":"s3:*","NotResource":["arn:aws:s3:::secret*",` +
		`"arn:aws:s3:::homes/${aws:username}/*"]}`),
	"conditions that exclude each other": document(read(under(
		`"StringEquals":{"aws:RequestedRegion":"us-east-1"},"StringLike":{"aws:RequestedRegion":"eu-*"}`))),
	"the action that AWS's pages disagree about": document(`{"Effect":"Allow",` +
		`"Action":"s3:ListAllMyBuckets","Resource":"*"` +
		under(`"StringEquals":{"aws:ResourceAccount":["1","2"]}`) + `}`),
}

// TestADocumentCoversItself checks that a document grants what it requires.
func TestADocumentCoversItself(t *testing.T) {
	for name, text := range documentsWithConditions {
		t.Run(name, func(t *testing.T) {
			required, err := DocumentRequirements("p.json", policytest.Parse(t, text), nil)
			if err != nil {
				t.Fatal(err)
			}
			v := evaluateAll(t, grants(t, text), required, nil)
			for _, f := range v.Findings {
				if f.Status != iampolicy.Satisfied {
					t.Errorf("%s on %s is %s: %s", f.Action, f.Resource, f.Status, f.Why)
				}
			}
			if v.Requirements == 0 {
				t.Error("no requirements")
			}
			// Nothing else grants it.
			other := grants(t, `{"Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:r:1:q"}}`)
			if v := evaluateAll(t, other, required, nil); v.Satisfied > 0 {
				t.Errorf("another policy satisfies %d of %d", v.Satisfied, v.Requirements)
			}
		})
	}
}

// TestRequiredConditions checks which grants satisfy a permission that is required under a
// condition, and what a required document does not require.
func TestRequiredConditions(t *testing.T) {
	const everything = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	vpc := func(values string) string {
		return read(under(`"StringEquals":{"aws:SourceVpc":` + values + `}`))
	}
	on := func(resource, statement string) string {
		return strings.Replace(statement, "b/*", resource, 1)
	}
	for _, test := range []struct {
		name, required, policy string
		context                iampolicy.Context
		want                   string
	}{
		{"a grant without a condition satisfies", document(vpc(`["a","b"]`)), document(read("")), nil,
			"satisfied"},
		{"a grant with more values satisfies", document(vpc(`["a","b"]`)), document(vpc(`["b","c","a"]`)),
			nil, "satisfied"},
		{"a grant with fewer values is conditional", document(vpc(`["a","b"]`)), document(vpc(`"a"`)), nil,
			"conditional"},
		{"two statements share the values", document(vpc(`["a","b"]`)),
			document(vpc(`"a"`), vpc(`"b"`)), nil, "satisfied"},
		{"two statements share the values and the resources", document(vpc(`["a","b"]`)),
			document(on("b/x*", vpc(`"a"`)), on("*", vpc(`"a"`)), on("b*", vpc(`"b"`))), nil, "satisfied"},
		{"two statements that do not share a resource are conditional", document(vpc(`["a","b"]`)),
			document(vpc(`"a"`), on("b/x*", vpc(`"b"`))), nil, "conditional"},
		{"present or absent is always", document(read("")),
			document(read(under(`"Null":{"aws:SourceVpc":"true"}`)),
				read(under(`"ForAnyValue:StringLike":{"aws:SourceVpc":"*"}`)),
				read(under(`"ForAllValues:StringNotLike":{"aws:SourceVpc":"*"}`))), nil, "satisfied"},
		{"a further condition is conditional", document(vpc(`"a"`)),
			document(read(under(`"StringEquals":{"aws:SourceVpc":"a"},"Bool":{"aws:SecureTransport":"true"}`))),
			nil, "conditional"},
		{"another value grants nothing", document(vpc(`["a","b"]`)), document(vpc(`"c"`)), nil, "missing"},
		{"a Deny of another value does not matter", document(vpc(`["a","b"]`)),
			document(everything, `{"Effect":"Deny","Action":"s3:*","Resource":"*"`+
				under(`"StringNotEquals":{"aws:SourceVpc":["a","b","c"]}`)+`}`), nil, "satisfied"},
		{"a Deny of one of the values is conditional", document(vpc(`["a","b"]`)),
			document(everything, `{"Effect":"Deny","Action":"s3:*","Resource":"*"`+
				under(`"StringNotEquals":{"aws:SourceVpc":["a"]}`)+`}`), nil, "conditional"},
		{"the given context replaces the required condition", document(vpc(`["a","b"]`)),
			document(vpc(`"c"`)), iampolicy.Context{"aws:SourceVpc": {"c"}}, "satisfied"},
		{"a grant for the required values is no grant in another context", document(vpc(`["a","b"]`)),
			document(vpc(`["a","b"]`)), iampolicy.Context{"aws:SourceVpc": {"c"}}, "missing"},
		{"a text true is perhaps not each spelling of true", document(read(under(`"Bool":{"aws:SecureTransport":"true"}`))),
			document(read(under(`"StringEquals":{"aws:SecureTransport":"true"}`))), nil, "unverified"},

		{"what is denied is not required", document(read(""), `{"Effect":"Deny","Action":"s3:*",`+
			`"Resource":"arn:aws:s3:::b/secret*"}`), document(`{"Effect":"Allow","Action":"s3:Get*",` +
			`"NotResource":"arn:aws:s3:::b/secret*"}`), nil, "satisfied"},
		{"a wider Deny than the required one is a gap", document(read(""), `{"Effect":"Deny",`+
			`"Action":"s3:*","Resource":"arn:aws:s3:::b/secret*"}`), document(everything, `{"Effect":"Deny",`+
			`"Action":"s3:*","Resource":"arn:aws:s3:::b/s*"}`), nil, "partial"},
		{"a Deny without the required condition is conditional", document(everything, `{"Effect":"Deny",`+
			`"Action":"*","Resource":"*"`+under(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`)+`}`),
			document(everything, `{"Effect":"Deny","Action":"*","Resource":"*"`+
				under(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`)+`}`), nil, "conditional"},
		{"a stricter required Deny leaves less to grant", document(everything, `{"Effect":"Deny",`+
			`"Action":"*","Resource":"*"`+under(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`)+`}`),
			document(everything, `{"Effect":"Deny","Action":"*","Resource":"*"`+
				under(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`)+`}`), nil, "satisfied"},
		{"a Deny that is not required is a gap", document(read("")), document(everything,
			`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`), nil, "denied"},
		{"NotAction does not require what it names",
			document(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`),
			document(everything, `{"Effect":"Deny","Action":"iam:*","Resource":"*"}`), nil, "satisfied"},
		{"NotAction requires everything else",
			document(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`),
			document(everything, `{"Effect":"Deny","Action":["iam:*","s3:Put*"],"Resource":"*"}`), nil,
			"partial"},
		{"NotResource does not require what it names",
			document(`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::secret*"}`),
			document(everything, `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::secret-1*"}`), nil,
			"satisfied"},
		{"NotResource requires everything else",
			document(`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::secret*"}`),
			document(everything, `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::s*"}`), nil,
			"partial"},
	} {
		t.Run(test.name, func(t *testing.T) {
			required, err := DocumentRequirements("p.json", policytest.Parse(t, test.required), test.context)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range evaluateAll(t, grants(t, test.policy), required, test.context).Findings {
				if got = append(got, string(f.Status)); f.Status.Gap() && f.Why == "" {
					t.Errorf("no cause: %+v", f)
				}
			}
			if !slices.Equal(got, []string{test.want}) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestTheCauseNamesTheOtherValues checks that a conditional finding of a required document names
// the values with which the policy does not allow the request.
func TestTheCauseNamesTheOtherValues(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, test := range []struct{ required, granted, want string }{
		{`"StringEquals":{"aws:SourceVpc":["a","b"]}`, `"StringEquals":{"aws:SourceVpc":"a"}`,
			"not allowed with aws:SourceVpc=b"},
		{`"StringEqualsIfExists":{"aws:SourceVpc":"a"}`, `"StringEquals":{"aws:SourceVpc":"a"}`,
			"not allowed without aws:SourceVpc"},
		{`"StringEquals":{"aws:SourceVpc":"a"}`,
			`"StringEquals":{"aws:SourceVpc":"a"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`,
			"not allowed without aws:SourceIp"},
		{`"NumericLessThanEquals":{"s3:max-keys":"10"}`, `"NumericLessThan":{"s3:max-keys":"10"}`,
			"not allowed with s3:max-keys=10"},
		{`"StringEquals":{"aws:SourceVpc":["a","` + long + `"]}`, `"StringEquals":{"aws:SourceVpc":"a"}`,
			"not allowed with aws:SourceVpc=" + long[:80] + "…"},
	} {
		required, err := DocumentRequirements("p.json",
			policytest.Parse(t, document(read(under(test.required)))), nil)
		if err != nil {
			t.Fatal(err)
		}
		g := grants(t, document(read(under(test.granted))))
		if f := evaluateAll(t, g, required, nil).Findings[0]; !strings.HasSuffix(f.Why, test.want) {
			t.Errorf("%s with %s: %s: %.300s, want the end %.200s", test.required, test.granted, f.Status, f.Why,
				test.want)
		}
	}
}

// TestTheCauseNamesTheValuesOfTheRequest checks that a gap of a required document names the
// conditions that decide, and the values of a request that the document requires.
func TestTheCauseNamesTheValuesOfTheRequest(t *testing.T) {
	const ab = `"StringEquals":{"aws:SourceVpc":["a","b"]}`
	for _, test := range []struct{ required, granted, want string }{
		{ab, document(read(under(`"StringEquals":{"aws:SourceVpc":"c"}`))), "grants the action only under " +
			"the condition StringEquals aws:SourceVpc=c, but the request has aws:SourceVpc=a"},
		{`"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}`,
			document(read(under(`"ForAllValues:StringEquals":{"aws:TagKeys":"c"}`))), "under " +
				"the condition ForAllValues:StringEquals aws:TagKeys=c, but the request has aws:TagKeys=a"},
		{ab, document(read(""), `{"Effect":"Deny","Action":"s3:*","Resource":"*"`+
			under(`"StringLike":{"aws:SourceVpc":"?"}`)+`}`), "denies the action under the condition " +
			"StringLike aws:SourceVpc=?, and the request has aws:SourceVpc=a"},
	} {
		required, err := DocumentRequirements("p.json",
			policytest.Parse(t, document(read(under(test.required)))), nil)
		if err != nil {
			t.Fatal(err)
		}
		f := evaluateAll(t, grants(t, test.granted), required, nil).Findings[0]
		if !strings.HasSuffix(f.Why, test.want) {
			t.Errorf("%s with %s: %s: %s, want the end %s", test.required, test.granted, f.Status, f.Why,
				test.want)
		}
	}
}

// TestExcessBeyondNotAction checks that grants of what NotAction or NotResource names are excess,
// and that a document has no excess beyond itself.
func TestExcessBeyondNotAction(t *testing.T) {
	all := document(`{"Effect":"Allow","Action":"*","Resource":"*"}`)
	notAction := document(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)
	notResource := document(`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::secret*"}`)
	for _, test := range []struct {
		name, policy, required string
		want                   []string
	}{
		{"NotAction", all, notAction, []string{"iam:CreateAccessKey on *"}},
		{"NotResource", all, notResource, []string{"x:x on arn:aws:s3:::secret"}},
		{"NotAction itself", notAction, notAction, nil},
		{"NotResource itself", notResource, notResource, nil},
		{"a Deny of the required document does not count", all, document(
			`{"Effect":"Allow","Action":"*","Resource":"*"}`, `{"Effect":"Deny","Action":"iam:*","Resource":"*"}`),
			nil},
	} {
		g := grants(t, test.policy)
		required, err := DocumentRequirements("p.json", policytest.Parse(t, test.required), nil)
		if err != nil {
			t.Fatal(err)
		}
		v := evaluateAll(t, g, required, nil)
		if err := v.FindExcess(t.Context(), Exactly(g), required, nil); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range v.Excess {
			got = append(got, e.ExampleAction+" on "+e.ExampleARN)
		}
		if !slices.Equal(got, test.want) || v.ExcessIncomplete {
			t.Errorf("%s: excess %q, incomplete %v; want %q", test.name, got, v.ExcessIncomplete, test.want)
		}
	}
}

// TestManyConditionsAtOnce checks that a statement whose condition has many keys is conditional,
// not unverified: a context that meets all of them is found however many they are.
func TestManyConditionsAtOnce(t *testing.T) {
	for _, keys := range []int{1, 4, 12, 40} {
		var conditions []string
		for i := range keys {
			conditions = append(conditions,
				fmt.Sprintf(`"aws:PrincipalTag/k%d":["a%d","b","c*","d","e"]`, i, i))
		}
		text := document(read(under(`"StringLike":{` + strings.Join(conditions, ",") + `}`)))
		required, err := DocumentRequirements("p.json", policytest.Parse(t, document(read(""))), nil)
		if err != nil {
			t.Fatal(err)
		}
		f := evaluateAll(t, grants(t, text), required, nil).Findings[0]
		if f.Status != iampolicy.Conditional {
			t.Errorf("%d keys: %s (%s)", keys, f.Status, f.Why)
		}
	}
}
