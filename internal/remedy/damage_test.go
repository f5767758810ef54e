package remedy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A mutation damages a world. It reports false if it cannot.
type mutation struct {
	name string
	// guard is true if the damage is a Deny, a boundary, a service control policy or a condition.
	guard bool
	do    func(w *world) bool
}

var mutations = []mutation{
	{"drop an action", false, func(w *world) bool {
		return w.onList("Action", func(list []string) []string {
			i := w.IntN(len(list))
			return slices.Delete(list, i, i+1)
		})
	}},
	{"drop a statement", false, func(w *world) bool {
		d, i := w.statement()
		if d == nil {
			return false
		}
		d.statements = slices.Delete(d.statements, i, i+1)
		w.docs = slices.DeleteFunc(w.docs, func(d *document) bool { return len(d.statements) == 0 })
		return true
	}},
	{"drop all documents", false, func(w *world) bool { w.docs = nil; return true }},
	{"narrow the region", false, func(w *world) bool {
		return w.onPattern(":*:*:", ":"+w.one("us-east-1", "eu-central-1", w.scope.Regions[0])+":*:")
	}},
	{"narrow the account", false, func(w *world) bool {
		return w.onPattern(":*:*:", ":*:"+w.one("999999999999", account)+":")
	}},
	{"narrow the bucket", false, func(w *world) bool {
		return w.onPattern("remotionlambda-", "remotionlambda-"+w.one("useast1-", "x", "prod-"))
	}},
	{"misspell a resource", false, (*world).misspell},
	{"misspell an action", false, func(w *world) bool {
		return w.onList("Action", func(list []string) []string {
			i := w.IntN(len(list))
			at := strings.Index(list[i], ":") + 2 + w.IntN(4)
			if at+2 < len(list[i]) {
				list[i] = list[i][:at] + list[i][at+1:at+2] + list[i][at:at+1] + list[i][at+2:]
			}
			return list
		})
	}},
	{"wrong case in a resource", false, func(w *world) bool {
		old := w.one("remotion", "lambda", "function", "log-group")
		return w.onPattern(old, strings.ToUpper(old[:1])+old[1:])
	}},
	{"wrong partition", false, func(w *world) bool {
		return w.onPattern("arn:"+w.scope.Partition+":", "arn:"+w.one("aws-us-gov", "was", "aws-chn")+":")
	}},
	{"missing /* or /", false, func(w *world) bool {
		return w.onPattern("-*/*", "-*") || w.onPattern("remotionlambda-*", "remotionlambda-*/*")
	}},
	{"an ARN for an action without resources", false, func(w *world) bool {
		for _, d := range w.docs {
			for i, s := range d.statements {
				if slices.Equal(plainTexts(s["Resource"]), []string{"*"}) &&
					slices.ContainsFunc(plainTexts(s["Action"]), func(a string) bool {
						return a == "lambda:ListFunctions" || a == "s3:ListAllMyBuckets"
					}) {
					d.statements[i] = with(s, "Resource", "arn:"+w.scope.Partition+":lambda:*:*:function:*")
					return true
				}
			}
		}
		return false
	}},
	{"swap the policies", false, func(w *world) bool {
		other := policies.User
		if w.kind == policies.User {
			other = policies.Role
		}
		w.docs = []*document{w.managed(w.name, "remotion", 1, statementsOf(w.release.Document(other)))}
		return true
	}},
	{"a wide statement with a typo", false, func(w *world) bool {
		w.docs = []*document{w.inline(w.name, "wide", []map[string]any{
			newStatement(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:` + w.scope.Partition +
				`:s3:::remotionlamda-*"}`)})}
		return true
	}},
	{"full inline policies", false, (*world).fillInline},
	{"ten attachments", false, func(w *world) bool {
		for i := 0; w.attached() < 10; i++ {
			w.docs = append(w.docs, w.ofAWS(fmt.Sprintf("Other%d", i), []map[string]any{newStatement(
				`{"Effect":"Allow","Action":"dynamodb:Query","Resource":"*"}`)}))
		}
		return true
	}},
	{"full managed policies", false, func(w *world) bool {
		found := false
		for _, d := range w.docs {
			if d.at.Kind == iampolicy.ManagedLocation {
				w.fill(d, iampolicy.ManagedQuota-len(d.text()))
				found = true
			}
		}
		return found
	}},

	{"deny actions", true, func(w *world) bool {
		return w.deny(map[string]any{"Action": w.neededActions(1 + w.IntN(3)), "Resource": "*"})
	}},
	{"deny a wildcard", true, func(w *world) bool {
		return w.deny(map[string]any{"Action": w.one("s3:*", "s3:Put*", "lambda:*", "logs:*", "*",
			"iam:*", "s3:*Object"), "Resource": "*"})
	}},
	{"deny with NotAction", true, func(w *world) bool {
		return w.deny(map[string]any{"NotAction": []string{"lambda:*", "iam:*"}, "Resource": "*"})
	}},
	{"deny on resources", true, func(w *world) bool {
		return w.deny(map[string]any{"Action": w.one("s3:*", "*", "s3:PutObject", "lambda:*"),
			"Resource": w.one("arn:"+w.scope.Partition+":s3:::remotionlambda-*",
				"arn:"+w.scope.Partition+":lambda:*:*:function:*", "arn:"+w.scope.Partition+":s3:::*prod*")})
	}},
	{"deny with NotResource", true, func(w *world) bool {
		return w.deny(map[string]any{"Action": w.one("s3:*", "*"),
			"NotResource": "arn:" + w.scope.Partition + ":s3:::acme-*"})
	}},
	{"deny outside a region", true, func(w *world) bool {
		return w.deny(map[string]any{"NotAction": []string{"iam:*"}, "Resource": "*",
			"Condition": map[string]any{"StringNotEquals": map[string]any{
				"aws:RequestedRegion": "xx-nowhere-1"}}})
	}},
	{"deny under an unknown condition", true, func(w *world) bool {
		return w.deny(map[string]any{"Action": w.neededActions(2), "Resource": "*",
			"Condition": map[string]any{
				"NotIpAddress": map[string]any{"aws:SourceIp": "192.0.2.0/24"}}})
	}},
	{"an unmet condition", true, func(w *world) bool {
		return w.condition("StringEquals", "aws:PrincipalAccount", "999999999999")
	}},
	{"an unknown condition", true, func(w *world) bool {
		return w.condition("IpAddress", "aws:SourceIp", "192.0.2.0/24")
	}},
	{"a boundary that lacks actions", true, func(w *world) bool {
		list := statementsOf(w.release.Document(w.kind))
		i := w.IntN(len(list))
		list = slices.Delete(list, i, i+1)
		if w.chance(30) {
			list = []map[string]any{newStatement(`{"Effect":"Allow","Action":["s3:*","iam:Get*"],` +
				`"Resource":"*"}`)}
		}
		w.setBoundary(list)
		return true
	}},
	{"a boundary that denies", true, func(w *world) bool {
		w.setBoundary([]map[string]any{newStatement(allowAll), {"Effect": "Deny",
			"Action": w.neededActions(2), "Resource": "*"}})
		return true
	}},
	{"a service control policy that denies", true, func(w *world) bool {
		return w.control(map[string]any{"Effect": "Deny", "Action": w.neededActions(2), "Resource": "*"})
	}},
	{"a service control policy that denies regions", true, func(w *world) bool {
		return w.control(map[string]any{"Effect": "Deny", "NotAction": []string{"iam:*", "s3:*"},
			"Resource": "*", "Condition": map[string]any{"StringNotEquals": map[string]any{
				"aws:RequestedRegion": []string{"xx-nowhere-1"}}}})
	}},
	{"a service control policy that lacks actions", true, func(w *world) bool {
		if w.scps != nil {
			return false
		}
		w.scps = [][]*document{{w.scp("root", newStatement(allowAll))}, {w.scp("unit",
			newStatement(`{"Effect":"Allow","Action":["s3:*","iam:*"],"Resource":"*"}`))}}
		return true
	}},
	{"an unseen service control policy", true, func(w *world) bool {
		w.unseen = w.control(map[string]any{"Effect": "Deny", "Action": w.neededActions(2),
			"Resource": "*"})
		return w.unseen
	}},
}

const allowAll = `{"Effect":"Allow","Action":"*","Resource":"*"}`

// with returns a copy of a statement with another value.
func with(s map[string]any, key string, value any) map[string]any {
	c := map[string]any{}
	for k, v := range s {
		c[k] = v
	}
	c[key] = value
	return c
}

// statement returns a random Allow.
func (w *world) statement() (*document, int) {
	if len(w.docs) == 0 {
		return nil, 0
	}
	d := w.docs[w.IntN(len(w.docs))]
	i := w.IntN(len(d.statements))
	if d.statements[i]["Effect"] != "Allow" {
		return nil, 0
	}
	return d, i
}

// onList changes the list of a random statement. A statement whose list becomes empty is dropped.
func (w *world) onList(key string, change func([]string) []string) bool {
	d, i := w.statement()
	if d == nil || d.statements[i][key] == nil {
		return false
	}
	list := change(slices.Clone(plainTexts(d.statements[i][key])))
	if len(list) == 0 {
		d.statements = slices.Delete(d.statements, i, i+1)
		w.docs = slices.DeleteFunc(w.docs, func(d *document) bool { return len(d.statements) == 0 })
		return true
	}
	d.statements[i] = with(d.statements[i], key, list)
	return true
}

// onPattern replaces a text in a random resource pattern that has it.
func (w *world) onPattern(old, text string) bool {
	type place struct {
		d    *document
		i, n int
	}
	var places []place
	for _, d := range w.docs {
		for i, s := range d.statements {
			for n, p := range plainTexts(s["Resource"]) {
				if strings.Contains(p, old) && s["Effect"] == "Allow" {
					places = append(places, place{d, i, n})
				}
			}
		}
	}
	if places == nil {
		return false
	}
	at := places[w.IntN(len(places))]
	s := at.d.statements[at.i]
	list := slices.Clone(plainTexts(s["Resource"]))
	list[at.n] = strings.Replace(list[at.n], old, text, 1)
	at.d.statements[at.i] = with(s, "Resource", list)
	return true
}

// misspell drops, doubles or replaces one letter of a resource pattern.
func (w *world) misspell() bool {
	return w.onList("Resource", func(list []string) []string {
		i := w.IntN(len(list))
		p := list[i]
		if len(p) < 12 {
			return list
		}
		at := 4 + w.IntN(len(p)-6)
		switch w.IntN(3) {
		case 0:
			list[i] = p[:at] + p[at+1:]
		case 1:
			list[i] = p[:at] + p[at:at+1] + p[at:]
		default:
			list[i] = p[:at] + "x" + p[at+1:]
		}
		return list
	})
}

func (w *world) neededActions(n int) (list []string) {
	all := w.requirements()
	for range n {
		if a := all[w.IntN(len(all))].Action; !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// deny adds a Deny to a document of the target, or to a new one.
func (w *world) deny(s map[string]any) bool {
	s["Effect"] = "Deny"
	if w.chance(50) {
		s["Sid"] = "Guard"
	}
	for _, d := range w.docs {
		if !d.byAWS && w.fits(d, s) && w.chance(40) && !slices.ContainsFunc(d.statements,
			func(o map[string]any) bool { return o["Sid"] == "Guard" }) {
			d.statements = append(d.statements, s)
			return true
		}
	}
	if w.find(w.managed(w.name, "guard", 1, nil).at) != nil || w.attached() >= 10 {
		return false
	}
	w.docs = append(w.docs, w.managed(w.name, "guard", 1, []map[string]any{s}))
	return true
}

// condition wraps a random statement, or all, in a condition.
func (w *world) condition(operator, key, value string) bool {
	all := w.chance(30)
	d, i := w.statement()
	if d == nil {
		return false
	}
	done := false
	for n, s := range d.statements {
		if !all && n != i || s["Effect"] != "Allow" || s["Condition"] != nil {
			continue
		}
		condition := map[string]any{operator: map[string]any{key: value}}
		if w.fits(d, map[string]any{"Condition": condition}) {
			d.statements[n] = with(s, "Condition", condition)
			done = true
		}
	}
	return done
}

func (w *world) setBoundary(list []map[string]any) {
	w.boundary = &document{id: `permissions boundary "boundary"`, version: iampolicy.Version,
		statements: list, at: iampolicy.Location{Kind: iampolicy.BoundaryLocation, Holder: w.name,
			ARN: "arn:" + w.scope.Partition + ":iam::" + account + ":policy/boundary"}}
}

func (w *world) scp(name string, list ...map[string]any) *document {
	return &document{id: "service control policy " + name, version: iampolicy.Version,
		statements: list,
		at: iampolicy.Location{Kind: iampolicy.SCPLocation, Name: name,
			ARN: "arn:aws:organizations::111122223333:policy/o-x/service_control_policy/" + name}}
}

func (w *world) control(s map[string]any) bool {
	if w.scps != nil {
		return false
	}
	full := w.scp("full", newStatement(allowAll))
	full.byAWS = true
	w.scps = [][]*document{{full, w.scp("guard", s)}}
	return true
}

// fillInline fills the quota of the target's inline policies.
func (w *world) fillInline() bool {
	for _, d := range w.docs {
		if d.at.Kind == iampolicy.InlineLocation && d.at.Holder == w.name {
			w.fill(d, quota(w.name)-w.used(w.name))
			return true
		}
	}
	d := w.inline(w.name, "filler", []map[string]any{newStatement(
		`{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*"}`)})
	w.docs = append(w.docs, d)
	w.fill(d, quota(w.name)-w.used(w.name))
	return true
}

// fill makes a document larger by up to size characters.
func (w *world) fill(d *document, size int) {
	for i := 0; ; i++ {
		s := map[string]any{"Effect": "Allow", "Action": "dynamodb:GetItem",
			"Resource": fmt.Sprintf("arn:aws:dynamodb:us-east-1:%s:table/table-%d-%d", account, len(
				w.docs), i)}
		text, _ := json.Marshal(s)
		if len(text)+1 > size {
			return
		}
		size -= len(text) + 1
		d.statements = append(d.statements, s)
	}
}
