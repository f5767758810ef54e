package remedy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// A world is one target with all of its documents as texts. Equal seeds give equal worlds.
type world struct {
	*rand.Rand
	kind    policies.PolicyKind
	purpose policies.Purpose
	release policies.Release
	scope   needs.Scope
	// name is user/NAME or role/NAME.
	name, arn string
	docs      []*document
	boundary  *document
	scps      [][]*document
	// unseen is true if the service control policies cannot be read.
	unseen bool
}

// A document is a policy in the form that encoding/json has.
type document struct {
	id         string
	at         iampolicy.Location
	byAWS      bool
	version    string
	statements []map[string]any
}

func (d *document) text() string {
	text, err := json.Marshal(map[string]any{"Version": d.version, "Statement": d.statements})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// statementsOf decodes the statements of a text.
func statementsOf(text string) []map[string]any {
	var d map[string]any
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		panic(err)
	}
	return plainStatements(d)
}

func newStatement(text string) map[string]any {
	return statementsOf(`{"Statement":` + text + `}`)[0]
}

const account = "123456789012"

// newWorld returns a target with undamaged policies: the documented ones, or the narrowed ones.
func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 15))}
	partition := policies.AWS
	if w.chance(20) {
		partition = policies.China
	}
	releases := policies.Releases(partition)
	w.release = releases[w.IntN(len(releases))]
	if w.chance(50) {
		w.release = releases[len(releases)-1]
	}
	w.kind, w.purpose = policies.Role, policies.Render
	entity := "role/" + policies.RoleName
	iamARN := func(entity string) string { return arn.IAM(partition, account, entity) }
	if w.chance(60) {
		w.kind, entity = policies.User, "user/ci"
		w.purpose = policies.Purpose(w.one("all", "all", "render", "deploy", "deploy+render", "stills",
			"invoke", "quotas"))
	}
	w.name, w.arn = entity, iamARN(entity)
	all := policies.Regions(partition)
	regions := []string{all[0]}
	for range w.IntN(3) {
		if region := all[w.IntN(len(all))]; !slices.Contains(regions, region) {
			regions = append(regions, region)
		}
	}
	w.scope = needs.Scope{Partition: partition, Account: account, Regions: regions, Caller: w.arn,
		RenderRole: iamARN("role/" + policies.RoleName)}
	if w.chance(30) {
		w.scope.Functions = map[string][]string{regions[0]: {
			"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"}}
	}
	if w.chance(30) {
		w.scope.Buckets = []policies.Bucket{{Name: needs.BucketPrefix(regions[0]) + "a1b2c3d4e5",
			Roles: []policies.BucketRole{policies.MainBucket}}}
	}
	text := w.release.Document(w.kind)
	if w.chance(20) {
		narrowed := needs.LeastPrivilege([]policies.Release{w.release}, w.kind, w.purpose, w.scope)
		if iampolicy.Size(narrowed) < iampolicy.ManagedQuota {
			text = narrowed
		}
	}
	w.place(statementsOf(text))
	return w
}

func (w *world) one(of ...string) string { return of[w.IntN(len(of))] }

func (w *world) chance(percent int) bool { return w.IntN(100) < percent }

func (w *world) inline(holder, name string, statements []map[string]any) *document {
	return &document{id: fmt.Sprintf("inline policy %q", name), version: iampolicy.Version,
		at:         iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: holder, Name: name},
		statements: statements}
}

func (w *world) managed(holder, name string, attachments int,
	statements []map[string]any) *document {
	return &document{id: fmt.Sprintf("managed policy %q", name), version: iampolicy.Version,
		at: iampolicy.Location{Kind: iampolicy.ManagedLocation, Holder: holder,
			ARN: arn.IAM(w.scope.Partition, account, "policy/"+name), Attachments: attachments},
		statements: statements}
}

func (w *world) ofAWS(name string, statements []map[string]any) *document {
	d := w.managed(w.name, name, 0, statements)
	d.byAWS = true
	d.at.ARN = "arn:" + w.scope.Partition + ":iam::aws:policy/" + name
	return d
}

