package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// hostileTexts returns 60 policies with patterns that are slow to compare.
func hostileTexts() (texts []string) {
	for k := range 60 {
		var list []string
		for i := range 30 {
			list = append(list, fmt.Sprintf(`{"Effect":%q,"Action":["s3:*a*b%d*","lambda:*%d*"],`+
				`"Resource":["arn:aws:s3:::*%[2]d*a*","arn:aws:*:*:*:*%[3]d*r*e*m*-%[2]d"]}`,
				map[bool]string{true: "Deny", false: "Allow"}[i%2 == 1 && k%3 == 0], i, k))
		}
		texts = append(texts, `{"Version":"2012-10-17","Statement":[`+strings.Join(list, ",")+`]}`)
	}
	return texts
}

// TestARepairEndsWithTheTimeOfTheJudge covers documents whose repair takes seconds: the time that
// is reserved for the alert must be left.
func TestARepairEndsWithTheTimeOfTheJudge(t *testing.T) {
	target := targetWith(t, Caller, hostileTexts())
	calls, end := 0, 1<<30
	judge := NewJudge(Facts{Account: "123456789012", Partition: policies.AWS,
		Regions: target.Scope.Regions, Release: policies.Latest(), Requested: "auto"},
		func() bool { calls++; return calls > end })
	findings, required, _ := judge.evaluateTarget(target)
	end = calls + 20
	fix := judge.fixOf(target, findings, required)
	if fix == nil || fix.Withheld != NotInTime || len(fix.Edits) > 0 || len(fix.Guards) > 0 {
		t.Errorf("the fix is not withheld for lack of time: %+v", fix)
	}
}
