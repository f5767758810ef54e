package awscli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

const (
	allow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",` +
		`"Resource":"*"}]}`
	roleAnswer = `{
    "RoleName": "remotion-lambda-role",
    "PolicyName": "render",
    "PolicyDocument": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": "*"
            }
        ]
    }
}`
	boundaryRole = `{"Role":{"RoleName":"remotion-lambda-role","Arn":"arn:aws:iam::123456789012:role/` +
		`remotion-lambda-role","AssumeRolePolicyDocument":{},"PermissionsBoundary":{` +
		`"PermissionsBoundaryType":"Policy",` +
		`"PermissionsBoundaryArn":"arn:aws:iam::123456789012:policy/limit"}}}`
)

// account is an answer of get-account-authorization-details.
var account = fmt.Sprintf(`{
"UserDetailList":[{"UserName":"ci","Arn":"arn:aws:iam::123456789012:user/ci","GroupList":["video","x"],
  "UserPolicyList":[{"PolicyName":"own","PolicyDocument":%[1]s}],"AttachedManagedPolicies":[],
  "PermissionsBoundary":{"PermissionsBoundaryArn":"arn:aws:iam::123456789012:policy/limit"}}],
"GroupDetailList":[{"GroupName":"video","GroupPolicyList":[{"PolicyName":"g","PolicyDocument":%[1]s}],
  "AttachedManagedPolicies":[{"PolicyName":"shared",
  "PolicyArn":"arn:aws:iam::123456789012:policy/shared"}]}],
"RoleDetailList":[{"RoleName":"remotion-lambda-role","RolePolicyList":[],"AttachedManagedPolicies":[
  {"PolicyName":"AdministratorAccess","PolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}]}],
"Policies":[
  {"PolicyName":"limit","Arn":"arn:aws:iam::123456789012:policy/limit","PolicyVersionList":[
    {"Document":%[1]s,"VersionId":"v2","IsDefaultVersion":true},
    {"Document":{"Statement":[]},"VersionId":"v1","IsDefaultVersion":false}]},
  {"PolicyName":"shared","Arn":"arn:aws:iam::123456789012:policy/shared","PolicyVersionList":[
    {"Document":%[1]s,"VersionId":"v1","IsDefaultVersion":true}]},
  {"PolicyName":"unused","Arn":"arn:aws:iam::123456789012:policy/unused","PolicyVersionList":[
    {"Document":%[1]s,"VersionId":"v1","IsDefaultVersion":true}]}],
"IsTruncated":false}`, allow)

