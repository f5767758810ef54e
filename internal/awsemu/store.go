package awsemu

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

const (
	defaultAccount   = "123456789012"
	defaultPartition = "aws"
	defaultRegion    = "us-east-1"
	defaultPageSize  = 2
)

// A kind is the type of an entity, spelled as in its ARN.
type kind string

const (
	kindUser  kind = "user"
	kindGroup kind = "group"
	kindRole  kind = "role"
)

func (k kind) title() string { return strings.ToUpper(string(k[:1])) + string(k[1:]) }

// An entity is a user, a group or a role. One type represents all three, because they have nearly
// the same operations and fields.
type entity struct {
	kind    kind
	name    string
	path    string
	id      string
	created time.Time

	inline   map[string]document
	attached []*policy
	boundary *policy

	groups []*entity   // of a user
	keys   []accessKey // of a user

	trust       document // of a role
	description string   // of a role
}

type accessKey struct {
	id      string
	created time.Time
}

// A document is the unchanged text of a policy, with its parsed form. parsed is nil for a trust
// policy, and for a text that is not a policy document. IAM never stores such a text, but a test of
// error handling may need it.
type document struct {
	text   string
	parsed *iampolicy.Document
}

func newDocument(text string) document {
	parsed, err := iampolicy.Parse(text)
	if err != nil {
		parsed = nil
	}
	return document{text, parsed}
}

// A policy is a managed policy.
type policy struct {
	arn, name, path, id string
	description         string
	created, updated    time.Time
	versions            []version // oldest first
	defaultVersion      string    // the default version's id
	made                int       // the number of versions ever created; ids are not reused
}

type version struct {
	id      string
	created time.Time
	document
}

func (p *policy) version(id string) *version {
	for i := range p.versions {
		if p.versions[i].id == id {
			return &p.versions[i]
		}
	}
	return nil
}

// current returns the default version, which every policy has.
func (p *policy) current() *version { return p.version(p.defaultVersion) }

func (p *policy) ofAWS() bool { return strings.Contains(p.arn, ":iam::aws:policy/") }

// A store is the state of the account while the server runs: the description with the changes that
// clients have made. The server's mutex guards it.
type store struct {
	account   string
	partition string
	alias     string
	region    string // of topics, functions and buckets without a region
	pageSize  int

	entities map[kind]map[string]*entity
	policies map[string]*policy // by ARN
	topics   map[string]*topic  // by ARN
	buckets  map[string]*bucket
	keys     map[string]identity

	functions []LambdaFunction // sorted by name
	disabled  []string         // the disabled regions

	organization [][]iampolicy.Policy // by level; nil if the account is in no organization
	simulator    Simulator
	made         int // a counter that makes ids unique
}

func newStore(a *Account) (*store, error) {
	if a == nil {
		a = &Account{}
	}
	st := newStoreOfPolicies(a)
	for _, name := range slices.Sorted(maps.Keys(a.Groups)) {
		g := a.Groups[name]
		if _, err := st.addEntity(kindGroup, name, g.Path, g.Inline, g.Managed, ""); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		u := a.Users[name]
		e, err := st.addEntity(kindUser, name, u.Path, u.Inline, u.Managed, u.Boundary)
		if err != nil {
			return nil, err
		}
		for _, group := range u.Groups {
			g := st.entities[kindGroup][group]
			if g == nil {
				return nil, fmt.Errorf("account: user %s: there is no group %s", name, group)
			}
			e.groups = append(e.groups, g)
		}
		for _, key := range u.AccessKeys {
			e.keys = append(e.keys, accessKey{key, e.created})
			st.keys[key] = st.identityOf(e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Roles)) {
		r := a.Roles[name]
		e, err := st.addEntity(kindRole, name, r.Path, r.Inline, r.Managed, r.Boundary)
		if err != nil {
			return nil, err
		}
		e.trust = document{text: trustText(r.Trust)}
	}
	st.addFunctions(a.Functions)
	for _, name := range a.Topics {
		st.addTopic(name)
	}
	for i, s := range a.Subscriptions {
		if err := st.addSubscription(i, s); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Buckets)) {
		st.addBucket(name, a.Buckets[name], fixedCreationTime(st.account, "bucket", name))
	}
	return st, nil
}

