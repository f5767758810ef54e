package e2e

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	accountfile "github.com/remotion-audit/remotion-audit/internal/awsemu/account"
)

// TestDocumentedAccount checks that the account in docs/embedded-aws.md is valid, and that the
// function audits the account.
func TestDocumentedAccount(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/embedded-aws.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```yaml\n")
	block, _, ok := strings.Cut(block, "```")
	if !ok {
		t.Fatal("docs/embedded-aws.md has no YAML block")
	}
	files := fstest.MapFS{"account.yaml": {Data: []byte(block)}}
	account, err := accountfile.Load(files, "account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := invocation{account: account, event: "scheduler.json"}.run(t)
	if o.FunctionError != "" || o.answer.Status != audit.StatusGaps || o.answer.Problems == 0 ||
		len(o.messages) != 1 {
		t.Errorf("%s %+v %q", o.ErrorMessage, o.answer, o.subjects())
	}
	if !strings.Contains(o.messages[0].Body("email"), `inline policy "broken"`) {
		t.Errorf("the mail does not mention the broken document:\n%s", o.messages[0].Body("email"))
	}
}