// summary describes the principals of a file, one a line.
func summary(f policyfile.File) string {
	var lines []string
	for _, p := range f.Principals {
		line := fmt.Sprintf("%s %q:", p.Kind, p.Address)
		for _, d := range p.Policies {
			line += fmt.Sprintf(" [%s, %d open]", d.Name, len(d.Open))
		}
		if p.Boundary != nil {
			line += " boundary " + p.Boundary.Name
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestRead(t *testing.T) {
	quoted, _ := json.Marshal(url.PathEscape(allow))
	for _, tt := range []struct{ name, text, want, note string }{
		{"get-role-policy", roleAnswer,
			`role "role/remotion-lambda-role": [inline policy render of role remotion-lambda-role, 0 open]`,
			"other policies of role remotion-lambda-role are not considered"},
		{"get-user-policy of an SDK", `{"UserName":"ci","PolicyName":"p","PolicyDocument":` +
			string(quoted) + `}`, `user "user/ci": [inline policy p of user ci, 0 open]`, ""},
		{"get-group-policy", `{"GroupName":"g","PolicyName":"p","PolicyDocument":` + allow + `}`,
			`group "group/g": [inline policy p of group g, 0 open]`, ""},
		{"get-policy-version", `{"PolicyVersion":{"Document":` + allow +
			`,"VersionId":"v3","IsDefaultVersion":false}}`,
			`policy "": [version v3 of a managed policy, 0 open]`, "not the default version"},
		{"get-role alone has no policies to judge", boundaryRole, "", "holds no identity policy"},
		{"a list of answers", `[` + boundaryRole + `,` + roleAnswer + `]`,
			`role "role/remotion-lambda-role": [inline policy render of role remotion-lambda-role, 0 open]` +
				" boundary managed policy arn:aws:iam::123456789012:policy/limit", ""},
		{"list-role-policies", `{"PolicyNames":["render"]}`, "", "holds no policy document"},
		{"get-account-authorization-details", account,
			`user "user/ci": [inline policy own of user ci, 0 open] [inline policy g of group video, 0 open]` +
				" [managed policy shared, 0 open] [the policies of group x, which the file does not have," +
				" 1 open] boundary managed policy limit\n" +
				`group "group/video": [inline policy g of group video, 0 open] [managed policy shared, 0 open]` +
				"\n" + `role "role/remotion-lambda-role": [AWS managed policy AdministratorAccess, 0 open]` +
				"\n" + `policy "policy/unused": [managed policy unused, 0 open]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Read(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(f); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if !slices.ContainsFunc(append(f.Notes, ""), func(note string) bool {
				return strings.Contains(note, tt.note)
			}) {
				t.Errorf("notes %q, want one with %q", f.Notes, tt.note)
			}
		})
	}
}

func TestStatementsHaveTheirPositionsInTheAnswer(t *testing.T) {
	f, err := Read(roleAnswer)
	if err != nil {
		t.Fatal(err)
	}
	d := f.Principals[0].Policies[0]
	if at := d.AtMost.Statements[0].Brace; at.Line != 7 || at.Column != 13 {
		t.Errorf("the statement is at %v, want line 7, column 13", at)
	}
	if d.At.Line != 4 || d.At.Column != 23 {
		t.Errorf("the document is at %v, want line 4, column 23", d.At)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"another JSON", `{"Reservations":[]}`, "line 1, column 1: the value is no answer"},
		{"YAML", "PolicyDocument:\n  Version: '2012-10-17'\nPolicyName: p\nRoleName: r\n",
			"aws --output yaml: use --output json"},
		{"a table", "--------\n|  GetRolePolicy |\n", "aws --output table"},
		{"text", "POLICYVERSION\t2024\tTrue\tv1\n", "aws --output text"},
		{"an invalid document", "{\"RoleName\":\"r\",\"PolicyName\":\"p\",\n" +
			"\"PolicyDocument\":{\"Statement\":[\n{\"Efect\":\"Allow\"}]}}", "line 3, column 2: inline policy p"},
		{"an invalid document in a string", `{"RoleName":"r","PolicyName":"p","PolicyDocument":"%7B"}`,
			"column 51: inline policy p of role r: "},
		{"no document", `{"PolicyVersion":{"VersionId":"v1"}}`, "holds no policy document"},
		{"a version that is a list", `{"PolicyVersion":[1]}`, "holds no policy document"},
		{"no name", `{"RoleDetailList":[{}]}`, "has no RoleName"},
		{"depth", strings.Repeat("[", 100_000), "nested"},
		{"values", "[" + strings.Repeat("0,", 1_000_001) + "0]", "at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Read(tt.text)
			var at *tree.Error
			if !errors.As(err, &at) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error with %q", f, err, tt.want)
			}
		})
	}
}

func TestRecognize(t *testing.T) {
	for text, want := range map[string]bool{roleAnswer: true, "[" + roleAnswer + "]": true,
		account: true, allow: false, `[]`: false, `{"RoleName":"r"}`: false,
		`{"Resources":{}}`: false} {
		v, err := tree.ParseJSON(text, limits)
		if err != nil {
			t.Fatal(err)
		}
		if got := Recognize(v); got != want {
			t.Errorf("%.40s: got %t, want %t", text, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{roleAnswer, boundaryRole, account, "[" + boundaryRole + "," +
		roleAnswer + "]", `{"UserName":1,"PolicyName":[],"PolicyDocument":"%"}`,
		`{"Role":[]}`, `{"Policies":[{"PolicyVersionList":{"IsDefaultVersion":true}}]}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Read(text)
		if err != nil {
			var at *tree.Error
			if !errors.As(err, &at) {
				t.Errorf("%v is no *tree.Error", err)
			}
			return
		}
		for _, p := range file.Principals {
			for _, d := range p.Policies {
				if d.AtLeast == nil || d.AtMost == nil {
					t.Errorf("%s of %s has no bounds", d.Name, p.Address)
				}
			}
		}
	})
}

// TestAnswersThatContradictOneAnotherAreRefused reads several answers about one name. Together,
// their policies would grant what no principal is granted.
func TestAnswersThatContradictOneAnotherAreRefused(t *testing.T) {
	t.Parallel()
	const other = `"Action":"s3:PutObject"`
	newer := strings.Replace(roleAnswer, `"Action": "s3:GetObject"`, other, 1)
	elsewhere := strings.ReplaceAll(account, "123456789012:user", "210987654321:user")
	changed := strings.Replace(account, `"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
		`"Action":"s3:GetObject"`, `"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+other, 1)
	managed := strings.ReplaceAll(account, `"IsDefaultVersion":false`, `"IsDefaultVersion":true`)
	managed = strings.Replace(managed, `{"Statement":[]}`,
		strings.Replace(allow, `"Action":"s3:GetObject"`, other, 1), 1)
	for _, tt := range []struct{ name, text, want string }{
		{"the same answer twice", "[" + roleAnswer + "," + roleAnswer + "]", ""},
		{"an older answer and a newer one", "[" + roleAnswer + "," + newer + "]",
			"inline policy render of role remotion-lambda-role: the file has two different documents"},
		{"the same account twice", "[" + account + "," + account + "]", ""},
		{"two accounts", "[" + account + "," + elsewhere + "]", "describes user ci of two accounts"},
		{"two states of an account", "[" + account + "," + changed + "]", "two different descriptions"},
		{"a managed policy with two default versions", managed, "two different documents"},
	} {
		f, err := Read(tt.text)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want == "" && summary(f) != alone(t, tt.text):
			t.Errorf("%s: got %s, want what one answer has", tt.name, summary(f))
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// alone describes the first of two equal answers.
func alone(t *testing.T, list string) string {
	t.Helper()
	f, err := Read(list[1 : len(list)/2])
	if err != nil {
		t.Fatal(err)
	}
	return summary(f)
}
