package fixformat

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// A commandLine is an AWS CLI for the scripts under test: the directory of the program aws, or
// empty for the one on the PATH.
type commandLine string

// fakeCLI returns the stand-in.
func fakeCLI(t *testing.T) commandLine {
	t.Helper()
	return commandLine(program(t, "#!/bin/sh\n"+standInVariable+"=1 exec "+
		words(os.Args[0])+` "$@"`+"\n"))
}

// program returns a directory with the executable aws.
func program(t *testing.T, text string) string {
	t.Helper()
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "aws"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return directory
}

// runScript runs a script in sh against an endpoint, and returns its output and its errors.
func runScript(t *testing.T, c commandLine, endpoint, text string, environment ...string) (string,
	error) {
	t.Helper()
	directory := t.TempDir()
	file := filepath.Join(directory, "fix.sh")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", file)
	cmd.Dir = directory
	path := os.Getenv("PATH")
	if c != "" {
		path = string(c) + string(os.PathListSeparator) + path
	}
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_")
	})
	cmd.Env = append(cmd.Env, "PATH="+path, "AWS_ENDPOINT_URL="+endpoint,
		"AWS_ACCESS_KEY_ID="+emutest.AnyKey, "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "TMPDIR="+directory)
	cmd.Env = append(cmd.Env, environment...)
	out, err := cmd.CombinedOutput()
	if left, globErr := filepath.Glob(directory + "/tmp.*"); globErr != nil || len(left) > 0 {
		t.Errorf("the script left %q, %v", left, globErr)
	}
	return string(out), err
}

// strange is the document of storageBefore, conditional and excluding as other people write it: in
// another order, with single values, numbers and booleans.
const strange = `{
	"Statement": [
		{"Action": ["s3:GetObject", "s3:PutObject"], "Effect": "Allow", "Sid": "Storage",
		 "Resource": ["arn:aws:s3:::remotionlamda-*", "arn:aws:s3:::home/${aws:username}/*"]},
		{"Resource": "*", "Condition": {
			"NumericLessThan": {"aws:MultiFactorAuthAge": 3600},
			"Bool": {"aws:SecureTransport": true},
			"StringEquals": {"aws:PrincipalTag/a b": ["x", "${aws:username}%{y}"],
				"iam:PassedToService": "lambda.amazonaws.com"}},
		 "Action": "iam:PassRole", "Effect": "Allow", "Sid": "Pass"},
		{"NotResource": "arn:aws:s3:::x", "NotAction": "s3:*", "Effect": "Deny", "Sid": "Not"}
	], "Version": "2012-10-17"}`

const strangeTrust = `{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
	"Principal": {"AWS": "arn:aws:iam::123456789012:root",
		"Service": ["lamda.amazonaws.com", "edge.amazonaws.com"]}, "Sid": "Trust"},
	"Version": "2012-10-17"}`

// editedAccount has a document in each place that a script changes.
func editedAccount() *awsemu.Account {
	return &awsemu.Account{
		Users: map[string]awsemu.User{"ci": {Inline: map[string]string{"remotion": strange},
			Groups: []string{"render"}, Managed: []string{"Remotion"}, Boundary: "Bound"}},
		Groups: map[string]awsemu.Group{"render": {Inline: map[string]string{"remotion": strange}}},
		Roles: map[string]awsemu.Role{"render": {Inline: map[string]string{"remotion": strange,
			"a": emutest.AllowAll, "b": emutest.AllowAll}, Trust: strangeTrust}},
		Policies: map[string]awsemu.ManagedPolicy{
			"Remotion": {Document: strange, OlderVersions: slices.Repeat([]string{emutest.AllowAll}, 4)},
			"Bound":    {Path: "/limits/", Document: strange},
		},
	}
}

// stored returns the document at a location.
func stored(t *testing.T, c *iam.Client, l iampolicy.Location) *iampolicy.Document {
	t.Helper()
	_, name := holder(l)
	text, err := storedText(t, c, l, name)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := url.PathUnescape(text)
	if err != nil {
		t.Fatal(err)
	}
	parse := iampolicy.Parse
	if l.Kind == iampolicy.TrustLocation {
		parse = iampolicy.ParseTrust
	}
	d, err := parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func storedText(t *testing.T, c *iam.Client, l iampolicy.Location, name string) (string, error) {
	t.Helper()
	kind, _ := holder(l)
	switch {
	case l.Kind == iampolicy.TrustLocation:
		out, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &name})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Role.AssumeRolePolicyDocument), nil
	case l.Kind != iampolicy.InlineLocation:
		arn := l.ARN
		if arn == "" {
			arn = *emutest.ARNOf("policy/" + l.Name)
		}
		p, err := c.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &arn})
		if err != nil {
			return "", err
		}
		out, err := c.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &arn,
			VersionId: p.Policy.DefaultVersionId})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.PolicyVersion.Document), nil
	case kind == "user":
		out, err := c.GetUserPolicy(t.Context(), &iam.GetUserPolicyInput{UserName: &name,
			PolicyName: &l.Name})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.PolicyDocument), nil
	case kind == "group":
		out, err := c.GetGroupPolicy(t.Context(), &iam.GetGroupPolicyInput{GroupName: &name,
			PolicyName: &l.Name})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.PolicyDocument), nil
	}
	out, err := c.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: &name,
		PolicyName: &l.Name})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.PolicyDocument), nil
}

