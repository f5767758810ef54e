package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestActionNotices checks that a policy of the account that names actions that do not exist has
// one notice, whether or not the target has gaps, and that a policy of AWS has none.
func TestActionNotices(t *testing.T) {
	t.Parallel()
	document := func(actions ...string) *iampolicy.Document {
		return policytest.Parse(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
			`"Action":["%s"],"Resource":"*"}]}`, strings.Join(actions, `","`)))
	}
	tests := []struct {
		name   string
		policy iampolicy.Policy
		want   []string
	}{
		{"actions that exist", iampolicy.Policy{Document: document("s3:GetObject", "s3:*")}, nil},
		{"actions that do not exist",
			iampolicy.Policy{ID: `inline policy "p"`, Document: document("s3:UploadPart", "s3:GetObjects")},
			[]string{`inline policy "p": s3:UploadPart is no action: s3:PutObject?, s3:GetObjects is no ` +
				`action: s3:GetObject?`}},
		{"many actions that do not exist", iampolicy.Policy{ID: "p", Document: document("s3:GetObjects",
			"s3:PutObjects", "s3:UploadPart", "s3:ListBuckets", "s3:HeadObject", "s3:HeadBucket")},
			[]string{"p: s3:GetObjects is no action: s3:GetObject?, s3:PutObjects is no action: " +
				"s3:PutObject?, s3:UploadPart is no action: s3:PutObject?, s3:ListBuckets is no action: " +
				"s3:ListAllMyBuckets?, s3:HeadObject is no action: s3:GetObject? and 1 more"}},
		{"a policy of AWS", iampolicy.Policy{Document: document("s3:GetObjects"), ByAWS: true}, nil},
		{"a document that could not be read", iampolicy.Policy{}, nil},
	}
	for _, test := range tests {
		target := TargetFacts{Name: "role/r", Kind: RenderRole,
			Grants: iampolicy.Grants{Identity: []iampolicy.Policy{test.policy}}}
		judge := NewJudge(Facts{}, nil)
		for range 2 { // the second time from memory
			var got []string
			for _, n := range judge.actionNotices(target) {
				if n.Kind != NoticeUnknownAction || n.Target != "role/r" {
					t.Errorf("%s: %+v", test.name, n)
				}
				got = append(got, n.Text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s: got %q, want %q", test.name, got, test.want)
			}
		}
	}
	late := NewJudge(Facts{}, func() bool { return true })
	if got := late.actionNotices(TargetFacts{Grants: iampolicy.Grants{
		Identity: []iampolicy.Policy{{Document: document("s3:GetObjects")}}}}); got != nil {
		t.Errorf("after the end of the time: %+v", got)
	}
}
