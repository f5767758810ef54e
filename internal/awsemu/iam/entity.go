package iam

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// An entity is a user, a group or a role. One type represents all three, because they have nearly
// the same operations and fields.
type entity struct {
	iam     *Service
	kind    service.Kind
	name    string
	path    string
	id      string
	created time.Time

	inline   map[string]document
	attached []*policy
	boundary *policy
	tags     map[string]string // of a user or a role

	groups []*entity // of a user
	trust  document  // of a role
}

// Kind implements [service.Principal].
func (e *entity) Kind() service.Kind { return e.kind }

// Name implements [service.Principal].
func (e *entity) Name() string { return e.name }

// ARN implements [service.Principal].
func (e *entity) ARN() string { return e.iam.entityARN(e.kind, e.path, e.name) }

// ID implements [service.Principal].
func (e *entity) ID() string { return e.id }

// Grants implements [service.Principal].
func (e *entity) Grants() iampolicy.Grants { return e.grants(nil) }

// Tags implements [service.Principal].
func (e *entity) Tags() map[string]string { return e.tags }

// Trust implements [service.Role].
func (e *entity) Trust() string { return e.trust.text }

func (s *Service) entityARN(k service.Kind, path, name string) string {
	return awsarn.IAM(s.account.Partition, s.account.ID, string(k)+path+name)
}

func (s *Service) addEntity(k service.Kind, name, path string, inline map[string]string,
	managed []string, boundary string) (*entity, error) {
	e := &entity{
		iam: s, kind: k, name: name, path: cmp.Or(path, "/"),
		id:      service.UniqueID(idPrefix(k), s.account.ID, string(k), name),
		created: service.CreationTime(s.account.ID, string(k), name),
		inline:  make(map[string]document),
	}
	for policyName, text := range inline {
		e.inline[policyName] = newDocument(text)
	}
	for _, ref := range managed {
		p := s.policyNamed(ref)
		if p == nil {
			return nil, fmt.Errorf("account: %s %s: there is no managed policy %s", k, name, ref)
		}
		e.attached = append(e.attached, p)
	}
	if boundary != "" {
		if e.boundary = s.policyNamed(boundary); e.boundary == nil {
			return nil, fmt.Errorf("account: %s %s: there is no managed policy %s for its boundary", k, name,
				boundary)
		}
	}
	s.entities[k][name] = e
	return e, nil
}

func idPrefix(k service.Kind) string {
	switch k {
	case service.KindGroup:
		return service.PrefixGroup
	case service.KindRole:
		return service.PrefixRole
	default:
		return service.PrefixUser
	}
}

// trustText returns the document of a trust policy. trust is the document, or the name of a service
// that may assume the role. Empty means lambda.amazonaws.com.
func trustText(trust string) string {
	if strings.HasPrefix(strings.TrimSpace(trust), "{") {
		return trust
	}
	if trust == "" || IsServiceName(trust) {
		trusted := iampolicy.Principal{Type: "Service", Name: cmp.Or(trust, "lambda.amazonaws.com")}
		doc := iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
			Effect: iampolicy.Allow, Principal: []iampolicy.Principal{trusted},
			Action: []string{"sts:AssumeRole"}}}}
		text, _ := doc.MarshalJSON() // cannot fail
		return string(text)
	}
	return trust
}

// IsServiceName reports whether s is the name of a service, such as lambda.amazonaws.com.
func IsServiceName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' {
			return false
		}
	}
	return strings.Contains(s, ".amazonaws.com")
}
