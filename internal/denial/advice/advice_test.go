package advice_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/denial"
	"github.com/remotion-audit/remotion-audit/internal/denial/advice"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// sentence is AWS's sentence about a principal, an action and a resource.
func sentence(principal, action, resource, reason string) string {
	return "User: arn:aws:" + principal + " is not authorized to perform: " + action +
		" on resource: " + resource + " " + reason
}

const (
	user     = "iam::123456789012:user/ci"
	session  = "sts::123456789012:assumed-role/deploy/ci"
	renders  = "sts::123456789012:assumed-role/remotion-lambda-role/remotion-render"
	function = "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-a"
	bucket   = `"arn:aws:s3:::remotionlambda-useast1-abc/x"`
)

func TestAdvice(t *testing.T) {
	noIdentity := func(action string) string {
		return "because no identity-based policy allows the " + action + " action"
	}
	tests := []struct {
		name, text string
		// additions are the statements as policy/Sid: actions on resources.
		additions  []string
		noAddition string
		meaning    string
		command    string
	}{
		{"an action of the caller gets the documented statement of the user policy",
			sentence(user, "lambda:InvokeFunction", function, noIdentity("lambda:InvokeFunction")),
			[]string{"user/FunctionManagement: lambda:InvokeFunction on " +
				"arn:aws:lambda:*:*:function:remotion-render-*"}, "",
			"No policy of the principal or of its groups allows the action",
			"remotion-audit explain lambda:InvokeFunction " + function + " --target user/ci"},
		{"an action of the render role gets the documented statement of the role policy",
			sentence(renders, "s3:PutObject", bucket, noIdentity("s3:PutObject")),
			[]string{"role/1: s3:PutObject on arn:aws:s3:::remotionlambda-*"}, "", "",
			"remotion-audit explain s3:PutObject arn:aws:s3:::remotionlambda-useast1-abc/x --target " +
				"role/remotion-lambda-role"},
		{"a role with another name can be a caller or a render role",
			sentence(session, "s3:PutObject", bucket, noIdentity("s3:PutObject")),
			[]string{"user/Storage: s3:PutObject on arn:aws:s3:::remotionlambda-*",
				"role/1: s3:PutObject on arn:aws:s3:::remotionlambda-*"}, "", "", "--target role/deploy"},
		{"without a type of policy, the statement may still help",
			sentence(user, "lambda:ListFunctions", "*", "\n    at x (y.js:1:1)"),
			[]string{"user/FunctionListing: lambda:ListFunctions on *"}, "",
			"The text does not say which type of policy decided", "explain lambda:ListFunctions --target"},
		{"an explicit deny gets no statement",
			sentence(user, "s3:PutObject", bucket, "with an explicit deny in an identity-based policy"),
			nil, "a Deny statement decides", "A Deny statement in a policy of the principal", ""},
		{"a boundary gets no statement",
			sentence(user, "s3:PutObject", bucket,
				"because no permissions boundary allows the s3:PutObject action"),
			nil, "does not change the permissions boundary", "the boundary has to allow it as well", ""},
		{"a service control policy gets no statement",
			sentence(user, "s3:CreateBucket", `"arn:aws:s3:::remotionlambda-a"`,
				"because no service control policy allows the s3:CreateBucket action"),
			nil, "does not change the service control policy", "Policies of the account cannot change", ""},
		{"a resource control policy gets no statement",
			sentence(user, "s3:PutObject", bucket, "with an explicit deny in a resource control policy"),
			nil, "a Deny statement decides", "resource control policy", ""},
		{"a session policy gets no statement",
			sentence(session, "s3:PutObject", bucket,
				"because no session policy allows the s3:PutObject action"),
			nil, "does not change the session policy", "when the session started", ""},
		{"a VPC endpoint policy gets no statement",
			sentence(renders, "s3:PutObject", bucket,
				"because no VPC endpoint policy allows the s3:PutObject action"),
			nil, "does not change the VPC endpoint policy", "VPC endpoint", ""},
		{"a trust policy gets no statement",
			sentence(user, "sts:AssumeRole", "arn:aws:iam::123456789012:role/x",
				"because no role trust policy allows the sts:AssumeRole action"),
			nil, "does not change the role trust policy", "trust policy", ""},
		{"a resource that the documents do not cover gets no statement",
			sentence(user, "lambda:InvokeFunction",
				"arn:aws:lambda:us-east-1:123456789012:function:clips", noIdentity("lambda:InvokeFunction")),
			nil, "on other resources only, not on arn:aws:lambda:us-east-1:123456789012:function:clips", "",
			""},
		{"an action that Remotion does not use gets no statement",
			sentence(user, "dynamodb:GetItem", "*", noIdentity("dynamodb:GetItem")),
			nil, "no policy of Remotion contains dynamodb:GetItem", "", ""},
		{"an action that Remotion calls without documenting it is named",
			sentence(user, "lambda:UpdateFunctionConfiguration", function,
				noIdentity("lambda:UpdateFunctionConfiguration")),
			nil, "although Remotion 4.0.527 calls it", "", ""},
		{"S3's bare error gets no statement",
			"An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
			nil, "the text does not name the action", "the cause is unknown", "remotion-audit audit"},
		{"two actions of which one is missing get one statement",
			`Unable to access item "a" from bucket "remotionlambda-b" - got a 403 error when heading the ` +
				`file. Check your credentials and permissions. The Lambda role must have permission for both`,
			[]string{"role/1: s3:ListBucket+s3:GetObject on arn:aws:s3:::remotionlambda-*"}, "",
			"the role of the function lacks", "remotion-audit audit"},
		{"China has its own ARNs",
			strings.ReplaceAll(sentence(user, "lambda:InvokeFunction", function,
				noIdentity("lambda:InvokeFunction")), "arn:aws:", "arn:aws-cn:"),
			[]string{"user/FunctionManagement: lambda:InvokeFunction on " +
				"arn:aws-cn:lambda:*:*:function:remotion-render-*"}, "", "", ""},
		{"another account has to allow the request as well",
			sentence(user, "lambda:InvokeFunction",
				"arn:aws:lambda:us-east-1:999999999999:function:remotion-render-a",
				noIdentity("lambda:InvokeFunction")),
			[]string{"user/FunctionManagement: lambda:InvokeFunction on " +
				"arn:aws:lambda:*:*:function:remotion-render-*"}, "", "belongs to account 999999999999", ""},
		{"the root user has no identity policies",
			sentence("iam::123456789012:root", "s3:PutObject", bucket,
				"with an explicit deny in a service control policy"), nil, "a Deny statement decides",
			"root user", ""},
		{"a problem without a policy gets no statement", "TooManyRequestsException: Rate Exceeded.", nil,
			"no missing permission causes this error", "", ""},
		{"an encoded message gets the command with quoted words",
			"You are not authorized to perform this operation. Encoded authorization failure message: " +
				strings.Repeat("Ab-_", 20), nil, "the text does not name the action", "encoded the details",
			"aws sts decode-authorization-message --encoded-message " + strings.Repeat("Ab-_", 20)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := advice.For(denial.Read(tt.text))
			var additions []string
			for _, add := range a.Additions {
				additions = append(additions, string(add.Policy)+"/"+add.Sid+": "+
					strings.Join(add.Statement.Action, "+")+" on "+strings.Join(add.Statement.Resource, "+"))
			}
			if !slices.Equal(additions, tt.additions) {
				t.Errorf("additions %q, want %q", additions, tt.additions)
			}
			if (a.NoAddition == "") != (tt.noAddition == "") ||
				!strings.Contains(a.NoAddition, tt.noAddition) {
				t.Errorf("no addition: %q, want %q", a.NoAddition, tt.noAddition)
			}
			if meaning := strings.Join(a.Meaning, " "); !strings.Contains(meaning, tt.meaning) {
				t.Errorf("meaning %q, want %q", meaning, tt.meaning)
			}
			lines := ""
			for _, c := range a.Commands {
				lines += c.Line + "\n"
			}
			if !strings.Contains(lines, tt.command) {
				t.Errorf("commands %q, want %q", lines, tt.command)
			}
		})
	}
}

