package awsemu

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// documentOf writes a document of statements.
func documentOf(parts ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(parts, ",") + `]}`
}

// place is where a statement stands in documentOf: it begins after the bracket, which is in column
// 37, or after the brace of the statement before it, and ends after its own.
func place(before []string, statement string) string {
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
	allowRead    = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-*"}`
	denySecret   = `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-secret*"}`
	allowPublish = `{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}`
	allowList    = `{"Effect":"Allow","Action":"lambda:ListFunctions","Resource":"*"}`
	allowS3      = `{"Effect":"Allow","Action":["s3:*"],"Resource":"*"}`
	denyDelete   = `{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}`
	allowPass    = `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}`
	allowOwn     = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/*"}`
	denyRead     = `{"Effect":"Deny","Action":"s3:Get*","Resource":"*"}`
	// allowAny is the statement of allowAll.
	allowAny = `{"Effect":"Allow","Action":"*","Resource":"*"}`

	bucketA = "arn:aws:s3:::remotionlambda-a/x"
	bucketS = "arn:aws:s3:::remotionlambda-secret/x"
	bucketX = "arn:aws:s3:::other/x"
)

func simulated() *Account {
	return &Account{
		Simulator: Simulator{PageSize: 100},
		Groups: map[string]Group{
			"g": {Inline: map[string]string{"more": documentOf(allowPublish)}, Managed: []string{"shared"}},
		},
		Users: map[string]User{
			"ci": {Path: "/bots/",
				Inline: map[string]string{"render": documentOf(allowRead, denySecret)}, Groups: []string{"g"},
				Managed: []string{"shared"}},
			"bounded": {Inline: map[string]string{"all": allowAll}, Boundary: "limits"},
			"cond":    {Inline: map[string]string{"c": documentOf(allowPass, allowOwn)}},
			"broken": {Inline: map[string]string{"b": "{nonsense", "fine": documentOf(allowRead)},
				Boundary: ""},
			"tied": {Inline: map[string]string{"all": allowAll}, Boundary: "nonsense"},
		},
		Roles: map[string]Role{
			"worker": {Inline: map[string]string{"p": documentOf(allowRead)}},
			"linked": {Path: "/aws-service-role/x.amazonaws.com/",
				Inline: map[string]string{"p": documentOf(allowRead)}},
		},
		Policies: map[string]ManagedPolicy{
			"shared":   {Document: documentOf(allowList)},
			"limits":   {Document: documentOf(allowS3, denyDelete)},
			"nonsense": {Document: "{"},
		},
	}
}

// resultText returns a result as text: the decision and its basis.
func resultText(r types.EvaluationResult) string {
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

// wantResults compares results in the form of resultText.
func wantResults(t *testing.T, results []types.EvaluationResult, want []string) {
	t.Helper()
	var got []string
	for _, r := range results {
		got = append(got, resultText(r))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func arnOf(what string) *string { return aws.String("arn:aws:iam::123456789012:" + what) }

func entryOf(key string, t types.ContextKeyTypeEnum, values ...string) types.ContextEntry {
	return types.ContextEntry{ContextKeyName: &key, ContextKeyType: t, ContextKeyValues: values}
}

func TestSimulatePrincipalPolicyAnswersAsTheServiceDoes(t *testing.T) {
	const iamPolicy, boundary = " IAM Policy ", " Permissions Boundary Policy "
	allow := "[user_ci_render" + iamPolicy + place(nil, allowRead) + "]"
	deny := "[user_ci_render" + iamPolicy + place([]string{allowRead}, denySecret) + "]"
	publish := "[group_g_more" + iamPolicy + place(nil, allowPublish) + "]"
	all := iamPolicy + place(nil, allowAny) + "]"
	tests := []simulationTest{
		{
			name: "without resources the answer is about the star, which a pattern with an ARN in it does " +
				"not match",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"),
				ActionNames: []string{"s3:GetObject", "sns:Publish", "lambda:ListFunctions"}},
			want: []string{
				"s3:GetObject *: implicitDeny",
				"sns:Publish *: allowed " + publish,
				"lambda:ListFunctions *: allowed [shared" + iamPolicy + place(nil, allowList) + "]",
			},
		},
		{
			name: "the star given is the star left out",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"),
				ActionNames: []string{"sns:Publish"}, ResourceArns: []string{"*"}},
			want: []string{"sns:Publish *: allowed " + publish},
		},
		{
			name: "the path of the source makes no difference",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/any/where/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA}},
			want: []string{"s3:GetObject " + bucketA + ": allowed " + allow + " | " + bucketA +
				" allowed 1"},
		},
		{
			name: "with several resources the most restrictive decision is the action's, and its name a " +
				"template",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/bots/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA, bucketX, bucketA}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: implicitDeny " + allow +
				" | " + bucketA + " allowed 1 | " + bucketX + " implicitDeny 0 | " + bucketA + " allowed 1"},
		},
		{
			name: "an explicit deny of one resource shows the denying statement alone",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/bots/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA, bucketS, bucketX}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: explicitDeny " + deny +
				" | " + bucketA + " allowed 1 | " + bucketS + " explicitDeny 1 | " + bucketX +
				" implicitDeny 0"},
		},
		{
			name: "a star inside a resource is text, so that a deny below it goes unseen",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/bots/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::remotionlambda-*"}},
			want: []string{"s3:GetObject arn:aws:s3:::remotionlambda-*: allowed " + allow +
				" | arn:aws:s3:::remotionlambda-* allowed 1"},
		},
		{
			name: "an action asked twice is answered twice, as it was spelt",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("role/worker"),
				ActionNames: []string{"S3:getobject", "s3:GetObject"}, ResourceArns: []string{bucketA}},
			want: []string{
				"S3:getobject " + bucketA + ": allowed [role_worker_p" + iamPolicy + place(nil, allowRead) +
					"] | " + bucketA + " allowed 1",
				"s3:GetObject " + bucketA + ": allowed [role_worker_p" + iamPolicy + place(nil, allowRead) +
					"] | " + bucketA + " allowed 1",
			},
		},
		{
			name: "a group and an unknown action can be simulated",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("group/g"),
				ActionNames: []string{"sns:Publish", "no:Such"}},
			want: []string{"sns:Publish *: allowed " + publish, "no:Such *: implicitDeny"},
		},
		{
			name: "a resource the action has nothing to do with is denied even under a star",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/bounded"),
				ActionNames:  []string{"s3:GetObject"},
				ResourceArns: []string{"arn:aws:iam::123456789012:role/x"}},
			want: []string{"s3:GetObject arn:aws:iam::123456789012:role/x: implicitDeny boundary false | " +
				"arn:aws:iam::123456789012:role/x implicitDeny 0 boundary false"},
		},
		{
			name: "a boundary allows, denies by silence, and denies",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/bounded"),
				ActionNames: []string{"s3:GetObject", "sns:Publish", "s3:DeleteBucket"}},
			want: []string{
				"s3:GetObject *: allowed [user_bounded_all" + all + " [limits" + boundary +
					place(nil, allowS3) + "] boundary true",
				"sns:Publish *: implicitDeny boundary false",
				"s3:DeleteBucket *: explicitDeny [limits" + boundary + place([]string{allowS3}, denyDelete) +
					"] boundary false",
			},
		},
		{
			name: "a boundary given takes the place of the attached one",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/bounded"),
				ActionNames:                        []string{"sns:Publish"},
				PermissionsBoundaryPolicyInputList: []string{allowAll}},
			want: []string{"sns:Publish *: allowed [user_bounded_all" + all +
				" [PermissionsBoundaryPolicyInputList.1" + boundary + place(nil, allowAny) + "] boundary true"},
		},
		{
			name: "documents given add to those attached",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("role/worker"),
				ActionNames: []string{"sns:Publish", "s3:GetObject"},
				PolicyInputList: []string{documentOf(allowRead),
					"{\n\"Version\":\"2012-10-17\",\n\"Statement\":{\"Effect\":\"Allow\",\n\"Action\":\"sns:*\",\"Resource\":\"*\"}}"}},
			want: []string{"sns:Publish *: allowed [PolicyInputList.2 IAM Policy 3:14-4:33]",
				"s3:GetObject *: implicitDeny"},
		},
		{
			name: "every key any statement names is missing from what is not allowed, and from nothing else",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/cond"),
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
			name: "context given decides",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/cond"),
				ActionNames: []string{"iam:PassRole"},
				ContextEntries: []types.ContextEntry{entryOf("IAM:passedToService", "string",
					"lambda.amazonaws.com")}},
			want: []string{"iam:PassRole *: allowed [user_cond_c" + iamPolicy + place(nil, allowPass) + "]"},
		},
		{
			name: "the user's name is known without being given",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/cond"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::cond/x"}},
			want: []string{"s3:GetObject arn:aws:s3:::cond/x: allowed [user_cond_c" + iamPolicy +
				place([]string{allowPass}, allowOwn) + "] | arn:aws:s3:::cond/x allowed 1"},
		},
		{
			name: "another caller's name may be given, and the context over that",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/cond"),
				ActionNames:    []string{"s3:GetObject"},
				ResourceArns:   []string{"arn:aws:s3:::eve/x", "arn:aws:s3:::bob/x"},
				CallerArn:      arnOf("user/bob"),
				ContextEntries: []types.ContextEntry{entryOf("aws:UserName", "string", "eve")}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: implicitDeny [user_cond_c" +
				iamPolicy + place([]string{allowPass}, allowOwn) + "] missing [iam:PassedToService]" +
				" | arn:aws:s3:::eve/x allowed 1 | arn:aws:s3:::bob/x implicitDeny 0 missing " +
				"[iam:PassedToService]"},
		},
		{
			name: "a document that does not parse counts for nothing",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/broken"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA}},
			want: []string{"s3:GetObject " + bucketA + ": allowed [user_broken_fine" + iamPolicy +
				place(nil, allowRead) + "] | " + bucketA + " allowed 1"},
		},
		{
			name: "a boundary that does not parse allows nothing",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/tied"),
				ActionNames: []string{"s3:GetObject"}},
			want: []string{"s3:GetObject *: implicitDeny boundary false"},
		},
		{
			name: "a resource the action has nothing to do with lacks the keys that any policy names",
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/cond"),
				ActionNames: []string{"iam:PassRole"}, ResourceArns: []string{bucketA},
				PolicyInputList: []string{allowAll}},
			want: []string{"iam:PassRole " + bucketA + ": implicitDeny missing [iam:PassedToService] | " +
				bucketA + " implicitDeny 0 missing [iam:PassedToService]"},
		},
		{
			name:    "the old shape has a result for each resource, all with the decision of the whole",
			account: func(a *Account) { a.Simulator.Shape = "old" },
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA, bucketX}},
			want: []string{
				"s3:GetObject " + bucketA + ": implicitDeny " + allow + " | " + bucketA + " allowed 1",
				"s3:GetObject " + bucketX + ": implicitDeny " + allow + " | " + bucketX + " implicitDeny 0",
			},
		},
	}
	simulateAll(t, tests)
}

// A simulationTest asks about a principal of the simulated account.
type simulationTest struct {
	name    string
	account func(*Account)
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
			out, err := connect(t, &Server{Account: account}).iam.SimulatePrincipalPolicy(t.Context(),
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
	account.Simulator = Simulator{} // pages in twos, like everything
	srv := &Server{Account: account}
	c := connect(t, srv).iam
	actions := []string{"s3:GetObject", "s3:PutObject", "sns:Publish", "no:Such", "s3:GetObject"}
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"), ActionNames: actions,
		ResourceArns: []string{bucketA, bucketX, bucketS}}
	var got []string
	err := pages(t, iam.NewSimulatePrincipalPolicyPaginator(c, in),
		func(o *iam.SimulatePrincipalPolicyOutput) {
			if len(o.EvaluationResults) > 2 {
				t.Errorf("a page of %d actions", len(o.EvaluationResults))
			}
			for _, r := range o.EvaluationResults {
				got = append(got, *r.EvalActionName)
				if len(r.ResourceSpecificResults) != 3 {
					t.Errorf("%s has %d resources of three", *r.EvalActionName, len(r.ResourceSpecificResults))
				}
			}
		})
	if err != nil || !reflect.DeepEqual(got, actions) {
		t.Errorf("got %v, %v\nwant %v", got, err, actions)
	}
	if n := len(srv.Calls()); n != 3 {
		t.Errorf("%d calls for five actions in twos", n)
	}
	// The marker is an offset: a call about other actions goes on from there.
	out, err := c.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: arnOf("role/worker"), ActionNames: []string{"a:b", "a:c", "a:d"},
		Marker: aws.String(marker("SimulatePrincipalPolicy", 2)),
	})
	if err != nil || len(out.EvaluationResults) != 1 ||
		*out.EvaluationResults[0].EvalActionName != "a:d" {
		t.Errorf("another question with the marker: %+v, %v", out, err)
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

// The whole text of one answer, so that a change of any element shows: fakes drift from AWS one at
// a time.
func TestSimulatePrincipalPolicyWritesThisXML(t *testing.T) {
	url := listen(t, &Server{Account: simulated()})
	got := post(t, url, "iam", map[string]string{
		"Action": "SimulatePrincipalPolicy", "Version": "2010-05-08",
		"PolicySourceArn":       "arn:aws:iam::123456789012:user/bounded",
		"ActionNames.member.1":  "s3:GetObject",
		"ActionNames.member.2":  "sns:Publish",
		"ResourceArns.member.1": bucketA,
		"ResourceArns.member.2": bucketX,
		"MaxItems":              "1",
	})
	const file = "testdata/simulate.xml"
	indented := strings.ReplaceAll(got, "><", ">\n<") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(indented), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if indented != string(want) {
		t.Errorf("got\n%s\nwant, from %s (-update rewrites it),\n%s", indented, file, want)
	}
}

// post sends a Query request without a client of AWS's, and returns the body.
func post(t *testing.T, endpoint, service string, params map[string]string) string {
	t.Helper()
	return postAs(t, endpoint, anyKey, service, params)
}

func postAs(t *testing.T, endpoint, key, service string, params map[string]string) string {
	t.Helper()
	values := url.Values{}
	for k, v := range params {
		values.Set(k, v)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint,
		strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260101/us-east-1/"+service+
		"/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
