// Package account reads the account of the embedded AWS from a YAML file.
package account

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
	"github.com/remotion-audit/remotion-audit/internal/yamllimit"
)

// Load reads an account from a YAML file in fsys. Paths of document files are relative to the
// folder of that file.
//
// The error joins the first 100 mistakes in the file, most with a line and a remedy. A syntax error
// is returned alone. An example:
//
//	account: "123456789012"        # quoted, so that no zero is lost
//	partition: aws                 # the default
//	alias: video
//	groups:
//	  renderers:
//	    managed: [remotion-user]
//	users:
//	  ci:
//	    path: /bots/               # the default is /
//	    groups: [renderers]
//	    accessKeys: [AKIAIOSFODNN7EXAMPLE]
//	    boundary: limits           # a managed policy's name or ARN
//	    tags: {team: video}        # aws:PrincipalTag/team of its requests; roles have tags, too
//	    managed: [arn:aws:iam::aws:policy/ReadOnlyAccess]
//	    inline:
//	      extra: |                 # JSON, stored unchanged: positions refer to this text
//	        {"Statement": {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}}
//	roles:
//	  remotion-lambda-role:
//	    trust: lambda.amazonaws.com  # a service, or a document
//	    inline:
//	      render: {file: role-policy.json}
//	policies:                      # managed policies, each a document or settings
//	  limits: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}
//	  remotion-user:
//	    path: /teams/
//	    older: [{file: v1.json}]   # v1; the default version is v2
//	    tags: {owner: platform}
//	    document: {file: v2.json}
//	  ReadOnlyAccess: {arn: "arn:aws:iam::aws:policy/ReadOnlyAccess", document: {file: ro.json}}
//	functions:                     # deployed functions; the default region is function.region
//	  - name: remotion-render-4-0-240-mem2048mb-disk2048mb-120sec
//	    role: remotion-lambda-role # a role's name, or the ARN of a deleted role
//	  - {name: clips, region: eu-west-1, role: remotion-lambda-role,
//	     description: Renders a Remotion video.,
//	     runtime: nodejs20.x, memory: 2048, tags: {remotion-version: 4.0.540},
//	     layers: ["arn:aws:lambda:eu-west-1:678892195805:layer:remotion-binaries-chromium-arm64:18"],
//	     vpc: {id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d]},
//	     timeout: 120, storage: 2048, state: Failed, stateReasonCode: SubnetOutOfIPAddresses,
//	     kmsKey: "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
//	     updateStatus: Successful, logGroup: /clips, reservedConcurrency: 5}
//	disabledRegions: [af-south-1]  # regions that the account has not enabled
//	topics: [alerts]               # names in function.region, or ARNs
//	subscriptions:                 # filterPolicy is JSON
//	  - {topic: alerts, protocol: email, endpoint: ops@example.com}
//	  - {topic: alerts, protocol: https, endpoint: "https://example.com/hook", pending: true}
//	buckets:
//	  evidence:
//	    versioned: true            # default owner: the account, default region: function.region
//	    objects:
//	      mutes.yaml: {file: mutes.yaml}   # or a text
//	  clips:
//	    publicAccessBlock: {blockPublicAcls: true, blockPublicPolicy: true}  # or {all: true}
//	    ownership: ObjectWriter
//	    acl: public-read
//	    policy: {file: bucket-policy.json}
//	    encryption: {key: alias/video, bucketKey: true}
//	    lifecycle: [{id: old, prefix: renders/, days: 7}]
//	publicAccessBlock: {all: true} # of the account
//	logGroups: [{name: /clips, region: eu-west-1, retention: 14}]
//	deletedLayers: ["arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-fonts:1"]
//	concurrentExecutions: {default: 1000, us-east-1: 10}
//	vpcEndpoints:                  # the default policy allows everything
//	  - {vpc: vpc-0a1b2c3d, region: eu-west-1, service: s3, policy: {file: endpoint-policy.json}}
//	keys:                          # customer managed keys of KMS
//	  - {alias: alias/video, state: Disabled, policy: {file: key-policy.json}}
//	organization:                  # service control policies of the root, each unit, the account
//	  - [FullAWSAccess]
//	  - [FullAWSAccess, {file: region-deny.json}]
//	resourceControlPolicies:       # of the same levels; each level also has RCPFullAWSAccess
//	  - [{file: deny-outside.json}]
//	  - []
//	organizationAccess: delegated  # the default, or member or management
//	simulator: {shape: old, ungrouped: ["lambda:InvokeAsync"], pageSize: 100}
//	faults:
//	  - {operation: "iam:SimulatePrincipalPolicy", target: user/ci, throttle: true,
//	     after: 1, times: 2}
//	  - {operation: "iam:*", delay: 40ms}
//	pageSize: 2                    # of lists and simulations; the defaults are 2 and 100
//	function: {region: us-east-1, name: auditor, role: remotion-lambda-role,
//	  timeout: 60s, memory: 256, environment: {CALLERS: user/ci}}
//
// A document is JSON text, a YAML mapping (stored as JSON), {file: NAME}, or {unchecked: TEXT} for
// a text that IAM would refuse but a test needs.
func Load(fsys fs.FS, name string) (*awsemu.Account, error) {
	text, err := readFile(fsys, name, limits.Bytes)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // an editor's byte-order mark
	// The parser below takes memory that grows with the square of nested nodes, of tags and of the
	// keys of a mapping, and does not bound aliases, so another one measures the file first.
	if _, refused := yamllimit.Parse(text, limits); refused != nil {
		return nil, fmt.Errorf("%s:%d: %s", name, max(refused.Line, 1), refused.Text)
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		if syntax := (*yaml.SyntaxError)(nil); errors.As(err, &syntax) && syntax.Token != nil {
			return nil, fmt.Errorf("%s:%d: %s", name, syntax.Token.Position.Line,
				textfmt.OneLine(syntax.Message))
		}
		return nil, fmt.Errorf("%s: %s", name, textfmt.OneLine(err.Error()))
	}
	l := &loader{fsys: fsys, file: name, anchors: make(map[string]ast.Node),
		keys: make(map[string]ast.Node), nodes: make(map[string]ast.Node),
		lists: make(map[string][]ast.Node), keyOwner: make(map[string]string)}
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case l.found:
			l.addProblem(doc.Body, "", "a second YAML document: keep one account per file")
		default:
			l.found = true
			ast.Walk(l, doc.Body)
			if len(l.problems) > 0 {
				continue
			}
			if anchor := l.cyclicAnchor(); anchor != "" {
				l.addProblem(l.anchors[anchor], "",
					"the anchor &%s contains itself: write the value out", anchor)
				continue
			}
			l.resolveAccount(l.decode(doc.Body))
		}
	}
	if !l.found && len(l.problems) == 0 {
		l.problems = append(l.problems,
			problem{0, "", fmt.Errorf("%s: the file describes no account: begin with account: %q", name,
				service.DefaultAccount)})
	}
	if len(l.problems) > 0 {
		slices.SortStableFunc(l.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
		var errs []error
		for _, p := range l.problems[:min(len(l.problems), maxProblems)] {
			errs = append(errs, p.err)
		}
		if l.hasTooManyProblems() {
			errs = append(errs, fmt.Errorf("%s: there are more mistakes: correct these first", name))
		}
		return nil, errors.Join(errs...)
	}
	return &l.acc, nil
}

