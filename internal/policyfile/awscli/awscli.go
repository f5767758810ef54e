// Package awscli reads the answers of aws iam commands that hold policy documents, in JSON: one
// answer, or a list of answers such as jq -s makes of several.
//
//	aws iam get-role-policy --role-name remotion-lambda-role --policy-name render > answer.json
//
// https://docs.aws.amazon.com/cli/latest/reference/iam/
package awscli

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// limits are the limits of a file. The details of an account with 5,000 roles have about 20 MB.
var limits = tree.Limits{Bytes: 64 << 20, Values: 1_000_000, Depth: 64}

// commands are the commands whose answers Read accepts, for errors.
const commands = "aws iam get-role-policy, get-user-policy, get-group-policy, " +
	"get-policy-version, get-role, get-user or get-account-authorization-details"

// Recognize reports whether a value of a file is an answer, or a list that begins with one.
func Recognize(v tree.Value) bool {
	if v.Kind == tree.List && len(v.Items) > 0 {
		v = v.Items[0]
	}
	return formOf(&v) != nil
}

// A form is the form of the answers of one or more commands.
type form struct {
	// keys are keys of each such answer.
	keys []string
	read func(*reader, *tree.Value) error
}

// forms are in the order in which they are tried.
var forms = []form{
	{[]string{"RoleName", "PolicyName", "PolicyDocument"}, inlinePolicy(policyfile.Role)},
	{[]string{"UserName", "PolicyName", "PolicyDocument"}, inlinePolicy(policyfile.User)},
	{[]string{"GroupName", "PolicyName", "PolicyDocument"}, inlinePolicy(policyfile.Group)},
	{[]string{"PolicyVersion"}, (*reader).policyVersion},
	{[]string{"RoleDetailList"}, (*reader).accountDetails},
	{[]string{"UserDetailList"}, (*reader).accountDetails},
	{[]string{"GroupDetailList"}, (*reader).accountDetails},
	{[]string{"Role"}, entity(policyfile.Role)},
	{[]string{"User"}, entity(policyfile.User)},
	// Policies is the last key of get-account-authorization-details, and the only one of
	// list-policies, whose policies have no versions.
	{[]string{"Policies"}, (*reader).accountDetails},
	{[]string{"AttachedPolicies"}, noDocuments("aws iam list-attached-role-policies")},
	{[]string{"PolicyNames"}, noDocuments("aws iam list-role-policies")},
	{[]string{"Policy"}, noDocuments("aws iam get-policy")},
	{[]string{"Versions"}, noDocuments("aws iam list-policy-versions")},
	{[]string{"Roles"}, noDocuments("aws iam list-roles")},
	{[]string{"Users"}, noDocuments("aws iam list-users")},
}

func formOf(v *tree.Value) *form {
	for i := range forms {
		if !slices.ContainsFunc(forms[i].keys, func(key string) bool { return v.Get(key) == nil }) {
			return &forms[i]
		}
	}
	return nil
}

// Read reads the answers in a text. The error is a *tree.Error.
func Read(text string) (policyfile.File, error) {
	v, err := tree.ParseJSON(text, limits)
	if output := OtherOutput(text); err != nil && output != "" {
		return policyfile.File{}, &tree.Error{Place: tree.Place{Line: 1, Column: 1},
			Msg: "the file has the format of aws --output " + output + ": use --output json"}
	}
	if err != nil {
		return policyfile.File{}, err
	}
	r := reader{file: policyfile.File{Format: policyfile.CLIAnswer}, at: map[string]int{},
		managed: map[string]*managed{}, described: map[string]*tree.Value{},
		inline: map[[2]string]int{}, details: map[string]*tree.Value{}}
	answers := v.Elements()
	for i := range answers { // a later page can hold the policies that an earlier one attaches
		for _, p := range answers[i].Get("Policies").Elements() {
			if err := r.managedPolicy(&p); err != nil {
				return policyfile.File{}, err
			}
		}
	}
	for i := range answers {
		form := formOf(&answers[i])
		if form == nil {
			return policyfile.File{}, &tree.Error{Place: answers[i].Place,
				Msg: "the value is no answer of a command that this program reads: " + commands}
		}
		if err := form.read(&r, &answers[i]); err != nil {
			return policyfile.File{}, err
		}
	}
	r.addGroups()
	for i := range r.file.Principals {
		if p := &r.file.Principals[i]; r.described[p.Address] != nil {
			r.setBoundary(p, r.described[p.Address])
		}
	}
	for _, m := range r.order {
		if !m.attached && !m.document.ByAWS {
			r.file.Principals = append(r.file.Principals, policyfile.Principal{
				Address: "policy/" + m.name, Kind: policyfile.Policy, Name: m.name, At: m.document.At,
				Policies: []policyfile.Document{m.document}})
		}
	}
	return r.file, nil
}

