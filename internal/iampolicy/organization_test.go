package iampolicy

import "testing"

// TestOrganization checks how the service control policies of each level decide a request.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
func TestOrganization(t *testing.T) {
	policy := func(text string) Policy {
		doc, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return Policy{Document: doc}
	}
	all := policy(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	s3 := policy(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	sqs := policy(`{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}`)
	noObjects := policy(`{"Statement":{"Effect":"Deny","Action":"s3:*",` +
		`"Resource":"arn:aws:s3:::*/*"}}`)
	mfa := policy(`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}`)
	tests := []struct {
		name                string
		levels              [][]Policy
		want                Decision
		allows, conditional bool
	}{
		{"without an organization, the identity policies decide", nil, Allowed, true, false},
		{"every level has to allow", [][]Policy{{all}, {sqs}}, ImplicitDeny, false, false},
		{"the policies of one level are a union", [][]Policy{{all}, {sqs, s3}}, Allowed, true, false},
		{"a level without policies allows nothing", [][]Policy{{all}, {}}, ImplicitDeny, false, false},
		{"a Deny at one level denies explicitly", [][]Policy{{all}, {s3, noObjects}}, ExplicitDeny, true,
			false},
		{"a Deny with a condition on an unknown key makes the decision conditional",
			[][]Policy{{all, mfa}}, ExplicitDeny, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := Grants{Identity: []Policy{all}, Organization: test.levels}
			got := g.Evaluate(Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"})
			if got.Decision != test.want || got.OrganizationAllows != test.allows ||
				got.Conditional != test.conditional {
				t.Errorf("%v, organization allows %v, conditional %v; want %v, %v, %v",
					got.Decision, got.OrganizationAllows, got.Conditional, test.want, test.allows,
					test.conditional)
			}
		})
	}
}
