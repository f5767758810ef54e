package iampolicy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestExcess(t *testing.T) {
	required := []Need{need(t, "s3:GetObject", "arn:aws:s3:::remotionlambda-*/*"),
		need(t, "s3:ListBucket", "arn:aws:s3:::remotionlambda-*")}
	tests := []struct {
		name, policy string
		want         []string
	}{
		{"a required grant is no excess",
			`{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::remotionlambda-*/*"}`,
			nil},
		{"part of a required grant is no excess",
			`{"Effect":"Allow","Action":["s3:ListBucket"],` +
				`"Resource":"arn:aws:s3:::remotionlambda-useast1-*"}`, nil},
		{"an Allow for everything is administrator access",
			`{"Effect":"Allow","Action":"*","Resource":"*"}`,
			[]string{"administrator access: iam:CreateAccessKey on *"}},
		{"an Allow for every action of a service is reported with a well-known action",
			`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-*"}`,
			[]string{"every action of the service: s3:DeleteBucket on arn:aws:s3:::remotionlambda-"}},
		{"an Allow for another action is excess",
			`{"Effect":"Allow","Action":["s3:GetObject","s3:DeleteObject"],` +
				`"Resource":"arn:aws:s3:::remotionlambda-*/*"}`, []string{"more actions: s3:DeleteObject on " +
				"arn:aws:s3:::remotionlambda-/"}},
		{"an Allow on a wider resource is excess",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::*"}`,
			[]string{"wider resource: s3:GetObject on arn:aws:s3:::x"}},
		{"a wider resource that a Deny excludes is no excess",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::*"},{"Effect":"Deny",` +
				`"Action":"*","NotResource":"arn:aws:s3:::remotionlambda-*/*"}`, nil},
		{"a pattern with a star that matches colons is excess",
			`{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":["arn:aws:dynamodb:*:table/prod-*",` +
				`"*:prod"]}`,
			[]string{"more actions: dynamodb:GetItem on arn:aws:dynamodb:::table/prod-",
				"more actions: dynamodb:GetItem on arn:x:x:::prod"}},
		{"the example for a variable with a value contains the value",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*"}`,
			[]string{"wider resource: s3:GetObject on arn:aws:s3:::b/anna/"}},
		{"the example for a variable without a value is the shortest resource",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:userid}/*"}`,
			[]string{"wider resource: s3:GetObject on arn:aws:s3:::b//"}},
		{"the example is a well-known action with a resource that a Deny does not exclude",
			`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","NotAction":"iam:CreateUser",` +
				`"Resource":"*"},{"Effect":"Deny","Action":"iam:CreateUser",` +
				`"NotResource":"arn:aws:iam::1:user/a"}`,
			[]string{"administrator access: iam:CreateUser on arn:aws:iam::1:user/a"}},
		{"an invalid action with NotResource is no excess",
			`{"Effect":"Allow","Action":"Get?bject","NotResource":"arn:aws:s3:::x"}`, nil},
		{"an Allow with NotAction and NotResource is excess",
			`{"Effect":"Allow","NotAction":["s3:*","iam:*"],"NotResource":"arn:aws:lambda:*"}`,
			[]string{"everything but what it names: lambda:UpdateFunctionCode on *"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := identity(t, `{"Version":"2012-10-17","Statement":[`+test.policy+`]}`)
			list, complete := g.Excess(required, Context{"aws:username": {"anna"}})
			var got []string
			for _, e := range list {
				got = append(got, fmt.Sprintf("%s: %s on %s", e.Kind, e.ExampleAction, e.ExampleARN))
			}
			if !complete || !slices.Equal(got, test.want) {
				t.Errorf("got %q (complete %v), want %q", got, complete, test.want)
			}
		})
	}
}

// TestExcessAgainstBruteForce checks that each example of Excess is allowed and not required. If
// Excess returns nothing, every allowed name of a small world must be required.
func TestExcessAgainstBruteForce(t *testing.T) {
	for seed := range uint64(rounds(150)) {
		w := world{rand.New(rand.NewPCG(seed, 17))}
		g, text := w.grants(t)
		var required []Need
		for range w.IntN(4) {
			required = append(required, need(t, w.pick("s3:A", "s3:B", "s3:*"), w.need()))
		}
		list, complete := g.Excess(required, nil)
		if !complete {
			t.Fatalf("seed %d: a world of this size must not exceed the budget", seed)
		}
		isRequired := func(action, name string) bool {
			return slices.ContainsFunc(required, func(n Need) bool { return n.Includes(action, name) })
		}
		for _, e := range list {
			r := g.Evaluate(Request{Action: e.ExampleAction, Resource: e.ExampleARN})
			if r.Decision != Allowed && !r.Conditional || isRequired(e.ExampleAction, e.ExampleARN) {
				t.Fatalf("seed %d: the example %s on %s is %s, required %v\n%s",
					seed, e.ExampleAction, e.ExampleARN,
					r.Decision, isRequired(e.ExampleAction, e.ExampleARN), text)
			}
		}
		if len(list) > 0 {
			continue
		}
		for _, action := range []string{"s3:A", "s3:B", "s3:AB", "sx:A"} {
			for _, name := range smallWorldNames {
				if r := g.Evaluate(Request{Action: action, Resource: name}); r.Decision == Allowed &&
					!isRequired(action, name) {
					t.Fatalf("seed %d: %s on %s is allowed and not required\n%s", seed, action, name, text)
				}
			}
		}
	}
}