// TestScriptsStoreTheProvedDocument runs each kind of edit in a real shell, twice: the second run
// changes nothing.
func TestScriptsStoreTheProvedDocument(t *testing.T) {
	bound := boundaryEdit(t, "user/ci", "Bound")
	bound.Location.ARN = "arn:aws:iam::123456789012:policy/limits/Bound"
	for name, edits := range map[string][]remedy.Edit{
		"the inline policy of a user":  {inlineEdit(t, "user/ci", "remotion")},
		"the inline policy of a group": {inlineEdit(t, "group/render", "remotion")},
		"the inline policy of a role, beside a new one": {inlineEdit(t, "role/render", "remotion"),
			newEdit(t, iampolicy.InlineLocation, "role/render", "remotion-executionrole-policy")},
		"a managed policy with five versions": {managedEdit(t, "user/ci", "Remotion")},
		"a new managed policy": {newEdit(t, iampolicy.ManagedLocation, "user/ci",
			"remotion-user-policy")},
		"a trust policy": {trustEdit(t, "role/render")},
		"a boundary":     {bound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runEdits(t, fakeCLI(t), edits, "Storing ", "Already stored: ")
		})
	}
}

// TestScriptOfTheRealCLI runs one script with all kinds of edits with the real AWS CLI.
func TestScriptOfTheRealCLI(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the AWS CLI takes a second for each command: make test")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("SKIPPED: the AWS CLI is not installed, so the scripts run with a stand-in only")
	}
	runEdits(t, "", []remedy.Edit{inlineEdit(t, "user/ci", "remotion"),
		inlineEdit(t, "group/render", "remotion"),
		newEdit(t, iampolicy.InlineLocation, "role/render", "remotion-executionrole-policy"),
		managedEdit(t, "user/ci", "Remotion"),
		newEdit(t, iampolicy.ManagedLocation, "user/ci", "remotion-user-policy"),
		trustEdit(t, "role/render")}, "Storing ")
}

// runEdits runs the script for edits once for each text that it has to print for each edit, and
// checks the stored documents.
func runEdits(t *testing.T, c commandLine, edits []remedy.Edit, texts ...string) {
	t.Helper()
	clock := emutest.Noon
	server := &awsemu.Server{Account: editedAccount(), Now: func() time.Time {
		clock = clock.Add(time.Second)
		return clock
	}}
	clients := emutest.Connect(t, server)
	text := formatted(t, handover(edits...), Default, "cli")
	for _, want := range texts {
		out, err := runScript(t, c, clients.URL, text)
		if err != nil || strings.Count(out, want) != len(edits) {
			t.Fatalf("%v, want %d times %q in\n%s\nof\n%s", err, len(edits), want, out, text)
		}
		for _, e := range edits {
			if got := stored(t, clients.IAM, e.Location); got.Text() != e.After.Text() {
				t.Errorf("%s is\n%s\nwant\n%s", title(e), got.Text(), e.After.Text())
			}
		}
	}
}

