package needs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestLeastPrivilegeGrantsTheNeedsAndNoMore checks that the policy for any scope grants all needs
// of the scope, and that the documents or Undocumented grant everything in the policy.
func TestLeastPrivilegeGrantsTheNeedsAndNoMore(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 7))
	for n := range 150 {
		partition := policies.Partitions()[n%2]
		all := policies.Releases(partition)
		releases := []policies.Release{all[random.IntN(len(all))], all[random.IntN(len(all))]}
		account := fmt.Sprintf("%012d", random.Int64N(1e12))
		iam := "arn:" + partition + ":iam::" + account + ":"
		p := Scope{Partition: partition, Account: account, Caller: iam + "user/render",
			RenderRole: iam + "role/remotion-lambda-role"}
		regions := policies.Regions(partition)
		for _, i := range random.Perm(len(regions))[:1+random.IntN(len(regions))] {
			p.Regions = append(p.Regions, regions[i])
		}
		if n%3 == 0 {
			p.Buckets = policytest.Buckets(t, BucketPrefix(p.Regions[0])+"a1b2c3d4e5")
		}
		kind := policies.Kinds[n/2%2]
		purpose := []policies.Purpose{policies.Render, policies.Deploy, policies.All}[n%3]
		text := LeastPrivilege(releases, kind, purpose, p)
		about := fmt.Sprintf("%s %s of %s for %s in %s", kind, purpose, releases, partition, p.Regions)
		narrowed := grants(t, text)
		if iampolicy.Size(text) > iampolicy.ManagedQuota {
			t.Errorf("%s: %d characters", about, iampolicy.Size(text))
		}
		assertUnique(t, about, narrowed)

		context := iampolicy.Context{"aws:username": {"render"}}
		p.InsightsRegions = p.Regions // the policy covers Insights in each of them
		requirements := p.Requirements(releases, kind, purpose)
		for _, r := range requirements {
			for _, need := range p.Needed(r) {
				got := narrowed.Evaluate(iampolicy.Request{Action: need.Action, Resource: need.Resource,
					Context: context}).Decision
				if got != iampolicy.Allowed {
					t.Fatalf("%s: %s on %s is needed: %s\n%s", about, need.Action, need.Resource, got, text)
				}
			}
		}

		documented := iampolicy.Grants{}
		for _, release := range releases {
			documented.Identity = append(documented.Identity, grants(t, release.Document(kind)).Identity...)
		}
		for _, r := range requirements {
			if r.Undocumented {
				documented.Identity = append(documented.Identity, grants(t, fmt.Sprintf(
					`{"Statement": {"Effect": "Allow", "Action": %q, "Resource": %q}}`, r.Action,
					r.Resource)).Identity...)
			}
		}
		for _, s := range narrowed.Identity[0].Document.Statements {
			for _, action := range s.Action {
				if !slices.ContainsFunc(requirements, func(r policies.Requirement) bool {
					return r.Action == action
				}) {
					t.Errorf("%s: %s is granted, but no requirement needs it", about, action)
				}
				for _, pattern := range s.Resource {
					resource := pattern
					if pattern != "*" {
						resource = concreteARN(random, pattern)
					}
					if got := documented.Evaluate(iampolicy.Request{Action: action, Resource: resource,
						Context: context}).Decision; got != iampolicy.Allowed {
						t.Fatalf("%s: %s on %s is granted, but no document grants it: %s\n%s", about, action,
							resource, got, text)
					}
				}
			}
		}
	}
}

func grants(t *testing.T, text string) iampolicy.Grants {
	t.Helper()
	return iampolicy.Grants{Identity: []iampolicy.Policy{{Document: policytest.Parse(t, text)}}}
}

// assertUnique fails if two statements have the same Sid, which IAM rejects, or the same grant,
// which is redundant.
func assertUnique(t *testing.T, about string, g iampolicy.Grants) {
	t.Helper()
	type grant struct{ action, resource string }
	sids, seen := map[string]bool{}, map[grant]bool{}
	for _, s := range g.Identity[0].Document.Statements {
		if sids[s.Sid] || s.Sid == "" || strings.ContainsFunc(s.Sid, func(c rune) bool {
			return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}) {
			t.Errorf("%s: Sid %q is invalid or a duplicate", about, s.Sid)
		}
		sids[s.Sid] = true
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				if seen[grant{action, resource}] {
					t.Errorf("%s: %s on %s is granted twice", about, action, resource)
				}
				seen[grant{action, resource}] = true
			}
		}
	}
}