// place stores the statements in one or several documents.
func (w *world) place(list []map[string]any) {
	place := w.IntN(100)
	switch {
	case place < 25:
		w.docs = []*document{w.inline(w.name, "remotion", list)}
	case place < 45:
		w.docs = []*document{w.managed(w.name, "remotion", 1, list)}
	case place < 55:
		w.docs = []*document{w.managed(w.name, "remotion", 3, list)}
	case place < 65 && w.kind == policies.User:
		w.docs = []*document{w.inline("group/developers", "remotion", list)}
	case place < 70 && w.kind == policies.User:
		w.docs = []*document{w.managed("group/developers", "remotion", 2, list)}
	case place < 75:
		w.docs = []*document{w.ofAWS("Remotion", list)}
	default:
		w.docs = []*document{w.inline(w.name, "remotion", nil), w.managed(w.name, "more", 1, nil)}
		if w.chance(50) {
			w.docs = append(w.docs, w.inline(w.name, "extra", nil))
		}
		for _, s := range list {
			d := w.docs[w.IntN(len(w.docs))]
			d.statements = append(d.statements, s)
		}
		w.docs = slices.DeleteFunc(w.docs, func(d *document) bool { return d.statements == nil })
	}
	for _, d := range w.docs { // a documented policy can exceed the quota of a user
		if d.at.Kind == iampolicy.InlineLocation && w.used(d.at.Holder) > quota(d.at.Holder) {
			*d = *w.managed(d.at.Holder, d.at.Name, 1, d.statements)
		}
	}
	if w.chance(40) {
		foreign := newStatement(w.one(
			`{"Sid":"Tools","Effect":"Allow","Action":["ec2:Describe*","dynamodb:GetItem"],"Resource":"*"}`,
			`{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::acme-*","arn:aws:s3:::acme-*/*"]}`,
			`{"Effect":"Allow","NotAction":["iam:*","s3:*","lambda:*","logs:*","servicequotas:*"],`+
				`"Resource":"*"}`,
			`{"Effect":"Deny","Action":"dynamodb:*","NotResource":"arn:aws:dynamodb:*:*:table/acme"}`,
			`{"Effect":"Allow","Action":"lambda:InvokeFunction",`+
				`"NotResource":"arn:*:lambda:*:*:function:r*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::*/${aws:username}/*",`+
				`"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`))
		d := w.docs[w.IntN(len(w.docs))]
		if w.chance(50) {
			d = w.managed(w.name, "tools", 1, nil)
			w.docs = append(w.docs, d)
		}
		if w.fits(d, foreign) {
			d.statements = append(d.statements, foreign)
		}
		w.docs = slices.DeleteFunc(w.docs, func(d *document) bool { return d.statements == nil })
	}
}

// quota is the maximum number of characters of the inline policies of a holder.
func quota(holder string) int {
	kind, _, _ := strings.Cut(holder, "/")
	return map[string]int{"user": 2048, "group": 5120, "role": 10240}[kind]
}

// used counts the characters of the inline policies of a holder.
func (w *world) used(holder string) (n int) {
	for _, d := range w.docs {
		if d.at.Kind == iampolicy.InlineLocation && d.at.Holder == holder {
			n += iampolicy.Size(d.text())
		}
	}
	return n
}

// fits reports whether a document has room for a statement.
func (w *world) fits(d *document, s map[string]any) bool {
	text, _ := json.Marshal(s)
	if d.at.Kind == iampolicy.InlineLocation {
		return w.used(d.at.Holder)+len(text)+1 <= quota(d.at.Holder)
	}
	return len(d.text())+len(text)+1 <= iampolicy.ManagedQuota
}

// attached counts the managed policies of the target itself.
func (w *world) attached() (n int) {
	for _, d := range w.docs {
		if d.at.Kind == iampolicy.ManagedLocation && d.at.Holder == w.name {
			n++
		}
	}
	return n
}

// clone returns a world with the same documents, which can change without the other.
func (w *world) clone() *world {
	c := *w
	clone := func(d *document) *document {
		e := *d
		e.statements = slices.Clone(d.statements)
		return &e
	}
	c.docs, c.scps = nil, nil
	for _, d := range w.docs {
		c.docs = append(c.docs, clone(d))
	}
	if w.boundary != nil {
		c.boundary = clone(w.boundary)
	}
	for _, level := range w.scps {
		var list []*document
		for _, d := range level {
			list = append(list, clone(d))
		}
		c.scps = append(c.scps, list)
	}
	return &c
}

// apply returns the world after the edits.
func (w *world) apply(edits []remedy.Edit) *world {
	c := w.clone()
	for _, e := range edits {
		text, _ := json.Marshal(e.After)
		statements := statementsOf(string(text))
		if d := c.find(e.Location); d != nil {
			d.statements, d.version = statements, e.After.Version
			continue
		}
		name := e.Location.Name
		d := c.inline(e.Location.Holder, name, statements)
		if e.Location.Kind == iampolicy.ManagedLocation {
			d = c.managed(e.Location.Holder, name, 1, statements)
		}
		c.docs = append(c.docs, d)
	}
	return c
}

// find returns the document at a location, or nil.
func (w *world) find(at iampolicy.Location) *document {
	all := slices.Clone(w.docs)
	if w.boundary != nil {
		all = append(all, w.boundary)
	}
	for _, d := range append(all, slices.Concat(w.scps...)...) {
		if d.at.Kind == at.Kind && d.at.Holder == at.Holder && d.at.Name == at.Name &&
			d.at.ARN == at.ARN {
			return d
		}
	}
	return nil
}

// policyOf parses a document.
func policyOf(t testing.TB, d *document) iampolicy.Policy {
	t.Helper()
	parsed, err := iampolicy.Parse(d.text())
	if err != nil {
		t.Fatalf("%s: %v: %s", d.id, err, d.text())
	}
	return iampolicy.Policy{ID: d.id, Document: parsed, ByAWS: d.byAWS, Location: d.at}
}