// TestTheNewManagedPolicyIsAttached checks the attachment, also after a run that was interrupted
// between the two commands.
func TestTheNewManagedPolicyIsAttached(t *testing.T) {
	t.Parallel()
	e := newEdit(t, iampolicy.ManagedLocation, "role/render", "remotion-executionrole-policy")
	clients := emutest.Connect(t, &awsemu.Server{Account: editedAccount()})
	text := formatted(t, handover(e), Default, "cli")
	role, arn := "render", *emutest.ARNOf("policy/remotion-executionrole-policy")
	for range 2 {
		if out, err := runScript(t, fakeCLI(t), clients.URL, text); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		list, err := clients.IAM.ListAttachedRolePolicies(t.Context(),
			&iam.ListAttachedRolePoliciesInput{RoleName: &role})
		if err != nil || len(list.AttachedPolicies) != 1 ||
			aws.ToString(list.AttachedPolicies[0].PolicyArn) != arn {
			t.Fatalf("got %+v, %v", list, err)
		}
		if _, err := clients.IAM.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{
			RoleName: &role, PolicyArn: &arn}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheOldestVersionIsDeleted checks which version the script deletes, and that it prints the
// version first.
func TestTheOldestVersionIsDeleted(t *testing.T) {
	t.Parallel()
	clock := emutest.Noon
	account := editedAccount()
	account.Policies["Remotion"] = awsemu.ManagedPolicy{Document: emutest.AllowAll}
	clients := emutest.Connect(t, &awsemu.Server{Account: account, Now: func() time.Time {
		clock = clock.Add(time.Minute)
		return clock
	}})
	arn := emutest.ARNOf("policy/Remotion")
	for _, text := range []string{strange, emutest.DocumentOf(emutest.AllowList),
		emutest.AllowAll, emutest.AllowAll} {
		if _, err := clients.IAM.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{
			PolicyArn: arn, PolicyDocument: &text}); err != nil {
			t.Fatal(err)
		}
	}
	// Now v1 to v5 exist. The default is v2, and v1 is deleted by hand: the oldest one left
	// that is not the default is v3.
	second, first := "v2", "v1"
	if _, err := clients.IAM.SetDefaultPolicyVersion(t.Context(),
		&iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: &second}); err != nil {
		t.Fatal(err)
	}
	if _, err := clients.IAM.DeletePolicyVersion(t.Context(), &iam.DeletePolicyVersionInput{
		PolicyArn: arn, VersionId: &first}); err != nil {
		t.Fatal(err)
	}
	everything := emutest.AllowAll
	if _, err := clients.IAM.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{
		PolicyArn: arn, PolicyDocument: &everything}); err != nil {
		t.Fatal(err)
	}
	e := managedEdit(t, "user/ci", "Remotion")
	out, err := runScript(t, fakeCLI(t), clients.URL, formatted(t, handover(e), Default, "cli"))
	said := strings.Index(out, "Deleting v3, the oldest one")
	if printed := strings.Index(out, "lambda:ListFunctions"); err != nil || said < 0 ||
		printed < said {
		t.Fatalf("%v\n%s", err, out)
	}
	third := "v3"
	if _, err := clients.IAM.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{
		PolicyArn: arn, VersionId: &third}); err == nil {
		t.Error("v3 still exists")
	}
	if got := stored(t, clients.IAM, e.Location); got.Text() != e.After.Text() {
		t.Errorf("got\n%s", got.Text())
	}
}

// TestScriptsStop checks that a script changes nothing where its basis is gone.
func TestScriptsStop(t *testing.T) {
	t.Parallel()
	otherAccount := handover(inlineEdit(t, "user/ci", "remotion"))
	otherAccount.Account = "210987654321"
	type test struct {
		handover Handover
		change   func(*awsemu.Account)
		want     string
	}
	changed := func(replace, by string) test {
		return test{handover(inlineEdit(t, "user/ci", "remotion")), func(a *awsemu.Account) {
			a.Users["ci"].Inline["remotion"] = strings.Replace(strange, replace, by, 1)
		}, `Inline policy "remotion" of user/ci is not the document that was audited`}
	}
	for name, test := range map[string]test{
		"the credentials of another account": {otherAccount, nil,
			"the credentials belong to account 123456789012: use those of account 210987654321"},
		"another action":        changed("s3:PutObject", "s3:PutObjectAcl"),
		"another effect":        changed("Deny", "Allow"),
		"another value":         changed("3600", "60"),
		"another key":           changed("aws:SecureTransport", "aws:ViaAWSService"),
		"another operator":      changed(`"Bool"`, `"BoolIfExists"`),
		"no condition":          changed(`"Condition"`, `"Note"`),
		"an Id":                 changed(`"Version"`, `"Id": "x", "Version"`),
		"another version":       changed("2012-10-17", "2008-10-17"),
		"a further statement":   changed(`"Statement": [`, `"Statement": [`+lambda+","),
		"an action in place of": changed(`"NotAction": "s3:*"`, `"Action": "s3:*"`),
		"no document":           changed(strange, `[]`),
		"the policy is gone": {handover(inlineEdit(t, "user/ci", "remotion")),
			func(a *awsemu.Account) { delete(a.Users["ci"].Inline, "remotion") },
			"NoSuchEntity"},
		"a policy of the new name": {handover(newEdit(t, iampolicy.InlineLocation, "user/ci", "new")),
			func(a *awsemu.Account) { a.Users["ci"].Inline["new"] = emutest.AllowAll },
			`Another document has the name of the new inline policy "new" of user/ci`},
		"a managed policy of the new name": {handover(newEdit(t, iampolicy.ManagedLocation, "user/ci",
			"Remotion")), nil, `Another document has the name of the new managed policy "Remotion"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := editedAccount()
			if test.change != nil {
				test.change(account)
			}
			server := &awsemu.Server{Account: account}
			clients := emutest.Connect(t, server)
			out, err := runScript(t, fakeCLI(t), clients.URL,
				formatted(t, test.handover, Default, "cli"))
			if err == nil || !strings.Contains(out, test.want) || strings.Contains(out, "Storing") {
				t.Errorf("%v, want %q in\n%s", err, test.want, out)
			}
			for _, call := range server.Calls() {
				if strings.HasPrefix(call.Operation, "Put") || strings.HasPrefix(call.Operation, "Create") {
					t.Errorf("the script called %s", call.Operation)
				}
			}
		})
	}
}
