package policies

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

func TestEveryRequirementIsExplained(t *testing.T) {
	for _, r := range releases {
		if err := r.checkConsequences(); err != nil {
			t.Error(err)
		}
	}
}

// TestSinceAndUntil checks that exactly the releases from Since to Until have a requirement.
func TestSinceAndUntil(t *testing.T) {
	for _, partition := range Partitions() {
		list := Releases(partition)
		for _, kind := range Kinds {
			for _, req := range Union(list, kind) {
				for _, r := range list {
					within := compare(r.Since, req.Since) >= 0 &&
						(req.Until == "" || compare(r.Until, req.Until) <= 0)
					if has := slices.ContainsFunc(r.Requirements(kind), func(o Requirement) bool {
						return o.id() == req.id()
					}); has != within {
						t.Errorf("%s %s %s on %s, from %q to %q: %s has the requirement: %v", partition, kind, req.Action,
							req.Resource, req.Since, req.Until, r, has)
					}
				}
				if req.Until != "" && req.Until == latest(partition).Until {
					t.Errorf("%s: Until is %s, the newest release; want an empty Until", req.Action, req.Until)
				}
			}
		}
	}
}

// TestRangesAreOrderedAndDistinct checks that the ranges of a partition do not overlap, and that
// two adjacent ranges differ in a document.
func TestRangesAreOrderedAndDistinct(t *testing.T) {
	for _, partition := range Partitions() {
		list := Releases(partition)
		for i, r := range list {
			if compare(r.Since, r.Until) > 0 {
				t.Errorf("%s ends before it starts", r)
			}
			if i == 0 {
				continue
			}
			before := list[i-1]
			if compare(before.Until, r.Since) >= 0 {
				t.Errorf("%s overlaps %s", before, r)
			}
			if before.Document(User) == r.Document(User) && before.Document(Role) == r.Document(Role) {
				t.Errorf("%s and %s have the same documents", before, r)
			}
		}
	}
}

// TestRequirementsCoverEverySid checks that each statement has a requirement. The expected numbers
// were counted in the documents that Remotion prints.
func TestRequirementsCoverEverySid(t *testing.T) {
	tests := []struct {
		version    string
		user, role int
	}{
		{"4.0.61", 32, 15},
		{"4.0.240", 32, 15},
		{"4.0.417", 32, 15},
		{"4.0.418", 33, 15},
		{"4.0.999", 33, 15},
		{"latest", 33, 15},
		{"auto", 33, 15},
	}
	for _, test := range tests {
		release, err := Find(test.version)
		if err != nil {
			t.Fatal(err)
		}
		for kind, want := range map[PolicyKind]int{User: test.user, Role: test.role} {
			reqs := release.Requirements(kind)
			if len(reqs) != want {
				t.Errorf("%s %s: %d requirements, want %d", test.version, kind, len(reqs), want)
			}
			doc, err := iampolicy.Parse(release.Document(kind))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range doc.Statements {
				if !slices.ContainsFunc(reqs, func(r Requirement) bool { return r.Sid == s.Sid }) {
					t.Errorf("%s %s: no requirement for Sid %s", test.version, kind, s.Sid)
				}
			}
		}
	}
}

var testScope = Scope{
	Partition: "aws", Account: "123456789012", Regions: []string{"us-east-1", "eu-west-1"},
	Caller:     "arn:aws:iam::123456789012:user/ci/render",
	RenderRole: "arn:aws:iam::123456789012:role/service-role/remotion-lambda-role",
}

