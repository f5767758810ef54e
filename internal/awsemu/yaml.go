package awsemu

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// Load reads an account from a YAML file in fsys. Paths of document files are relative to the
// folder of that file.
//
// The error joins all mistakes in the file, most with a line and a remedy. A syntax error is
// returned alone. An example:
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
//	    managed: [arn:aws:iam::aws:policy/ReadOnlyAccess]
//	    inline:
//	      extra: |                 # JSON, stored unchanged: positions refer to this text
//	        {"Version": "2012-10-17", "Statement": []}
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
//	    document: {file: v2.json}
//	  ReadOnlyAccess: {arn: "arn:aws:iam::aws:policy/ReadOnlyAccess", document: {file: ro.json}}
//	functions:                     # deployed functions; the default region is function.region
//	  - name: remotion-render-4-0-240-mem2048mb-disk2048mb-120sec
//	    role: remotion-lambda-role # a role's name, or the ARN of a deleted role
//	  - {name: clips, region: eu-west-1, role: remotion-lambda-role,
//	     description: Renders a Remotion video.,
//	     runtime: nodejs20.x, memory: 2048, tags: {remotion-version: 4.0.540},
//	     layers: ["arn:aws:lambda:eu-west-1:678892195805:layer:remotion-binaries-chromium-arm64:18"]}
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
//	organization:                  # service control policies of the root, each unit, the account
//	  - [FullAWSAccess]
//	  - [FullAWSAccess, {file: region-deny.json}]
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
func Load(fsys fs.FS, name string) (*Account, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		if syntax := (*yaml.SyntaxError)(nil); errors.As(err, &syntax) && syntax.Token != nil {
			return nil, fmt.Errorf("%s:%d: %s", name, syntax.Token.Position.Line, syntax.Message)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l := &loader{fsys: fsys, file: name, anchors: make(map[string]ast.Node),
		keyOwner: make(map[string]string)}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		ast.Walk(l, doc.Body)
		l.account(doc.Body)
	}
	if !l.found && len(l.problems) == 0 {
		l.problems = append(l.problems,
			problem{0, fmt.Errorf("%s: the file describes no account: begin with account: %q", name,
				defaultAccount)})
	}
	if len(l.problems) > 0 {
		slices.SortStableFunc(l.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
		errs := make([]error, len(l.problems))
		for i, p := range l.problems {
			errs[i] = p.err
		}
		return nil, errors.Join(errs...)
	}
	return &l.acc, nil
}

// A problem is an error and its line.
type problem struct {
	line int
	err  error
}

// A loader reads one account.
type loader struct {
	fsys     fs.FS
	file     string
	anchors  map[string]ast.Node
	acc      Account
	found    bool // true after the first YAML document
	problems []problem
	keyOwner map[string]string // maps an access key id to the YAML path of the list that contains it

	// laterChecks are the checks that run after the whole file has been read.
	laterChecks []func()
	// policies resolves the names of managed policies. The first check of a policy name creates it.
	policies *store
}

func (l *loader) account(body ast.Node) {
	if l.found {
		l.addProblem(body, "", "a second YAML document: keep one account per file")
		return
	}
	l.found = true
	a := &l.acc
	l.section(body, "", map[string]func(ast.Node, string){
		"account": func(n ast.Node, at string) { a.ID = l.accountID(n, at) },
		"partition": func(n ast.Node, at string) {
			a.Partition = l.oneOf(n, at, "aws", "aws-cn", "aws-us-gov")
		},
		"alias":  func(n ast.Node, at string) { a.Alias = l.text(n, at) },
		"groups": func(n ast.Node, at string) { a.Groups = readNamed(l, n, at, 128, l.group) },
		"users":  func(n ast.Node, at string) { a.Users = readNamed(l, n, at, 64, l.user) },
		"roles":  func(n ast.Node, at string) { a.Roles = readNamed(l, n, at, 64, l.role) },
		"policies": func(n ast.Node, at string) {
			a.Policies = readNamed(l, n, at, 128, l.managedPolicy)
		},
		"functions": func(n ast.Node, at string) { a.Functions = l.functions(n, at) },
		"disabledRegions": func(n ast.Node, at string) {
			for i, item := range l.items(n, at) {
				a.DisabledRegions = append(a.DisabledRegions, l.region(item, fmt.Sprintf("%s[%d]", at, i)))
			}
		},
		"topics": func(n ast.Node, at string) { a.Topics = l.topics(n, at) },
		"subscriptions": func(n ast.Node, at string) {
			a.Subscriptions = l.subscriptions(n, at)
		},
		"buckets": func(n ast.Node, at string) { a.Buckets = l.buckets(n, at) },
		"organization": func(n ast.Node, at string) {
			a.ServiceControlPolicies = l.organization(n, at)
		},
		"simulator": func(n ast.Node, at string) { a.Simulator = l.simulator(n, at) },
		"faults":    func(n ast.Node, at string) { a.Faults = l.faults(n, at) },
		"pageSize":  func(n ast.Node, at string) { a.PageSize = l.number(n, at, 1, maxItems) },
		"function":  func(n ast.Node, at string) { a.Function = l.function(n, at) },
	})
	for _, check := range l.laterChecks {
		check()
	}
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
func (l *loader) accountID(n ast.Node, at string) string {
	id := l.text(n, at)
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

func (l *loader) path(n ast.Node, at string) string {
	path := l.text(n, at)
	if path != "" && !awsname.IsIAMPath(path) {
		l.addProblem(n, at, "%q is not a path: a path begins and ends with /", path)
	}
	return path
}

func (l *loader) group(n ast.Node, at, _ string) Group {
	var g Group
	l.section(n, at, map[string]func(ast.Node, string){
		"path":    func(n ast.Node, at string) { g.Path = l.path(n, at) },
		"inline":  func(n ast.Node, at string) { g.Inline = l.inline(n, at, kindGroup) },
		"managed": func(n ast.Node, at string) { g.Managed = l.policyNames(n, at) },
	})
	return g
}

func (l *loader) user(n ast.Node, at, _ string) User {
	var u User
	l.section(n, at, map[string]func(ast.Node, string){
		"path":       func(n ast.Node, at string) { u.Path = l.path(n, at) },
		"inline":     func(n ast.Node, at string) { u.Inline = l.inline(n, at, kindUser) },
		"managed":    func(n ast.Node, at string) { u.Managed = l.policyNames(n, at) },
		"boundary":   func(n ast.Node, at string) { u.Boundary = l.policyName(n, at) },
		"groups":     func(n ast.Node, at string) { u.Groups = l.groupNames(n, at) },
		"accessKeys": func(n ast.Node, at string) { u.AccessKeys = l.accessKeys(n, at) },
	})
	return u
}

func (l *loader) role(n ast.Node, at, _ string) Role {
	var r Role
	l.section(n, at, map[string]func(ast.Node, string){
		"path":     func(n ast.Node, at string) { r.Path = l.path(n, at) },
		"trust":    func(n ast.Node, at string) { r.Trust = l.trust(n, at) },
		"inline":   func(n ast.Node, at string) { r.Inline = l.inline(n, at, kindRole) },
		"managed":  func(n ast.Node, at string) { r.Managed = l.policyNames(n, at) },
		"boundary": func(n ast.Node, at string) { r.Boundary = l.policyName(n, at) },
	})
	return r
}

func (l *loader) managedPolicy(n ast.Node, at, name string) ManagedPolicy {
	var m ManagedPolicy
	if l.isDocument(n) {
		m.Document = l.document(n, at, maxManaged)
		return m
	}
	l.section(n, at, map[string]func(ast.Node, string){
		"path": func(n ast.Node, at string) { m.Path = l.path(n, at) },
		"arn": func(n ast.Node, at string) {
			m.ARN = l.text(n, at)
			a, ok := awsarn.Parse(m.ARN)
			if !ok || a.Service != "iam" || a.Kind() != "policy" || a.Path() == "" {
				l.addProblem(n, at, "%q is not the ARN of a managed policy: use arn:aws:iam::aws:policy/%s",
					m.ARN, name)
			} else if a.Name() != name {
				l.addProblem(n, at, "the ARN %s does not end in the policy's name %s: use the same name", m.ARN,
					name)
			}
		},
		"document": func(n ast.Node, at string) { m.Document = l.document(n, at, maxManaged) },
		"older": func(n ast.Node, at string) {
			for i, item := range l.items(n, at) {
				m.OlderVersions = append(m.OlderVersions,
					l.document(item, fmt.Sprintf("%s[%d]", at, i), maxManaged))
			}
		},
	})
	if m.Document == "" {
		l.addProblem(n, at, "the policy has no document: add document:, or write the document directly")
	}
	if m.ARN != "" && m.Path != "" {
		l.addProblem(n, at, "the arn already contains the path: remove path")
	}
	return m
}

func (l *loader) topics(n ast.Node, at string) []string {
	topics := l.texts(n, at)
	for _, t := range topics {
		a, ok := awsarn.Parse(t)
		if awsname.IsTopic(t) || ok && a.Service == "sns" && awsname.IsTopic(a.Resource) {
			continue
		}
		l.addProblem(n, at,
			"%q is neither the name nor the ARN of an SNS topic: a name consists of letters, digits, '-' and '_'", t)
	}
	return topics
}

// organization reads the levels of service control policies, root first.
func (l *loader) organization(n ast.Node, at string) Organization {
	var o Organization
	for i, level := range l.items(n, at) {
		at := fmt.Sprintf("%s[%d]", at, i)
		var documents []string
		for j, item := range l.items(level, at) {
			documents = append(documents, l.serviceControlPolicy(item, fmt.Sprintf("%s[%d]", at, j)))
		}
		if len(documents) == 0 {
			l.addProblem(level, at,
				"a level without service control policies denies everything: list its documents, or "+
					"FullAWSAccess, the default of AWS")
		}
		o = append(o, documents)
	}
	if o == nil {
		l.addProblem(n, at,
			"the organization has no levels: list the documents of the root, of each organizational "+
				"unit and of the account, as - [FullAWSAccess]")
	}
	return o
}

func (l *loader) simulator(n ast.Node, at string) Simulator {
	var s Simulator
	l.section(n, at, map[string]func(ast.Node, string){
		"shape": func(n ast.Node, at string) {
			if l.oneOf(n, at, "current", shapeOld) == shapeOld {
				s.Shape = shapeOld
			}
		},
		"ungrouped": func(n ast.Node, at string) { s.Ungrouped = l.texts(n, at) },
		"pageSize":  func(n ast.Node, at string) { s.PageSize = l.number(n, at, 1, maxItems) },
	})
	return s
}

func (l *loader) function(n ast.Node, at string) Function {
	f := Function{}
	l.section(n, at, map[string]func(ast.Node, string){
		"region": func(n ast.Node, at string) { f.Region = l.text(n, at) },
		"name":   func(n ast.Node, at string) { f.Name = l.text(n, at) },
		"timeout": func(n ast.Node, at string) {
			f.Timeout = l.duration(n, at)
			if f.Timeout > 15*time.Minute {
				l.addProblem(n, at, "the timeout must be at most 15m, got %s", f.Timeout)
			}
		},
		"memory": func(n ast.Node, at string) { f.Memory = l.number(n, at, 128, 10240) },
		"role":   func(n ast.Node, at string) { f.Role = l.roleName(n, at) },
		"environment": func(n ast.Node, at string) {
			f.Environment = make(map[string]string)
			for _, kv := range l.pairs(n, at) {
				f.Environment[kv.key] = l.text(kv.value, at+"."+kv.key)
			}
		},
	})
	return f
}