// OtherOutput returns the output format of the AWS CLI that a text has: yaml, text or table. It is
// empty for JSON, and for a text that is no answer.
func OtherOutput(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	key, _, isYAML := strings.Cut(first, ":")
	word, _, _ := strings.Cut(first, "\t")
	switch {
	case strings.HasPrefix(first, "-----"):
		return "table"
	case isYAML && slices.ContainsFunc(forms, func(f form) bool {
		return slices.Contains(f.keys, key)
	}):
		return "yaml"
	case slices.Contains([]string{"POLICYVERSION", "ROLE", "USER", "ROLEDETAILLIST", "USERDETAILLIST"},
		word):
		return "text"
	}
	return ""
}

type reader struct {
	file policyfile.File
	// at has the index of each principal, by its address.
	at map[string]int
	// managed are the managed policies with documents by ARN, and order the same in the order of the
	// file.
	managed map[string]*managed
	order   []*managed
	// inline has the index of each inline policy in the policies of its principal, by the address of
	// the principal and the name of the policy. details are the elements about principals by address.
	inline  map[[2]string]int
	details map[string]*tree.Value
	// memberships are the groups of users.
	memberships []membership
	// described are the answers of get-role and get-user by the address of the principal.
	described map[string]*tree.Value
}

type membership struct {
	user  string
	group tree.Value
}

type managed struct {
	name     string
	document policyfile.Document
	attached bool
}

// address returns the address of a principal. A name is unique for its kind in an account.
func address(kind policyfile.Kind, name string) string { return string(kind) + "/" + name }

// principal returns the principal with a name, which it adds if it is new. The pointer is valid
// until the next call.
func (r *reader) principal(kind policyfile.Kind, name string,
	at tree.Place) *policyfile.Principal {
	a := address(kind, name)
	i, known := r.at[a]
	if !known {
		i = len(r.file.Principals)
		r.at[a] = i
		r.file.Principals = append(r.file.Principals, policyfile.Principal{Address: a, Kind: kind,
			Name: name, At: policyfile.Place{Place: at}})
	}
	return &r.file.Principals[i]
}

func (r *reader) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.file.Notes, text) {
		r.file.Notes = append(r.file.Notes, text)
	}
}

// text returns the string at a key; empty if there is none.
func text(v *tree.Value, path ...string) string {
	if s := v.At(path...); s != nil && s.Kind == tree.String {
		return s.Text
	}
	return ""
}

// document returns the policy with a name from a value of an answer. The AWS CLI decodes documents,
// and SDKs return them URL-encoded.
func document(name string, v *tree.Value, at tree.Place) (policyfile.Document, error) {
	refuse := func(at tree.Place, msg string) (policyfile.Document, error) {
		return policyfile.Document{}, &tree.Error{Place: at, Msg: name + ": " + msg}
	}
	if v == nil {
		return refuse(at, "the answer holds no policy document")
	}
	value := *v
	if v.Kind == tree.String {
		var err error
		if value, err = policyfile.ParseText(v.Text, v.Place); err != nil {
			return refuse(v.Place, message(err))
		}
	}
	bounds, err := policyfile.BoundsOf(value)
	if err != nil {
		var inside *tree.Error
		if errors.As(err, &inside) {
			at = inside.Place
		}
		return refuse(at, message(err))
	}
	return policyfile.Document{Name: name, At: policyfile.Place{Place: v.Place}, Bounds: bounds}, nil
}

// message returns the text of an error without its position.
func message(err error) string {
	var inside *tree.Error
	if errors.As(err, &inside) {
		return inside.Msg
	}
	return err.Error()
}

// inlineName is the name of an inline policy in texts.
func inlineName(policy string, kind policyfile.Kind, name string) string {
	return fmt.Sprintf("inline policy %s of %s %s", policy, kind, name)
}

