// Package baseline compares a document with a baseline, which is an earlier document of the same
// kind: which gaps are known, which are new or worse, and which are gone.
//
// A gap of the baseline that is unverified now is not known: it counts as unverified.
package baseline

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Identity returns what stays the same as long as a judgement is about the same requirement of the
// same principal: no run, time, position, status or cause. The Sids of Remotion's role policy are
// numbers that shift, so they are no part of it.
func Identity(of, target string, policy policies.PolicyKind, sid, action, resource string) string {
	if policy == policies.Role {
		sid = ""
	}
	return strings.Join([]string{of, target, string(policy), sid, action, resource}, "\n")
}

// PrincipalOf returns the name of the principal of a result: the path of its first policy file,
// with its address in a template or a plan, or else the names of its policies. Unlike the names,
// the path does not depend on the working directory.
func PrincipalOf(r check.Result) string {
	name := strings.Join(r.Policies, " + ")
	if r.Verdict == nil {
		return name
	}
	if name == "" && len(r.Verdict.Sources) > 0 {
		name = r.Verdict.Sources[0].Policy
	}
	for _, source := range r.Verdict.Sources {
		if source.File != "" {
			name = textfmt.SlashPath(source.File)
			break
		}
	}
	if p := r.Verdict.Principal; p != nil {
		name += ": " + p.Address
	}
	return name
}

// ofCheck returns the identity of a finding on a principal.
func ofCheck(principal string, kind policies.PolicyKind, f check.Finding) string {
	return Identity("check", principal, kind, f.Sid, f.Action, f.Resource)
}