// TestDocumentGrantsTheNeeds checks that a documented policy grants all its needs, so that the
// audit never requires more than Remotion documents.
func TestDocumentGrantsTheNeeds(t *testing.T) {
	for _, release := range releases {
		arn := "arn:" + release.Partition + ":iam::123456789012:"
		scope := Scope{Partition: release.Partition, Account: testScope.Account,
			Regions: Regions(release.Partition)[:2],
			Caller:  arn + "user/render", RenderRole: arn + "role/remotion-lambda-role"}
		context := iampolicy.Context{"aws:username": {"render"}}
		for _, kind := range []PolicyKind{User, Role} {
			doc, err := iampolicy.Parse(release.Document(kind))
			if err != nil {
				t.Fatal(err)
			}
			g := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: doc}}}
			for _, req := range release.Requirements(kind) {
				needed := req.Needed(scope)
				if len(needed) == 0 {
					t.Errorf("%s %s %s has no needs", release, req.Sid, req.Action)
				}
				for _, q := range needed {
					if got := g.Evaluate(iampolicy.Request{Action: q.Action, Resource: q.Resource,
						Context: context}).Decision; got != iampolicy.Allowed {
						t.Errorf("%s: %s %s on %s: %v", release, req.Sid, q.Action, q.Resource, got)
					}
					if strings.Contains(q.Resource, "*") && q.Resource != "*" {
						t.Errorf("%s is a pattern", q.Resource)
					}
				}
			}
		}
	}
}

func TestNeeded(t *testing.T) {
	named := testScope
	named.Buckets = []string{"remotionlambda-useast1-abcdefghij", "videos.example"}
	tests := []struct {
		name   string
		scope  Scope
		kind   PolicyKind
		action string
		sid    string
		want   []string
	}{
		{"an object action needs an object in a bucket of each region", testScope, User, "s3:GetObject",
			"Storage", []string{
				"arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u/renders/r3m0t10n4u/out.mp4",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u/renders/r3m0t10n4u/out.mp4"}},
		{"a bucket action needs a bucket of each region",
			testScope, User, "s3:PutBucketPolicy", "Storage", []string{
				"arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"a real bucket replaces the synthetic one, and a custom bucket is added", named, User,
			"s3:ListBucket", "Storage", []string{
				"arn:aws:s3:::remotionlambda-useast1-abcdefghij", "arn:aws:s3:::videos.example",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"CreateBucket does not need a custom bucket",
			named, User, "s3:CreateBucket", "Storage", []string{
				"arn:aws:s3:::remotionlambda-useast1-abcdefghij",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"PassRole needs the real role", testScope, User, "iam:PassRole", "LambdaInvokation",
			[]string{testScope.RenderRole}},
		{"SimulatePrincipalPolicy needs the caller", testScope, User, "iam:SimulatePrincipalPolicy",
			"PermissionValidation", []string{testScope.Caller}},
		{"GetFunction needs Remotion's functions", testScope, User, "lambda:GetFunction",
			"FunctionListing", []string{
				"arn:aws:lambda:us-east-1:123456789012:function:" +
					"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec",
				"arn:aws:lambda:eu-west-1:123456789012:function:" +
					"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"}},
		{"an action without a resource type needs *", testScope, User, "s3:ListAllMyBuckets",
			"BucketListing", []string{"*", "*"}},
		{"PutLogEvents needs a log stream", testScope, Role, "logs:PutLogEvents", "4", []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/" +
				"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec:log-stream:" +
				"2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/" +
				"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec:log-stream:" +
				"2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reqs := Latest().Requirements(test.kind)
			i := slices.IndexFunc(reqs, func(r Requirement) bool {
				return r.Action == test.action && r.Sid == test.sid
			})
			if i < 0 {
				t.Fatalf("no requirement %s %s", test.sid, test.action)
			}
			var got []string
			for _, q := range reqs[i].Needed(test.scope) {
				got = append(got, q.Resource)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestPurposes(t *testing.T) {
	deploys := 0
	for _, r := range Latest().Requirements(User) {
		if !r.NeededFor(All) || !r.NeededFor(Render) && !r.NeededFor(Deploy) {
			t.Errorf("%s has no purpose, or is not needed for %s", r.Action, All)
		}
		if !r.NeededFor(Render) {
			deploys++
		}
		if r.Action == "lambda:CreateFunction" && r.NeededFor(Render) {
			t.Error("a caller that only renders needs lambda:CreateFunction")
		}
	}
	if deploys == 0 {
		t.Error("a caller that only renders needs all requirements")
	}
}
