package iam_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// statementPosition returns the position of a statement in a document of DocumentOf, as the
// simulator reports it. before are the previous statements. The start is after the bracket in
// column 37 or after the previous statement. The end is after the closing brace of the statement.
func statementPosition(before []string, statement string) string {
	start := 38
	for i, b := range before {
		start += len(b)
		if i > 0 {
			start++ // the comma
		}
	}
	end := start + len(statement)
	if len(before) > 0 {
		end++
	}
	return fmt.Sprintf("1:%d-1:%d", start, end)
}

const (
	bucketA = "arn:aws:s3:::remotionlambda-a/x"
	bucketS = "arn:aws:s3:::remotionlambda-secret/x"
	bucketX = "arn:aws:s3:::other/x"
)

func simulated() *awsemu.Account {
	return &awsemu.Account{
		Simulator: awsemu.Simulator{PageSize: 100},
		Groups: map[string]awsemu.Group{
			"g": {Inline: map[string]string{"more": emutest.DocumentOf(emutest.AllowPublish)}, Managed: []string{"shared"}},
		},
		Users: map[string]awsemu.User{
			"ci": {Path: "/bots/",
				Inline: map[string]string{"render": emutest.DocumentOf(emutest.AllowRead, emutest.DenySecret)}, Groups: []string{"g"},
				Managed: []string{"shared"}},
			"bounded": {Inline: map[string]string{"all": emutest.AllowAll}, Boundary: "limits"},
			"cond":    {Inline: map[string]string{"c": emutest.DocumentOf(emutest.AllowPass, emutest.AllowOwn)}},
			"broken": {Inline: map[string]string{"b": "{nonsense", "fine": emutest.DocumentOf(emutest.AllowRead)},
				Boundary: ""},
			"tied": {Inline: map[string]string{"all": emutest.AllowAll}, Boundary: "nonsense"},
		},
		Roles: map[string]awsemu.Role{
			"worker": {Inline: map[string]string{"p": emutest.DocumentOf(emutest.AllowRead)}},
			"linked": {Path: "/aws-service-role/x.amazonaws.com/",
				Inline: map[string]string{"p": emutest.DocumentOf(emutest.AllowRead)}},
		},
		Policies: map[string]awsemu.ManagedPolicy{
			"shared":   {Document: emutest.DocumentOf(emutest.AllowList)},
			"limits":   {Document: emutest.DocumentOf(emutest.AllowS3, emutest.DenyDelete)},
			"nonsense": {Document: "{"},
		},
	}
}

// summary returns a result as one line: the decision, then the statements, keys and details.
func summary(r types.EvaluationResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", *r.EvalActionName, *r.EvalResourceName, r.EvalDecision)
	for _, s := range r.MatchedStatements {
		fmt.Fprintf(&b, " [%s %s %d:%d-%d:%d]", *s.SourcePolicyId, s.SourcePolicyType,
			s.StartPosition.Line, s.StartPosition.Column, s.EndPosition.Line, s.EndPosition.Column)
	}
	if len(r.MissingContextValues) > 0 {
		fmt.Fprintf(&b, " missing %v", r.MissingContextValues)
	}
	if d := r.PermissionsBoundaryDecisionDetail; d != nil {
		fmt.Fprintf(&b, " boundary %v", d.AllowedByPermissionsBoundary)
	}
	if d := r.OrganizationsDecisionDetail; d != nil {
		fmt.Fprintf(&b, " organization %v", d.AllowedByOrganizations)
	}
	for _, s := range r.ResourceSpecificResults {
		fmt.Fprintf(&b, " | %s %s %d", *s.EvalResourceName, s.EvalResourceDecision,
			len(s.MatchedStatements))
		if len(s.MissingContextValues) > 0 {
			fmt.Fprintf(&b, " missing %v", s.MissingContextValues)
		}
		if d := s.PermissionsBoundaryDecisionDetail; d != nil {
			fmt.Fprintf(&b, " boundary %v", d.AllowedByPermissionsBoundary)
		}
	}
	return b.String()
}