// inlinePolicy reads the answers of get-role-policy, get-user-policy and get-group-policy.
func inlinePolicy(kind policyfile.Kind) func(*reader, *tree.Value) error {
	key := map[policyfile.Kind]string{policyfile.Role: "RoleName", policyfile.User: "UserName",
		policyfile.Group: "GroupName"}[kind]
	return func(r *reader, v *tree.Value) error {
		name := text(v, key)
		doc, err := document(inlineName(text(v, "PolicyName"), kind, name), v.Get("PolicyDocument"),
			v.Place)
		if err != nil {
			return err
		}
		if err := r.addInline(r.principal(kind, name, v.Place), doc); err != nil {
			return err
		}
		r.note("other policies of %s %s are not considered, because the file does not have them", kind,
			name)
		return nil
	}
}

// addInline adds an inline policy to a principal. The same policy can be in several answers.
func (r *reader) addInline(p *policyfile.Principal, d policyfile.Document) error {
	key := [2]string{p.Address, d.Name}
	if i, known := r.inline[key]; known {
		if !sameDocument(&p.Policies[i], &d) {
			return twice(d)
		}
		return nil
	}
	r.inline[key] = len(p.Policies)
	p.Policies = append(p.Policies, d)
	return nil
}

// twice returns the error for a policy that the file has with two documents.
func twice(d policyfile.Document) error {
	return &tree.Error{Place: d.At.Place, Msg: d.Name + ": the file has two different documents of " +
		"this policy: keep the newer answer"}
}

// sameDocument reports whether two policies have the same statements. Answers leave nothing open.
func sameDocument(a, b *policyfile.Document) bool {
	without := func(d *policyfile.Document) iampolicy.Document {
		doc := *d.AtMost
		doc.Statements = slices.Clone(doc.Statements)
		for i := range doc.Statements {
			s := &doc.Statements[i]
			s.Start, s.End, s.Brace = iampolicy.Position{}, iampolicy.Position{}, iampolicy.Position{}
		}
		return doc
	}
	return reflect.DeepEqual(without(a), without(b))
}

// equal reports whether two values are the same, at any places.
func equal(a, b *tree.Value) bool {
	return a.Kind == b.Kind && a.Text == b.Text &&
		slices.EqualFunc(a.Items, b.Items, func(x, y tree.Value) bool { return equal(&x, &y) }) &&
		slices.EqualFunc(a.Members, b.Members, func(x, y tree.Member) bool {
			return x.Key == y.Key && equal(&x.Value, &y.Value)
		})
}

// policyVersion reads the answer of get-policy-version, which does not name the policy.
func (r *reader) policyVersion(v *tree.Value) error {
	version := v.Get("PolicyVersion")
	name := "version " + text(version, "VersionId") + " of a managed policy"
	doc, err := document(name, version.Get("Document"), v.Place)
	if err != nil {
		return err
	}
	if d := version.Get("IsDefaultVersion"); d != nil && d.Text == "false" {
		r.note("%s is not the default version, which is the one that IAM applies", name)
	}
	r.file.Principals = append(r.file.Principals, policyfile.Principal{Kind: policyfile.Policy,
		At: policyfile.Place{Place: v.Place}, Policies: []policyfile.Document{doc}})
	return nil
}

// entity reads the answers of get-role and get-user, which name the permissions boundary but hold
// no identity policy. The boundary counts only with policies from other answers.
func entity(kind policyfile.Kind) func(*reader, *tree.Value) error {
	key := map[policyfile.Kind]string{policyfile.Role: "Role", policyfile.User: "User"}[kind]
	return func(r *reader, v *tree.Value) error {
		detail := v.Get(key)
		name := text(detail, key+"Name")
		r.note("the description of %s %s holds no identity policy: add the answer of aws iam "+
			"get-%s-policy", kind, name, kind)
		r.described[address(kind, name)] = detail
		return nil
	}
}

// noDocuments reads the answer of a command that only lists policies or principals.
func noDocuments(command string) func(*reader, *tree.Value) error {
	return func(r *reader, v *tree.Value) error {
		r.note("line %d: the answer has the form of %s, which holds no policy document", v.Place.Line,
			command)
		return nil
	}
}

