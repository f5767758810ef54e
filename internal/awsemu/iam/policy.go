package iam

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

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
	created, updated    time.Time
	tags                map[string]string
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

func (s *Service) addPolicy(name string, m ManagedPolicy) {
	path := cmp.Or(m.Path, "/")
	p := &policy{
		arn:  cmp.Or(m.ARN, s.policyARN(path, name)),
		name: name,
		path: path,
		tags: m.Tags,
	}
	if _, rest, ofAWS := strings.Cut(m.ARN, ":policy/"); ofAWS {
		p.path = "/" + rest[:strings.LastIndexByte("/"+rest, '/')]
		p.name = awsarn.Name(rest)
	}
	p.id = service.UniqueID(service.PrefixPolicy, p.arn)
	p.created = service.CreationTime(p.arn)
	p.updated = p.created
	for _, text := range append(slices.Clone(m.OlderVersions), m.Document) {
		p.add(newDocument(text), p.created, true)
	}
	s.policies[p.arn] = p
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

// HasPolicy reports whether there is a managed policy with an ARN or a name.
func (s *Service) HasPolicy(ref string) bool { return s.policyNamed(ref) != nil }

// policyNamed returns the managed policy with an ARN or a name, or nil.
func (s *Service) policyNamed(ref string) *policy {
	if p := s.policies[ref]; p != nil {
		return p
	}
	for _, p := range s.sortedPolicies() {
		if p.name == ref {
			return p
		}
	}
	return nil
}

func (s *Service) sortedPolicies() []*policy {
	return service.SortedValues(s.policies)
}
