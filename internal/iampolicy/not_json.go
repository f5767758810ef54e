package iampolicy

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file recognizes texts that are not JSON, and says what to do with them.

// checkEncoding checks that the text is UTF-8 without a byte-order mark. IAM stores no such mark.
func (p *parser) checkEncoding() error {
	head := p.text[:min(len(p.text), 4)]
	switch {
	case strings.HasPrefix(head, "\ufeff"):
		return p.errorf(0, "the text starts with a byte-order mark: save it as UTF-8 without one")
	case strings.HasPrefix(head, "\xff\xfe"), strings.HasPrefix(head, "\xfe\xff"),
		strings.Contains(head, "\x00"):
		return p.errorf(0, "the text is UTF-16 or UTF-32: save it as UTF-8")
	case utf8.ValidString(p.text):
		return nil
	}
	valid := 0
	for r, size := utf8.DecodeRuneInString(p.text); r != utf8.RuneError ||
		size > 1; r, size = utf8.DecodeRuneInString(p.text[valid:]) {
		valid += size
	}
	return p.errorf(valid, "the text is not valid UTF-8: save it as UTF-8")
}

const (
	useJSONOfYAML = "the text is YAML, not JSON: convert it, for example with yq -o json"
	useJSONOfHCL  = "the text is HCL, not JSON: use the policy's JSON, for example from " +
		"terraform show -json"
)

var (
	yamlStart = regexp.MustCompile(`^(---|%YAML|- |["']?[A-Za-z][\w-]*["']?:(\s|$))`)
	hclLine   = regexp.MustCompile(
		`(?m)^\s*((resource|data|module|locals|variable|statement|output)\b[^\n:]*\{|\w+\s*=[^=])`)
	hclStart = regexp.MustCompile(`^(\w+\s*=[^=]|jsonencode\()`)
)

// notJSON returns the error for a text whose first token, t, is not "{", or cannot be read.
func (p *parser) notJSON(t token, err error) error {
	start := p.tokenStart(0)
	text := p.text[start:min(len(p.text), start+4096)]
	// A comment in front of the document is a comment in YAML and HCL.
	body := strings.TrimLeft(leadingComments.ReplaceAllString(text, ""), " \t\r\n")
	switch {
	case start == len(p.text):
		return p.errorf(start, `policy document: expected "{", got the end of the text: the text is `+
			"empty")
	case yamlStart.MatchString(body):
		return p.errorf(start, "%s", useJSONOfYAML)
	case hclLine.MatchString(body) || hclStart.MatchString(body):
		return p.errorf(start, "%s", useJSONOfHCL)
	case err != nil:
		return err
	}
	return p.errorf(t.start, `policy document: expected "{", got %s`, clip(t.String()))
}

var leadingComments = regexp.MustCompile(`^(\s*(#|//)[^\n]*(\n|$))+`)

// characterRemedy says what to do about a character that begins no JSON token. rest is the text
// from that character on.
func characterRemedy(r rune, rest string) string {
	switch {
	case hclStart.MatchString(rest[:min(len(rest), 256)]):
		return ": " + useJSONOfHCL
	case r == '\'':
		return ": JSON needs double quotes, not single quotes"
	case r == '“' || r == '”' || r == '„':
		return `: use the plain double quote "`
	case r == '#' || r == '/':
		return ": JSON has no comments, remove it"
	case r == '$' || r == '%' || r == '<':
		return ": a template has to be filled in first"
	case unicode.IsLetter(r) || r == '_':
		return ": put keys and text in double quotes"
	}
	return ""
}

// remedyAt says what to do about a token in the wrong place, for the most common mistakes.
func (p *parser) remedyAt(t token) string {
	before := strings.TrimRight(p.text[:t.start], " \t\r\n")
	switch {
	case (t.is("]") || t.is("}")) && strings.HasSuffix(before, ","):
		return ": remove the comma before it"
	case t.is("{"):
		return ": replace a template's function by its value"
	}
	return ""
}

// envelopeRemedy says what to do about an object that is not a document but may contain one, as the
// AWS CLI prints it.
func envelopeRemedy(key string) string {
	switch key {
	case "PolicyVersion", "PolicyDocument", "PolicyName", "RoleName", "UserName", "GroupName",
		"Document", "AssumeRolePolicyDocument":
		return ": use only the document in it"
	}
	return ""
}
