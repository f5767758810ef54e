package collect_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// TestAListLongerThanAWSAllowsIsAFailedRead answers one list of the user with more items than IAM
// has: on one page, or on pages without end. The audit ends with a problem, and reads none of the
// items of the page that is too much.
func TestAListLongerThanAWSAllowsIsAFailedRead(t *testing.T) {
	const policy = "<member><PolicyName>p%d</PolicyName><PolicyArn>" +
		"arn:aws:iam::123456789012:policy/p%[1]d</PolicyArn></member>"
	const group = "<member><GroupName>g%d</GroupName><Arn>arn:aws:iam::123456789012:group/g%[1]d" +
		"</Arn></member>"
	for _, test := range []struct {
		name, operation, element, item string
		perPage, pages, problems       int
		what                           string
	}{
		{"501 inline policies", "ListUserPolicies", "PolicyNames", "<member>p%d</member>", 501, 1, 1,
			"the list of inline policies"},
		{"101 attached policies", "ListAttachedUserPolicies", "AttachedPolicies", policy, 101, 1, 1,
			"the list of attached policies"},
		{"101 groups", "ListGroupsForUser", "Groups", group, 101, 1, 1, "the list of groups"},
		{"pages of 60 groups without end", "ListGroupsForUser", "Groups", group, 60, 2, 61,
			"the list of groups"},
		{"empty pages without end", "ListGroupsForUser", "Groups", "", 0, 1001, 1,
			"the list of groups"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var pages atomic.Int64
			r := judgeBehind(t, compliant(t), nil,
				func(w http.ResponseWriter, _ *http.Request, text string) bool {
					if !strings.Contains(text, "Action="+test.operation+"&") {
						return false
					}
					page := pages.Add(1)
					var items strings.Builder
					for i := range test.perPage {
						fmt.Fprintf(&items, test.item, i)
					}
					_, _ = fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult><%[2]s>%[3]s</%[2]s><IsTruncated>true"+
						"</IsTruncated><Marker>%[4]d</Marker></%[1]sResult><ResponseMetadata><RequestId>r"+
						"</RequestId></ResponseMetadata></%[1]sResponse>", test.operation, test.element,
						items.String(), page)
					return true
				})
			if r.Status != audit.StatusUnverified || len(r.Problems) != test.problems ||
				int(pages.Load())%test.pages != 0 {
				t.Errorf("%s, %d problems after %d pages; want unverified, %d problems, %d pages", r.Status,
					len(r.Problems), pages.Load(), test.problems, test.pages)
			}
			last := r.Problems[len(r.Problems)-1]
			if last.What != test.what || last.Why != "the list is longer than AWS allows" ||
				last.Remedy == "" {
				t.Errorf("the last problem is %+v", last)
			}
		})
	}
}

// TestTooManyFunctionsAreAFailedRead lists functions with and without an end.
func TestTooManyFunctionsAreAFailedRead(t *testing.T) {
	for _, test := range []struct {
		pages    int
		problems int
	}{{3, 0}, {500, 1}} {
		var pages atomic.Int64
		r := judgeBehind(t, compliant(t), nil,
			func(w http.ResponseWriter, r *http.Request, _ string) bool {
				if !strings.HasSuffix(r.URL.Path, "/functions") {
					return false
				}
				page := pages.Add(1)
				var items []string
				for i := range 100 {
					items = append(items, fmt.Sprintf(`{"FunctionName":"f%d-%d"}`, page, i))
				}
				next := fmt.Sprintf(`"%d"`, page)
				if int(page) == test.pages {
					next = "null"
				}
				w.Header().Set("X-Amzn-Requestid", "r")
				_, _ = io.WriteString(w, `{"Functions":[`+strings.Join(items, ",")+`],"NextMarker":`+next+`}`)
				return true
			})
		if len(r.Problems) != test.problems || int(pages.Load()) != min(test.pages, 201) {
			t.Errorf("%d pages: %q after %d pages", test.pages, problems(r), pages.Load())
		}
	}
}
