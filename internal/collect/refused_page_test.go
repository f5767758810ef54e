package collect_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// judgeBehind audits the account behind a front that answers some calls itself: answer returns
// false for the others.
func judgeBehind(t *testing.T, account *awsemu.Account, regions []string,
	answer func(w http.ResponseWriter, r *http.Request, body string) bool) audit.Report {
	t.Helper()
	server := &awsemu.Server{Account: account}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if answer(w, r, string(body)) {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		server.ServeHTTP(w, r)
	}))
	defer front.Close()
	p := plan()
	p.Further = regions
	return evaluate(collectorAt(front.URL).Collect(t.Context(), p))
}

// TestARefusalAfterAnAnswerIsAFailedRead lists functions whose second page is refused as in a
// region that is not enabled, or that an organization forbids. The first page shows that both are
// wrong.
func TestARefusalAfterAnAnswerIsAFailedRead(t *testing.T) {
	for name, body := range map[string]string{
		"not enabled": `{"__type":"UnrecognizedClientException","message":"invalid token"}`,
		"forbidden": `{"__type":"AccessDeniedException",` +
			`"message":"explicit deny in a service control policy"}`,
	} {
		t.Run(name, func(t *testing.T) {
			account := compliant(t)
			account.PageSize = 1
			account.Roles["clips"] = awsemu.Role{}
			account.Functions = []awsemu.LambdaFunction{
				{Name: render527, Region: "ap-east-1", Role: "clips"},
				{Name: render240, Region: "ap-east-1", Role: "clips"}}
			r := judgeBehind(t, account, []string{"ap-east-1"},
				func(w http.ResponseWriter, r *http.Request, text string) bool {
					switch {
					case strings.HasSuffix(r.URL.Path, "/functions") && r.URL.Query().Has("Marker"):
						w.Header().Set("Content-Type", "application/json")
						w.WriteHeader(http.StatusForbidden)
						_, _ = io.WriteString(w, body)
						return true
					case strings.Contains(text, "Action=GetCallerIdentity"):
						w.WriteHeader(http.StatusForbidden)
						_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error>"+
							"</ErrorResponse>")
						return true
					}
					return false
				})
			if got := problems(r); len(got) != 1 ||
				!strings.HasPrefix(got[0], "the account: the functions in ap-east-1: ") {
				t.Errorf("problems %q", got)
			}
			if r.FunctionsByRegion["ap-east-1"] != 1 || r.Status != audit.StatusGaps {
				t.Errorf("%s with functions %v; want gaps of the listed function", r.Status,
					r.FunctionsByRegion)
			}
		})
	}
}

// TestPoliciesWithOneNameAreReadEach reads a policy of the account and one of AWS with the same
// name. IAM lists both, and does not find the one that denies.
func TestPoliciesWithOneNameAreReadEach(t *testing.T) {
	account := compliant(t)
	account.Policies = map[string]awsemu.ManagedPolicy{
		"guard": {Document: statement(`"Effect":"Deny","Action":"s3:*","Resource":"*"`)},
		"aws-guard": {ARN: "arn:aws:iam::aws:policy/guard",
			Document: statement(`"Effect":"Allow","Action":"s3:*","Resource":"*"`)}}
	changeUser(account, func(u *awsemu.User) {
		u.Managed = []string{"guard", "arn:aws:iam::aws:policy/guard"}
	})
	r := judgeBehind(t, account, nil,
		func(w http.ResponseWriter, _ *http.Request, text string) bool {
			if !strings.Contains(text, "Action=GetPolicy&") ||
				!strings.Contains(text, "123456789012%3Apolicy%2Fguard") {
				return false
			}
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error>"+
				"</ErrorResponse>")
			return true
		})
	want := `user/ci: managed policy "guard": IAM contradicts itself, twice: it lists the item, ` +
		"but does not find it"
	if got := problems(r); len(got) != 1 || got[0] != want {
		t.Errorf("problems %q, want %q", got, want)
	}
}