// accountDetails reads the answer of get-account-authorization-details.
func (r *reader) accountDetails(v *tree.Value) error {
	if t := v.Get("IsTruncated"); t != nil && t.Text == "true" {
		r.note("the answer is truncated: run aws iam get-account-authorization-details without " +
			"--max-items")
	}
	for _, list := range []struct {
		key  string
		kind policyfile.Kind
	}{{"UserDetailList", policyfile.User}, {"GroupDetailList", policyfile.Group},
		{"RoleDetailList", policyfile.Role}} {
		for _, d := range v.Get(list.key).Elements() {
			if err := r.detail(list.kind, &d); err != nil {
				return err
			}
		}
	}
	return nil
}

// addGroups adds the policies of groups to their members.
func (r *reader) addGroups() {
	for _, m := range r.memberships {
		var policies []policyfile.Document
		if i, known := r.at[address(policyfile.Group, m.group.Text)]; known {
			policies = r.file.Principals[i].Policies
		} else {
			name := "the policies of group " + m.group.Text + ", which the file does not have"
			policies = []policyfile.Document{{Name: name, At: policyfile.Place{Place: m.group.Place},
				Bounds: policyfile.OpenBounds(name, m.group.Place, true)}}
		}
		user := &r.file.Principals[r.at[m.user]]
		user.Policies = append(user.Policies, policies...)
	}
}

// managedPolicy reads one element of Policies.
func (r *reader) managedPolicy(v *tree.Value) error {
	name, policyARN := text(v, "PolicyName"), text(v, "Arn")
	for _, version := range v.Get("PolicyVersionList").Elements() {
		isDefault := version.Get("IsDefaultVersion")
		if isDefault == nil || isDefault.Text != "true" {
			continue
		}
		doc, err := document("managed policy "+name, version.Get("Document"), version.Place)
		if err != nil {
			return err
		}
		doc.ByAWS = policyfile.ManagedPolicy(policyARN, doc.At).ByAWS
		if m := r.managed[policyARN]; m != nil {
			if !sameDocument(&m.document, &doc) {
				return twice(doc)
			}
			continue
		}
		m := &managed{name: name, document: doc}
		r.managed[policyARN] = m
		r.order = append(r.order, m)
	}
	return nil
}

// attached returns the managed policy with an ARN.
func (r *reader) attached(policyARN string, at tree.Place) policyfile.Document {
	if m := r.managed[policyARN]; m != nil {
		m.attached = true
		return m.document
	}
	return policyfile.ManagedPolicy(policyARN, policyfile.Place{Place: at})
}

// detail reads one element of a list of principals.
func (r *reader) detail(kind policyfile.Kind, v *tree.Value) error {
	prefix := map[policyfile.Kind]string{policyfile.Role: "Role", policyfile.User: "User",
		policyfile.Group: "Group"}[kind]
	name := text(v, prefix+"Name")
	if name == "" {
		return &tree.Error{Place: v.Place, Msg: "the element has no " + prefix + "Name"}
	}
	p := r.principal(kind, name, v.Place)
	switch earlier := r.details[p.Address]; {
	case earlier == nil:
	case text(earlier, "Arn") != text(v, "Arn"):
		return &tree.Error{Place: v.Place, Msg: fmt.Sprintf("the file describes %s %s of two accounts: "+
			"check the answers of each account alone", kind, name)}
	case !equal(earlier, v):
		return &tree.Error{Place: v.Place, Msg: fmt.Sprintf("the file has two different descriptions of "+
			"%s %s: keep the newer answer", kind, name)}
	default:
		return nil
	}
	r.details[p.Address] = v
	for _, inline := range v.Get(prefix + "PolicyList").Elements() {
		doc, err := document(inlineName(text(&inline, "PolicyName"), kind, name),
			inline.Get("PolicyDocument"), inline.Place)
		if err != nil {
			return err
		}
		if err := r.addInline(p, doc); err != nil {
			return err
		}
	}
	for _, a := range v.Get("AttachedManagedPolicies").Elements() {
		p.Policies = append(p.Policies, r.attached(text(&a, "PolicyArn"), a.Place))
	}
	r.setBoundary(p, v)
	for _, g := range v.Get("GroupList").Elements() {
		r.memberships = append(r.memberships, membership{p.Address, g})
	}
	return nil
}

// setBoundary sets the permissions boundary that a description of a principal names.
func (r *reader) setBoundary(p *policyfile.Principal, v *tree.Value) {
	if policyARN := text(v, "PermissionsBoundary", "PermissionsBoundaryArn"); policyARN != "" {
		boundary := r.attached(policyARN, v.Get("PermissionsBoundary").Place)
		p.Boundary = &boundary
	}
}
