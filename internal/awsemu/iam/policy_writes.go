package iam

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// policyWrites are the operations that change policies: inline policies, managed policies with
// their versions and attachments, and trust policies.
var policyWrites = table{
	"PutUserPolicy":          {Do: forInline(service.KindUser, putInline), Needs: onUser},
	"PutGroupPolicy":         {Do: forInline(service.KindGroup, putInline), Needs: onGroup},
	"PutRolePolicy":          {Do: forInlineOfRole(putInline), Needs: onRole},
	"DeleteUserPolicy":       {Do: forInline(service.KindUser, deleteInline), Needs: onUser},
	"DeleteGroupPolicy":      {Do: forInline(service.KindGroup, deleteInline), Needs: onGroup},
	"DeleteRolePolicy":       {Do: forInlineOfRole(deleteInline), Needs: onRole},
	"UpdateAssumeRolePolicy": {Do: forRole(updateAssumeRolePolicy), Needs: onRole},

	"AttachUserPolicy":  {Do: forEntity(service.KindUser, attach), Needs: onUser},
	"AttachGroupPolicy": {Do: forEntity(service.KindGroup, attach), Needs: onGroup},
	"AttachRolePolicy":  {Do: forRole(attach), Needs: onRole},
	"DetachUserPolicy":  {Do: forEntity(service.KindUser, detach), Needs: onUser},
	"DetachGroupPolicy": {Do: forEntity(service.KindGroup, detach), Needs: onGroup},
	"DetachRolePolicy":  {Do: forRole(detach), Needs: onRole},

	"CreatePolicy":            {Do: createPolicy, Needs: onNewPolicy},
	"DeletePolicy":            {Do: deletePolicy, Needs: onPolicy},
	"CreatePolicyVersion":     {Do: createPolicyVersion, Needs: onPolicy},
	"SetDefaultPolicyVersion": {Do: setDefaultPolicyVersion, Needs: onPolicy},
	"DeletePolicyVersion":     {Do: deletePolicyVersion, Needs: onPolicy},
}

// documentText returns the text of a document parameter. It checks length and characters, not
// syntax.
func (c call) documentText(param string) (string, error) {
	member := memberOf(param)
	text := c.Form.Get(param)
	switch {
	case !c.Form.Has(param):
		return "", wire.Required(member)
	case text == "":
		return "", wire.Constraint(member, "Member must have length greater than or equal to 1")
	case len(text) > MaxDocument:
		return "", wire.Constraint(member, "Member must have length less than or equal to %d",
			MaxDocument)
	}
	for _, r := range text {
		if r > 0xff || r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return "",
				wire.ValidationError(
					"The specified value for %s is invalid. It must contain only printable ASCII "+
						"characters.", member)
		}
	}
	return text, nil
}

func malformed(err error) *wire.Error {
	// The message of IAM ends after the first sentence. The emulator adds the position of the error.
	return wire.Refuse(http.StatusBadRequest, "MalformedPolicyDocument",
		"Syntax errors in policy. (%v)",
		err)
}

// identityDocument reads an identity policy from a parameter.
func (c call) identityDocument(param string) (document, error) {
	text, err := c.documentText(param)
	if err != nil {
		return document{}, err
	}
	parsed, err := iampolicy.Parse(text)
	if err != nil {
		return document{}, malformed(err)
	}
	return document{text, parsed}, nil
}

func (c call) trustDocument(param string) (document, error) {
	text, err := c.documentText(param)
	if err != nil {
		return document{}, err
	}
	if _, err := iampolicy.ParseTrust(text); err != nil {
		return document{}, malformed(err)
	}
	return document{text: text}, nil
}

// forInlineOfRole returns an operation that changes an inline policy of a role.
func forInlineOfRole(
	do func(c call, e *entity, policy string) (any, error)) func(call) (any, error) {
	return forRole(func(c call, _ *entity) (any, error) {
		return forInline(service.KindRole, do)(c)
	})
}

func putInline(c call, e *entity, name string) (any, error) {
	doc, err := c.identityDocument("PolicyDocument")
	if err != nil {
		return nil, err
	}
	total := PolicySize(doc.text)
	for other, d := range e.inline {
		if other != name {
			total += PolicySize(d.text)
		}
	}
	if limit := InlineQuota[e.kind]; total > limit {
		return nil, limitExceeded("Maximum policy size of %d bytes exceeded for %s %s", limit, e.kind,
			e.name)
	}
	e.inline[name] = doc
	return nil, nil
}

func deleteInline(c call, e *entity, name string) (any, error) {
	if _, found := e.inline[name]; !found {
		return nil, noSuchEntity("The %s policy with name %s cannot be found.", e.kind, name)
	}
	delete(e.inline, name)
	return nil, nil
}