// wantResults compares the summaries of results.
func wantResults(t *testing.T, results []types.EvaluationResult, want []string) {
	t.Helper()
	var got []string
	for _, r := range results {
		got = append(got, summary(r))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func entryOf(key string, t types.ContextKeyTypeEnum, values ...string) types.ContextEntry {
	return types.ContextEntry{ContextKeyName: &key, ContextKeyType: t, ContextKeyValues: values}
}

func TestSimulatePrincipalPolicyAnswersAsAWS(t *testing.T) {
	const iamPolicy, boundary = " IAM Policy ", " Permissions Boundary Policy "
	allow := "[user_ci_render" + iamPolicy + statementPosition(nil, emutest.AllowRead) + "]"
	deny := "[user_ci_render" + iamPolicy + statementPosition([]string{emutest.AllowRead}, emutest.DenySecret) + "]"
	publish := "[group_g_more" + iamPolicy + statementPosition(nil, emutest.AllowPublish) + "]"
	all := iamPolicy + statementPosition(nil, emutest.AllowAny) + "]"
	tests := []simulationTest{
		{
			name: "without resources the simulated resource is *, which a pattern of ARNs does not match",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
				ActionNames: []string{"s3:GetObject", "sns:Publish", "lambda:ListFunctions"}},
			want: []string{
				"s3:GetObject *: implicitDeny",
				"sns:Publish *: allowed " + publish,
				"lambda:ListFunctions *: allowed [shared" + iamPolicy + statementPosition(nil, emutest.AllowList) + "]",
			},
		},
		{
			name: "the resource * gives the same answer as no resource",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
				ActionNames: []string{"sns:Publish"}, ResourceArns: []string{"*"}},
			want: []string{"sns:Publish *: allowed " + publish},
		},
		{
			name: "the path of the source is ignored",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/any/where/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA}},
			want: []string{"s3:GetObject " + bucketA + ": allowed " + allow + " | " + bucketA +
				" allowed 1"},
		},
		{
			name: "with several resources the result has the most restrictive decision, and an ARN " +
				"template as its resource name",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/bots/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA, bucketX, bucketA}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: implicitDeny " + allow +
				" | " + bucketA + " allowed 1 | " + bucketX + " implicitDeny 0 | " + bucketA + " allowed 1"},
		},
		{
			name: "with an explicit deny of one resource the result has only the denying statement",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/bots/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA, bucketS, bucketX}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: explicitDeny " + deny +
				" | " + bucketA + " allowed 1 | " + bucketS + " explicitDeny 1 | " + bucketX +
				" implicitDeny 0"},
		},
		{
			name: "a star inside a resource is not a wildcard, so a deny of longer names does not match",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/bots/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::remotionlambda-*"}},
			want: []string{"s3:GetObject arn:aws:s3:::remotionlambda-*: allowed " + allow +
				" | arn:aws:s3:::remotionlambda-* allowed 1"},
		},
		{
			name: "a repeated action has two results in the given spelling",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("role/worker"),
				ActionNames: []string{"S3:getobject", "s3:GetObject"}, ResourceArns: []string{bucketA}},
			want: []string{
				"S3:getobject " + bucketA + ": allowed [role_worker_p" + iamPolicy +
					statementPosition(nil, emutest.AllowRead) +
					"] | " + bucketA + " allowed 1",
				"s3:GetObject " + bucketA + ": allowed [role_worker_p" + iamPolicy +
					statementPosition(nil, emutest.AllowRead) +
					"] | " + bucketA + " allowed 1",
			},
		},
		{
			name: "the source can be a group, and an unknown action is denied",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("group/g"),
				ActionNames: []string{"sns:Publish", "no:Such"}},
			want: []string{"sns:Publish *: allowed " + publish, "no:Such *: implicitDeny"},
		},
		{
			name: "a resource of the wrong type is denied even if the policies allow every resource",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/bounded"),
				ActionNames:  []string{"s3:GetObject"},
				ResourceArns: []string{"arn:aws:iam::123456789012:role/x"}},
			want: []string{"s3:GetObject arn:aws:iam::123456789012:role/x: implicitDeny boundary false | " +
				"arn:aws:iam::123456789012:role/x implicitDeny 0 boundary false"},
		},
		{
			name: "a boundary allows, denies implicitly, and denies explicitly",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/bounded"),
				ActionNames: []string{"s3:GetObject", "sns:Publish", "s3:DeleteBucket"}},
			want: []string{
				"s3:GetObject *: allowed [user_bounded_all" + all + " [limits" + boundary +
					statementPosition(nil, emutest.AllowS3) + "] boundary true",
				"sns:Publish *: implicitDeny boundary false",
				"s3:DeleteBucket *: explicitDeny [limits" + boundary +
					statementPosition([]string{emutest.AllowS3}, emutest.DenyDelete) +
					"] boundary false",
			},
		},
		{
			name: "a boundary in the request replaces the attached one",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/bounded"),
				ActionNames:                        []string{"sns:Publish"},
				PermissionsBoundaryPolicyInputList: []string{emutest.AllowAll}},
			want: []string{"sns:Publish *: allowed [user_bounded_all" + all +
				" [PermissionsBoundaryPolicyInputList.1" + boundary + statementPosition(nil, emutest.AllowAny) +
				"] boundary true"},
		},
		{
			name: "documents in the request add to the attached policies",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("role/worker"),
				ActionNames: []string{"sns:Publish", "s3:GetObject"},
				PolicyInputList: []string{emutest.DocumentOf(emutest.AllowRead),
					"{\n\"Version\":\"2012-10-17\",\n\"Statement\":{\"Effect\":\"Allow\",\n\"Action\":\"sns:*\",\"Resource\":\"*\"}}"}},
			want: []string{"sns:Publish *: allowed [PolicyInputList.2 IAM Policy 3:14-4:33]",
				"s3:GetObject *: implicitDeny"},
		},
		{
			name: "a denied action lists the missing keys of all statements",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/cond"),
				ActionNames:  []string{"iam:PassRole", "sns:Publish"},
				ResourceArns: []string{"arn:aws:iam::123456789012:role/x"}},
			want: []string{
				"iam:PassRole arn:aws:iam::123456789012:role/x: implicitDeny missing [iam:PassedToService] | " +
					"arn:aws:iam::123456789012:role/x implicitDeny 0 missing [iam:PassedToService]",
				"sns:Publish arn:aws:iam::123456789012:role/x: implicitDeny missing [iam:PassedToService] | " +
					"arn:aws:iam::123456789012:role/x implicitDeny 0 missing [iam:PassedToService]",
			},
		},
		{
			name: "context entries affect the decision",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/cond"),
				ActionNames: []string{"iam:PassRole"},
				ContextEntries: []types.ContextEntry{entryOf("IAM:passedToService", "string",
					"lambda.amazonaws.com")}},
			want: []string{"iam:PassRole *: allowed [user_cond_c" + iamPolicy +
				statementPosition(nil, emutest.AllowPass) + "]"},
		},
		{
			name: "aws:username is the name of the simulated user by default",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/cond"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::cond/x"}},
			want: []string{"s3:GetObject arn:aws:s3:::cond/x: allowed [user_cond_c" + iamPolicy +
				statementPosition([]string{emutest.AllowPass}, emutest.AllowOwn) +
				"] | arn:aws:s3:::cond/x allowed 1"},
		},
		{
			name: "CallerArn overrides the user's name, and a context entry overrides CallerArn",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/cond"),
				ActionNames:    []string{"s3:GetObject"},
				ResourceArns:   []string{"arn:aws:s3:::eve/x", "arn:aws:s3:::bob/x"},
				CallerArn:      emutest.ARNOf("user/bob"),
				ContextEntries: []types.ContextEntry{entryOf("aws:UserName", "string", "eve")}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: implicitDeny [user_cond_c" +
				iamPolicy + statementPosition([]string{emutest.AllowPass}, emutest.AllowOwn) +
				"] missing [iam:PassedToService]" +
				" | arn:aws:s3:::eve/x allowed 1 | arn:aws:s3:::bob/x implicitDeny 0 missing " +
				"[iam:PassedToService]"},
		},
		{
			name: "a document that does not parse grants and denies nothing",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/broken"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA}},
			want: []string{"s3:GetObject " + bucketA + ": allowed [user_broken_fine" + iamPolicy +
				statementPosition(nil, emutest.AllowRead) + "] | " + bucketA + " allowed 1"},
		},
		{
			name: "a boundary that does not parse allows nothing",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/tied"),
				ActionNames: []string{"s3:GetObject"}},
			want: []string{"s3:GetObject *: implicitDeny boundary false"},
		},
		{
			name: "a resource of the wrong type lists the missing keys of all policies",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/cond"),
				ActionNames: []string{"iam:PassRole"}, ResourceArns: []string{bucketA},
				PolicyInputList: []string{emutest.AllowAll}},
			want: []string{"iam:PassRole " + bucketA + ": implicitDeny missing [iam:PassedToService] | " +
				bucketA + " implicitDeny 0 missing [iam:PassedToService]"},
		},
		{
			name:    "the old shape has a result per resource with the decision of the action",
			account: func(a *awsemu.Account) { a.Simulator.Shape = "old" },
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA, bucketX}},
			want: []string{
				"s3:GetObject " + bucketA + ": implicitDeny " + allow + " | " + bucketA + " allowed 1",
				"s3:GetObject " + bucketX + ": implicitDeny " + allow + " | " + bucketX + " implicitDeny 0",
			},
		},
	}
	simulateAll(t, tests)
}

