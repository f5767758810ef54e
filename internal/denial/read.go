package denial

import (
	"regexp"
	"slices"
	"strings"
)

// maxCandidates is the maximum number of errors of one form that Read compares.
const maxCandidates = 100

// A candidate is an error in the text, and the index in dense where it starts.
type candidate struct {
	Message
	at int
}

// Read returns the error in a text that names most, and counts the others. Of two errors that name
// equally much, the first one counts.
func Read(text string) Message {
	text, cut := limit(text)
	m, ok := readJSON(text)
	if !ok {
		m = readText(text)
	}
	if cut {
		m.Notes = append(m.Notes, cutNote)
	}
	return m
}

// readText reads a text that is no record.
func readText(text string) Message {
	p := newPage(text)
	list := candidates(p)
	if len(list) == 0 {
		return Message{Kind: Unknown}
	}
	best := 0
	for i, c := range list {
		if c.rank() > list[best].rank() {
			best = i
		}
	}
	chosen := list[best]
	m := chosen.Message
	counted := []Message{m}
	for i, c := range list {
		repeated := func(o Message) bool { return o.repeats(c.Message) }
		if i != best && !slices.ContainsFunc(counted, repeated) {
			counted = append(counted, c.Message)
		}
	}
	m.Others = len(counted) - 1
	m.readSurroundings(p, chosen.at)
	return m
}

// rank orders errors by what they name. A class of problems says as much as two facts.
func (c candidate) rank() int {
	switch {
	case c.Kind == Encoded:
		return max(2, c.facts())
	case c.Problem != nil:
		return max(2, c.facts())
	}
	return c.facts()
}

// candidates returns the errors in the page, in the order of the text.
func candidates(p page) []candidate {
	list := append(sentenceCandidates(p), wrapperCandidates(p)...)
	list = append(list, encodedCandidates(p)...)
	for _, found := range problemsIn(p.dense) {
		list = append(list, candidate{Message{Kind: OtherProblem, Problem: found.Problem}, found.at})
	}
	list = mergeProblems(list)
	named := func(c candidate) bool { return c.Problem == nil || c.Problem.denies }
	if !slices.ContainsFunc(list, named) {
		list = append(list, bareCandidates(p, list)...)
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return a.at - b.at })
	return list
}

// sentenceCandidates returns AWS's sentences that name something.
func sentenceCandidates(p page) (list []candidate) {
	var phrases []int
	for from := 0; len(phrases) <= maxCandidates; {
		i := strings.Index(p.dense[from:], notAuthorized)
		if i < 0 {
			break
		}
		phrases = append(phrases, from+i)
		from += i + len(notAuthorized)
	}
	for i, phrase := range phrases[:min(len(phrases), maxCandidates)] {
		next := len(p.dense)
		if i+1 < len(phrases) {
			next = phrases[i+1]
		}
		if m := sentence(p, phrase, next); m.facts() > 0 || m.Problem != nil {
			list = append(list, candidate{m, phrase})
		}
	}
	return list
}

// mergeProblems joins a class with the sentence that it is a part of, and an encoded message with
// the sentence before it.
func mergeProblems(list []candidate) []candidate {
	for i := range list {
		for j := range list {
			part, sentence := &list[i], &list[j]
			if sentence.Kind == Encoded || sentence.facts() == 0 || part == sentence || part.at < 0 ||
				sentence.at < 0 {
				continue
			}
			switch {
			case part.Kind == Encoded && sentence.at < part.at && part.at-sentence.at < reach:
				sentence.EncodedMessage = part.EncodedMessage
				sentence.Notes = append(sentence.Notes, part.Notes...)
				if !sentence.Principal.Known() {
					sentence.Kind = Encoded
				}
				part.at = -1
			case part.Problem == nil || part.facts() > 0:
			case part.at == sentence.at:
				sentence.Kind, sentence.Problem = OtherProblem, part.Problem
				part.at = -1
			case part.Problem == sentence.Problem,
				// AWS names the policy that does not allow the use of the key.
				part.Problem.ID == "kms" && strings.HasPrefix(string(sentence.Action), "kms:") &&
					sentence.Layer != "":
				part.at = -1
			}
		}
	}
	return slices.DeleteFunc(list, func(c candidate) bool { return c.at < 0 })
}

// encodedPhrase stands before an encoded message.
const encodedPhrase = "encodedauthorizationfailuremessage:"

// minEncoded and maxEncoded are the lengths of an encoded message. AWS decodes at most maxEncoded
// characters; no real message is shorter than minEncoded.
const (
	minEncoded = 20
	maxEncoded = 10240
)

func encodedCandidates(p page) (list []candidate) {
	for from := 0; len(list) < maxCandidates; {
		i := strings.Index(p.dense[from:], encodedPhrase)
		if i < 0 {
			break
		}
		at := from + i
		from = at + len(encodedPhrase)
		m := Message{Kind: Encoded}
		switch token := encodedAt(p.after(from)); {
		case len(token) > maxEncoded:
			m.Notes = append(m.Notes, "the encoded message is longer than the 10,240 characters that AWS "+
				"decodes, so it is left out")
		case len(token) < minEncoded:
			m.Notes = append(m.Notes, "the encoded message is not in the text, or it is cut")
		default:
			m.EncodedMessage = Fact(token)
		}
		list = append(list, candidate{m, at})
	}
	return list
}

