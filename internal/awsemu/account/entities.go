package account

import (
	"fmt"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

func (l *loader) path(v value, at string) string {
	path := l.text(v, at)
	if path != "" && !awsname.IsIAMPath(path) {
		l.addProblem(l.node(v, at), at, "%q is not a path: a path begins and ends with /", path)
	}
	return path
}

func (l *loader) group(in section[group], at, _ string) iam.Group {
	g := in.of
	return iam.Group{
		Path:    l.path(g.Path, join(at, "path")),
		Inline:  l.inline(g.Inline, join(at, "inline"), service.KindGroup),
		Managed: l.policyNames(g.Managed, join(at, "managed")),
	}
}

func (l *loader) user(in section[user], at, _ string) iam.User {
	u := in.of
	return iam.User{
		Path:       l.path(u.Path, join(at, "path")),
		Inline:     l.inline(u.Inline, join(at, "inline"), service.KindUser),
		Managed:    l.policyNames(u.Managed, join(at, "managed")),
		Boundary:   l.boundary(u.Boundary, join(at, "boundary")),
		Groups:     l.groupNames(u.Groups, join(at, "groups")),
		AccessKeys: l.accessKeys(u.AccessKeys, join(at, "accessKeys")),
		Tags:       l.textsByKey(u.Tags, join(at, "tags")),
	}
}

func (l *loader) role(in section[role], at, _ string) iam.Role {
	r := in.of
	return iam.Role{
		Path:     l.path(r.Path, join(at, "path")),
		Trust:    l.trust(r.Trust, join(at, "trust")),
		Inline:   l.inline(r.Inline, join(at, "inline"), service.KindRole),
		Managed:  l.policyNames(r.Managed, join(at, "managed")),
		Boundary: l.boundary(r.Boundary, join(at, "boundary")),
		Tags:     l.textsByKey(r.Tags, join(at, "tags")),
	}
}

func (l *loader) managedPolicy(in section[managedPolicy], at, name string) iam.ManagedPolicy {
	var m iam.ManagedPolicy
	p, n := in.of, l.nodes[at]
	if l.isDocument(n) {
		m.Document = l.document(value{n}, at, iam.MaxManaged)
		return m
	}
	m.Path = l.path(p.Path, join(at, "path"))
	m.Tags = l.textsByKey(p.Tags, join(at, "tags"))
	if arnAt := join(at, "arn"); l.node(p.ARN, arnAt) != nil {
		m.ARN = l.text(p.ARN, arnAt)
		a, ok := awsarn.Parse(m.ARN)
		if !ok || a.Service != "iam" || a.Kind() != "policy" || a.Path() == "" {
			l.addProblem(l.node(p.ARN, arnAt), arnAt,
				"%q is not the ARN of a managed policy: use arn:aws:iam::aws:policy/%s", m.ARN, name)
		} else if a.Name() != name {
			l.addProblem(l.node(p.ARN, arnAt), arnAt,
				"the ARN %s does not end in the policy's name %s: use the same name", m.ARN, name)
		}
	}
	if documentAt := join(at, "document"); l.node(p.Document, documentAt) != nil {
		m.Document = l.document(p.Document, documentAt, iam.MaxManaged)
	}
	for i, v := range p.Older {
		m.OlderVersions = append(m.OlderVersions,
			l.document(v, fmt.Sprintf("%s.older[%d]", at, i), iam.MaxManaged))
	}
	if m.Document == "" {
		l.addProblem(n, at, "the policy has no document: add document:, or write the document directly")
	}
	if m.ARN != "" && m.Path != "" {
		l.addProblem(n, at, "the arn already contains the path: remove path")
	}
	return m
}
