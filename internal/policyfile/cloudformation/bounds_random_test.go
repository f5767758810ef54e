package cloudformation

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
)

// A generator makes random templates with three parameters without defaults: P0, P1 and P2.
type generator struct{ *rand.Rand }

// parameterValues are values that a parameter can have in the brute force.
var parameterValues = []string{"a", "b", "*", "", "x/y", "Get", "arn:aws:s3:::a", "Allow",
	"a,b", "${aws:username}", "a:b", "s3::", "r:1", "1:function"}

type object = map[string]any

func (g generator) one(of ...any) any { return of[g.IntN(len(of))] }

func (g generator) chance(n int) bool { return g.IntN(100) < n }

// text returns a text of an alphabet in which texts often match one another.
func (g generator) text(depth int) any {
	if depth == 0 {
		return g.one("a", "b", "x", "*")
	}
	part := func() any { return g.text(depth - 1) }
	switch g.IntN(9) {
	case 0, 1, 2:
		return object{"Ref": g.one("P0", "P1", "P2")}
	case 3:
		return object{"Fn::Join": []any{g.one("", "/", "-"), []any{part(), part()}}}
	case 4:
		return object{"Fn::Sub": g.one("${P0}", "a${P1}", "${P2}b", "${P0}/${P1}")}
	case 5:
		return object{"Fn::If": []any{g.one("C0", "C1", "C2"), part(), part()}}
	case 6:
		return object{"Fn::Select": []any{0, object{"Fn::Split": []any{g.one("/", ",", "a"), part()}}}}
	case 7:
		return object{"Fn::FindInMap": []any{"M", object{"Ref": g.one("P0", "P1")}, "k",
			object{"DefaultValue": "b"}}}
	}
	return object{"Fn::Sub": []any{"${V}x", object{"V": part()}}}
}

func (g generator) resource() any {
	switch g.IntN(7) {
	case 0:
		return g.one("*", "arn:aws:s3:::${aws:username}*")
	case 3: // the value can hold colons of the ARN
		return object{"Fn::Sub": g.one("arn:aws:lambda:${P0}:function:a", "arn:${P1}:r:1:function:a:b",
			"arn:aws:lambda:r:${P2}:a:b", "arn:aws:${P0}a:b:c:${P1}")}
	case 1:
		return object{"Ref": g.one("P0", "P1", "L")}
	case 2:
		return object{"Fn::If": []any{g.one("C0", "C1"), g.one("arn:aws:s3:::a", "arn:aws:s3:::b",
			object{"Ref": "AWS::NoValue"}), g.one("arn:aws:s3:::b", []any{"arn:aws:s3:::a", "*"})}}
	}
	return object{"Fn::Join": []any{"", []any{"arn:aws:s3:::", g.text(2), g.one("", "/*", "*")}}}
}

func (g generator) some(item func() any) any {
	if g.chance(50) {
		return item()
	}
	list := []any{}
	for range 1 + g.IntN(3) {
		list = append(list, item())
	}
	return list
}

func (g generator) statement(depth int) any {
	if depth > 0 && g.chance(25) {
		return object{"Fn::If": []any{g.one("C0", "C1", "C2"), g.statement(depth - 1),
			g.one(object{"Ref": "AWS::NoValue"}, g.statement(depth-1))}}
	}
	s := object{"Effect": g.one("Allow", "Allow", "Deny")}
	if g.chance(5) {
		s["Effect"] = object{"Ref": "P0"}
	}
	if depth == 0 && g.chance(50) { // only one of two values of Fn::If has the Sid
		s["Sid"] = g.one("One", "Two")
	}
	s[g.one("Action", "Action", "Action", "NotAction").(string)] = g.some(func() any {
		return g.one("s3:GetObject", "s3:*", "*", "lambda:*", object{"Fn::Sub": "s3:${P1}Object"},
			object{"Fn::If": []any{"C2", "s3:PutObject", "s3:GetObject"}})
	})
	s[g.one("Resource", "Resource", "Resource", "NotResource").(string)] = g.some(g.resource)
	if g.chance(15) {
		s["Condition"] = object{"StringEquals": object{"aws:username": g.text(1)}}
	}
	return s
}

func (g generator) document() any {
	list := []any{}
	for range 1 + g.IntN(3) {
		list = append(list, g.statement(1))
	}
	version := any("2012-10-17")
	if g.chance(10) {
		version = object{"Fn::If": []any{g.one("C0", "C1"), "2012-10-17", "2008-10-17"}}
	}
	return object{"Version": version, "Statement": list}
}

func (g generator) policy() any {
	p := any(object{"PolicyName": "p", "PolicyDocument": g.document()})
	if g.chance(25) {
		p = object{"Fn::If": []any{g.one("C0", "C1"), p, object{"Ref": "AWS::NoValue"}}}
	}
	return p
}

