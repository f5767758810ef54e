package awsemu

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// checkLater adds a check that runs after the whole file has been read.
func (l *loader) checkLater(check func()) { l.laterChecks = append(l.laterChecks, check) }

// policyName reads the name or ARN of a managed policy.
func (l *loader) policyName(n ast.Node, at string) string {
	ref := l.text(n, at)
	l.checkLater(func() {
		if ref == "" {
			l.addProblem(n, at, "expected the name or ARN of a managed policy")
			return
		}
		if l.policies == nil {
			l.policies = newStoreOfPolicies(&l.acc)
		}
		if l.policies.policyNamed(ref) != nil {
			return
		}
		if awsarn.HasPrefix(ref) {
			name := awsarn.Name(ref)
			l.addProblem(n, at,
				"there is no managed policy %s: add it under policies, as %s: {arn: %q, document: …}", ref,
				name, ref)
			return
		}
		l.addProblem(n, at, "there is no managed policy %q: add it under policies%s", ref,
			definedNames(l.acc.Policies))
	})
	return ref
}

func (l *loader) policyNames(n ast.Node, at string) []string {
	var names []string
	for _, item := range l.items(n, at) {
		name := l.policyName(item, at)
		if slices.Contains(names, name) {
			l.addProblem(item, at, "duplicate policy %q: remove one", name)
			continue
		}
		names = append(names, name)
	}
	return names
}

func (l *loader) groupNames(n ast.Node, at string) []string {
	var names []string
	for _, item := range l.items(n, at) {
		name := l.text(item, at)
		if slices.Contains(names, name) {
			l.addProblem(item, at, "duplicate group %q: remove one", name)
			continue
		}
		names = append(names, name)
		l.checkLater(func() {
			if _, found := l.acc.Groups[name]; !found {
				l.addProblem(item, at, "there is no group %q: add it under groups%s", name,
					definedNames(l.acc.Groups))
			}
		})
	}
	return names
}

// roleName reads the name of a role of the account.
func (l *loader) roleName(n ast.Node, at string) string {
	name := l.text(n, at)
	l.checkLater(func() {
		if _, found := l.acc.Roles[name]; !found {
			l.addProblem(n, at, "there is no role %q: add it under roles%s", name, definedNames(l.acc.Roles))
		}
	})
	return name
}

// definedNames lists the keys of m, for the end of an error about an unknown name.
func definedNames[T any](m map[string]T) string {
	if len(m) == 0 {
		return ""
	}
	return " (defined: " + strings.Join(slices.Sorted(maps.Keys(m)), ", ") + ")"
}

func (l *loader) accessKeys(n ast.Node, at string) []string {
	var keys []string
	for _, item := range l.items(n, at) {
		key := l.text(item, at)
		if len(key) < 16 || len(key) > 128 || !isKeyID(key) {
			l.addProblem(item, at,
				"%q is not an access key ID: use 16 to 128 letters and digits, such as "+
					"AKIAIOSFODNN7EXAMPLE", key)
			continue
		}
		keys = append(keys, key)
		if owner, taken := l.keyOwner[key]; taken {
			l.addProblem(item, at, "duplicate access key %s, already in %s: remove one, because a key "+
				"belongs to one user", key,
				owner)
		}
		l.keyOwner[key] = at
	}
	return keys
}

func isKeyID(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}

func (l *loader) faults(n ast.Node, at string) []Fault {
	var faults []Fault
	for _, item := range l.items(n, at) {
		faults = append(faults, l.fault(item, at))
	}
	return faults
}

func (l *loader) fault(n ast.Node, at string) Fault {
	var f Fault
	l.section(n, at, map[string]func(ast.Node, string){
		"operation": func(n ast.Node, at string) { f.Operation = l.operation(n, at) },
		"target":    func(n ast.Node, at string) { f.Target = l.target(n, at) },
		"region":    func(n ast.Node, at string) { f.Region = l.region(n, at) },
		"after":     func(n ast.Node, at string) { f.After = l.number(n, at, 0, 1<<30) },
		"times":     func(n ast.Node, at string) { f.Times = l.number(n, at, 0, 1<<30) },
		"throttle":  func(n ast.Node, at string) { f.Throttle = l.flag(n, at) },
		"deny":      func(n ast.Node, at string) { f.Deny = l.flag(n, at) },
		"loseReply": func(n ast.Node, at string) { f.LoseReply = l.flag(n, at) },
		"delay":     func(n ast.Node, at string) { f.Delay = l.duration(n, at) },
		"error": func(n ast.Node, at string) {
			f.Error = &FaultError{}
			l.section(n, at, map[string]func(ast.Node, string){
				"code":    func(n ast.Node, at string) { f.Error.Code = l.text(n, at) },
				"message": func(n ast.Node, at string) { f.Error.Message = l.text(n, at) },
				"status":  func(n ast.Node, at string) { f.Error.Status = l.number(n, at, 400, 599) },
			})
			if f.Error.Code == "" {
				l.addProblem(n, at, "the error has no code: add one, such as code: ServiceFailure")
			}
		},
	})
	outcomes := 0
	for _, set := range []bool{f.Throttle, f.Deny, f.LoseReply, f.Error != nil} {
		if set {
			outcomes++
		}
	}
	switch {
	case outcomes > 1:
		l.addProblem(n, at, "a fault has one outcome: keep one of throttle, deny, error and loseReply")
	case outcomes == 0 && f.Delay == time.Duration(0):
		l.addProblem(n, at, "the fault does nothing: add throttle, deny, error, loseReply or delay")
	}
	return f
}

// operation reads the operation of a fault: SERVICE:OPERATION, SERVICE:* or *.
func (l *loader) operation(n ast.Node, at string) string {
	text := l.text(n, at)
	if text == "*" {
		return text
	}
	svcName, op, _ := strings.Cut(text, ":")
	svc := findService(func(s *service) bool { return strings.EqualFold(s.name, svcName) })
	if svc == nil {
		l.addProblem(n, at,
			"unknown operation %q: write SERVICE:OPERATION with iam, sts, sns, s3, lambda or cloudwatch, "+
				"such as iam:GetRole or sns:*", text)
		return text
	}
	if op != "*" && !hasFold(svc.operations, op) {
		l.addProblem(n, at, "the embedded AWS does not offer %s:%s: use one of %s", svc.name, op,
			strings.Join(slices.Sorted(maps.Keys(svc.operations)), ", "))
	}
	return text
}

func hasFold[T any](m map[string]T, key string) bool {
	for k := range m {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// target reads user/NAME, role/NAME or group/NAME. The principal need not exist, because a call may
// name a principal that does not exist.
func (l *loader) target(n ast.Node, at string) string {
	text := l.text(n, at)
	k, name, _ := strings.Cut(text, "/")
	if (k != string(kindUser) && k != string(kindRole) && k != string(kindGroup)) ||
		!awsname.IsIAMName(name) {
		l.addProblem(n, at,
			"%q is not a target: write user/NAME, role/NAME or group/NAME, without the path",
			text)
	}
	return text
}