// encodedAt returns the encoded message at the start of a text. A terminal can have broken it into
// lines of equal length.
func encodedAt(text string) string {
	n := runLength(text, isBase64Byte)
	if strings.HasPrefix(text[n:], "…") || strings.HasPrefix(text[n:], "..") {
		return ""
	}
	token := text[:n]
	rest, first := text[n:], n
	for len(token) <= maxEncoded && first >= 40 {
		next, ok := strings.CutPrefix(rest, "\n")
		if !ok {
			break
		}
		n := runLength(next, isBase64Byte)
		ends := n == len(next) || next[n] == '\n'
		// The first line also has the words before the message, so that its part can be shorter.
		last := ends && len(token) > first
		if n == 0 || n < minEncoded && !last {
			break
		}
		token, rest = token+next[:n], next[n:]
		if !ends {
			break
		}
	}
	return token
}

func isBase64Byte(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("-_+/=", c) >= 0 }

// bareDenials are the codes and words of a denial without details.
var bareDenials = []string{"accessdenied", "unauthorizedoperation", "403forbidden",
	"(403)whencalling", "statuscode:403", "statuscode403", "forbidden:null", "notauthorizedtoperform",
	"forbidden(service:", "unauthorizedaccess", "authorizationerror"}

// bareCandidates returns a denial that names nothing: S3 often writes only "Access Denied". Beside
// another problem, only those words count, because many errors have the status 403.
func bareCandidates(p page, others []candidate) []candidate {
	words := bareDenials
	if len(others) > 0 {
		words = words[:1]
	}
	if i := firstOf(p.dense, words); i >= 0 {
		return []candidate{{Message{Kind: Denied}, i}}
	}
	return nil
}

var (
	codePattern = regexp.MustCompile(`\b(?:[A-Z][A-Za-z]*\.)?(?:AccessDenied(?:Exception)?|` +
		`UnauthorizedOperation|KMSAccessDeniedException|NotAuthorizedException|` +
		`UnauthorizedException|UnauthorizedAccess|AuthorizationError|Forbidden)\b`)
	problemCode = regexp.MustCompile(`\b(?:[A-Z][A-Za-z0-9]{3,60}(?:Exception|Exceeded|NotSupported|` +
		`DoesNotMatch|TooSkewed)|InvalidClientTokenId|InvalidAccessKeyId|NoSuchBucket|NoSuchKey|` +
		`ExpiredToken|InvalidBucketAclWithObjectOwnership)\b`)
	callingPattern = regexp.MustCompile(`calling the ([A-Z][A-Za-z0-9]{2,60}) ?operation`)
	goSDKPattern   = regexp.MustCompile(`operation error [A-Za-z0-9 ]{2,40}: ` +
		`([A-Z][A-Za-z0-9]{2,60}),`)
	phpSDKPattern    = regexp.MustCompile(`Error executing "([A-Z][A-Za-z0-9]{2,60})" on`)
	requestIDPattern = regexp.MustCompile(`(?i)request ?_?id["']?>? ?[:=]? ?["']?` +
		`([A-Z0-9][A-Z0-9-]{9,63})\b`)
)

// surroundings is the number of bytes of clean around an error in which Read looks for its code,
// operation and request id.
const surroundings = 1200

// readSurroundings reads the facts that stand around an error.
func (m *Message) readSurroundings(p page, at int) {
	start := int(p.at[min(at, len(p.dense))])
	before := p.clean[max(0, start-surroundings):start]
	rest := p.clean[start:]
	around := before + rest[:min(len(rest), surroundings)]
	m.readCode(before, around)
	for _, pattern := range []*regexp.Regexp{callingPattern, goSDKPattern, phpSDKPattern} {
		if all := pattern.FindAllStringSubmatch(around, 20); len(all) > 0 {
			m.Operation = Fact(nearest(pattern, before, all))
			break
		}
	}
	rest = rest[:min(len(rest), reach+surroundings)]
	if id := requestIDPattern.FindStringSubmatch(rest); id != nil {
		m.RequestID = Fact(id[1])
	} else if all := requestIDPattern.FindAllStringSubmatch(before, 20); len(all) > 0 &&
		strings.Contains(before, "StatusCode: 403") {
		m.RequestID = Fact(all[len(all)-1][1]) // the SDK for Go puts the id before the error
	}
}

// nearest returns the last match before an error, or the first one behind it.
func nearest(pattern *regexp.Regexp, before string, all [][]string) string {
	if earlier := pattern.FindAllStringSubmatch(before, 20); len(earlier) > 0 {
		return earlier[len(earlier)-1][1]
	}
	return all[0][1]
}

// readCode reads the error code that stands nearest before the error, or first around it.
func (m *Message) readCode(before, around string) {
	pattern := codePattern
	if m.Kind == OtherProblem && !m.Action.Known() {
		pattern = problemCode
	}
	if all := pattern.FindAllString(before, -1); len(all) > 0 {
		m.Code = Fact(all[len(all)-1])
	} else if code := pattern.FindString(around); code != "" {
		m.Code = Fact(code)
	}
}
