package account

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

func (l *loader) faults(list []section[fault], at string) []awsemu.Fault {
	var faults []awsemu.Fault
	for i, in := range list {
		faults = append(faults, l.fault(in.of, l.item(at, i), at))
	}
	return faults
}

func (l *loader) fault(in fault, item ast.Node, at string) awsemu.Fault {
	f := awsemu.Fault{
		Operation: l.operation(in.Operation, join(at, "operation")),
		Target:    l.target(in.Target, join(at, "target")),
		After:     l.number(in.After, join(at, "after"), 0, 1<<30),
		Times:     l.number(in.Times, join(at, "times"), 0, 1<<30),
		Throttle:  l.flag(in.Throttle, join(at, "throttle")),
		Deny:      l.flag(in.Deny, join(at, "deny")),
		LoseReply: l.flag(in.LoseReply, join(at, "loseReply")),
		Delay:     l.duration(in.Delay, join(at, "delay")),
	}
	if in.Region.node != nil {
		f.Region = l.region(in.Region, join(at, "region"))
	}
	if in.Error != nil {
		at := join(at, "error")
		f.Error = &awsemu.FaultError{
			Code:    l.text(in.Error.Code, join(at, "code")),
			Message: l.text(in.Error.Message, join(at, "message")),
			Status:  l.number(in.Error.Status, join(at, "status"), 400, 599),
		}
		if f.Error.Code == "" {
			l.addProblem(item, at, "the error has no code: add one, such as code: ServiceFailure")
		}
	}
	outcomes := 0
	for _, set := range []bool{f.Throttle, f.Deny, f.LoseReply, f.Error != nil} {
		if set {
			outcomes++
		}
	}
	switch {
	case outcomes > 1:
		l.addProblem(item, at, "a fault has one outcome: keep one of throttle, deny, error and loseReply")
	case outcomes == 0 && f.Delay == 0:
		l.addProblem(item, at, "the fault does nothing: add throttle, deny, error, loseReply or delay")
	}
	return f
}

// operation reads the operation of a fault: SERVICE:OPERATION, SERVICE:* or *.
func (l *loader) operation(v value, at string) string {
	text, n := l.text(v, at), v.node
	if text == "*" || n == nil {
		return text
	}
	svcName, op, _ := strings.Cut(text, ":")
	svc, operations := "", []string(nil)
	for name, offered := range awsemu.Operations() {
		if strings.EqualFold(name, svcName) {
			svc, operations = name, offered
		}
	}
	if svc == "" {
		l.addProblem(n, at,
			"unknown operation %q: write SERVICE:OPERATION with one of %s, such as iam:GetRole or sns:*",
			text, strings.Join(slices.Sorted(maps.Keys(awsemu.Operations())), ", "))
		return text
	}
	if op != "*" && !slices.ContainsFunc(operations, func(offered string) bool {
		return strings.EqualFold(offered, op)
	}) {
		l.addProblem(n, at, "the embedded AWS does not offer %s:%s: use one of %s", svc, op,
			strings.Join(operations, ", "))
	}
	return text
}

// target reads user/NAME, role/NAME or group/NAME. The principal need not exist, because a call may
// name a principal that does not exist.
func (l *loader) target(v value, at string) string {
	text := l.text(v, at)
	if v.node == nil {
		return text
	}
	k, name, _ := strings.Cut(text, "/")
	if (k != string(service.KindUser) && k != string(service.KindRole) &&
		k != string(service.KindGroup)) || !awsname.IsIAMName(name) {
		l.addProblem(v.node, at,
			"%q is not a target: write user/NAME, role/NAME or group/NAME, without the path", text)
	}
	return text
}
