package collect_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// TestThousandsOfFunctions checks that every page is read and the number of simulations is bounded
// with two thousand functions in four regions.
func TestThousandsOfFunctions(t *testing.T) {
	account, p := compliant(t), plan()
	addRegions(&p)
	account.PageSize = 50
	regions := append([]string{"us-east-1"}, p.Further...)
	for i := range 2000 {
		deploy(account,
			awsemu.LambdaFunction{Name: fmt.Sprintf("remotion-render-4-0-%d-mem%dmb-disk2048mb-120sec",
				61+i%400, 512+i), Region: regions[i%4]})
	}
	r, server := judge(t, account, p)
	if r.Status != audit.StatusCompliant || len(r.Regions) != 4 || len(r.Remotion.Releases) != 400 {
		t.Errorf("status %s in %s, %d releases, findings %q", r.Status, r.Regions,
			len(r.Remotion.Releases), unsatisfied(r))
	}
	functions := 0
	for _, d := range r.Remotion.Deployed {
		functions += d.Functions
	}
	calls := map[string]int{}
	for _, c := range server.Calls() {
		calls[c.Operation]++
	}
	if functions != 2000 || calls["ListFunctions"] != 40 || calls["ListTags"] != 0 {
		t.Errorf("%d functions, calls %v", functions, calls)
	}
	if n := calls["SimulatePrincipalPolicy"]; n > 80 {
		t.Errorf("%d simulations, want at most 80", n)
	}
}

// TestManyCustomNames checks that many custom names need a bounded number of simulations, and that
// a denied name is found.
func TestManyCustomNames(t *testing.T) {
	account, p := compliant(t), plan()
	p.Callers = nil
	for i := range 300 {
		f := clips("", map[string]string{"remotion-version": "4.0.527"})
		f.Name = fmt.Sprintf("clips-%03d", i)
		deploy(account, f)
	}
	changeRole(account, func(r *awsemu.Role) {
		r.Inline["own"] = strings.ReplaceAll(r.Inline["remotion"], "remotion-render-*", "clips-*")
	})
	r, server := judge(t, account, p)
	if r.Status != audit.StatusCompliant {
		t.Errorf("status %s, findings %q, problems %q", r.Status, unsatisfied(r), problems(r))
	}
	calls := map[string]int{}
	for _, c := range server.Calls() {
		calls[c.Operation]++
	}
	if calls["SimulatePrincipalPolicy"] > 30 || calls["ListTags"] != 300 {
		t.Errorf("calls %v", calls)
	}
	changeRole(account, func(r *awsemu.Role) {
		r.Inline = maps.Clone(r.Inline)
		r.Inline["no"] = statement(
			`"Effect":"Deny","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:*:*:function:clips-299"`)
	})
	if r, _ := judge(t, account, p); !slices.Equal(unsatisfied(r),
		[]string{"role/remotion-lambda-role lambda:InvokeFunction partial identity-deny"}) {
		t.Errorf("with a denied name: findings %q", unsatisfied(r))
	}
}

// TestARegionThatHangs checks that a region without an answer takes at most a third of the time,
// and that the other regions are audited.
func TestARegionThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account, p := compliant(t), plan()
		addRegions(&p)
		deploy(account, awsemu.LambdaFunction{Name: render527})
		account.Faults = []awsemu.Fault{{Operation: "lambda:ListFunctions", Region: "eu-west-2",
			Delay: time.Minute}}
		server := &awsemu.Server{Account: account}
		ctx, stop := context.WithTimeout(t.Context(), 6*time.Second)
		defer stop()
		started := time.Now()
		r := evaluate(collectorWith(roundtrips.Config(t, server)).Collect(ctx, p))
		if want := []string{"the account: the functions in eu-west-2: the deadline ended " +
			"the read"}; r.Status != audit.StatusUnverified || r.Summary.Unverified != 0 ||
			!slices.Equal(problems(r), want) {
			t.Errorf("status %s, summary %+v, problems %q", r.Status, r.Summary, problems(r))
		}
		if took := time.Since(started); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("the audit took %s, want the third of 6s and some round trips", took)
		}
	})
}

// TestAPageThatFails checks that the functions of the first two pages are audited if the third page
// fails.
func TestAPageThatFails(t *testing.T) {
	account, p := compliant(t), plan()
	deploy(account, awsemu.LambdaFunction{Name: render240}, awsemu.LambdaFunction{Name: render31},
		awsemu.LambdaFunction{Name: render527})
	account.PageSize = 1
	account.Faults = []awsemu.Fault{{Operation: "lambda:ListFunctions", After: 2,
		Error: &awsemu.FaultError{Code: "ServiceException", Message: "down", Status: 500}}}
	r, _ := judge(t, account, p)
	if want := []string{"the account: the functions in us-east-1: ServiceException: " +
		"down"}; r.Remotion.Release != "3.3.31 and 4.0.240" || !slices.Equal(problems(r), want) {
		t.Errorf("release %s, problems %q", r.Remotion.Release, problems(r))
	}
}

