package recognize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// allReleases returns the ranges of all partitions.
func allReleases() []policies.Release {
	return slices.Concat(policies.Releases(policies.AWS), policies.Releases(policies.China))
}

// TestOriginalDocuments checks that Policy finds each historic document as printed, without space,
// and with another order of statements and lists and other Sids.
func TestOriginalDocuments(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 6))
	for _, release := range allReleases() {
		for _, kind := range policies.Kinds {
			text := release.Document(kind)
			var compact bytes.Buffer
			if err := json.Compact(&compact, []byte(text)); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"as printed": text, "compact": compact.String(),
				"shuffled": shuffled(t, random, text)} {
				r, ok := Policy(policytest.Parse(t, text), kind)
				if !ok || !r.Unchanged() || r.Misplaced() || r.Narrowed || r.Kind != kind ||
					r.Partition != release.Partition {
					t.Errorf("%s %s, %s: recognized as %+v, ok %v", release, kind, name, r, ok)
				}
				if semver.Compare("v"+r.Since, "v"+release.Since) > 0 || r.Until != "" && semver.Compare("v"+r.Until, "v"+release.Until) < 0 {
					t.Errorf("%s %s, %s: recognized as %s-%s", release, kind, name, r.Since, r.Until)
				}
			}
		}
	}
}

type rawDocument struct {
	Version   string
	Statement []rawStatement
}

type rawStatement struct {
	Sid, Effect      string
	Action, Resource []string
}

