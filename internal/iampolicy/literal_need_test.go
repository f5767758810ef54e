package iampolicy

import (
	"math/rand/v2"
	"testing"
)

func TestLiteralNeed(t *testing.T) {
	const all = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	allow := func(resources string) string {
		return `{"Effect":"Allow","Action":"*","Resource":` + resources + `}`
	}
	deny := func(element string) string { return `{"Effect":"Deny","Action":"*",` + element + `}` }
	const everyBucket = "arn:aws:s3:::*"
	for _, test := range []struct {
		name, policy string
		resources    []string
		status       Status
		example      string
	}{
		{`"*" is not every ARN, so a Deny on an ARN does not matter`,
			all + "," + deny(`"Resource":"arn:aws:s3:::secrets*"`), []string{"*"}, Satisfied, ""},
		{`a Deny on every ARN does not match "*"`,
			all + "," + deny(`"Resource":"arn:*"`), []string{"*"}, Satisfied, ""},
		{`a Deny on "*" matches "*"`, all + "," + deny(`"Resource":"*"`), []string{"*"}, Denied, "*"},
		{`a Deny on one character matches "*"`, all + "," + deny(`"Resource":"?"`), []string{"*"}, Denied,
			"*"},
		{`a Deny on everything except an ARN matches "*"`,
			all + "," + deny(`"NotResource":"arn:aws:s3:::a"`), []string{"*"}, Denied, "*"},
		{`an Allow on every ARN does not match "*"`, allow(`"arn:*"`), []string{"*"}, Missing, "*"},
		{"a star in a literal resource is matched by a star",
			allow(`"arn:aws:s3:::*"`), []string{everyBucket}, Satisfied, ""},
		{"a star in a literal resource is not matched by a name",
			allow(`["arn:aws:s3:::x","arn:aws:s3:::x*"]`), []string{everyBucket}, Missing, everyBucket},
		{"a Deny on one bucket does not match a literal star",
			all + "," + deny(`"Resource":"arn:aws:s3:::secrets*"`), []string{"*", everyBucket}, Satisfied, ""},
		{"of two resources, one is denied: partial",
			all + "," + deny(`"Resource":"arn:aws:s3:::*"`), []string{"*", everyBucket}, Partial, everyBucket},
		{"of two resources, one is granted: partial",
			allow(`"arn:aws:s3:::*"`), []string{"*", everyBucket}, Partial, "*"},
		{"of two resources, each is granted by another statement: satisfied",
			allow(`"arn:aws:s3:::*"`) + "," + allow(`"?"`), []string{"*", everyBucket}, Satisfied, ""},
		{"of two resources, none is granted: missing",
			allow(`"arn:aws:s3:::x"`), []string{"*", everyBucket}, Missing, "*"},
	} {
		n, err := NewLiteralNeed("s3:ListAllMyBuckets", test.resources...)
		if err != nil {
			t.Fatal(err)
		}
		g := identity(t, `{"Version":"2012-10-17","Statement":[`+test.policy+`]}`)
		if c := g.Cover(n, nil); c.Status != test.status || c.ExampleARN != test.example {
			t.Errorf("%s: %s, example %q, want %s, %q", test.name, c.Status, c.ExampleARN, test.status,
				test.example)
		}
	}
	if _, err := NewLiteralNeed("ListAllMyBuckets", "*"); err == nil {
		t.Error("an action without a service is accepted")
	}
}

// TestLiteralNeedAgainstEvaluate checks that Cover of a literal need agrees with Evaluate on each
// of its resources: the need has no other names, so that its status follows from them.
func TestLiteralNeedAgainstEvaluate(t *testing.T) {
	resources := []string{"*", "arn:aws:s3:::*", "arn:aws:s3:r:1:a", "arn:aws:s3:::a/*", "arn:aws:s3:::?"}
	counts := map[Status]int{}
	for seed := range uint64(rounds(4000)) {
		w := world{rand.New(rand.NewPCG(seed, 23))}
		g, text := w.grants(t)
		action := w.pick("s3:A", "s3:B")
		var names []string
		for range 1 + w.IntN(3) {
			names = append(names, w.pick(resources...))
		}
		n, err := NewLiteralNeed(action, names...)
		if err != nil {
			t.Fatal(err)
		}
		ctx := Context{"aws:known": {w.pick("v", "w")}}
		coverage := g.Cover(n, ctx)
		got := coverage.Status
		counts[got]++
		allSure, allMay, anyMay := true, true, false
		for _, name := range names {
			r := g.Evaluate(Request{Action: action, Resource: name, Context: ctx})
			sure := r.Decision == Allowed && !r.Conditional
			may := r.Decision == Allowed || r.Conditional
			allSure, allMay, anyMay = allSure && sure, allMay && may, anyMay || may
		}
		var agrees bool
		switch {
		case allSure:
			agrees = got == Satisfied
		case allMay:
			// Conditions may exclude each other: then no context decides, and the need is unverified.
			agrees = got == Conditional || coverage.Reason == conditionsUnresolved
		case anyMay:
			agrees = got == Partial
		default:
			agrees = got == Missing || got == Denied
		}
		if !agrees {
			t.Fatalf("seed %d: %s on %q is %s, but Evaluate: all allowed %v, all may be %v, any may be %v\n%s",
				seed, action, names, got, allSure, allMay, anyMay, text)
		}
	}
	for _, s := range []Status{Satisfied, Conditional, Partial, Missing, Denied} {
		if counts[s] == 0 {
			t.Errorf("no need is %s, want at least one", s)
		}
	}
}