// A simulationTest simulates the policies of a principal of the account that simulated returns.
type simulationTest struct {
	name    string
	account func(*awsemu.Account)
	in      iam.SimulatePrincipalPolicyInput
	want    []string
}

func simulateAll(t *testing.T, tests []simulationTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			account := simulated()
			if tt.account != nil {
				tt.account(account)
			}
			out, err := emutest.Connect(t, &awsemu.Server{Account: account}).IAM.SimulatePrincipalPolicy(
				t.Context(),
				&tt.in)
			if err != nil {
				t.Fatal(err)
			}
			wantResults(t, out.EvaluationResults, tt.want)
		})
	}
}

func TestSimulationPagesOverActions(t *testing.T) {
	account := simulated()
	account.Simulator = awsemu.Simulator{} // two actions per page, the default of all lists
	srv := &awsemu.Server{Account: account}
	c := emutest.Connect(t, srv).IAM
	actions := []string{"s3:GetObject", "s3:PutObject", "sns:Publish", "no:Such", "s3:GetObject"}
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
		ActionNames:  actions,
		ResourceArns: []string{bucketA, bucketX, bucketS}}
	var got []string
	err := emutest.Pages(t, iam.NewSimulatePrincipalPolicyPaginator(c, in),
		func(o *iam.SimulatePrincipalPolicyOutput) {
			if len(o.EvaluationResults) > 2 {
				t.Errorf("a page has %d actions, want at most 2", len(o.EvaluationResults))
			}
			for _, r := range o.EvaluationResults {
				got = append(got, *r.EvalActionName)
				if len(r.ResourceSpecificResults) != 3 {
					t.Errorf("%s has %d resources, want 3", *r.EvalActionName, len(r.ResourceSpecificResults))
				}
			}
		})
	if err != nil || !reflect.DeepEqual(got, actions) {
		t.Errorf("got %v, %v\nwant %v", got, err, actions)
	}
	if n := len(srv.Calls()); n != 3 {
		t.Errorf("%d calls for five actions, want 3", n)
	}
	// A marker contains an offset, so a call with other actions also accepts the marker.
	out, err := c.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: emutest.ARNOf("role/worker"), ActionNames: []string{"a:b", "a:c", "a:d"},
		Marker: aws.String(wire.Marker("SimulatePrincipalPolicy", 2)),
	})
	if err != nil || len(out.EvaluationResults) != 1 ||
		*out.EvaluationResults[0].EvalActionName != "a:d" {
		t.Errorf("other actions with the marker: %+v, %v", out, err)
	}
}

// TestSimulatePrincipalPolicyMatchesTheGoldenXML compares the complete text of an answer with a
// golden file, to detect a change of any element.
func TestSimulatePrincipalPolicyMatchesTheGoldenXML(t *testing.T) {
	url := emutest.Listen(t, &awsemu.Server{Account: simulated()})
	got := emutest.Post(t, url, "iam", map[string]string{
		"Action": "SimulatePrincipalPolicy", "Version": "2010-05-08",
		"PolicySourceArn":       "arn:aws:iam::123456789012:user/bounded",
		"ActionNames.member.1":  "s3:GetObject",
		"ActionNames.member.2":  "sns:Publish",
		"ResourceArns.member.1": bucketA,
		"ResourceArns.member.2": bucketX,
		"MaxItems":              "1",
	})
	golden.Compare(t, "testdata/simulate.xml",
		[]byte(strings.ReplaceAll(got, "><", ">\n<")+"\n"))
}
