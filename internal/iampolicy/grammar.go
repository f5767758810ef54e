package iampolicy

import (
	"slices"
	"strings"
)

// This file has the rules of IAM for the values of a document. IAM refuses to store a document that
// breaks one of them. The comments quote its messages.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html

// actionPatterns parses Action or NotAction. "Policy statement must contain actions".
func (p *parser) actionPatterns(where string) ([]string, error) {
	return p.patterns(where, `add an action, such as "s3:GetObject"`, p.checkAction)
}

// resourcePatterns parses Resource or NotResource. "Policy statement must contain resources".
func (p *parser) resourcePatterns(where string) ([]string, error) {
	return p.patterns(where, `add a resource, such as "*"`, p.checkResource)
}

func (p *parser) patterns(where, remedy string, check func(string, token) error) ([]string, error) {
	before := p.next
	list, err := p.strings(where, false, check)
	if err == nil && len(list) == 0 {
		err = p.errorf(p.tokenStart(before), "%s is an empty list: %s", where, remedy)
	}
	return list, err
}

// checkAction checks one action. "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb,
// ec2, etc.", "Actions/Condition can contain only one colon.", "Vendor X is not valid". The policy
// simulator accepts an action without a colon whose wildcard can match the colon, such as s*Object.
func (p *parser) checkAction(where string, t token) error {
	prefix, name, found := strings.Cut(t.text, ":")
	switch {
	case !found && strings.ContainsAny(t.text, "*?"):
		return nil
	case !found && t.text != "" && consistsOf(t.text, legalInPrefix):
		return p.errorf(t.start, "%s: %q has no service: write %s:* for all actions of a service, or "+
			"service:Name, such as s3:GetObject", where, clip(t.text), clip(t.text))
	case !found:
		return p.errorf(t.start, "%s: %q has no service: write service:Name, such as s3:GetObject, or *",
			where, clip(t.text))
	case strings.Contains(name, ":"):
		return p.errorf(t.start, "%s: %q has more than one colon: write service:Name, such as "+
			"s3:GetObject", where, clip(t.text))
	case prefix == "" || !consistsOf(prefix, wildcard, legalInPrefix):
		return p.errorf(t.start, "%s: %q is not a service, in %q: a service consists of letters, "+
			"digits, - and .", where, clip(prefix), clip(t.text))
	}
	return nil
}

// legalInPrefix reports whether a character may occur in the service prefix of a written action,
// where upper and lower case do not matter.
func legalInPrefix(r rune) bool {
	return legalInHead(r) || r >= 'A' && r <= 'Z' || r == '.'
}

// checkResource checks one resource: "Resource X must be in ARN format or *".
func (p *parser) checkResource(where string, t token) error {
	if !strings.HasPrefix(t.text, "arn:") && !mayNameResource(t.text) {
		return p.errorf(t.start, `%s: %q is neither an ARN nor "*": write an ARN, such as `+
			`arn:aws:s3:::bucket/*`, where, clip(t.text))
	}
	return p.noteVariable(where, t)
}

// mayNameResource reports whether a pattern that does not start with "arn:" may match an ARN or the
// request for "*". Such a pattern is unusual, but the policy simulator accepts it.
func mayNameResource(text string) bool {
	first, _, colon := strings.Cut(text, ":")
	switch text {
	case "":
		return false
	case "?", "${*}":
		return true
	}
	return (colon || strings.HasSuffix(first, "*")) && matches(first, "arn")
}

// noteVariable records a value with a policy variable that has no closing brace.
func (p *parser) noteVariable(_ string, t token) error {
	if at := strings.LastIndex(t.text, "${"); at >= 0 && p.unclosed < 0 &&
		!strings.Contains(t.text[at:], "}") {
		p.unclosed = t.start
	}
	return nil
}

func anyValue(string, token) error { return nil }

// sid parses a Sid. "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the
// regular expression [0-9A-Za-z]*", "Statement IDs (SID) in a single policy must be unique".
func (p *parser) sid(seen map[string]bool) (string, error) {
	t, err := p.string("Sid")
	switch {
	case err != nil:
		return "", err
	case p.kind == identityDocument && !consistsOf(t.text, legalInActionName):
		return "", p.errorf(t.start, "Sid: %q must consist of letters and digits", clip(t.text))
	case seen[t.text] && !p.ofResource():
		return "", p.errorf(t.start, "Sid: %q is the Sid of two statements: give each its own",
			clip(t.text))
	}
	if t.text != "" {
		seen[t.text] = true
	}
	return t.text, nil
}

// checkConditionKey checks a condition key against the keys of the same operator.
// "Actions/Conditions must be prefaced by a vendor". Access Analyzer: "Duplicate keys with
// different case". IAM ignores the case of keys, so it is unknown which of two values it would
// apply.
func (p *parser) checkConditionKey(operator string, key token, seen *keySet) error {
	if !strings.Contains(key.text, ":") {
		return p.errorf(key.start, "%s: %q is not a condition key: write service:key, such as "+
			"aws:SourceVpc", operator, clip(key.text))
	}
	if !seen.add(strings.ToLower(key.text)) {
		return p.errorf(key.start, "%s: duplicate key %q: IAM ignores the case of condition keys",
			operator, clip(key.text))
	}
	return nil
}

// A keySet holds the keys of an object. Most objects have few keys, for which a map would be
// slower.
type keySet struct {
	few  [8]string
	n    int
	many map[string]bool
}

func (s *keySet) empty() bool { return s.n == 0 && s.many == nil }

// add adds a key, and reports whether it is new.
func (s *keySet) add(key string) bool {
	if s.many[key] || slices.Contains(s.few[:s.n], key) {
		return false
	}
	if s.n < len(s.few) {
		s.few[s.n] = key
		s.n++
		return true
	}
	if s.many == nil {
		s.many = map[string]bool{}
	}
	s.many[key] = true
	return true
}

// checkPrincipalType checks a key of Principal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (p *parser) checkPrincipalType(where string, key token) error {
	switch key.text {
	case "AWS", "Service", "Federated", "CanonicalUser":
		return nil
	}
	return p.errorf(key.start, "%s: unknown key %q, expected AWS, Service, Federated or CanonicalUser",
		where, clip(key.text))
}

// The limits of a document. IAM takes at most 131,072 characters from a customer, and its quotas do
// not count white space. The managed policies of AWS are larger: in March 2026, the largest,
// AWSSupportServiceRolePolicy, had 135,200 characters without white space, and tools that indent
// its text make 250,000 of it. Both limits leave room for growth. A document of the largest size
// takes less than 32 MB of memory.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html
const (
	// MaxText is the maximum size of a text in bytes, white space included.
	MaxText = 1 << 20
	// MaxMinified is the maximum size of a text in bytes without the white space between its tokens.
	MaxMinified = 1 << 18
)

func (p *parser) checkSize() error {
	if len(p.text) > MaxText {
		return p.errorf(0, "the text has %d bytes, and at most %d are read: split the document",
			len(p.text), MaxText)
	}
	if len(p.text) <= MaxMinified {
		return nil
	}
	size, inString := 0, false
	for i := 0; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case inString && c == '\\':
			i++
			size++
		case c == '"':
			inString = !inString
		case !inString && isSpace(c):
			continue
		}
		size++
	}
	if size > MaxMinified {
		return p.errorf(0, "the text has %d bytes without white space, and at most %d are read: split "+
			"the document", size, MaxMinified)
	}
	return nil
}

// tokenStart returns the offset of the first token at or after an offset.
func (p *parser) tokenStart(offset int) int {
	for offset < len(p.text) && isSpace(p.text[offset]) {
		offset++
	}
	return offset
}