// template returns a template whose first principal is a role.
func (g generator) template() string {
	role := object{"Policies": []any{g.policy(), g.policy()}, "RoleName": g.one("a", g.text(1))}
	resources := object{"Role": object{"Type": "AWS::IAM::Role", "Properties": role}}
	if g.chance(50) {
		resources["Extra"] = object{"Type": "AWS::IAM::Policy", "Properties": object{
			"PolicyName": "x", "PolicyDocument": g.document(),
			"Roles": []any{g.one(object{"Ref": "Role"}, "a", g.text(1))}}}
		if g.chance(50) {
			resources["Extra"].(object)["Condition"] = g.one("C0", "C1", "C2")
		}
	}
	if g.chance(30) {
		resources["Limit"] = object{"Type": "AWS::IAM::ManagedPolicy", "Properties": object{
			"PolicyDocument": g.document()}}
		role["PermissionsBoundary"] = g.one(object{"Ref": "Limit"}, object{"Fn::If": []any{
			"C0", object{"Ref": "Limit"}, object{"Ref": "AWS::NoValue"}}})
	}
	text, err := json.Marshal(object{
		"Parameters": object{"P0": object{"Type": "String"}, "P1": object{"Type": "String"},
			"P2": object{"Type": "String"}, "L": object{"Type": "CommaDelimitedList"}},
		"Mappings": object{"M": object{"a": object{"k": "a"}, "b": object{"k": "x/y"}}},
		"Conditions": object{
			"C0": object{"Fn::Equals": []any{object{"Ref": "P0"}, "a"}},
			"C1": object{"Fn::Or": []any{object{"Condition": "C0"},
				object{"Fn::Equals": []any{object{"Ref": "P1"}, object{"Ref": "P2"}}}}},
			"C2": object{"Fn::Not": []any{object{"Condition": "C1"}}}},
		"Resources": resources})
	if err != nil {
		panic(err) // maps, slices and strings always marshal
	}
	return string(text)
}

// grants returns what a principal is granted at least or at most.
func grants(p *policyfile.Principal, most bool) iampolicy.Grants {
	pick := func(d *policyfile.Document) *iampolicy.Document {
		if most {
			return d.AtMost
		}
		return d.AtLeast
	}
	var g iampolicy.Grants
	for i := range p.Policies {
		g.Identity = append(g.Identity, iampolicy.Policy{ID: "p", Document: pick(&p.Policies[i])})
	}
	if p.Boundary != nil {
		g.Boundary = &iampolicy.Policy{ID: "b", Document: pick(p.Boundary)}
	}
	return g
}

// theRole returns the role of a generated template.
func theRole(t *testing.T, file policyfile.File) *policyfile.Principal {
	t.Helper()
	for i := range file.Principals {
		if file.Principals[i].Address == "Role" {
			return &file.Principals[i]
		}
	}
	t.Fatal("the template has no role")
	return nil
}

// TestEveryValueOfAnOpenPartIsBetweenTheBounds reads random templates without parameters, and then
// with random parameters. What the second reading grants must be between the bounds of the first.
func TestEveryValueOfAnOpenPartIsBetweenTheBounds(t *testing.T) {
	t.Parallel()
	templates := 800
	if testing.Short() {
		templates = 150
	}
	compared, unequal := 0, 0
	for seed := range templates {
		g := generator{rand.New(rand.NewPCG(uint64(seed), 7))}
		text := g.template()
		open, openErr := Read(text, Values{})
		for range 6 {
			parameters := map[string]string{}
			for _, name := range []string{"P0", "P1", "P2", "L"} {
				parameters[name] = parameterValues[g.IntN(len(parameterValues))]
			}
			concrete, err := Read(text, Values{Parameters: parameters})
			if err != nil {
				continue // CloudFormation or IAM refuses the template with these values
			}
			if openErr != nil {
				t.Fatalf("seed %d: %v, but not with the parameters %v\n%s", seed, openErr, parameters, text)
			}
			bounds, exact := theRole(t, open), theRole(t, concrete)
			least, most := grants(bounds, false), grants(bounds, true)
			actual := grants(exact, true)
			for _, r := range requests() {
				l, a, m := allows(least, r), allows(actual, r), allows(most, r)
				compared++
				if l != m {
					unequal++
				}
				if l && !a || a && !m {
					t.Fatalf("seed %d: %s on %s with %v: at least %v, with %v %v, at most %v\n%s", seed,
						r.Action, r.Resource, r.Context, l, parameters, a, m, text)
				}
			}
		}
	}
	if compared < 10*templates || unequal < templates || unequal > compared*9/10 {
		t.Errorf("compared %d decisions, of which %d were open: the templates are not diverse", compared,
			unequal)
	}
}

func allows(g iampolicy.Grants, r iampolicy.Request) bool {
	return g.Evaluate(r).Decision == iampolicy.Allowed
}

func requests() (list []iampolicy.Request) {
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "iam:GetUser"} {
		for _, resource := range strings.Fields("a b a/b x/y ax -b x") {
			list = append(list, iampolicy.Request{Action: action, Resource: "arn:aws:s3:::" + resource})
		}
	}
	for _, resource := range strings.Fields("function:a function:a:b function:a:b:c") {
		list = append(list, iampolicy.Request{Action: "lambda:InvokeFunction",
			Resource: "arn:aws:lambda:r:1:" + resource})
	}
	for _, resource := range strings.Fields("a:b:c:a a:b:c:") {
		list = append(list, iampolicy.Request{Action: "s3:GetObject",
			Resource: "arn:aws:s3:::" + resource})
	}
	return list
}