// limits are the limits of an account file. 1 MiB describes some 5,000 functions. Documents can be
// in files of their own.
var limits = yamllimit.Limits{Bytes: 1 << 20, Nodes: 200_000, Depth: 40, Tags: 100,
	Keys: 10_000}

// maxFile is the maximum length of a document or object in a file of its own, and maxFiles that of
// all of them together.
const maxFile, maxFiles = 1 << 20, 32 << 20

// readFile reads a file of at most most bytes.
func readFile(fsys fs.FS, name string, most int) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s must have at most %d bytes", name, most)
	}
	return text, err
}

// A problem is an error, with its line and its path in the file.
type problem struct {
	line int
	at   string
	err  error
}

// A loader reads one account.
type loader struct {
	fsys     fs.FS
	file     string
	bytes    int // of the files that the file names
	anchors  map[string]ast.Node
	keys     map[string]ast.Node   // the keys of mappings with free keys, by path
	nodes    map[string]ast.Node   // the values of the file, by path
	lists    map[string][]ast.Node // the items of the lists, by path
	acc      awsemu.Account
	found    bool // true after the first YAML document
	problems []problem
	keyOwner map[string]string // maps an access key id to the YAML path of the list that contains it

	// policies resolves the names of managed policies.
	policies *iam.Service
}