// grants returns the documents as the collector reads them.
func (w *world) grants(t testing.TB) (g iampolicy.Grants) {
	t.Helper()
	for _, d := range w.docs {
		g.Identity = append(g.Identity, policyOf(t, d))
	}
	if w.boundary != nil {
		b := policyOf(t, w.boundary)
		g.Boundary = &b
	}
	if w.unseen {
		return g
	}
	for _, level := range w.scps {
		var list []iampolicy.Policy
		for _, d := range level {
			list = append(list, policyOf(t, d))
		}
		g.Organization = append(g.Organization, list)
	}
	return g
}

// plain returns the documents for the second evaluator.
func (w *world) plain(t testing.TB) (p plainPolicies) {
	t.Helper()
	for _, d := range w.docs {
		p.identity = append(p.identity, plainParse(t, d.text()))
	}
	if w.boundary != nil {
		p.boundary = plainParse(t, w.boundary.text())
	}
	for _, level := range w.scps {
		var list []map[string]any
		for _, d := range level {
			list = append(list, plainParse(t, d.text()))
		}
		p.organization = append(p.organization, list)
	}
	return p
}

// emulated returns the policies of the target in an emulated account with the documents.
func (w *world) emulated(t testing.TB) iampolicy.Grants {
	t.Helper()
	data := iam.Data{Policies: map[string]iam.ManagedPolicy{}, Groups: map[string]iam.Group{}}
	for _, level := range w.scps {
		var texts []string
		for _, d := range level {
			texts = append(texts, d.text())
		}
		data.Organization = append(data.Organization, texts)
	}
	group := iam.Group{Inline: map[string]string{}}
	own := iam.User{Inline: map[string]string{}}
	for _, d := range w.docs {
		holder := &own.Inline
		managed := &own.Managed
		if strings.HasPrefix(d.at.Holder, "group/") {
			holder, managed = &group.Inline, &group.Managed
			own.Groups = []string{"developers"}
		}
		if d.at.Kind == iampolicy.InlineLocation {
			(*holder)[d.at.Name] = d.text()
			continue
		}
		name := arn.Name(d.at.ARN)
		p := iam.ManagedPolicy{Document: d.text()}
		if d.byAWS {
			p.ARN = d.at.ARN
		}
		data.Policies[name] = p
		*managed = append(*managed, name)
	}
	if w.boundary != nil {
		data.Policies["boundary"] = iam.ManagedPolicy{Document: w.boundary.text()}
		own.Boundary = "boundary"
	}
	data.Groups["developers"] = group
	_, name, _ := strings.Cut(w.name, "/")
	if w.kind == policies.User {
		data.Users = map[string]iam.User{name: own}
	} else {
		data.Roles = map[string]iam.Role{name: {Inline: own.Inline, Managed: own.Managed,
			Boundary: own.Boundary}}
	}
	s, err := iam.New(&service.Account{ID: account, Partition: w.scope.Partition}, data)
	if err != nil {
		t.Fatal(err)
	}
	if w.kind == policies.User {
		p, _ := s.User(name)
		return p.Grants()
	}
	p, _ := s.Role(name)
	return p.Grants()
}

// facts returns what the collector reads about the world.
func (w *world) facts(t testing.TB) audit.Facts {
	t.Helper()
	kind := audit.RenderRole
	if w.kind == policies.User {
		kind = audit.Caller
	}
	target := audit.TargetFacts{Kind: kind, Name: w.name, ARN: w.arn, Purpose: w.purpose,
		Presence: audit.Present, Scope: w.scope, Grants: w.grants(t),
		Answers: map[needs.SimulationRequest]audit.Answer{}}
	trust, err := iampolicy.ParseTrust(`{"Version":"2012-10-17","Statement":{"Effect":"Allow",` +
		`"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	if err != nil {
		t.Fatal(err)
	}
	target.Trust = trust
	emulated := w.emulated(t)
	for _, r := range w.requirements() {
		for _, n := range w.scope.Needed(r) {
			ctx := maps.Clone(target.RequestContext(n.SimulationRequest))
			ctx["aws:PrincipalArn"] = []string{w.arn}
			ctx["aws:PrincipalAccount"] = []string{account}
			if w.kind == policies.User {
				ctx["aws:username"] = []string{"ci"}
			}
			got := emulated.Evaluate(iampolicy.Request{Action: n.Action, Resource: n.Resource, Context: ctx})
			target.Answers[n.SimulationRequest] = audit.Answer{Decision: got.Decision,
				OrganizationDenies: !got.OrganizationAllows || service.Denies(got, iampolicy.Organization),
				BoundaryDenies:     !got.BoundaryAllows || service.Denies(got, iampolicy.Boundary)}
		}
	}
	return audit.Facts{Account: account, Partition: w.scope.Partition, Regions: w.scope.Regions,
		Release: w.release, Requested: "auto", Targets: []audit.TargetFacts{target}}
}

func (w *world) requirements() []policies.Requirement {
	return w.scope.Requirements([]policies.Release{w.release}, w.kind, w.purpose)
}