// shuffled returns the document with its lists in another order, other Sids, and every third action
// in lower case.
func shuffled(t *testing.T, random *rand.Rand, text string) string {
	t.Helper()
	var doc rawDocument
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	random.Shuffle(len(doc.Statement), func(i, j int) {
		doc.Statement[i], doc.Statement[j] = doc.Statement[j], doc.Statement[i]
	})
	for i, s := range doc.Statement {
		doc.Statement[i].Sid = fmt.Sprint("Other", i)
		random.Shuffle(len(s.Action), func(i, j int) {
			s.Action[i], s.Action[j] = s.Action[j], s.Action[i]
		})
		random.Shuffle(len(s.Resource), func(i, j int) {
			s.Resource[i], s.Resource[j] = s.Resource[j], s.Resource[i]
		})
		for i := range s.Action {
			if i%3 == 0 {
				s.Action[i] = strings.ToLower(s.Action[i])
			}
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestPolicy(t *testing.T) {
	release := policytest.Release(t, "4.0.240")
	user, role := release.Document(policies.User), release.Document(policies.Role)
	first := policytest.Release(t, "3.0.31").Document(policies.User)
	newest := policies.Latest().Document(policies.User)
	china := policies.Releases(policies.China)[0].Document(policies.User)
	without := func(text string, items ...string) string {
		for _, item := range items {
			quoted := `"` + item + `"`
			if !strings.Contains(text, quoted) {
				t.Fatalf("the document does not contain %s", quoted)
			}
			text = strings.Replace(text, quoted+",", "", 1)
		}
		return text
	}
	with := func(text, statement string) string {
		return strings.Replace(text, `"Statement": [`, `"Statement": [`+statement+",", 1)
	}
	narrowed := strings.NewReplacer("arn:aws:lambda:*:*:", "arn:aws:lambda:eu-central-1:123456789012:",
		"arn:aws:logs:*:*:", "arn:aws:logs:eu-central-1:123456789012:",
		"arn:aws:iam::*:", "arn:aws:iam::123456789012:", "remotionlambda-*",
		"remotionlambda-eucentral1-a1b2c3d4e5",
		"lambda:*:678", "lambda:eu-central-1:678").Replace(newest)
	for _, test := range []struct {
		name, text string
		on         policies.PolicyKind
		want       string
	}{
		{"an older user policy is recognized",
			user, policies.User, "this is the user policy of Remotion 4.0.61-4.0.417, unchanged"},
		{"the newest user policy is recognized", newest, policies.User,
			"this is the user policy of Remotion 4.0.418 and later, unchanged"},
		{"the first user policy is recognized", first, policies.User,
			"this is the user policy of Remotion 3.0.0-3.3.7, unchanged"},
		{"a role policy is recognized", role, policies.Role,
			"this is the role policy of Remotion 4.0.61 and later, unchanged"},
		{"the policy for China is recognized", china, policies.User,
			"this is the user policy of Remotion 4.0.510 and later for aws-cn, unchanged"},
		{"two removed actions are named", without(user, "s3:PutBucketAcl", "logs:CreateLogGroup"), policies.User,
			"this is the user policy of Remotion 4.0.61-4.0.417 except for 2 permissions: it lacks " +
				"logs:CreateLogGroup, s3:PutBucketAcl"},
		{"an added action is named with its resource",
			with(user, `{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}`), policies.User,
			"this is the user policy of Remotion 4.0.61-4.0.417 except for 1 permission: it adds " +
				"kms:Decrypt on *"},
		{"removed and added actions are named",
			with(without(user, "lambda:CreateFunction"),
				`{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], `+
					`"Resource": ["arn:aws:s3:::films/*"]}`), policies.User,
			"this is the user policy of Remotion 4.0.61-4.0.417 except for 3 permissions: it lacks " +
				"lambda:CreateFunction, and adds s3:GetObject, s3:PutObject on arn:aws:s3:::films/*"},
		{"the user policy on a role is misplaced", user, policies.Role,
			"this is the user policy of Remotion 4.0.61-4.0.417, unchanged; the role policy is expected " +
				"instead"},
		{"the role policy on a user is misplaced", role, policies.User,
			"this is the role policy of Remotion 4.0.61 and later, unchanged; the user policy is expected " +
				"instead"},
		{"a narrowed policy is recognized", narrowed, policies.User,
			"this is the user policy of Remotion 4.0.418 and later, narrowed to specific accounts, " +
				"regions or names"},
		{"a statement with a condition is counted",
			strings.Replace(user, `"Sid": "Storage",`,
				`"Sid": "Storage", "Condition": {"Bool": {"aws:SecureTransport": "true"}},`, 1), policies.User,
			"this is the user policy of Remotion 4.0.61-4.0.417, with conditions in 1 statement"},
		{"a Deny statement is counted",
			with(role, `{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}`), policies.Role,
			"this is the role policy of Remotion 4.0.61 and later, with 1 statement that Remotion's " +
				"policy does not have"},
		{"another role to pass is a removed and an added grant",
			strings.Replace(user, "role/remotion-lambda-role",
				"role/service-role/remotion-lambda-role", 1), policies.User,
			"this is the user policy of Remotion 4.0.61-4.0.417 except for 2 permissions: it lacks " +
				"iam:PassRole, and adds iam:PassRole on arn:aws:iam::*:role/service-role/remotion-lambda-role"},
		{"hostile text in an action or a resource is quoted",
			with(role,
				`{"Effect": "Allow", "Action": "s3:\u001b[2J<@everyone>\n", `+
					`"Resource": "arn:aws:s3:::a\u0000\r\nb"}`), policies.Role,
			"this is the role policy of Remotion 4.0.61 and later except for 1 permission: it adds " +
				`"s3:\x1b[2J<@everyone>\n" on "arn:aws:s3:::a\x00\r\nb"`},
		{"a policy with a typo in each statement for buckets is not recognized",
			strings.ReplaceAll(role, "remotionlambda-*", "remotionlamda-*"), policies.Role, ""},
		{"a grant of everything is not recognized",
			`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`,
			policies.User, ""},
		{"a policy with only a Deny is not recognized",
			`{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}`, policies.User, ""},
		{"a custom policy is not recognized",
			`{"Statement": {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents", ` +
				`"logs:CreateLogGroup"], "Resource": "*"}}`, policies.Role, ""},
		{"a policy with more than maxGrants grants is not recognized",
			`{"Statement": {"Effect": "Allow", "Action": [` + list("s3:A", 300) + `], "Resource": [` +
				list("arn:aws:s3:::", 300) + `]}}`, policies.Role, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if r, ok := Policy(policytest.Parse(t, test.text), test.on); ok {
				got = r.String()
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	if r, ok := Policy(nil, policies.User); ok {
		t.Errorf("a nil document is recognized as %+v", r)
	}
}

// TestNarrowedDocuments checks that Policy finds the document that `policies user --account …
// --regions …` narrowed.
func TestNarrowedDocuments(t *testing.T) {
	for _, release := range allReleases() {
		for _, kind := range policies.Kinds {
			text := needs.LeastPrivilege([]policies.Release{release}, kind, policies.All,
				needs.Scope{Partition: release.Partition, Account: "123456789012",
					Regions: policies.Regions(release.Partition)[:2]})
			r, ok := Policy(policytest.Parse(t, text), kind)
			if !ok || !r.Unchanged() || !r.Narrowed || semver.Compare("v"+r.Since, "v"+release.Since) > 0 ||
				r.Until != "" && semver.Compare("v"+r.Until, "v"+release.Until) < 0 {
				t.Errorf("%s %s %s: recognized as %s, ok %v\n%s", release.Partition, release, kind, r, ok, text)
			}
		}
	}
}

// list returns the elements of a JSON list: n strings with that prefix.
func list(start string, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q", fmt.Sprint(start, i))
	}
	return b.String()
}

// FuzzPolicy checks for any document that Policy does not panic, that String escapes the text
// of the document, and that String is consistent with Unchanged.
func FuzzPolicy(f *testing.F) {
	for _, release := range allReleases() {
		f.Add(release.Document(policies.User), true)
		f.Add(release.Document(policies.Role), false)
	}
	f.Add(`{"Statement": {"Effect": "Allow", "Action": ["s3:GetObject", ":", "", "::::"], `+
		`"Resource": ["arn::::::", "arn:aws:s3:::remotionlambda-"]}}`, true)
	f.Fuzz(func(t *testing.T, text string, isUser bool) {
		doc, err := iampolicy.Parse(text)
		if err != nil {
			return
		}
		on := policies.Role
		if isUser {
			on = policies.User
		}
		r, ok := Policy(doc, on)
		if !ok {
			return
		}
		sentence := r.String()
		if strings.ContainsFunc(sentence, func(c rune) bool {
			return c < ' ' || c == 0x7f || c == '\u2028'
		}) || len(sentence) > 3000 {
			t.Errorf("the sentence is too long or contains control characters: %q", sentence)
		}
		if r.Unchanged() == strings.Contains(sentence, " except for ") && r.Others+r.Conditional == 0 {
			t.Errorf("Unchanged is %v, but String is %s", r.Unchanged(), sentence)
		}
	})
}

// TestAddedWildcards checks that Lacks does not contain the grants of the document that an
// added wildcard covers.
func TestAddedWildcards(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{`"servicequotas:GetServiceQuota"`, `"servicequotas:Get*"`,
			"except for 1 permission: it adds servicequotas:Get* on *"},
		{`"s3:GetObject"`, `"s3:Get?bject"`,
			"except for 1 permission: it adds s3:Get?bject on arn:aws:s3:::remotionlambda-*"},
		{`"s3:GetObject"`, `"s3:Put*"`,
			"except for 2 permissions: it lacks s3:GetObject, and adds s3:Put* on " +
				"arn:aws:s3:::remotionlambda-*"},
		{`"s3:GetObject"`, `"s3:[Gg*"`,
			"except for 2 permissions: it lacks s3:GetObject, and adds \"s3:[Gg*\" on " +
				"arn:aws:s3:::remotionlambda-*"},
	} {
		text := strings.Replace(policies.Latest().Document(policies.User), test.old, test.new, 1)
		r, ok := Policy(policytest.Parse(t, text), policies.User)
		if got := r.String(); !ok || !strings.HasSuffix(got, test.want) {
			t.Errorf("%s for %s: %s; want %s", test.new, test.old, got, test.want)
		}
	}
}

// TestActionsCountOnce checks that the number of permissions in a sentence is the number of names.
func TestActionsCountOnce(t *testing.T) {
	r := Recognition{Kind: policies.Role, On: policies.Role, Partition: policies.AWS, Since: "4.0.61",
		Lacks: []Grant{{Action: "a:B", Resource: "arn:1"}, {Action: "a:B", Resource: "arn:2"},
			{Action: "a:C", Resource: "arn:1"}}}
	const want = "this is the role policy of Remotion 4.0.61 and later except for 2 permissions: it " +
		"lacks a:B, a:C"
	if got := r.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
