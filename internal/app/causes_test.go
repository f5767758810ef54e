package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	emulated "github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// TestCauses audits one account for each cause in testdata/causes, and compares the explanation and
// the fix with a golden file. It applies the fix to the account through the SDK and audits again:
// the gaps that the fix closes are gone, and no other verdict moved. It applies the guards and
// checks the same.
func TestCauses(t *testing.T) {
	files, err := filepath.Glob("testdata/causes/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d accounts: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_CA_BUNDLE", "")
			c := newCause(t, name)
			before := c.audit()
			golden.Compare(t, strings.TrimSuffix(file, ".yaml")+".golden", []byte(causeText(before)))
			for _, fix := range before.Fixes {
				c.applyFix(before, fix)
			}
		})
	}
}

// TestCompliantRunsDoNotRepair checks that an audit without gaps makes the calls of an audit with
// gaps at most, and builds no fix. A fix makes no call of its own: only `audit --fix` does.
func TestCompliantRunsDoNotRepair(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	calls := map[string][]string{}
	for name, want := range map[string]bool{"compliant": false, "drifted": true} {
		a, err := account.Load(os.DirFS("../../examples/"+name), "account.yaml")
		if err != nil {
			t.Fatal(err)
		}
		server := &awsemu.Server{Account: a}
		end, err := server.Listen("")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = end.Close() })
		config, err := ConfigFromEnv(func(name string) string { return a.Function.Environment[name] })
		if err != nil {
			t.Fatal(err)
		}
		auditor := App{Config: config, Clients: load(t, end.URL), Function: "remotion-audit"}
		r, err := auditor.Report(t.Context(), Location{"123456789012", policies.AWS, "us-east-1"}, "run")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(r.Fixes) > 0; got != want {
			t.Errorf("%s: %d fixes", name, len(r.Fixes))
		}
		for _, c := range server.Calls() {
			calls[name] = append(calls[name], c.Operation)
		}
		slices.Sort(calls[name])
	}
	if len(calls["compliant"]) == 0 || !slices.Equal(calls["compliant"], calls["drifted"]) {
		t.Errorf("a compliant audit makes the calls %v, one with gaps %v", calls["compliant"],
			calls["drifted"])
	}
}

// A cause is an emulated account that a test audits and repairs.
type cause struct {
	*testing.T
	account *awsemu.Account
	url     string
	iam     *iam.Client
	org     *organizations.Client
	config  Config
	// knownControls is true if the audit knows the service control policies.
	knownControls bool
}