// TestTargetsInMemory checks that only a few targets are read ahead of the judgement, and that a
// caller whose simulation hangs does not stop the audit of the others.
func TestTargetsInMemory(t *testing.T) {
	const callers = 40
	account, p := compliant(t), plan()
	p.Callers = nil
	for i := range callers {
		name := fmt.Sprintf("ci-%02d", i)
		account.Users[name] = account.Users["ci"]
		p.Callers = append(p.Callers, collect.Caller{Name: "user/" + name, Purpose: policies.All})
	}
	t.Run("a judge that waits stops the reads", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := &awsemu.Server{Account: account}
			_, targets := collectorWith(roundtrips.Config(t, server)).Collect(t.Context(), p)
			for range targets {
				time.Sleep(time.Hour) // in virtual time
				break
			}
			simulated, read := map[string]bool{}, map[string]bool{}
			for _, c := range server.Calls() {
				switch c.Operation {
				case "SimulatePrincipalPolicy":
					simulated[c.Params["PolicySourceArn"]] = true
				case "ListUserPolicies":
					read[c.Params["UserName"]] = true
				}
			}
			if len(simulated) > 10 || len(read) > 10 {
				t.Errorf("%d targets are simulated and %d read, want at most 10 of %d", len(simulated),
					len(read), callers)
			}
		})
	})
	t.Run("a simulation that hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := &awsemu.Server{Account: account, Faults: []awsemu.Fault{{
				Operation: "iam:SimulatePrincipalPolicy", Target: "user/ci-00", Delay: time.Hour}}}
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			r := evaluate(collectorWith(roundtrips.Config(t, server)).Collect(ctx, p))
			for i, target := range r.Targets {
				if want := i == 0; target.CutOff != want || (target.Summary.Unverified > 0) != want {
					t.Errorf("%s: cut off %v, summary %+v", target.Name, target.CutOff, target.Summary)
				}
			}
			if len(r.Targets) != callers+1 || r.Targets[1].Name != "user/ci-01" {
				t.Errorf("%d targets, the second is %s", len(r.Targets), r.Targets[1].Name)
			}
		})
	})
}

// TestEqualDocumentsAreParsedOnce checks that principals with the same text share one document, and
// that another text is another document.
func TestEqualDocumentsAreParsedOnce(t *testing.T) {
	account, p := compliant(t), plan()
	account.Users["second"] = account.Users["ci"]
	p.Callers = append(p.Callers, collect.Caller{Name: "user/second", Purpose: policies.All})
	_, targets := collector(t, &awsemu.Server{Account: account}).Collect(t.Context(), p)
	documents := map[int]*iampolicy.Document{}
	for i, target := range targets {
		documents[i] = target.Grants.Identity[0].Document
	}
	if documents[0] == nil || documents[0] != documents[1] || documents[0] == documents[2] {
		t.Errorf("documents %p, %p and %p: want the first two equal", documents[0], documents[1],
			documents[2])
	}
}

// TestTagsOfManyFunctions checks in virtual time that the tags of 2,000 functions in one region are
// read, with a bounded number of concurrent calls, and that the tags that a deadline cuts off are
// one problem with their number.
func TestTagsOfManyFunctions(t *testing.T) {
	account := compliant(t)
	account.PageSize = 50
	for i := range 2000 {
		f := clips("", map[string]string{"remotion-version": "4.0.527"})
		f.Name = fmt.Sprintf("clips-%04d", i)
		deploy(account, f)
	}
	changeRole(account, func(r *awsemu.Role) {
		r.Inline["own"] = strings.ReplaceAll(r.Inline["remotion"], "remotion-render-*", "clips-*")
	})
	for _, test := range []struct {
		timeout time.Duration
		status  audit.ReportStatus
		problem string
	}{
		{50 * time.Second, audit.StatusCompliant, ""},
		{6 * time.Second, audit.StatusUnverified,
			`^the account: the tags of 1[0-9]{3} of 2000 functions in us-east-1: the deadline ended the read$`},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := plan()
			p.Callers = nil
			server := &awsemu.Server{Account: account}
			ctx, stop := context.WithTimeout(t.Context(), test.timeout)
			defer stop()
			r := evaluate(collectorWith(roundtrips.Config(t, server)).Collect(ctx, p))
			if r.Status != test.status || (test.problem == "") != (len(r.Problems) == 0) ||
				test.problem != "" && !regexp.MustCompile(test.problem).MatchString(problems(r)[0]) {
				t.Errorf("within %v: status %s, findings %q, problems %q", test.timeout, r.Status,
					unsatisfied(r), problems(r))
			}
			var tags []awsemu.Call
			for _, c := range server.Calls() {
				if c.Operation == "ListTags" {
					tags = append(tags, c)
				}
			}
			// Eight concurrent calls need an eighth of the round trips.
			if n := roundtrips.Count(tags); n < len(tags)/8 {
				t.Errorf("within %v: %d calls of ListTags in %d round trips", test.timeout, len(tags), n)
			}
		})
	}
}

// TestTheMissingDefaultRoleOfManyCallers checks that the default role is dropped if it does not
// exist and functions use another role, although its documents are not among the first that are
// read.
func TestTheMissingDefaultRoleOfManyCallers(t *testing.T) {
	account, p := compliant(t), plan()
	p.Callers = nil
	for i := range 12 {
		name := fmt.Sprintf("ci-%02d", i)
		account.Users[name] = account.Users["ci"]
		p.Callers = append(p.Callers, collect.Caller{Name: "user/" + name, Purpose: policies.Render})
	}
	account.Roles["clips"] = account.Roles["remotion-lambda-role"]
	delete(account.Roles, "remotion-lambda-role")
	deploy(account, awsemu.LambdaFunction{Name: render527, Role: "clips"})
	r, _ := judge(t, account, p)
	if r.Status != audit.StatusCompliant || len(r.Targets) != 13 {
		t.Errorf("status %s, %d targets, findings %q; want compliant with 13 targets", r.Status,
			len(r.Targets), unsatisfied(r))
	}
}