func updateAssumeRolePolicy(c call, e *entity) (any, error) {
	doc, err := c.trustDocument("PolicyDocument")
	if err != nil {
		return nil, err
	}
	e.trust = doc
	return nil, nil
}

func attach(c call, e *entity) (any, error) {
	p, err := c.findPolicy()
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(e.attached, p):
		return nil, nil
	case len(e.attached) >= maxAttached:
		return nil, limitExceeded("Cannot exceed quota for PoliciesPer%s: %d", e.kind.Title(),
			maxAttached)
	}
	e.attached = append(e.attached, p)
	return nil, nil
}

func detach(c call, e *entity) (any, error) {
	arn := c.Form.Get("PolicyArn")
	i := slices.IndexFunc(e.attached, func(p *policy) bool { return p.arn == arn })
	if i < 0 {
		return nil, noSuchEntity("Policy %s was not found.", arn)
	}
	e.attached = slices.Delete(e.attached, i, i+1)
	return nil, nil
}

// managedDocument reads the document of a managed policy's version.
func (c call) managedDocument() (document, error) {
	doc, err := c.identityDocument("PolicyDocument")
	if err == nil && PolicySize(doc.text) > MaxManaged {
		return doc, limitExceeded("Cannot exceed quota for PolicySize: %d", MaxManaged)
	}
	return doc, err
}

// ownPolicy returns the customer managed policy that PolicyArn names. AWS managed policies cannot
// be changed.
func (c call) ownPolicy() (*policy, error) {
	p, err := c.findPolicy()
	if err == nil && p.ofAWS() {
		return nil,
			wire.Refuse(http.StatusForbidden, "AccessDenied",
				"User: %s is not authorized to perform: iam:%s on resource: policy %s", c.Caller.ARN,
				c.Operation, p.arn)
	}
	return p, err
}

func createPolicy(c call) (any, error) {
	name, err := c.name("PolicyName", 128)
	if err != nil {
		return nil, err
	}
	path, err := c.path()
	if err != nil {
		return nil, err
	}
	doc, err := c.managedDocument()
	if err != nil {
		return nil, err
	}
	tags, err := c.addTags(nil)
	if err != nil {
		return nil, err
	}
	own := 0
	for _, p := range c.policies {
		if !p.ofAWS() {
			own++
		}
		if !p.ofAWS() && strings.EqualFold(p.name, name) {
			return nil, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.",
				name)
		}
	}
	if own >= maxPolicies {
		return nil, limitExceeded("Cannot exceed quota for PoliciesPerAccount: %d", maxPolicies)
	}
	p := &policy{arn: c.policyARN(path, name), name: name, path: path, tags: tags,
		id:      service.UniqueID(service.PrefixPolicy, name, strconv.Itoa(c.account.Next())),
		created: c.Now()}
	p.add(doc, c.Now(), true)
	c.policies[p.arn] = p
	return struct{ Policy policyXML }{c.policy(p)}, nil
}

func deletePolicy(c call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	switch attached, bounding := c.usage(p); {
	case attached+bounding > 0:
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	case len(p.versions) > 1:
		return nil, deleteConflict("This policy has more than one version. Before you delete a policy, " +
			"you must delete the policy's versions. The default version is deleted with the policy.")
	}
	delete(c.policies, p.arn)
	return nil, nil
}

func createPolicyVersion(c call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	doc, err := c.managedDocument()
	if err != nil {
		return nil, err
	}
	if len(p.versions) >= maxVersions {
		return nil,
			limitExceeded("A managed policy can have up to %d versions. Before you create a new version, "+
				"you must delete an existing version.", maxVersions)
	}
	v := p.add(doc, c.Now(), c.Form.Get("SetAsDefault") == "true")
	return struct{ PolicyVersion versionXML }{versionOf(p, v, false)}, nil
}

func setDefaultPolicyVersion(c call) (any, error) {
	if _, err := c.ownPolicy(); err != nil {
		return nil, err
	}
	p, v, err := c.findVersion()
	if err != nil {
		return nil, err
	}
	p.defaultVersion, p.updated = v.id, c.Now()
	return nil, nil
}

func deletePolicyVersion(c call) (any, error) {
	if _, err := c.ownPolicy(); err != nil {
		return nil, err
	}
	p, v, err := c.findVersion()
	if err != nil {
		return nil, err
	}
	if v.id == p.defaultVersion {
		return nil, deleteConflict("Cannot delete the default version of a policy.")
	}
	id := v.id
	p.versions = slices.DeleteFunc(p.versions, func(v version) bool { return v.id == id })
	return nil, nil
}