// concreteARN returns a random ARN that matches a pattern.
func concreteARN(random *rand.Rand, pattern string) string {
	var b strings.Builder
	for _, part := range strings.SplitAfter(strings.ReplaceAll(pattern, "${aws:username}", "render"),
		"*") {
		b.WriteString(strings.TrimSuffix(part, "*"))
		if strings.HasSuffix(part, "*") {
			for range 1 + random.IntN(8) {
				b.WriteByte("abcxyz0189-"[random.IntN(11)])
			}
		}
	}
	return b.String()
}

// TestLeastPrivilegeForOneRegionFitsInline checks that the policy for one region fits the inline
// policies of a user, where the setup guide puts the policy.
func TestLeastPrivilegeForOneRegionFitsInline(t *testing.T) {
	for _, partition := range policies.Partitions() {
		for _, region := range policies.Regions(partition) {
			releases := policies.Releases(partition)
			text := LeastPrivilege(releases[len(releases)-1:], policies.User, policies.All,
				Scope{Partition: partition, Account: "123456789012", Regions: []string{region}})
			if limit := iampolicy.InlineUserQuota; iampolicy.Size(text) > limit {
				t.Errorf("%s: %d characters, limit %d\n%s", region, iampolicy.Size(text), limit, text)
			}
		}
	}
}

// TestLeastPrivilegeForAnEmptyScope checks that the policy for an empty scope names no region.
func TestLeastPrivilegeForAnEmptyScope(t *testing.T) {
	for _, kind := range policies.Kinds {
		text := LeastPrivilege([]policies.Release{policies.Latest()}, kind, policies.All,
			Scope{Partition: policies.AWS})
		for _, region := range policies.Regions(policies.AWS) {
			if strings.Contains(text, region) ||
				strings.Contains(text, strings.ReplaceAll(region, "-", "")) {
				t.Errorf("%s: names %s\n%s", kind, region, text)
			}
		}
	}
}

// TestLeastPrivilegeForOldBuckets checks that the policy for a release before 3.3.27 covers all of
// Remotion's buckets, because bucket names of such releases do not always contain the region.
func TestLeastPrivilegeForOldBuckets(t *testing.T) {
	p := Scope{Partition: policies.AWS, Account: "123456789012", Regions: []string{"eu-west-1"}}
	for _, test := range []struct{ version, bucket string }{
		{"3.3.12", "remotionlambda-*"},
		{"3.3.27", "remotionlambda-euwest1-*"},
		{"4.0.527", "remotionlambda-euwest1-*"},
	} {
		for _, kind := range policies.Kinds {
			release := policytest.Release(t, test.version)
			text := LeastPrivilege([]policies.Release{release}, kind, policies.All, p)
			for _, resource := range []string{test.bucket, test.bucket + "/*"} {
				if !strings.Contains(text, `"arn:aws:s3:::`+resource+`"`) {
					t.Errorf("%s %s: no statement for %s\n%s", test.version, kind, resource, text)
				}
			}
		}
	}
}

// TestLeastPrivilegeForAKnownCaller checks that the policy for a known user names the ARN of the
// user, and that the policy for a role does not grant iam:GetUser. The user/${aws:username} of the
// documents does not match a user with a path.
func TestLeastPrivilegeForAKnownCaller(t *testing.T) {
	for caller, want := range map[string]bool{"user/people/ci": true, "role/people/ci": false} {
		p := Scope{Partition: policies.AWS, Account: "123456789012", Regions: []string{"us-east-1"},
			Caller: "arn:aws:iam::123456789012:" + caller}
		text := LeastPrivilege(policies.Releases(policies.AWS)[:1], policies.User, policies.Render, p)
		got := grants(t, text).Evaluate(iampolicy.Request{Action: "iam:GetUser", Resource: p.Caller,
			Context: iampolicy.Context{"aws:username": {"ci"}}}).Decision == iampolicy.Allowed
		if got != want || strings.Contains(text, "GetUser") != want {
			t.Errorf("%s: iam:GetUser on itself is granted: %v, want %v\n%s", caller, got, want, text)
		}
	}
}
