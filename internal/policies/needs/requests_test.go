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

// requestedResources maps each action that Remotion documents on "*" to the resources that AWS may
// compare with the policies, in us-east-1 of testScope without functions. It repeats
// policies.StarActions on purpose.
var requestedResources = map[string][]string{
	"s3:ListAllMyBuckets":  {"*", "arn:aws:s3:::*"},
	"lambda:ListFunctions": {"*"},
	"lambda:GetFunction": {"arn:aws:lambda:us-east-1:123456789012:function:" +
		"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"},
	"iam:SimulatePrincipalPolicy": {"arn:aws:iam::123456789012:user/ci/render"},
	"servicequotas:GetServiceQuota": {
		"arn:aws:servicequotas:us-east-1:123456789012:lambda/L-B99A9384"},
	"servicequotas:GetAWSDefaultServiceQuota": {"*"},
	"servicequotas:RequestServiceQuotaIncrease": {
		"arn:aws:servicequotas:us-east-1:123456789012:lambda/L-B99A9384"},
	"servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota": {
		"arn:aws:servicequotas:us-east-1:123456789012:lambda/L-B99A9384"},
}

// starRequirements lists the requirements of the newest release that are documented on "*".
func starRequirements() (list []policies.Requirement) {
	for _, kind := range policies.Kinds {
		for _, r := range policies.Latest().Requirements(kind) {
			if r.Resource == "*" {
				list = append(list, r)
			}
		}
	}
	return list
}

func TestStarNeedsNameTheirRequests(t *testing.T) {
	scope := testScope
	scope.Regions = scope.Regions[:1]
	for _, r := range starRequirements() {
		var got []string
		for _, n := range scope.Needed(r) {
			got = append(got, n.Resource)
			if n.Contested != "" {
				got = append(got, n.Contested)
			}
			if n.Resource == "*" && !n.Literal {
				t.Errorf("%s: the need is every resource", r.Action)
			}
		}
		if want := requestedResources[r.Action]; !slices.Equal(got, want) {
			t.Errorf("%s needs %q, want %q", r.Action, got, want)
		}
	}
}

// starWorld generates policies about the actions and the resources of requestedResources.
type starWorld struct{ *rand.Rand }

func (w starWorld) pick(list ...string) string { return list[w.IntN(len(list))] }

func (w starWorld) statement() string {
	var actions, resources []string
	for range 1 + w.IntN(3) {
		actions = append(actions, w.pick("*", "s3:*", "s3:List*", "lambda:*", "iam:*", "servicequotas:*",
			"lambda:ListFunctions", "servicequotas:Get*", "iam:SimulatePrincipalPolicy"))
		resources = append(resources, w.pick("*", "*", "?", "arn:*", "arn:aws:s3:::*",
			"arn:aws:s3:::company-secrets*", "arn:aws:s3:::*/*", "arn:aws-cn:s3:::*", "arn:aws:lambda:*",
			"arn:aws:lambda:*:*:function:*", "arn:aws:iam::*:role/admin*", "arn:aws:iam::*:user/*",
			"arn:aws:iam::123456789012:user/ci/render", "arn:aws:servicequotas:*:*:lambda/*",
			"arn:aws:servicequotas:*:*:ec2/*", "arn:aws:servicequotas:eu-west-1:*:*"))
	}
	return fmt.Sprintf(`{"Effect":%q,%q:["%s"],%q:["%s"]}`, w.pick("Allow", "Allow", "Deny"),
		w.pick("Action", "Action", "Action", "NotAction"), strings.Join(actions, `","`),
		w.pick("Resource", "Resource", "Resource", "NotResource"), strings.Join(resources, `","`))
}

func (w starWorld) policy(t *testing.T) iampolicy.Policy {
	statements := []string{`{"Effect":"Allow","Action":"*","Resource":"*"}`}
	if w.IntN(2) == 0 {
		statements = nil
	}
	for range 1 + w.IntN(3) {
		statements = append(statements, w.statement())
	}
	return iampolicy.Policy{Document: policytest.Parse(t,
		`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)}
}

// TestStarNeedsAgainstEvaluate checks on random policies that a need documented on "*" is satisfied
// exactly if every resource that AWS may compare is allowed, and that only a gap by some of them is
// disputed.
func TestStarNeedsAgainstEvaluate(t *testing.T) {
	scope := testScope
	scope.Regions = scope.Regions[:1]
	counts := map[string]int{}
	for seed := range uint64(1500) {
		w := starWorld{rand.New(rand.NewPCG(seed, 29))}
		g := iampolicy.Grants{Identity: []iampolicy.Policy{w.policy(t)}}
		if w.IntN(3) == 0 {
			g.Organization = [][]iampolicy.Policy{{w.policy(t)}}
		}
		for _, r := range starRequirements() {
			allowed := 0
			for _, resource := range requestedResources[r.Action] {
				if g.Evaluate(iampolicy.Request{Action: r.Action,
					Resource: resource}).Decision == iampolicy.Allowed {
					allowed++
				}
			}
			for _, n := range scope.Needed(r) {
				requests, err := n.Requests()
				if err != nil {
					t.Fatal(err)
				}
				c, dispute := requests.Cover(g, nil)
				all := allowed == len(requestedResources[r.Action])
				if satisfied := c.Status == iampolicy.Satisfied; satisfied && !all ||
					!satisfied && all && r.Action != "lambda:GetFunction" {
					t.Fatalf("seed %d: %s is %s, example %s; %d of its resources are allowed", seed, r.Action,
						c.Status, c.ExampleARN, allowed)
				}
				if disputed := !all && allowed > 0; disputed != (dispute != "") {
					t.Fatalf("seed %d: %s is %s, dispute %q; %d of its resources are allowed", seed, r.Action,
						c.Status, dispute, allowed)
				}
				counts[fmt.Sprint(r.Action, " satisfied: ", all)]++
				counts[fmt.Sprint("disputed: ", dispute != "")]++
			}
		}
	}
	for _, r := range starRequirements() {
		for _, all := range []bool{true, false} {
			if counts[fmt.Sprint(r.Action, " satisfied: ", all)] == 0 {
				t.Errorf("%s: no policy with satisfied: %v", r.Action, all)
			}
		}
	}
	if counts["disputed: true"] == 0 {
		t.Error("no need is disputed")
	}
}