// newStoreOfPolicies returns a store with an account's managed policies but no entities. The loader
// uses it to resolve the names of policies.
func newStoreOfPolicies(a *Account) *store {
	st := &store{
		account:      cmp.Or(a.ID, defaultAccount),
		partition:    cmp.Or(a.Partition, defaultPartition),
		alias:        a.Alias,
		region:       cmp.Or(a.Function.Region, defaultRegion),
		pageSize:     a.PageSize,
		entities:     map[kind]map[string]*entity{kindUser: {}, kindGroup: {}, kindRole: {}},
		policies:     make(map[string]*policy),
		topics:       make(map[string]*topic),
		buckets:      make(map[string]*bucket),
		keys:         make(map[string]identity),
		organization: a.ServiceControlPolicies.levels(),
		simulator:    a.Simulator,
		disabled:     a.DisabledRegions,
	}
	for _, name := range slices.Sorted(maps.Keys(a.Policies)) {
		st.addPolicy(name, a.Policies[name])
	}
	return st
}

func (st *store) addPolicy(name string, m ManagedPolicy) {
	path := cmp.Or(m.Path, "/")
	p := &policy{
		arn:  cmp.Or(m.ARN, st.policyARN(path, name)),
		name: name,
		path: path,
	}
	if _, rest, ofAWS := strings.Cut(m.ARN, ":policy/"); ofAWS {
		p.path = "/" + rest[:strings.LastIndexByte("/"+rest, '/')]
		p.name = awsarn.Name(rest)
	}
	p.id = uniqueID(prefixPolicy, p.arn)
	p.created = fixedCreationTime(p.arn)
	p.updated = p.created
	for _, text := range append(slices.Clone(m.OlderVersions), m.Document) {
		p.add(newDocument(text), p.created, true)
	}
	st.policies[p.arn] = p
}

// add creates a version of a policy and returns the version.
func (p *policy) add(doc document, now time.Time, asDefault bool) *version {
	p.made++
	p.versions = append(p.versions, version{fmt.Sprintf("v%d", p.made), now, doc})
	v := &p.versions[len(p.versions)-1]
	if asDefault {
		p.defaultVersion = v.id
	}
	p.updated = now
	return v
}

func (st *store) addEntity(k kind, name, path string, inline map[string]string, managed []string,
	boundary string) (*entity, error) {
	e := &entity{
		kind: k, name: name, path: cmp.Or(path, "/"),
		id:      uniqueID(idPrefix(k), st.account, string(k), name),
		created: fixedCreationTime(st.account, string(k), name),
		inline:  make(map[string]document),
	}
	for policyName, text := range inline {
		e.inline[policyName] = newDocument(text)
	}
	for _, ref := range managed {
		p := st.policyNamed(ref)
		if p == nil {
			return nil, fmt.Errorf("account: %s %s: there is no managed policy %s", k, name, ref)
		}
		e.attached = append(e.attached, p)
	}
	if boundary != "" {
		if e.boundary = st.policyNamed(boundary); e.boundary == nil {
			return nil, fmt.Errorf("account: %s %s: there is no managed policy %s for its boundary", k, name,
				boundary)
		}
	}
	st.entities[k][name] = e
	return e, nil
}

// policyNamed returns the managed policy with an ARN or a name, or nil.
func (st *store) policyNamed(ref string) *policy {
	if p := st.policies[ref]; p != nil {
		return p
	}
	for _, p := range st.sortedPolicies() {
		if p.name == ref {
			return p
		}
	}
	return nil
}

func (st *store) sortedPolicies() []*policy {
	return sortedValues(st.policies)
}

func (st *store) arn(e *entity) string {
	return awsarn.IAM(st.partition, st.account, string(e.kind)+e.path+e.name)
}

func idPrefix(k kind) string {
	switch k {
	case kindGroup:
		return prefixGroup
	case kindRole:
		return prefixRole
	default:
		return prefixUser
	}
}

// trustText returns the document of a trust policy. trust is the document, or the name of a service
// that may assume the role. Empty means lambda.amazonaws.com.
func trustText(trust string) string {
	if strings.HasPrefix(strings.TrimSpace(trust), "{") {
		return trust
	}
	if trust == "" || isServiceName(trust) {
		service := iampolicy.Principal{Type: "Service", Name: cmp.Or(trust, "lambda.amazonaws.com")}
		doc := iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
			Effect: iampolicy.Allow, Principal: []iampolicy.Principal{service},
			Action: []string{"sts:AssumeRole"}}}}
		text, _ := doc.MarshalJSON() // cannot fail
		return string(text)
	}
	return trust
}

// isServiceName reports whether s is the name of a service, such as lambda.amazonaws.com.
func isServiceName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' {
			return false
		}
	}
	return strings.Contains(s, ".amazonaws.com")
}

// sortedValues returns the values of m in the order of their keys, so that lists have a stable
// order.
func sortedValues[T any](m map[string]T) []T {
	values := make([]T, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[key])
	}
	return values
}
