package policies

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

func TestEveryRequirementIsExplained(t *testing.T) {
	for _, r := range releases {
		if err := r.check(); err != nil {
			t.Error(err)
		}
	}
}

// What a requirement says of since and until is so: each release of that time asks for it, and no
// other.
func TestSinceAndUntil(t *testing.T) {
	for _, partition := range Partitions() {
		list := Releases(partition)
		for _, kind := range Kinds {
			for _, req := range Union(list, kind) {
				for _, r := range list {
					within := compare(r.Since, req.Since) >= 0 &&
						(req.Until == "" || compare(r.Until, req.Until) <= 0)
					if asks := slices.ContainsFunc(r.Requirements(kind), func(o Requirement) bool {
						return o.id() == req.id()
					}); asks != within {
						t.Errorf("%s %s %s on %s, from %q to %q: %s asks for it: %v", partition, kind, req.Action,
							req.Resource, req.Since, req.Until, r, asks)
					}
				}
				if req.Until != "" && req.Until == latest(partition).Until {
					t.Errorf("%s: until %s, which is the newest", req.Action, req.Until)
				}
			}
		}
	}
}

// The ranges of a partition follow on each other without a gap, and no two neighbours have both
// documents alike.
func TestRangesAreContiguous(t *testing.T) {
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
				t.Errorf("%s and %s are one range", before, r)
			}
		}
	}
}

// The numbers are those of the documents Remotion prints, counted there and not here.
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

var place = Scope{
	Partition: "aws", Account: "123456789012", Regions: []string{"us-east-1", "eu-west-1"},
	Caller:     "arn:aws:iam::123456789012:user/ci/render",
	RenderRole: "arn:aws:iam::123456789012:role/service-role/remotion-lambda-role",
}

// A documented policy has to grant everything that is needed of it: what we ask about is never
// more than Remotion asks for.
func TestDocumentGrantsWhatIsNeeded(t *testing.T) {
	for _, release := range releases {
		arn := "arn:" + release.Partition + ":iam::123456789012:"
		plain := Scope{Partition: release.Partition, Account: place.Account,
			Regions: Regions(release.Partition)[:2],
			Caller:  arn + "user/render", RenderRole: arn + "role/remotion-lambda-role"}
		as := iampolicy.Context{"aws:username": {"render"}}
		for _, kind := range []PolicyKind{User, Role} {
			doc, err := iampolicy.Parse(release.Document(kind))
			if err != nil {
				t.Fatal(err)
			}
			g := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: doc}}}
			for _, req := range release.Requirements(kind) {
				needed := req.Needed(plain)
				if len(needed) == 0 {
					t.Errorf("%s %s %s: nothing is needed", release, req.Sid, req.Action)
				}
				for _, q := range needed {
					if got := g.Evaluate(iampolicy.Request{Action: q.Action, Resource: q.Resource,
						Context: as}).Decision; got != iampolicy.Allowed {
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
	named := place
	named.Buckets = []string{"remotionlambda-useast1-abcdefghij", "videos.example"}
	tests := []struct {
		name   string
		place  Scope
		kind   PolicyKind
		action string
		sid    string
		want   []string
	}{
		{"objects are asked about inside a bucket of each region", place, User, "s3:GetObject", "Storage",
			[]string{
				"arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u/renders/r3m0t10n4u/out.mp4",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u/renders/r3m0t10n4u/out.mp4"}},
		{"bucket actions by the bucket's name", place, User, "s3:PutBucketPolicy", "Storage", []string{
			"arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u",
			"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"a real bucket takes the synthetic one's place, another is added", named, User, "s3:ListBucket",
			"Storage", []string{
				"arn:aws:s3:::remotionlambda-useast1-abcdefghij", "arn:aws:s3:::videos.example",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"nobody creates somebody else's bucket", named, User, "s3:CreateBucket", "Storage", []string{
			"arn:aws:s3:::remotionlambda-useast1-abcdefghij",
			"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"PassRole is about the real role", place, User, "iam:PassRole", "LambdaInvokation",
			[]string{place.RenderRole}},
		{"simulation is about the caller itself", place, User, "iam:SimulatePrincipalPolicy",
			"PermissionValidation", []string{place.Caller}},
		{"GetFunction is about Remotion's functions", place, User, "lambda:GetFunction",
			"FunctionListing", []string{
				"arn:aws:lambda:us-east-1:123456789012:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec",
				"arn:aws:lambda:eu-west-1:123456789012:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"}},
		{"an action that names no resource", place, User, "s3:ListAllMyBuckets", "BucketListing",
			[]string{"*", "*"}},
		{"logs are put into a stream", place, Role, "logs:PutLogEvents", "4", []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/remotion-render-4-0-527-mem2048mb-disk2048mb-120sec:log-stream:2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/remotion-render-4-0-527-mem2048mb-disk2048mb-120sec:log-stream:2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reqs := Latest().Requirements(test.kind)
			i := slices.IndexFunc(reqs, func(r Requirement) bool {
				return r.Action == test.action &&
					r.Sid == test.sid
			})
			if i < 0 {
				t.Fatalf("no requirement %s %s", test.sid, test.action)
			}
			var got []string
			for _, q := range reqs[i].Needed(test.place) {
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
		if !r.For(All) || !r.For(Render) && !r.For(Deploy) {
			t.Errorf("%s is needed for nothing", r.Action)
		}
		if !r.For(Render) {
			deploys++
		}
		if r.Action == "lambda:CreateFunction" && r.For(Render) {
			t.Error("a caller that only renders is asked to create functions")
		}
	}
	if deploys == 0 {
		t.Error("a caller that only renders needs as much as one that deploys")
	}
}
