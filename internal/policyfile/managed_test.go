package policyfile

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// decide returns the decision of a document on a request.
func decide(doc *iampolicy.Document, action, resource string) iampolicy.Decision {
	grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "p", Document: doc}}}
	return grants.Evaluate(iampolicy.Request{Action: action, Resource: resource}).Decision
}

func TestManagedPolicyGrantsWhatIsKnown(t *testing.T) {
	const (
		no   = iampolicy.ImplicitDeny
		yes  = iampolicy.Allowed
		deny = iampolicy.ExplicitDeny
		aws  = "arn:aws:iam::aws:policy/"
		logs = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/remotion-render-1:*"
		key  = "arn:aws:s3:::remotionlambda-useast1-abc/renders/1"
	)
	for _, tt := range []struct {
		name, arn, action, resource string
		least, most                 iampolicy.Decision
		byAWS                       bool
	}{
		{"an action of the known version", aws + "service-role/AWSLambdaBasicExecutionRole",
			"logs:PutLogEvents", logs, yes, yes, true},
		{"another action of the same service", aws + "service-role/AWSLambdaBasicExecutionRole",
			"logs:DescribeLogStreams", logs, no, yes, true},
		{"an action of another service", aws + "service-role/AWSLambdaBasicExecutionRole",
			"s3:PutObject", key, no, no, true},
		{"a path that does not exist", aws + "AWSLambdaBasicExecutionRole",
			"logs:PutLogEvents", logs, no, yes, true},
		{"a partition of which the policies are not recorded",
			"arn:aws-cn:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
			"logs:PutLogEvents", logs, no, yes, true},
		{"all permissions", aws + "AdministratorAccess", "s3:PutObject", key, yes, yes, true},
		{"a policy that is not recorded", aws + "PowerUserAccess", "s3:PutObject", key, no, yes, true},
		{"a policy that denies", aws + "AWSDenyAll", "s3:PutObject", key, deny, yes, true},
		{"a quarantine of a later version", aws + "AWSCompromisedKeyQuarantineV9",
			"s3:PutObject", key, deny, yes, true},
		{"a policy of the account", "arn:aws:iam::123456789012:policy/AdministratorAccess",
			"s3:PutObject", key, deny, yes, false},
		{"a role in place of a policy", "arn:aws:iam::aws:role/AdministratorAccess",
			"s3:PutObject", key, deny, yes, false},
		{"a name in place of an ARN", "AdministratorAccess", "s3:PutObject", key, deny, yes, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := Place{Place: tree.Place{Line: 7, Column: 9}}
			d := ManagedPolicy(tt.arn, at)
			if d.At != at || d.ByAWS != tt.byAWS {
				t.Errorf("got at %v, by AWS %v; want %v, %v", d.At, d.ByAWS, at, tt.byAWS)
			}
			least, most := decide(d.AtLeast, tt.action, tt.resource),
				decide(d.AtMost, tt.action, tt.resource)
			if least != tt.least || most != tt.most {
				t.Errorf("got at least %v, at most %v; want %v, %v", least, most, tt.least, tt.most)
			}
			if known := d.AtLeast == d.AtMost; known != (len(d.Open) == 0) {
				t.Errorf("one document: %v; open %v", known, d.Open)
			}
		})
	}
}

func TestRecordedPoliciesOfAWSAreValid(t *testing.T) {
	for path, statements := range awsPolicies {
		doc := parseStatements(statements, tree.Place{})
		if len(doc.Statements) == 0 {
			t.Errorf("%s: no policy document: %s", path, statements)
		}
		for _, s := range doc.Statements {
			if s.Effect != iampolicy.Allow {
				t.Errorf("%s has a Deny, which AWS may have removed", path)
			}
		}
	}
}

func TestNameOfAWSPolicyGivesItsARN(t *testing.T) {
	for name, want := range map[string]string{
		"AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
		"PowerUserAccess":             "arn:aws:iam::aws:policy/PowerUserAccess",
	} {
		if got := AWSPolicyARN("aws", name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