// corpus returns the texts of the corpus of package denial.
func corpus(t *testing.T) (texts []string) {
	t.Helper()
	content, err := os.ReadFile("../testdata/corpus.json")
	if err != nil {
		t.Fatal(err)
	}
	var forms []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(content, &forms); err != nil {
		t.Fatal(err)
	}
	for _, f := range forms {
		texts = append(texts, f.Text)
	}
	return texts
}

// TestTheStatementsAreWithinTheDocumentedPolicies checks, for all forms of the corpus, that a
// statement grants the denied request, that a document of Remotion grants all that the statement
// grants, and that a problem without a policy gets none.
func TestTheStatementsAreWithinTheDocumentedPolicies(t *testing.T) {
	statements := 0
	for _, text := range corpus(t) {
		a := advice.For(denial.Read(text))
		if (len(a.Additions) > 0) == (a.NoAddition != "") {
			t.Errorf("%d statements and the reason %q\n%s", len(a.Additions), a.NoAddition, text)
		}
		if a.Error.Kind == denial.OtherProblem && len(a.Additions) > 0 {
			t.Errorf("a statement against %s\n%s", a.Error.Problem.ID, text)
		}
		for _, add := range a.Additions {
			statements++
			allowsDocumented(t, add)
			action, resource := a.Error.Action, a.Error.Resource
			if action.Known() && resource.Known() &&
				decide(t, add.Statement, string(action), string(resource)) != iampolicy.Allowed {
				t.Errorf("%+v does not allow the request\n%s", add.Statement, text)
			}
		}
	}
	if statements < 15 {
		t.Errorf("only %d statements, want a check that sees some", statements)
	}
}

func decide(t *testing.T, s advice.Statement, action, resource string) iampolicy.Decision {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": s})
	if err != nil {
		t.Fatal(err)
	}
	document, err := iampolicy.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return iampolicy.Grants{Identity: []iampolicy.Policy{{Document: document}}}.Evaluate(
		iampolicy.Request{Action: action, Resource: resource}).Decision
}

func allowsDocumented(t *testing.T, add advice.Addition) {
	t.Helper()
	documented := map[string]bool{}
	for _, partition := range policies.Partitions() {
		for _, r := range policies.Releases(partition) {
			for _, s := range r.Policy(add.Policy).Statements {
				for _, action := range s.Action {
					for _, resource := range s.Resource {
						documented[action+" "+resource] = true
					}
				}
			}
		}
	}
	for _, action := range add.Statement.Action {
		for _, resource := range add.Statement.Resource {
			if !documented[action+" "+resource] {
				t.Errorf("no document grants %s on %s", action, resource)
			}
		}
	}
}

func TestTheJSONFollowsTheSchema(t *testing.T) {
	schema := schematest.Compile(t, "explain-error.schema.json")
	for _, text := range append(corpus(t), "", "\x00\x1b[31m") {
		document, err := json.Marshal(advice.For(denial.Read(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schematest.Validate(t, schema, document); err != nil {
			t.Errorf("%v\n%s", err, document)
		}
	}
	invalid := []byte(`{"schemaVersion":"1","error":{"kind":"guess"}}`)
	if schematest.Validate(t, schema, invalid) == nil {
		t.Error("the schema accepts an unknown kind")
	}
}
