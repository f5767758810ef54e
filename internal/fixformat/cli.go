package fixformat

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxQuery is the maximum size of an argument of the script. Linux passes arguments of at most
// 128 KiB to a program.
const maxQuery = 100_000

// writeCLI writes a POSIX shell script with commands of the AWS CLI.
//
// The script stops if the credentials belong to another account, or if a stored document is neither
// the audited one nor the new one. It can run again after an interruption.
func writeCLI(w io.Writer, h Handover, v Variant) error {
	text, err := script(h, v)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

func script(h Handover, v Variant) (string, error) {
	if h.Fix.Owner.Fixed() {
		return "", errors.New(h.Fix.Owner.Text() + " --format json prints the document")
	}
	edits, err := h.Edits(v)
	if err != nil {
		return "", err
	}
	s := &shell{account: h.Account, inPartition: h.Partition, text: textOfEdits(edits)}
	s.line("#!/bin/sh")
	s.comment("%s", h.summary(v))
	for _, c := range h.warnings(edits, v) {
		s.comment("")
		s.comment("%s", c)
	}
	s.comment("")
	s.comment("The script needs the AWS CLI, and credentials that may change these policies. It " +
		"stops if a stored document is not the one that was audited.")
	s.line("set -eu")
	s.line("")
	s.line("# IAM is the same in each region, but the AWS CLI needs one.")
	s.line(`: "${AWS_DEFAULT_REGION:=${AWS_REGION:-%s}}"`, regionOf(h.Partition))
	s.line("export AWS_DEFAULT_REGION")
	s.b.WriteString(prelude)
	var organization []remedy.Edit
	inAccount := 0
	for _, e := range edits {
		if e.Location.Kind == iampolicy.SCPLocation {
			organization = append(organization, e)
			continue
		}
		if inAccount == 0 {
			if !awsname.IsAccount(h.Account) {
				return "", fmt.Errorf("the report names the account %s, which has not 12 digits",
					textfmt.Quote(h.Account, 40))
			}
			s.openAccount(len(edits) > len(h.accountEdits(edits)))
		}
		inAccount++
		if err := s.edit(inAccount, e); err != nil {
			return "", err
		}
	}
	s.closeAccount()
	for i, e := range organization {
		if err := s.scp(inAccount+i+1, e); err != nil {
			return "", err
		}
	}
	s.line("")
	s.say("Done. IAM needs a few seconds. Then check the result: remotion-audit audit")
	return s.b.String(), nil
}

// regionOf returns a region of a partition.
func regionOf(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return "us-east-1"
}

// accountEdits returns the edits of policies of the account.
func (h Handover) accountEdits(edits []remedy.Edit) (list []remedy.Edit) {
	for _, e := range edits {
		if e.Location.Kind != iampolicy.SCPLocation {
			list = append(list, e)
		}
	}
	return list
}

// prelude follows the region. The AWS CLI waits in a pager if AWS_PAGER is not empty.
const prelude = `AWS_PAGER=
export AWS_PAGER
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

say() { printf '%s\n' "$1"; }

stop() {
  printf '%s\n' "$1" >&2
  exit 1
}

account=$(aws sts get-caller-identity --query Account --output text)
`

// A shell collects the lines of a script.
type shell struct {
	b       strings.Builder
	account string
	// inPartition is the partition of the account.
	inPartition string
	// optional is true inside of an if: the script skips the edits of an account to which the
	// credentials do not belong.
	optional bool
	// text writes a document.
	text func(*iampolicy.Document) string
}

func (s *shell) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

// comment writes a comment, wrapped and without control characters.
func (s *shell) comment(format string, args ...any) {
	for _, l := range textfmt.Wrap(textfmt.OneLine(fmt.Sprintf(format, args...)), 78) {
		s.line("%s", strings.TrimRight("# "+l, " "))
	}
}

// say writes a command that prints a text.
func (s *shell) say(format string, args ...any) {
	s.line("say %s", textfmt.ShellWords(fmt.Sprintf(format, args...)))
}

// openAccount checks the account of the credentials. If the script also changes the organization,
// which needs other credentials, it skips the edits of the account instead of stopping.
func (s *shell) openAccount(optional bool) {
	s.optional = optional
	if optional {
		s.line("if [ \"$account\" != %s ]; then", s.account)
		s.line("  say \"Skipped: the policies of account %s, because the credentials belong to account "+
			"$account.\"", s.account)
		s.line("else")
		return
	}
	s.line("[ \"$account\" = %s ] ||", s.account)
	s.line("  stop \"the credentials belong to account $account: use those of account %s\"", s.account)
}

func (s *shell) closeAccount() {
	if s.optional {
		s.line("fi")
	}
}

// document writes a command that stores a document in a file, and returns the file as the value of
// an argument. No line of a document equals the end of the here-document, because each line starts
// with a brace or a blank.
func (s *shell) document(n int, d *iampolicy.Document) string {
	const end = "END_OF_DOCUMENT"
	s.line("cat >\"$directory/policy-%d.json\" <<'%s'", n, end)
	s.b.WriteString(s.text(d))
	s.line("%s", end)
	return fmt.Sprintf("\"file://$directory/policy-%d.json\"", n)
}

// query writes a command that stores a query in a file, and returns the query as the value of an
// argument. Each line of the query starts with a blank, or with the name of the answer's member.
func (s *shell) query(n int, query string) string {
	s.line("cat >\"$directory/query-%d\" <<'END_OF_QUERY'", n)
	s.line("%s", query) // each further line starts with a blank
	s.line("END_OF_QUERY")
	return fmt.Sprintf("\"$(cat \"$directory/query-%d\")\"", n)
}

// A target says how the AWS CLI reads and writes a document.
type target struct {
	// read is the command that reads the document, path the place of the document in the answer.
	read, path string
	// version is the command that sets $version for read; empty for none.
	version string
	// exists is the command that prints true if a new policy exists already; empty for none.
	exists string
	// write is the command that stores the document, without the document. create creates a managed
	// policy, and attach attaches it.
	write, create, attach string
	// arn is the ARN of a managed policy.
	arn string
}

// commandNames are the parts of the names of commands about users, groups and roles.
var commandNames = map[string]bool{"user": true, "group": true, "role": true}

// targetOf returns the commands for the document of an edit.
func (s *shell) targetOf(e remedy.Edit, partition string) (target, error) {
	l := e.Location
	kind, name := holder(l)
	for _, text := range []string{name, l.Name, l.ARN} {
		if text != textfmt.OneLine(text) {
			return target{}, fmt.Errorf("%s has a name that no command can contain: change it by hand "+
				"(--format json prints the document)", title(e))
		}
	}
	of := func(command string, more ...string) string {
		return words(append([]string{"aws", "iam", command, option(kind+"-name", name)}, more...)...)
	}
	holds := commandNames[kind] && name != ""
	switch {
	case l.Kind == iampolicy.InlineLocation && holds && l.Name != "":
		policy := option("policy-name", l.Name)
		return target{read: of("get-"+kind+"-policy", policy), path: "PolicyDocument",
			exists: of("list-"+kind+"-policies", "--output", "json", "--query",
				"contains(PolicyNames, "+quotedLiteral(l.Name)+")"),
			write: of("put-"+kind+"-policy", policy)}, nil
	case l.Kind == iampolicy.TrustLocation && kind == "role" && name != "":
		return target{read: of("get-role"), path: "Role.AssumeRolePolicyDocument",
			write: of("update-assume-role-policy")}, nil
	case (l.Kind == iampolicy.ManagedLocation || l.Kind == iampolicy.BoundaryLocation) &&
		(l.ARN != "" || e.Before == nil && holds && l.Name != ""):
		a := l.ARN
		if a == "" {
			a = arn.ARN{Partition: partition, Service: "iam", Account: s.account,
				Resource: "policy/" + l.Name}.String()
		}
		policy := option("policy-arn", a)
		t := target{arn: a, path: "PolicyVersion.Document",
			version: words("aws", "iam", "get-policy", policy, "--query", "Policy.DefaultVersionId",
				"--output", "text"),
			read:  words("aws", "iam", "get-policy-version", policy) + ` --version-id "$version"`,
			write: words("aws", "iam", "create-policy-version", policy, "--set-as-default"),
		}
		if e.Before == nil {
			t.create = words("aws", "iam", "create-policy", option("policy-name", l.Name))
			t.attach = of("attach-"+kind+"-policy", policy)
		}
		return t, nil
	}
	return target{}, fmt.Errorf("it is unknown where %s is stored: change it by hand (--format json "+
		"prints the document)", title(e))
}

// words quotes the words of a command.
func words(list ...string) string { return textfmt.ShellWords(list...) }

// option returns an option with its value as one word, so that a value that starts with "-" is no
// option.
func option(name, value string) string { return "--" + name + "=" + value }

// edit writes the commands for one document of the account.
func (s *shell) edit(n int, e remedy.Edit) error {
	t, err := s.targetOf(e, s.partition(e))
	if err != nil {
		return err
	}
	s.line("")
	s.comment("%d. %s: %s.", n, sentence(title(e)), sizeText(e))
	for _, c := range e.Changes {
		s.comment("%s", sentence(c.Text))
	}
	file := s.document(n, e.After)
	state, err := stateQuery(t.path, e)
	if err != nil {
		return err
	}
	s.comment("The query compares the stored document with the new one and with the audited one.")
	query := s.query(n, state)
	readState := fmt.Sprintf("state=$(%s \\\n  --output text --query %s)", t.read, query)
	switch {
	case e.Before != nil && t.version != "":
		s.line("version=$(%s)", t.version)
		s.line("%s", readState)
	case e.Before != nil:
		s.line("%s", readState)
	case t.create != "":
		s.comment("An existing policy of this name is never replaced.")
		s.line("state=absent")
		s.line("if version=$(%s 2>/dev/null); then", t.version)
		s.line("  %s", readState)
		s.line("fi")
	default:
		s.line("state=absent")
		s.line("exists=$(%s)", t.exists)
		s.line("if [ \"$exists\" != false ]; then")
		s.line("  %s", readState)
		s.line("fi")
	}
	name := title(e)
	from, problem := "audited", sentence(name)+" is not the document that was audited"
	if e.Before == nil {
		from, problem = "absent", "Another document has the name of the "+name
	}
	s.line("case $state in")
	s.line("new)")
	s.line("  say %s", words("Already stored: "+name+"."))
	s.line("  ;;")
	s.line("%s)", from)
	if e.Before != nil && t.version != "" {
		s.makeRoom(t.arn)
	}
	s.line("  say %s", words("Storing "+name+"."))
	if t.create != "" {
		s.line("  %s \\\n    --policy-document %s --query Policy.Arn --output text", t.create, file)
	} else {
		s.line("  %s \\\n    --policy-document %s", t.write, file)
	}
	s.line("  ;;")
	s.line("*)")
	s.line("  stop %s", words(problem+": run remotion-audit fix again"))
	s.line("  ;;")
	s.line("esac")
	if t.attach != "" {
		s.line("%s", t.attach)
	}
	return nil
}

// partition returns the partition of the account, which ARNs of the fix contain.
func (s *shell) partition(e remedy.Edit) string {
	if a, ok := arn.Parse(e.Location.ARN); ok {
		return a.Partition
	}
	return s.inPartition
}

// stateQuery returns the expression that prints new for the new document, audited for the audited
// one, and else other.
func stateQuery(path string, e remedy.Edit) (string, error) {
	query := fmt.Sprintf("%s | (\n  %s)", path, stateOf(e.Before, e.After))
	if len(query) > maxQuery {
		return "", fmt.Errorf("%s is too large for a script: --format json prints the document",
			title(e))
	}
	return query, nil
}

// makeRoom deletes the oldest version of a managed policy that is not the default, if there are
// five. IAM keeps no more.
func (s *shell) makeRoom(policyARN string) {
	policy := option("policy-arn", policyARN)
	// With the output json, the AWS CLI applies the query to all pages together.
	s.line("  oldest=$(%s)", words("aws", "iam", "list-policy-versions", policy, "--output", "json",
		"--query", "length(Versions) >= `5` && "+
			"sort_by(Versions[?!IsDefaultVersion], &CreateDate)[0].VersionId || 'none'"))
	s.line(`  oldest=${oldest#\"}`)
	s.line(`  oldest=${oldest%%\"}`)
	s.line("  if [ \"$oldest\" != none ]; then")
	s.line("    say \"The policy has five versions. Deleting $oldest, the oldest one that is not " +
		"the default:\"")
	s.line("    %s --version-id \"$oldest\" --query PolicyVersion.Document --output json",
		words("aws", "iam", "get-policy-version", policy))
	s.line("    %s --version-id \"$oldest\"", words("aws", "iam", "delete-policy-version", policy))
	s.line("  fi")
}

var policyID = regexp.MustCompile(`^p-[0-9a-zA-Z_]{8,128}$`)

// scp writes the commands for a service control policy. AWS returns its content as a text, which
// the AWS CLI cannot compare, so the script prints it first.
func (s *shell) scp(n int, e remedy.Edit) error {
	s.line("")
	s.comment("%d. %s: %s.", n, sentence(title(e)), sizeText(e))
	s.comment("This needs credentials of the organization's management account. The script cannot " +
		"check that the stored document is the one that was audited: compare what it prints.")
	file := s.document(n, e.After)
	a, ok := arn.Parse(e.Location.ARN)
	id := a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	switch {
	case ok && policyID.MatchString(id):
		s.line("policy_id=%s", id)
		s.line("[ \"$account\" = %s ] || stop \"the credentials belong to account $account: use those "+
			"of the management account %s\"", words(a.Account), slug(a.Account))
	case e.Location.ARN == "":
		s.line(`policy_id=${POLICY_ID:?set POLICY_ID to the id of the service control policy, p-…}`)
	default:
		return fmt.Errorf("%s has no valid ARN of a service control policy", title(e))
	}
	s.say("The stored document of %s, to restore it:", title(e))
	s.line("aws organizations describe-policy --policy-id \"$policy_id\" --query Policy.Content " +
		"--output text")
	s.say("Storing %s.", title(e))
	s.line("aws organizations update-policy --policy-id \"$policy_id\" --content %s "+
		"--query Policy.PolicySummary.Arn --output text", file)
	return nil
}