// resolveAccount checks the names and values of a file, resolves the references between them and
// stores the account. Managed policies come first, and entities last, because they refer to others.
func (l *loader) resolveAccount(f file) {
	a := &l.acc
	a.ID = l.accountID(f.Account, "account")
	a.Partition = l.oneOf(f.Partition, "partition", "aws", "aws-cn", "aws-us-gov")
	a.Alias = l.text(f.Alias, "alias")
	a.Policies = named(l, f.Policies, "policies", 128, l.managedPolicy)
	l.definePolicies()
	a.Groups = named(l, f.Groups, "groups", 128, l.group)
	a.Users = named(l, f.Users, "users", 64, l.user)
	a.Roles = named(l, f.Roles, "roles", 64, l.role)
	a.Functions = l.functions(f.Functions, "functions")
	for i, v := range f.DisabledRegions {
		a.DisabledRegions = append(a.DisabledRegions, l.region(v, fmt.Sprintf("disabledRegions[%d]", i)))
	}
	a.Topics = l.topics(f.Topics, "topics")
	a.Subscriptions = l.subscriptions(f.Subscriptions, "subscriptions")
	a.Buckets = l.buckets(f.Buckets, "buckets")
	a.PublicAccessBlock = l.publicAccessBlock(f.PublicAccessBlock, "publicAccessBlock")
	a.Keys = l.kmsKeys(f.Keys, "keys")
	a.LogGroups = l.logGroups(f.LogGroups, "logGroups")
	a.DeletedLayers = l.deletedLayers(f.DeletedLayers, "deletedLayers")
	a.ConcurrentExecutions = l.concurrentExecutions(f.ConcurrentExecutions, "concurrentExecutions")
	a.VPCEndpoints = l.vpcEndpoints(f.VPCEndpoints, "vpcEndpoints")
	a.ServiceControlPolicies = l.organization(f.Organization, "organization")
	a.ResourceControlPolicies = l.resourceControlPolicies(f.ResourceControlPolicies,
		"resourceControlPolicies")
	a.OrganizationAccess = organizations.Access(l.oneOf(f.OrganizationAccess, "organizationAccess",
		string(organizations.AccessDelegated), string(organizations.AccessMember),
		string(organizations.AccessManagement)))
	a.Simulator = l.simulator(f.Simulator, "simulator")
	a.Faults = l.faults(f.Faults, "faults")
	a.PageSize = l.number(f.PageSize, "pageSize", 1, wire.MaxItems)
	a.Function = l.function(f.Function, "function")
	if a.PageSize == 0 && a.Simulator.PageSize == 0 {
		a.Simulator.PageSize = simulatorPage
	}
}

// simulatorPage is the number of actions per page of results if the file sets no page size. It is
// the API's default. Remotion's own check reads only the first page, so that it would miss results
// if the page were smaller.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
const simulatorPage = 100

// accountID reads an account id of twelve digits. An unquoted id with leading zeros is a mistake,
// because YAML reads it as a number.
func (l *loader) accountID(v value, at string) string {
	id, n := l.text(v, at), l.node(v, at)
	if id == "" {
		return ""
	}
	if digits := strings.Trim(id, "0123456789") == ""; !digits || len(id) != 12 {
		if _, isNumber := l.resolve(n).(*ast.IntegerNode); isNumber && digits && len(id) < 12 {
			l.addProblem(n, at,
				"%s has %d digits, but an account ID has twelve: quote it with its leading zeros: "+
					"account: \"%012s\"", id, len(id), id)
		} else {
			l.addProblem(n, at, "%q is not an account ID: give its twelve digits in quotes", id)
		}
		return ""
	}
	if _, isNumber := l.resolve(n).(*ast.IntegerNode); isNumber && id[0] == '0' {
		l.addProblem(n, at,
			"%s begins with a zero, so that YAML reads an octal number: quote it: account: \"%s\"", id, id)
	}
	return id
}

func (l *loader) topics(list []value, at string) []string {
	topics := l.texts(list, at)
	for _, t := range topics {
		a, ok := awsarn.Parse(t)
		if awsname.IsTopic(t) || ok && a.Service == "sns" && awsname.IsTopic(a.Resource) {
			continue
		}
		l.addProblem(l.nodes[at], at,
			"%q is neither the name nor the ARN of an SNS topic: a name consists of letters, digits, "+
				"'-' and '_'", t)
	}
	return topics
}

func (l *loader) simulator(s simulator, at string) iam.Simulator {
	var out iam.Simulator
	if l.oneOf(s.Shape, join(at, "shape"), "current", iam.ShapeOld) == iam.ShapeOld {
		out.Shape = iam.ShapeOld
	}
	out.Ungrouped = l.texts(s.Ungrouped, join(at, "ungrouped"))
	out.PageSize = l.number(s.PageSize, join(at, "pageSize"), 1, wire.MaxItems)
	return out
}

func (l *loader) function(f function, at string) awsemu.Function {
	out := awsemu.Function{
		Region:      l.text(f.Region, join(at, "region")),
		Name:        l.text(f.Name, join(at, "name")),
		Timeout:     l.duration(f.Timeout, join(at, "timeout")),
		Memory:      l.number(f.Memory, join(at, "memory"), 128, 10240),
		Role:        l.roleName(f.Role, join(at, "role")),
		Environment: l.textsByKey(f.Environment, join(at, "environment")),
	}
	if out.Timeout > 15*time.Minute {
		l.addProblem(l.node(f.Timeout, join(at, "timeout")), join(at, "timeout"),
			"the timeout must be at most 15m, got %s", out.Timeout)
	}
	return out
}
