package account_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

func load(text string, files map[string]string) (*awsemu.Account, error) {
	fsys := fstest.MapFS{"accounts/a.yaml": {Data: []byte(text)}}
	for name, data := range files {
		fsys["accounts/"+name] = &fstest.MapFile{Data: []byte(data)}
	}
	return account.Load(fsys, "accounts/a.yaml")
}

// serve sends a request to a server with the account. It returns the reply, and false if the server
// refuses the account.
func serve(account *awsemu.Account) (reply string, ok bool) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action=GetCallerIdentity"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+emutest.AnyKey+
		"/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	srv := &awsemu.Server{Account: account}
	srv.SetFaults() // the faults of the account could refuse or delay the request
	srv.ServeHTTP(w, r)
	return w.Body.String(), w.Code == http.StatusOK
}

func TestLoadReadsAWholeAccount(t *testing.T) {
	const text = `
account: "000000000042"
partition: aws-cn
alias: video
groups:
  renderers: {path: /teams/, managed: [limits], inline: {x: {file: docs/read.json}}}
  empty:
users:
  ci:
    path: /bots/
    groups: [renderers, empty]
    accessKeys: [AKIAIOSFODNN7EXAMPLE]
    boundary: limits
    managed: [limits, arn:aws-cn:iam::aws:policy/job/ReadOnly]
    inline:
      kept: |
        {"Version": "2012-10-17",
           "Statement": {"Effect": "Deny", "Action": "iam:*", "Resource": "*"} }
      written:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Action: ["s3:GetObject", 's3:<&>', s3:Put*]
            Resource: "*"
            Condition: {Bool: {"aws:SecureTransport": true}, NumericLessThan: {"s3:max-keys": 10}}
      bad: {unchecked: "{not a policy"}
roles:
  worker: {trust: ec2.amazonaws.com}
  second:
    trust: &trust
      Version: "2012-10-17"
      Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}
  third: {trust: *trust, path: /a/b/}
policies:
  limits:
    path: /teams/
    older: [{file: docs/read.json}]
    tags: {owner: platform}
    document: {file: docs/read.json}
  short: {file: docs/read.json}
  ReadOnly: {arn: "arn:aws-cn:iam::aws:policy/job/ReadOnly", document: {file: docs/read.json}}
topics: [alerts, "arn:aws-cn:sns:cn-north-1:000000000042:other"]
subscriptions:
  - {topic: alerts, protocol: email, endpoint: a@b, filterPolicy: '{"severity":["critical"]}'}
  - {topic: "arn:aws-cn:sns:cn-north-1:000000000042:other", protocol: sms, endpoint: "+1", pending: true}
buckets:
  evidence: {owner: "000000000043", region: cn-north-1, versioned: true, objects: {a/b: text, c: {file: docs/read.json}}}
  empty:
organization:
  - [FullAWSAccess]
  - [{file: docs/read.json}, FullAWSAccess]
resourceControlPolicies:
  - [RCPFullAWSAccess, {file: docs/outside.json}]
  - []
organizationAccess: management
simulator: {shape: old, ungrouped: ["lambda:InvokeAsync"], pageSize: 100}
faults:
  - {operation: "iam:SimulatePrincipalPolicy", target: user/ci, throttle: true, after: 1, times: 2}
  - {operation: "sns:*", error: {code: InternalError, message: later, status: 500}}
  - {delay: 40ms}
  - {operation: cloudwatch:PutMetricData, loseReply: true}
  - {operation: "*", deny: true}
pageSize: 5
function: {region: cn-north-1, name: auditor, timeout: 60, memory: 256, role: worker, environment: {CALLERS: user/ci, N: 1, ON: true}}
`
	read := emutest.DocumentOf(emutest.AllowRead)
	outside := emutest.DocumentOf(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)
	got, err := load(text, map[string]string{"docs/read.json": read, "docs/outside.json": outside})
	if err != nil {
		t.Fatal(err)
	}
	trust := `{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Principal": {
      "Service": "lambda.amazonaws.com"
    },
    "Action": "sts:AssumeRole"
  }
}`
	want := &awsemu.Account{
		ID: "000000000042", Partition: "aws-cn", Alias: "video",
		Groups: map[string]awsemu.Group{"renderers": {Path: "/teams/", Managed: []string{"limits"},
			Inline: map[string]string{"x": read}}, "empty": {}},
		Users: map[string]awsemu.User{"ci": {
			Path: "/bots/", Groups: []string{"renderers", "empty"},
			AccessKeys: []string{"AKIAIOSFODNN7EXAMPLE"},
			Boundary:   "limits", Managed: []string{"limits", "arn:aws-cn:iam::aws:policy/job/ReadOnly"},
			Inline: map[string]string{
				"kept": "{\"Version\": \"2012-10-17\",\n   \"Statement\": {\"Effect\": " +
					"\"Deny\", \"Action\": \"iam:*\", \"Resource\": \"*\"} }\n",
				"written": `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:<&>",
        "s3:Put*"
      ],
      "Resource": "*",
      "Condition": {
        "Bool": {
          "aws:SecureTransport": true
        },
        "NumericLessThan": {
          "s3:max-keys": 10
        }
      }
    }
  ]
}`,
				"bad": "{not a policy",
			},
		}},
		Roles: map[string]awsemu.Role{"worker": {Trust: "ec2.amazonaws.com"}, "second": {Trust: trust},
			"third": {Trust: trust, Path: "/a/b/"}},
		Policies: map[string]awsemu.ManagedPolicy{
			"limits": {Path: "/teams/", Document: read, OlderVersions: []string{read},
				Tags: map[string]string{"owner": "platform"}},
			"short":    {Document: read},
			"ReadOnly": {ARN: "arn:aws-cn:iam::aws:policy/job/ReadOnly", Document: read},
		},
		Topics: []string{"alerts", "arn:aws-cn:sns:cn-north-1:000000000042:other"},
		Subscriptions: []awsemu.Subscription{
			{Topic: "alerts", Protocol: "email", Endpoint: "a@b", FilterPolicy: `{"severity":["critical"]}`},
			{Topic: "arn:aws-cn:sns:cn-north-1:000000000042:other", Protocol: "sms", Endpoint: "+1",
				Pending: true},
		},
		Buckets: map[string]awsemu.Bucket{
			"evidence": {Owner: "000000000043", Region: "cn-north-1", Versioned: true,
				Objects: map[string]string{"a/b": "text", "c": read}},
			"empty": {},
		},
		ServiceControlPolicies: awsemu.Organization{{awsemu.FullAWSAccess}, {read, awsemu.FullAWSAccess}},
		ResourceControlPolicies: awsemu.Organization{
			{organizations.RCPFullAWSAccess, outside}, {}},
		OrganizationAccess: organizations.AccessManagement,
		Simulator:          awsemu.Simulator{Shape: "old", Ungrouped: []string{"lambda:InvokeAsync"}, PageSize: 100},
		Faults: []awsemu.Fault{
			{Operation: "iam:SimulatePrincipalPolicy", Target: "user/ci", Throttle: true, After: 1,
				Times: 2},
			{Operation: "sns:*", Error: &awsemu.FaultError{Code: "InternalError", Message: "later",
				Status: 500}},
			{Delay: 40 * time.Millisecond},
			{Operation: "cloudwatch:PutMetricData", LoseReply: true},
			{Operation: "*", Deny: true},
		},
		PageSize: 5,
		Function: awsemu.Function{
			Region: "cn-north-1", Name: "auditor", Timeout: time.Minute, Memory: 256, Role: "worker",
			Environment: map[string]string{"CALLERS": "user/ci", "N": "1", "ON": "true"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", emutest.AsJSON(got), emutest.AsJSON(want))
	}
	if reply, ok := serve(got); !ok {
		t.Errorf("a server refuses an account that Load accepts: %s", reply)
	}
}

func TestLoadReportsEveryMistakeWithItsLineAndRemedy(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"an account id without its leading zeros", "account: 42\n",
			[]string{
				`a.yaml:1: account: 42 has 2 digits, but an account ID has twelve: quote it with its leading zeros: account: "000000000042"`}},
		{"an account id that YAML reads as octal", "account: 012345670123\n",
			[]string{
				`a.yaml:1: account: 012345670123 begins with a zero, so that YAML reads an octal number: quote it: account: "012345670123"`}},
		{"an account id that is not a number", "account: main\n",
			[]string{`a.yaml:1: account: "main" is not an account ID: give its twelve digits in quotes`}},
		{"an unknown key", "account: \"123456789012\"\nuser: {}\n",
			[]string{
				`a.yaml:2: unknown key "user": use one of account, alias, buckets, concurrentExecutions, deletedLayers, disabledRegions, faults, function, functions, groups, keys, logGroups, organization, organizationAccess, pageSize, partition, policies, publicAccessBlock, resourceControlPolicies, roles, simulator, subscriptions, topics, users, vpcEndpoints`}},
		{"an unknown key of a user", "users:\n  ci:\n    inlin: {}\n",
			[]string{
				`a.yaml:3: users.ci: unknown key "inlin": use one of accessKeys, boundary, groups, inline, managed, path`}},
		{"an undefined group", "groups: {a: {}}\nusers:\n  ci: {groups: [b]}\n",
			[]string{`a.yaml:3: users.ci.groups: there is no group "b": add it under groups (defined: a)`}},
		{"an undefined policy", "users:\n  ci: {managed: [b]}\n",
			[]string{`a.yaml:2: users.ci.managed: there is no managed policy "b": add it under policies`}},
		{"an undefined AWS managed policy",
			"roles:\n  r:\n    boundary: arn:aws:iam::aws:policy/ReadOnlyAccess\n",
			[]string{
				`a.yaml:3: roles.r.boundary: there is no managed policy arn:aws:iam::aws:policy/ReadOnlyAccess: add it under policies, as ReadOnlyAccess: {arn: "arn:aws:iam::aws:policy/ReadOnlyAccess", document: …}`}},
		{"a duplicate user", "users:\n  ci: {}\n  ci: {}\n",
			[]string{`a.yaml:3: users: duplicate key "ci": remove one`}},
		{"two users that differ in case", "users:\n  ci: {}\n  CI: {}\n",
			[]string{`a.yaml:3: users: "ci" and "CI" differ only in case, which IAM ignores: rename one`}},
		{"an access key of two users",
			"users:\n  a: {accessKeys: [AKIAAAAAAAAAAAAA]}\n  b: {accessKeys: [AKIAAAAAAAAAAAAA]}\n",
			[]string{
				`a.yaml:3: users.b.accessKeys: duplicate access key AKIAAAAAAAAAAAAA, already in users.a.accessKeys: remove one, because a key belongs to one user`}},
		{"a name with a space", "users:\n  \"a b\": {}\n",
			[]string{
				`a.yaml:2: users: "a b" is not an IAM name: use at most 64 letters, digits and +=,.@_-`}},
		{"a mistake in a document is reported on the line of the mistake",
			"users:\n  ci:\n    inline:\n      x: |\n        {\n          \"Version\": \"2012-10-17\",\n  " +
				"        \"Statment\": []\n        }\n",
			[]string{`a.yaml:7: users.ci.inline.x: `, "or store it unchecked with {unchecked: TEXT}"}},
		{"a mistake in a file is reported on the line with the file's name",
			"roles:\n  r:\n    inline: {x: {file: bad.json}}\n",
			[]string{
				"a.yaml:3: roles.r.inline.x: bad.json:2:2: the policy document has no Statement: correct " +
					"the document, or"}},
		{"a missing file", "roles:\n  r:\n    inline: {x: {file: none.json}}\n",
			[]string{"a.yaml:3: roles.r.inline.x.file: accounts/none.json: file does not exist: name " +
				"a file in the folder of accounts/a.yaml or below it"}},
		{"a file outside the folder", "roles:\n  r: {inline: {x: {file: ../../x.json}}}\n",
			[]string{"a.yaml:2: roles.r.inline.x.file: ../x.json: file does not exist: name a file " +
				"in the folder"}},
		{"an identity policy instead of a trust policy",
			"roles:\n  r: {trust: {Version: 2012-10-17, Statement: {Effect: Allow, Action: \"*\", " +
				"Resource: \"*\"}}}\n", []string{"a.yaml:2: roles.r.trust: "}},
		{"an empty document", "users:\n  ci: {inline: {x: }}\n",
			[]string{"a.yaml:2: users.ci.inline.x: the document is empty: give its JSON"}},
		{"inline policies above the quota of a user",
			"users:\n  ci:\n    inline:\n      a: '" + strings.Join(strings.Fields(*emutest.Padded(1025)), "") +
				"'\n      b: '" + strings.Join(strings.Fields(*emutest.Padded(1024)), "") + "'\n",
			[]string{"users.ci.inline: the inline policies have 2049 characters without white space, and " +
				"a user may have 2048: move some to managed policies"}},
		{"a fault that does nothing", "faults:\n  - operation: iam:GetRole\n",
			[]string{"a.yaml:2: faults: the fault does nothing: add throttle, deny, error, loseReply or " +
				"delay"}},
		{"a fault with two outcomes", "faults:\n  - {throttle: true, deny: true}\n",
			[]string{"a.yaml:2: faults: a fault has one outcome: keep one of throttle, deny, error and " +
				"loseReply"}},
		{"an unknown operation", "faults:\n  - {operation: \"iam:GetRoles\", deny: true}\n",
			[]string{
				`a.yaml:2: faults.operation: the embedded AWS does not offer iam:GetRoles: use one of AddUserToGroup, `}},
		{"an unknown service", "faults:\n  - {operation: \"sqs:*\", deny: true}\n",
			[]string{
				`a.yaml:2: faults.operation: unknown operation "sqs:*": write SERVICE:OPERATION with one of cloudwatch, ec2, iam, kms, lambda, logs, organizations, s3, s3control, servicequotas, sns, sts`}},
		{"an invalid bucket name", "buckets: {B: {}}\n",
			[]string{`a.yaml:1: buckets: "B" is not a bucket's name: use 3 to 63`}},
		{"an object in a missing file",
			"buckets:\n  evidence:\n    objects: {m: {file: none}}\n",
			[]string{"a.yaml:3: buckets.evidence.objects.m.file: accounts/none: file does not exist"}},
		{"a subscription to an undefined topic",
			"subscriptions:\n  - {topic: a, protocol: email, endpoint: x@y}\n",
			[]string{`a.yaml:2: subscriptions: there is no topic "a": add it under topics`}},
		{"an incomplete subscription", "topics: [a]\nsubscriptions:\n  - {topic: a, protocol: fax}\n",
			[]string{"a.yaml:3: subscriptions.protocol: \"fax\" is not one of application, email",
				"a.yaml:3: subscriptions: a subscription needs a topic, a protocol and an endpoint"}},
		{"a filter policy that is not JSON",
			"topics: [a]\nsubscriptions:\n  - {topic: a, protocol: sms, endpoint: \"+1\", filterPolicy: " +
				"critical}\n", []string{"a.yaml:3: subscriptions.filterPolicy: the filter policy is not JSON"}},
		{"a fault with an ARN as the target",
			"faults:\n  - {target: \"arn:aws:iam::123456789012:user/ci\", deny: true}\n",
			[]string{"is not a target: write user/NAME, role/NAME or group/NAME"}},
		{"service control policies without levels", "organization: {denies: [s3]}\n",
			[]string{"a.yaml:1: organization: expected a list"}},
		{"an organization without levels", "organization: []\n",
			[]string{"a.yaml:1: organization: the organization has no levels: list the documents"}},
		{"a level that is one document", "organization:\n  - FullAWSAccess\n",
			[]string{"a.yaml:2: organization[0]: expected a list"}},
		{"a resource control policy that allows",
			"organization: [[FullAWSAccess]]\nresourceControlPolicies:\n  - - Version: \"2012-10-17\"\n" +
				"      Statement: {Effect: Allow, Principal: \"*\", Action: \"s3:*\", Resource: \"*\"}\n",
			[]string{"a.yaml:3: resourceControlPolicies[0][0]: a resource control policy only denies"}},
		{"resource control policies of more levels than the organization has",
			"organization: [[FullAWSAccess]]\nresourceControlPolicies: [[], []]\n",
			[]string{"a.yaml:2: resourceControlPolicies: there are 2 levels, and the organization has 1"}},
		{"an unknown access to the organization", "organizationAccess: owner\n",
			[]string{`a.yaml:1: organizationAccess: "owner" is not one of delegated, member, management`}},
		{"an anchor in its own value", "roles: {r: {trust: &t {Version: 2012-10-17, x: *t}}}\n",
			[]string{"a.yaml:1: the anchor &t contains itself: write the value out"}},
		{"two anchors that contain each other", "users:\n  a: &a {inline: &b {p: *a}}\n",
			[]string{"a.yaml:2: the anchor &a contains itself"}},
		{"a level without documents", "organization:\n  - [FullAWSAccess]\n  - []\n",
			[]string{"a.yaml:3: organization[1]: a level without service control policies denies " +
				"everything: list its documents, or FullAWSAccess"}},
		{"a mistake in a service control policy is reported on the line of the mistake",
			"organization:\n  - - FullAWSAccess\n    - |\n      {\n        \"Version\": \"2012-10-17\",\n " +
				"       \"Statment\": []\n      }\n", []string{"a.yaml:6: organization[0][1]: "}},
		{"a mistake in the file of a service control policy",
			"organization:\n  - [FullAWSAccess, {file: bad.json}]\n",
			[]string{"a.yaml:2: organization[0][1]: bad.json:2:2: the policy document has no Statement"}},
		{"an undefined role of the function", "function: {role: auditor}\nroles: {a: {}}\n",
			[]string{
				`a.yaml:1: function.role: there is no role "auditor": add it under roles (defined: a)`}},
		{"a list instead of a mapping", "users: [ci]\n",
			[]string{"a.yaml:1: users: expected a mapping of keys to values"}},
		{"a mapping instead of a list", "topics: {a: b}\n",
			[]string{"a.yaml:1: topics: expected a list"}},
		{"a mapping instead of a string", "alias: {a: b}\n",
			[]string{"a.yaml:1: alias: expected a string"}},
		{"a key with a colon inside braces",
			"users:\n  u: {inline: {x: {Version: 2012-10-17, Statement: {Condition: {Bool: " +
				"{aws:SecureTransport: true}}}}}}\n",
			[]string{
				`a.yaml:2: users.u.inline.x.Statement.Condition.Bool: "aws:SecureTransport: true": put a space after the key's colon, and quote a key that contains a colon`}},
		{"a merge key", "users: {<<: {}}\n",
			[]string{"a.yaml:1: users: the key << would merge mappings: write the keys of both"}},
		{"an empty value in a list of mappings", "faults:\n  - {operation: , deny: true}\n",
			[]string{"a.yaml:2: faults.operation: expected a string"}},
		{"a tag changes nothing", "account: !!str 7\n",
			[]string{"a.yaml:1: account: 7 has 1 digits"}},
		{"a page size of zero", "pageSize: 0\n",
			[]string{`a.yaml:1: pageSize: "0" is not a number from 1 to 1000`}},
		{"invalid YAML", "alias: a\naccount: [}\n", []string{"a.yaml:2: invalid YAML: "}},
		{"a list that does not end", "account: [\n", []string{"a.yaml:2: invalid YAML: "}},
		{"an anchor in its own value beside another one",
			"a: &a [*a]\nroles: {r: {trust: &t {Version: 2012-10-17, ent: *t}}}\n",
			[]string{"a.yaml:1: the anchor &a contains itself: write the value out"}},
		{"an anchor whose name another value has, too",
			"users:\n  a: {path: &p /a/}\n  b: {path: *p}\n  c: {path: &p /c/}\n  d: {path: &p /d/}\n",
			[]string{"a.yaml:4: duplicate anchor &p: rename one", "a.yaml:5: duplicate anchor &p: rename one"}},
		{"aliases that a later anchor would make large", "alias: &l x\norganization: [" +
			strings.Repeat("*l, ", 3000) + "*l]\ntopics: &l [" + strings.Repeat("a, ", 3000) + "a]\n",
			[]string{"a.yaml:3: duplicate anchor &l: rename one"}},
		{"nested lists in what is a comment as UTF-16",
			"\xff\xfe#\x00: x\nb:\n " + strings.Repeat("- ", 20_000) + "a\n",
			[]string{"a.yaml:1: the file is not UTF-8: save it as UTF-8"}},
		{"control characters in names of the file", "users: {a: {inline: {p: {file: \"no\\e[2J\\nne\"}}}}\n" +
			"function: {environment: {\"\\e[2J\\u202e\": [a]}}\nfaults: [{operation: \"iam:\\e[2J\"}]\n",
			[]string{"a.yaml:1: users.a.inline.p.file: accounts/no�[2J�ne: ",
				"a.yaml:2: function.environment.�[2J�: expected a string",
				"a.yaml:3: faults.operation: the embedded AWS does not offer iam:�[2J"}},
		{"many mistakes", "users:\n" + strings.Repeat("  a: {path: x}\n", 100) + "groups:\n  a b:\n  c d:\n",
			[]string{"a.yaml:3: users: duplicate key \"a\": remove one", "a.yaml:101: users: duplicate key",
				"a.yaml: there are more mistakes: correct these first"}},
		{"keys without end", "users:\n" + strings.Repeat("  a: {}\n", 20_000),
			[]string{"a.yaml:10002: a mapping must have at most 10000 keys"}},
		{"keys after question marks without end", "users:\n" + strings.Repeat("  ? a\n  : {}\n", 20_000),
			[]string{"a.yaml:20002: a mapping must have at most 10000 keys"}},
		{"a large file", "#" + strings.Repeat("a", 1<<20), []string{"account: accounts/a.yaml must have at most 1048576 bytes"}},
		{"tags without end", strings.Repeat("- !\n", 1<<18),
			[]string{"a.yaml:101: the file must have at most 100 tags"}},
		{"deep nesting", "users: " + strings.Repeat("[", 100) + strings.Repeat("]", 100),
			[]string{"a.yaml:1: at most 40 lists and mappings may be nested"}},
		{"nested aliases that expand to too many values",
			"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c " +
				"[*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e " +
				"[*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e]\n",
			[]string{"a.yaml:6: the file must have at most 200000 keys and values, with each alias"}},
		{"a document in a large file", "roles:\n  r: {inline: {x: {file: large.json}}}\n",
			[]string{"a.yaml:2: roles.r.inline.x.file: accounts/large.json must have at most 1048576 bytes"}},
		{"a document in a folder", "roles:\n  r: {inline: {x: {file: folder}}}\n",
			[]string{"a.yaml:2: roles.r.inline.x.file: accounts/folder is not a regular file"}},
		{"an empty file", "",
			[]string{`the file describes no account: begin with account: "123456789012"`}},
		{"two accounts in one file", "alias: a\n---\nalias: b\n",
			[]string{"a.yaml:3: a second YAML document: keep one account per file"}},
		{"an alias that refers to itself", "users: &u\n  ci: *u\n", []string{"a.yaml:"}},
		{"nested aliases that expand to too much text",
			"users:\n  ci:\n    inline:\n      a: &a [" + strings.Repeat("x", 400) + "]\n      b: &b " +
				"[*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n      c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n      d: &d " +
				"[*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n      f: {Version: [*d,*d,*d,*d]}\n",
			[]string{"the document has more than 131072 characters"}},
		{"several mistakes are reported in the order of the lines",
			"account: 7\nusers:\n  ci: {groups: [x], path: a}\nnonsense: 1\n",
			[]string{"a.yaml:1: account: 7 has", `a.yaml:3: users.ci.path: "a" is not a path`,
				`a.yaml:3: users.ci.groups: there is no group "x"`, `a.yaml:4: unknown key "nonsense"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"bad.json": "{\n}", "large.json": strings.Repeat(" ", 1<<20+1),
				"folder/a": ""}
			var err error
			memory.AtMost(t, 20<<20, func() { _, err = load(tt.text, files) })
			if err == nil {
				t.Fatal("Load returned no error")
			}
			rest := err.Error()
			for _, want := range tt.want {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Fatalf("got\n%v\nwant\n%s", err, strings.Join(tt.want, "\n"))
				}
				rest = after
			}
		})
	}
}

func TestLoadReadsTheExampleInItsDocComment(t *testing.T) {
	const text = `
account: "123456789012"
partition: aws
alias: video
groups:
  renderers:
    managed: [remotion-user]
users:
  ci:
    path: /bots/
    groups: [renderers]
    accessKeys: [AKIAIOSFODNN7EXAMPLE]
    boundary: limits
    tags: {team: video}
    managed: [arn:aws:iam::aws:policy/ReadOnlyAccess]
    inline:
      extra: |
        {"Statement": {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}}
roles:
  remotion-lambda-role:
    trust: lambda.amazonaws.com
    inline:
      render: {file: role-policy.json}
policies:
  limits: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}
  remotion-user:
    path: /teams/
    older: [{file: v1.json}]
    document: {file: v2.json}
  ReadOnlyAccess: {arn: "arn:aws:iam::aws:policy/ReadOnlyAccess", document: {file: ro.json}}
functions:
  - name: remotion-render-4-0-240-mem2048mb-disk2048mb-120sec
    role: remotion-lambda-role
  - {name: clips, region: eu-west-1, role: remotion-lambda-role,
     description: Renders a Remotion video.,
     runtime: nodejs20.x, memory: 2048, tags: {remotion-version: 4.0.540},
     layers: ["arn:aws:lambda:eu-west-1:678892195805:layer:remotion-binaries-chromium-arm64:18"]}
disabledRegions: [af-south-1]
topics: [alerts]
subscriptions:
  - {topic: alerts, protocol: email, endpoint: ops@example.com}
  - {topic: alerts, protocol: https, endpoint: "https://example.com/hook", pending: true}
buckets:
  evidence:
    versioned: true
    objects:
      mutes.yaml: {file: mutes.yaml}
organization:
  - [FullAWSAccess]
  - [FullAWSAccess, {file: region-deny.json}]
simulator: {shape: old, ungrouped: ["lambda:InvokeAsync"], pageSize: 100}
faults:
  - {operation: "iam:SimulatePrincipalPolicy", target: user/ci, throttle: true,
     after: 1, times: 2}
  - {operation: "iam:*", delay: 40ms}
pageSize: 2
function: {region: us-east-1, name: auditor, role: remotion-lambda-role,
  timeout: 60s, memory: 256, environment: {CALLERS: user/ci}}
`
	files := map[string]string{}
	for _, name := range []string{"role-policy.json", "v1.json", "v2.json", "ro.json",
		"region-deny.json", "mutes.yaml"} {
		files[name] = emutest.AllowAll
	}
	if _, err := load(text, files); err != nil {
		t.Error(err)
	}
}

func TestLoadSetsThePageSizeOfSimulationsToTheDefaultOfTheAPI(t *testing.T) {
	for _, tt := range []struct {
		text             string
		lists, simulator int
	}{
		{"alias: a\n", 0, 100}, {"pageSize: 3\n", 3, 0}, {"simulator: {pageSize: 4}\n", 0, 4},
	} {
		got, err := load(tt.text, nil)
		if err != nil || got.PageSize != tt.lists || got.Simulator.PageSize != tt.simulator {
			t.Errorf("%q: %+v, %v, want %d and %d", tt.text, got, err, tt.lists, tt.simulator)
		}
	}
}

// TestMemoryOfALargeFile checks that a valid file of 5,000 users takes bounded memory.
func TestMemoryOfALargeFile(t *testing.T) {
	var text strings.Builder
	text.WriteString("users:\n")
	for i := range 5_000 {
		fmt.Fprintf(&text, "  u%05d: {path: /bots/, groups: [], managed: []}\n", i)
	}
	memory.AtMost(t, 512<<20, func() {
		if account, err := load(text.String(), nil); err != nil || len(account.Users) != 5_000 {
			t.Errorf("%v", err)
		}
	})
}

// FuzzLoad checks that Load does not panic, that its memory is bounded, and that a server accepts
// every account that Load accepts.
func FuzzLoad(f *testing.F) {
	f.Add("account: \"123456789012\"\nusers:\n  ci: {groups: [g], inline: {a: |\n  {}\n}}\ngroups: " +
		"{g: }\n")
	f.Add("a: &a [*a]\nroles: {r: {trust: &t {Version: 2012-10-17, Statement: *t}}}")
	f.Add("policies: {p: {arn: \"arn:aws:iam::aws:policy/p\", document: {unchecked: \"\"}, older: " +
		"[x]}}\nusers: {u: {managed: [p], boundary: p}}")
	f.Add("faults: [{operation: \"iam:*\", delay: 1h, error: {code: x}}]\nfunction: {timeout: 1s, " +
		"environment: {a: b}}\n<<: {a: b}\n? x\n: y")
	f.Add("*0")
	f.Add("faults: ! ")
	f.Add("users:\n  ci:\n  ci: {managed: [0]}\n  ? 0\n")
	f.Add("a: &a [*a]\nroles: {r: {trust: &t {Version: 2012-10-17, ent: *t}}}\n")
	f.Add("alias: &l x\norganization: [" + strings.Repeat("*l,", 500) + "]\ntopics: &l [" +
		strings.Repeat("a,", 500) + "]\n")
	f.Add("\xff\xfe#\x00: x\nb:\n " + strings.Repeat("- ", 500) + "a\n")
	f.Add("\ufeffalias: video\n")
	f.Add("users: {u: {inline: {a: &a [x, x], b: [*a, *a]}, managed: !!str [! x]}}")
	f.Fuzz(func(t *testing.T, text string) {
		var account *awsemu.Account
		var err error
		memory.AtMost(t, 16<<20+20_000*uint64(len(text)), func() { account, err = load(text, nil) })
		if err != nil {
			return
		}
		if reply, ok := serve(account); !ok {
			t.Errorf("a server refuses an account that Load accepts: %s\n%s", reply, text)
		}
	})
}
