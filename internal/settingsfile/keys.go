package settingsfile

import (
	"slices"
	"strings"
)

// Name is the name of the settings file of the command.
const Name = "remotion-audit.yaml"

// Kind is the kind of a key's value.
type Kind int

// The kinds of values.
const (
	Text  Kind = iota // one text, or a number as a text
	List              // a list of texts, or one text
	YesNo             // true or false
	Path              // the path of a file of the repository
	// Levels is a list with the policies of each level of an organization: paths with commas, as for
	// --scp and --rcp.
	Levels
)

// Key declares a key of the file. Its value is that of the flag with the same name.
type Key struct {
	Name string
	Kind Kind
	// Commands are the commands for which the key sets the flag at the top of the file. They are nil
	// for a key that only an element of check can have.
	Commands []string
	// Check is true if an element of check can have the key.
	Check bool
	// Values are all valid values; nil if there are others.
	Values []string
	// Doc describes the value.
	Doc string
}

var (
	account = []string{"audit", "fix", "explain"}
	all     = []string{"audit", "fix", "explain", "check"}
	judging = []string{"audit", "check"}
	check   = []string{"check"}
)

// Keys lists the keys that set flags, in the order of the documentation.
func Keys() []Key {
	return []Key{
		{Name: "callers", Kind: List, Commands: account,
			Doc: "principals that run Remotion's CLI or SDK: user/NAME or role/NAME, =PURPOSE after it"},
		{Name: "render-role", Kind: Text, Commands: account,
			Doc: "name of the role of the Lambda functions"},
		{Name: "remotion-version", Kind: Text, Commands: all, Check: true,
			Doc: "release of Remotion to judge for: x.y.z, latest, or auto for audit"},
		{Name: "regions", Kind: List, Commands: all, Check: true,
			Doc: "regions to audit, or to which the policy files are narrowed"},
		{Name: "buckets", Kind: List, Commands: account, Check: true,
			Doc: "names of buckets, as the flag of the command takes them: at the top those that an " +
				"account uses, in check those of the policy files"},
		{Name: "context", Kind: List, Commands: all, Check: true,
			Doc: "context keys of every request, as key=value"},
		{Name: "scp", Kind: Levels, Commands: all, Check: true,
			Doc: "files with the service control policies, one text for each level of the organization"},
		{Name: "rcp", Kind: Levels, Commands: all, Check: true,
			Doc: "files with the resource control policies, one text for each level of the organization"},
		{Name: "organization-policies", Kind: YesNo, Commands: account,
			Doc: "read the policies of the organization in the account"},
		{Name: "checks", Kind: List, Commands: account,
			Doc: "checks of what a render needs besides permissions: all, none or ids; -ID leaves one out"},
		{Name: "read-scope", Kind: Text, Commands: account, Values: []string{"account", "named"},
			Doc: "what the auditor reads"},
		{Name: "upgrade-to", Kind: Text, Commands: []string{"audit"},
			Doc: "release of a planned upgrade: x.y.z or latest"},
		{Name: "purpose", Kind: Text, Commands: check, Check: true,
			Doc: "what the caller does, for the policy of a user: all, or operations with +"},
		{Name: "account", Kind: Text, Commands: check, Check: true,
			Doc: "number of the account to which the policy files are narrowed, in quotes"},
		{Name: "partition", Kind: Text, Commands: check, Check: true, Values: []string{"aws", "aws-cn"},
			Doc: "partition of AWS"},
		{Name: "fail-on", Kind: Text, Commands: judging,
			Values: []string{"critical", "high", "medium", "low"},
			Doc:    "lowest severity of a gap for which the exit status is 1"},
		{Name: "fail-on-unverified", Kind: YesNo, Commands: judging,
			Doc: "exit with status 2 if anything is unverified, even if there are gaps"},
		{Name: "location", Kind: Path, Commands: []string{"audit"},
			Doc: "file of the repository that stands for the account in code review"},
		{Name: "timeout", Kind: Text, Commands: account, Doc: "time limit of an audit, such as 5m"},
		{Name: "for", Kind: Text, Check: true, Values: []string{"user", "role"},
			Doc: "kind of the policy: user runs Remotion's CLI or SDK, role is that of the functions"},
		{Name: "required", Kind: Path, Check: true,
			Doc: "file with a policy document of the required permissions, in place of for"},
		{Name: "function", Kind: List, Check: true,
			Doc: "names of deployed functions, in place of Remotion's names"},
		{Name: "principal", Kind: Text, Check: true, Doc: "ARN of the user or role with the policy"},
		{Name: "resource", Kind: List, Check: true,
			Doc: "addresses of the principals in a template or a plan that are checked"},
		{Name: "parameter", Kind: List, Check: true,
			Doc: "values of parameters of templates, as NAME=VALUE"},
		{Name: "boundary", Kind: Path, Check: true, Doc: "file with the permissions boundary"},
	}
}

// The keys that set no flag.
const (
	checkKey  = "check"
	mutesKey  = "mutes"
	filesKey  = "files"
	targetKey = "target"
	schemaKey = "$schema"
)

// topNames and checkNames list the keys at the top of the file, and those of an element of check.
func topNames() []string {
	names := []string{}
	for _, k := range Keys() {
		if k.Commands != nil {
			names = append(names, k.Name)
		}
	}
	return append(names, checkKey, mutesKey)
}

func checkNames() []string {
	names := []string{filesKey, targetKey}
	for _, k := range Keys() {
		if k.Check {
			names = append(names, k.Name)
		}
	}
	return names
}

// findKey returns the declaration of a key.
func findKey(name string) (Key, bool) {
	for _, k := range Keys() {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

// A refusal says why the file must not have some keys. A change of the file comes with a pull
// request of a person who may have no access to the account.
type refusal struct {
	names []string
	why   string
}

var refusals = []refusal{
	{[]string{"topic", "topic-arn", "alert-topic", "alert-topic-arn", "pager-topic", "alert-email",
		"sns", "webhook"}, "the command publishes nothing: alerts are settings of the deployed function"},
	{[]string{"evidence", "evidence-bucket"}, "a pull request could point the command to another " +
		"bucket: set --evidence-bucket or EVIDENCE_BUCKET"},
	{[]string{"endpoint", "endpoint-url", "aws-endpoint-url"}, "a pull request could send signed " +
		"requests to another server: set AWS_ENDPOINT_URL in the environment"},
	{[]string{"credentials", "profile", "aws-profile", "access-key", "access-key-id",
		"aws-access-key-id", "secret-access-key", "aws-secret-access-key", "session-token",
		"aws-session-token", "role-arn", "assume-role", "env-file", "no-env-file", "region"},
		"whose credentials the command uses, and where, is no setting of a repository: use flags or " +
			"the environment"},
	{[]string{"output", "format", "config"}, "a pull request could overwrite files: use the flags " +
		"of the command"},
	{[]string{"baseline"}, "a pull request could replace the baseline: use --baseline"},
	{[]string{"command", "commands", "exec", "run", "script", "hook", "hooks", "plugin", "plugins",
		"credential-process"}, "the file starts no program"},
	{[]string{"policy", "policies", "instead-of"}, "the policy files of a repository are listed " +
		"under check: as files"},
}

// refusedBecause returns why the file must not have a key; empty for any other key.
func refusedBecause(name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, r := range refusals {
		if slices.Contains(r.names, name) {
			return r.why
		}
	}
	return ""
}