func newCause(t *testing.T, name string) *cause {
	t.Helper()
	a, err := account.Load(os.DirFS("testdata/causes"), name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := &cause{T: t, account: a,
		knownControls: a.ServiceControlPolicies != nil && name != "scp-unseen"}
	end, err := (&awsemu.Server{Account: a}).Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end.Close() })
	c.url = end.URL
	c.iam = load(t, end.URL).IAM
	c.org = organizations.New(organizations.Options{Region: "us-east-1", BaseEndpoint: &end.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")})
	c.config, err = ConfigFromEnv(func(name string) string { return a.Function.Environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// audit audits the account as it is now.
func (c *cause) audit() audit.Report {
	c.Helper()
	auditor := App{Config: c.config, Clients: load(c.T, c.url), Function: "remotion-audit"}
	if c.knownControls {
		auditor.Organization = c.controls()
	}
	r, err := auditor.Report(c.Context(), Location{"123456789012", policies.AWS, "us-east-1"}, "run")
	if err == nil {
		err = r.CheckConsistent()
	}
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// controls reads the service control policies of the root and of the account.
func (c *cause) controls() (levels [][]iampolicy.Policy) {
	c.Helper()
	for _, target := range []string{emulated.Root, "123456789012"} {
		out, err := c.org.ListPoliciesForTarget(c.Context(), &organizations.ListPoliciesForTargetInput{
			TargetId: &target, Filter: orgtypes.PolicyTypeServiceControlPolicy})
		if err != nil {
			c.Fatal(err)
		}
		var level []iampolicy.Policy
		for _, summary := range out.Policies {
			p, err := c.org.DescribePolicy(c.Context(), &organizations.DescribePolicyInput{
				PolicyId: summary.Id})
			if err != nil {
				c.Fatal(err)
			}
			document, err := iampolicy.Parse(aws.ToString(p.Policy.Content))
			if err != nil {
				c.Fatal(err)
			}
			level = append(level, iampolicy.Policy{Document: document, ByAWS: summary.AwsManaged,
				ID: fmt.Sprintf("service control policy %q", aws.ToString(summary.Name)),
				Location: iampolicy.Location{Kind: iampolicy.SCPLocation,
					Name: aws.ToString(summary.Name), ARN: aws.ToString(summary.Arn)}})
		}
		levels = append(levels, level)
	}
	return levels
}

// applyFix applies a fix, and then its guards, and audits after each step.
func (c *cause) applyFix(before audit.Report, fix remedy.Fix) {
	c.Helper()
	if fix.Owner.Tool == remedy.IdentityCenter {
		return // IAM refuses each edit of the role
	}
	for _, e := range fix.Edits {
		c.apply(e)
	}
	after := c.audit()
	c.wantChanges("the fix", before, after, fix.Target, fix.Closes)
	for _, g := range fix.Guards {
		if g.Edits == nil {
			continue
		}
		for _, e := range g.Edits {
			c.apply(e)
		}
		guarded := c.audit()
		c.wantChanges("the guard "+g.Policy, after, guarded, fix.Target, g.Closes)
		after = guarded
	}
	c.wantLittleLeft(after, fix)
}

// wantLittleLeft checks that only gaps remain for which the fix names another owner or a reason.
func (c *cause) wantLittleLeft(after audit.Report, fix remedy.Fix) {
	c.Helper()
	for _, f := range after.Findings {
		if !f.Gap() || f.Target != fix.Target {
			continue
		}
		n := needOfFinding(f)
		explained := fix.Withheld != "" || slices.ContainsFunc(fix.Remaining,
			func(r remedy.Remaining) bool { return r.Need == n })
		for _, g := range fix.Guards {
			explained = explained || g.Edits == nil && slices.Contains(g.Blocks, n)
		}
		if !explained {
			c.Errorf("%s %s stays %s without an explanation", f.Action, f.Resource, f.Status)
		}
	}
}

func needOfFinding(f audit.Finding) remedy.Need {
	return remedy.Need{Sid: f.Sid, Action: f.Action, Resource: f.Resource}
}

// wantChanges checks that a step closed some gaps and changed no other verdict.
func (c *cause) wantChanges(step string, before, after audit.Report, target string,
	closed []remedy.Need) {
	c.Helper()
	if len(before.Findings) != len(after.Findings) {
		c.Fatalf("after %s: %d findings instead of %d", step, len(after.Findings),
			len(before.Findings))
	}
	for i, was := range before.Findings {
		is := after.Findings[i]
		want := was.Status
		if was.Target == target && slices.Contains(closed, needOfFinding(was)) {
			want = audit.Satisfied
		}
		if is.Status != want {
			c.Errorf("after %s: %s %s on %s is %s, want %s (%s)", step, is.Target, is.Action,
				is.Resource, is.Status, want, is.Why)
		}
	}
}

// apply applies one edit through the SDK, as the commands of the fix do.
func (c *cause) apply(e remedy.Edit) {
	c.Helper()
	text, err := json.Marshal(e.After)
	if err != nil {
		c.Fatal(err)
	}
	document := aws.String(string(text))
	kind, holder, _ := strings.Cut(e.Location.Holder, "/")
	name := e.Location.Name
	switch l := e.Location; {
	case l.Kind == iampolicy.InlineLocation && kind == "user":
		_, err = c.iam.PutUserPolicy(c.Context(), &iam.PutUserPolicyInput{UserName: &holder,
			PolicyName: &name, PolicyDocument: document})
	case l.Kind == iampolicy.InlineLocation && kind == "group":
		_, err = c.iam.PutGroupPolicy(c.Context(), &iam.PutGroupPolicyInput{GroupName: &holder,
			PolicyName: &name, PolicyDocument: document})
	case l.Kind == iampolicy.InlineLocation:
		_, err = c.iam.PutRolePolicy(c.Context(), &iam.PutRolePolicyInput{RoleName: &holder,
			PolicyName: &name, PolicyDocument: document})
	case l.Kind == iampolicy.TrustLocation:
		_, err = c.iam.UpdateAssumeRolePolicy(c.Context(), &iam.UpdateAssumeRolePolicyInput{
			RoleName: &holder, PolicyDocument: document})
	case l.Kind == iampolicy.SCPLocation:
		_, err = c.org.UpdatePolicy(c.Context(), &organizations.UpdatePolicyInput{
			PolicyId: aws.String(arn.Name(l.ARN)), Content: document})
	case l.ARN != "":
		err = c.newVersion(l.ARN, document)
	default:
		err = c.newPolicy(kind, holder, name, document)
	}
	if err != nil {
		c.Errorf("%s: %v", e.Policy, err)
	}
}

// newVersion makes a document the default version of a managed policy. It first deletes the oldest
// version that is not the default, if the policy has five versions.
func (c *cause) newVersion(policy string, document *string) error {
	var versions []types.PolicyVersion
	pages := iam.NewListPolicyVersionsPaginator(c.iam,
		&iam.ListPolicyVersionsInput{PolicyArn: &policy})
	for pages.HasMorePages() {
		out, err := pages.NextPage(c.Context())
		if err != nil {
			return err
		}
		versions = append(versions, out.Versions...)
	}
	if len(versions) == 5 {
		for _, v := range slices.Backward(versions) {
			if !v.IsDefaultVersion {
				if _, err := c.iam.DeletePolicyVersion(c.Context(), &iam.DeletePolicyVersionInput{
					PolicyArn: &policy, VersionId: v.VersionId}); err != nil {
					return err
				}
				break
			}
		}
	}
	_, err := c.iam.CreatePolicyVersion(c.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &policy,
		PolicyDocument: document, SetAsDefault: true})
	return err
}

// newPolicy creates a managed policy and attaches it.
func (c *cause) newPolicy(kind, holder, name string, document *string) error {
	created, err := c.iam.CreatePolicy(c.Context(), &iam.CreatePolicyInput{PolicyName: &name,
		PolicyDocument: document})
	switch {
	case err != nil:
	case kind == "user":
		_, err = c.iam.AttachUserPolicy(c.Context(), &iam.AttachUserPolicyInput{UserName: &holder,
			PolicyArn: created.Policy.Arn})
	default:
		_, err = c.iam.AttachRolePolicy(c.Context(), &iam.AttachRolePolicyInput{RoleName: &holder,
			PolicyArn: created.Policy.Arn})
	}
	return err
}

// causeText writes the gaps and the fixes of a report.
func causeText(r audit.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d gaps, %d unverified\n", r.Status, r.Summary.Gaps, r.Summary.Unverified)
	last := ""
	for _, f := range r.Findings {
		if f.Status == audit.Satisfied {
			continue
		}
		why := fmt.Sprintf("\n%s, %s, %s: %s\n", f.Target, f.Status, f.Cause, f.Why)
		if why != last {
			b.WriteString(why)
			for _, s := range f.Statements {
				fmt.Fprintf(&b, "  statement %d of %s\n", s.Index, s.Policy)
			}
			last = why
		}
		fmt.Fprintf(&b, "  %s %s\n", f.Action, f.Resource)
	}
	for _, fix := range r.Fixes {
		fmt.Fprintf(&b, "\nFix %d, %s: closes %d of %d\n", fix.Number, fix.Target, len(fix.Closes),
			fix.Gaps)
		writeFix(&b, fix)
	}
	return b.String()
}

func writeFix(b *strings.Builder, fix remedy.Fix) {
	if fix.Withheld != "" {
		fmt.Fprintf(b, "Withheld: %s\n", fix.Withheld)
	}
	if fix.Owner.Tool != "" {
		fmt.Fprintf(b, "Owner: %s (%s)\n", fix.Owner.Tool, fix.Owner.Certainty)
	}
	writeEdits(b, fix.Edits)
	for _, g := range fix.Guards {
		fmt.Fprintf(b, "Weakens a guard of %s: %s of %s blocks %d, closes %d\n", g.Owner, g.Cause,
			g.Policy, len(g.Blocks), len(g.Closes))
		if g.Why != "" {
			fmt.Fprintf(b, "  why %s\n", g.Why)
		}
		if g.AlsoAllows != nil {
			fmt.Fprintf(b, "  also allows %s on %s\n", g.AlsoAllows.Action, g.AlsoAllows.Resource)
		}
		writeEdits(b, g.Edits)
		b.WriteString(g.Ask)
	}
	for _, remaining := range fix.Remaining {
		fmt.Fprintf(b, "Remains: %s %s: %s\n", remaining.Action, remaining.Resource, remaining.Why)
	}
	if w := fix.Wider; w != nil {
		fmt.Fprintf(b, "Wider: closes %d, also allows %s on %s\n", len(w.Closes), w.AlsoAllows.Action,
			w.AlsoAllows.Resource)
		writeEdits(b, w.Edits)
	}
	if u := fix.Undo; u != nil {
		fmt.Fprintf(b, "Undo: version %s closes %d\n", u.Version, len(u.Closes))
		writeEdits(b, u.Edits)
	}
}

func writeEdits(b *strings.Builder, edits []remedy.Edit) {
	for _, e := range edits {
		fmt.Fprintf(b, "  %s of %s, %d of %d characters\n", e.Policy, e.Location.Holder, e.Characters,
			e.Quota)
		for _, change := range e.Changes {
			fmt.Fprintf(b, "    %s: %s\n", change.Kind, change.Text)
		}
		text, _ := json.Marshal(e.After)
		fmt.Fprintf(b, "    %s\n", text)
	}
}
