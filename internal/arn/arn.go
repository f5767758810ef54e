// Package arn reads and writes Amazon Resource Names.
//
// An ARN is read with Parse. A pattern for ARNs, as in a policy, can have wildcards and fewer
// fields; it is read with Split.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
package arn

import "strings"

// An ARN holds the fields of an ARN after the "arn" at its start. Region and Account are empty for
// resources of services without regions or accounts in their ARNs.
type ARN struct {
	Partition, Service, Region, Account string
	// Resource is the rest of the ARN, such as "user/ci" or "function:clips". It can contain colons.
	Resource string
}

// Parse splits an ARN into its fields. It reports false for a text that does not start with "arn:"
// or has fewer than six fields. It accepts any text in a field.
func Parse(text string) (ARN, bool) {
	f, n := Split(text)
	if n < len(f) || f[0] != "arn" {
		return ARN{}, false
	}
	return ARN{f[Partition], f[Service], f[Region], f[Account], f[Resource]}, true
}

// String returns the ARN as text.
func (a ARN) String() string {
	return Fields{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}.String()
}

// With returns the ARN with another resource.
func (a ARN) With(resource string) ARN {
	a.Resource = resource
	return a
}

// Kind returns the type of a resource with a path, such as "user" for "user/ci". It is the whole
// resource if the resource has no slash.
func (a ARN) Kind() string {
	kind, _, _ := strings.Cut(a.Resource, "/")
	return kind
}

// Path returns the path between the type and the name of a resource, with both slashes: "/" for
// "user/ci", "/teams/" for "user/teams/ci". It is empty for a resource without a slash.
func (a ARN) Path() string {
	_, rest, _ := strings.Cut(a.Resource, "/")
	return a.Resource[len(a.Kind()) : len(a.Resource)-len(Name(rest))]
}

// Name returns the name of the resource, without its type and path.
func (a ARN) Name() string { return Name(a.Resource) }

// Session returns the role and the session in the ARN of an assumed role:
// arn:aws:sts::123456789012:assumed-role/ROLE/SESSION. Both are empty for any other ARN.
func (a ARN) Session() (role, session string) {
	rest, ok := strings.CutPrefix(a.Resource, "assumed-role/")
	if !ok {
		return "", ""
	}
	role, session, _ = strings.Cut(rest, "/")
	return role, session
}

// HasPrefix reports whether a text starts as an ARN does. Use it where a setting or a parameter is
// either a name or an ARN.
func HasPrefix(text string) bool { return strings.HasPrefix(text, "arn:") }

// Name returns the text after the last slash: the name in an ARN, in a resource with a path, or in
// the name of a principal such as "user/ci". It returns a text without a slash unchanged.
func Name(text string) string { return text[strings.LastIndexByte(text, '/')+1:] }

// IAM returns the ARN of an entity of IAM, such as "user/ci". IAM has no regions.
func IAM(partition, account, entity string) string {
	return ARN{Partition: partition, Service: "iam", Account: account, Resource: entity}.String()
}
