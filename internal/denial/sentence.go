package denial

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/iamactions"
)

// The phrases of AWS's sentence, as in a page's dense form:
//
//	User: ARN is not authorized to perform: ACTION on resource: ARN because no TYPE allows the
//	ACTION action
const (
	notAuthorized = "notauthorizedtoperform"
	onResource    = "onresource:"
	becauseNo     = "becauseno"
)

// reach is the number of bytes around the phrase in which its sentence has to be. An ARN has at
// most 2,048 characters.
const reach = 2600

// maxFact is the maximum length of a fact in bytes, except for an encoded message.
const maxFact = 2048

// reasons are the phrases that can follow the action or the resource of a sentence.
var reasons = []string{becauseNo, "withanexplicitdeny", "duetoanexplicitdeny", "becausepublic",
	"becausethe", "becausethis", "becauseof"}

// layerNames are the names of the types of policies in AWS's sentences.
var layerNames = []struct {
	text  string
	layer Layer
}{
	{"identity-basedpolicy", IdentityPolicy}, {"identitybasedpolicy", IdentityPolicy},
	{"identity-basedpolicies", IdentityPolicy},
	{"permissionsboundary", Boundary}, {"permissionboundary", Boundary},
	{"servicecontrolpolicy", ServiceControl}, {"resourcecontrolpolicy", ResourceControl},
	{"sessionpolicy", SessionPolicy},
	{"resource-basedpolicy", ResourcePolicy}, {"resourcebasedpolicy", ResourcePolicy},
	{"vpcendpointpolicy", VPCEndpoint},
	{"roletrustpolicy", TrustPolicy}, {"trustpolicy", TrustPolicy},
}

// sentence reads AWS's sentence around the phrase at an index of the page's dense form. The next
// sentence starts at next.
func sentence(p page, phrase, next int) Message {
	m := Message{Kind: Denied}
	m.setPrincipal(subject(p, phrase))
	at := phrase + len(notAuthorized)
	if strings.HasPrefix(p.dense[at:], ":") {
		at++
	}
	end := min(len(p.dense), at+reach, next)
	reason := firstOf(p.dense[at:end], reasons)
	if reason >= 0 {
		reason += at
	}
	at = m.readAction(p, at, end)
	if strings.HasPrefix(p.dense[at:end], onResource) {
		m.readResource(p, at+len(onResource), end, reason)
	}
	if reason >= 0 {
		m.readReason(p, reason, end)
	}
	return m
}

// subject returns the principal of the sentence with the phrase.
func subject(p page, phrase int) string {
	before := p.dense[max(0, phrase-reach):phrase]
	end := phrase
	if strings.HasSuffix(before, "is") {
		end -= len("is")
	}
	i := strings.LastIndex(before, "user:")
	j := strings.LastIndex(before, "arn:")
	if strings.Contains(before[max(i, j, 0):], notAuthorized) {
		return ""
	}
	if i >= 0 {
		return squeezed(p.text(phrase-len(before)+i+len("user:"), end))
	}
	if j >= 0 {
		text := p.text(phrase-len(before)+j, end)
		if !strings.ContainsAny(text, " \n") {
			return text
		}
	}
	return ""
}

// setPrincipal sets the principal to an ARN of IAM or STS.
func (m *Message) setPrincipal(text string) {
	if text == "anonymous" {
		m.Principal = "anonymous"
		return
	}
	a, ok := parseARN(text)
	if !ok || a.Service != "iam" && a.Service != "sts" {
		return
	}
	m.Principal = Fact(text)
	if awsname.IsAccount(a.Account) {
		m.Account = Fact(a.Account)
	}
	if role, _ := a.Session(); role != "" {
		if awsname.IsRoleName(role) {
			m.Target = Fact("role/" + role)
		}
		return
	}
	if kind := a.Kind(); a.Service == "iam" && (kind == "user" || kind == "role") &&
		awsname.IsRoleName(a.Name()) {
		m.Target = Fact(kind + "/" + a.Name())
	}
}

// parseARN parses a complete ARN without white space. The account can be blacked out.
func parseARN(text string) (arn.ARN, bool) {
	a, ok := arn.Parse(text)
	if !ok || len(text) > maxFact || a.Partition == "" || a.Service == "" || a.Resource == "" ||
		strings.ContainsAny(text, " \n\"'<>`") || cutOff(text) || strings.HasSuffix(text, "/") {
		return a, false
	}
	digits := strings.Trim(a.Account, "0123456789") == ""
	return a, a.Account == "" || !digits || awsname.IsAccount(a.Account)
}

// cutOff reports whether a text ends in the mark of a cut.
func cutOff(text string) bool {
	return strings.HasSuffix(text, "…") || strings.HasSuffix(text, "..")
}

// readAction reads the action at an index of dense, and returns the index after it.
func (m *Message) readAction(p page, at, end int) int {
	whole := p.after(at)
	token := whole[:runLength(whole, isActionByte)]
	after := min(end, at+len(token))
	if strings.HasPrefix(whole[len(token):], "\n") {
		// The line break can be inside the action. Then AWS's next phrase shows where the action ends.
		until := firstOf(p.dense[after:min(end, after+100)], append(reasons, onResource))
		if until > 0 {
			joined := squeezed(p.text(at, after+until))
			if isAction(joined) && runLength(joined, isActionByte) == len(joined) && exists(joined) {
				token, after = joined, after+until
			}
		}
	}
	token = strings.TrimRight(token, ":-")
	switch {
	case !isAction(token):
	case !exists(token), after == len(p.dense) && exists(token+"?*"),
		strings.HasPrefix(p.after(after), "…"), strings.HasPrefix(p.after(after), ".."):
		m.Notes = append(m.Notes, "the text may be cut inside the action, so it is unknown")
	default:
		m.Action = Fact(token)
	}
	return after
}

func isActionByte(c byte) bool {
	return c == ':' || c == '-' || c == '*' || isAlphanumeric(c)
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isAction reports whether a text has the form of an action.
func isAction(text string) bool {
	service, name, ok := strings.Cut(text, ":")
	return ok && service != "" && name != "" && len(text) <= 128 && !strings.Contains(name, ":") &&
		!strings.Contains(service, "*")
}

// exists reports whether an action exists. The actions of a service without a list count as
// existing.
func exists(action string) bool {
	_, not := iamactions.Check(action)
	return !not
}

// readResource reads the resource at an index of dense. reason is the index of the reason, or
// negative.
func (m *Message) readResource(p page, at, end, reason int) {
	text := p.after(at)
	if text == "" {
		return
	}
	var value string
	complete := false
	switch quote := text[0]; {
	case quote == '"' || quote == '\'' || quote == '`':
		// S3 quotes the ARN of an object, whose key can contain blanks.
		if n := strings.IndexByte(text[1:], quote); n >= 0 && n <= maxFact {
			value, complete = strings.ReplaceAll(text[1:n+1], "\n", ""), true
		}
	case reason > at && !strings.Contains(p.text(at, reason), " "):
		value, complete = squeezed(p.text(at, reason)), true
	default:
		n := runLength(text, isResourceByte)
		value = strings.TrimRight(text[:n], ".,;)]")
		if strings.HasPrefix(text[n:], " ") {
			value = strings.TrimSuffix(value, ":")
		}
		if cutOff(text[:n]) || strings.HasSuffix(value, ":") || strings.HasSuffix(value, "-") {
			value = ""
		}
		if slices.Contains([]string{"role", "user", "group", "policy"}, value) {
			value = "" // the name behind a blank is no ARN
		}
		complete = value != text[:n] || !continues(text[:n], text[n:])
		if complete && value != "" && n == len(text) {
			m.Notes = append(m.Notes, "the text ends with the resource: check that it is not cut")
		}
	}
	if value == "" || !complete || !isResource(value) {
		m.Notes = append(m.Notes, "the resource may be cut, so it is unknown")
		return
	}
	m.setResource(value)
}

// setResource sets the resource, and the region that its ARN names.
func (m *Message) setResource(value string) {
	m.Resource = Fact(value)
	if a, ok := arn.Parse(value); ok && awsname.IsRegion(a.Region) {
		m.Region = Fact(a.Region)
	}
}

// isResource reports whether a text can be a complete resource: an ARN, "*", or a name. The key of
// an S3 object can contain blanks.
func isResource(text string) bool {
	if len(text) > maxFact {
		return false
	}
	if strings.HasPrefix(text, "arn:") {
		a, ok := arn.Parse(text)
		if !ok || a.Resource == "" || cutOff(text) {
			return false
		}
		if a.Service == "s3" {
			return true // a key can contain any character
		}
		_, ok = parseARN(strings.TrimSuffix(text, "/"))
		return ok
	}
	return text == "*" || strings.IndexFunc(text, func(r rune) bool {
		return r > 0x7f || !isAlphanumeric(byte(r)) && !strings.ContainsRune("-_./:", r)
	}) < 0 && strings.Trim(text, "*.-_/:") != "" && !strings.HasPrefix("arn:", text)
}

// isResourceByte reports whether a byte can belong to a resource without quotes.
func isResourceByte(c byte) bool {
	return c > ' ' && strings.IndexByte("\"'`<>(){}\\", c) < 0
}

// wrapped is the length from which a line may be a wrapped one.
const wrapped = 60

// timePattern matches a date or a time at the start of a line of a log.
var timePattern = regexp.MustCompile(`^\[?[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}|^\[?[0-9]{2}:[0-9]{2}`)

// continues reports whether a value at the end of a line may continue on the next line: the line is
// as long as a wrapped one, and the next line does not start as one behind an error does.
func continues(value, rest string) bool {
	next, ok := strings.CutPrefix(rest, "\n")
	if !ok || len(value) < wrapped && !strings.Contains(value, "arn:") {
		return false
	}
	n := runLength(next, isResourceByte)
	word := strings.ToLower(next[:n])
	if n == 0 || strings.Contains(word, "=") || timePattern.MatchString(word) {
		return false // a brace, or a field of a log
	}
	return !slices.Contains([]string{"at", "status", "error", "error:", "with", "on", "caused",
		"request", "requestid:", "traceback", "file", "info", "warn", "debug", "end", "report", "start",
		"npm", "exit", "$", "note:", "the", "please", "and", "while", "when"}, word)
}

// readReason reads the layer and the kind of the denial at an index of dense.
func (m *Message) readReason(p page, at, end int) {
	text := p.dense[at:end]
	switch {
	case strings.HasPrefix(text, becauseNo):
		name, _, found := strings.Cut(text[len(becauseNo):], "allow")
		layer, length := layerAt(name)
		if !found || length != len(name) {
			return
		}
		m.Layer, m.Deny = layer, Implicit
		if !m.Action.Known() {
			start := at + len(becauseNo) + length + len("allow")
			m.readAllowedAction(p, start, end)
		}
	case strings.Contains(text[:min(len(text), 30)], "explicitdeny"):
		m.Deny = Explicit
		start := strings.Index(text, "explicitdeny") + len("explicitdeny")
		for _, article := range []string{"inan", "ina", "inthe"} {
			rest, ok := strings.CutPrefix(text[start:], article)
			layer, length := layerAt(rest)
			if !ok || length == 0 {
				continue
			}
			m.Layer = layer
			if rest, ok = strings.CutPrefix(rest[length:], ":"); ok && strings.HasPrefix(rest, "arn:") {
				m.readPolicy(p.after(at + start + len(article) + length + 1))
			}
			return
		}
	default:
		if problem := problemOfReason(text); problem != nil {
			m.Kind, m.Problem = OtherProblem, problem
		}
	}
}

// layerAt returns the layer at the start of a text, and the length of its name.
func layerAt(text string) (layer Layer, length int) {
	for _, l := range layerNames {
		if strings.HasPrefix(text, l.text) && len(l.text) > length {
			layer, length = l.layer, len(l.text)
		}
	}
	return layer, length
}

// readAllowedAction reads the action in "allows the ACTION action".
func (m *Message) readAllowedAction(p page, at, end int) {
	rest, ok := strings.CutPrefix(p.dense[at:end], "sthe")
	if n := strings.Index(rest, "action"); ok && n > 0 {
		from := at + len("sthe")
		if name := squeezed(p.text(from, from+n)); isAction(name) && exists(name) {
			m.Action = Fact(name)
		}
	}
}

// readPolicy reads the ARN of a policy at the start of a text.
func (m *Message) readPolicy(text string) {
	value := ""
	for range 3 {
		n := runLength(text, isResourceByte)
		line := strings.TrimRight(text[:n], ".,;:)]")
		value += line
		if isPolicy(value) && (line != text[:n] || !continues(text[:n], text[n:])) {
			m.Policy = Fact(value)
			return
		}
		rest, ok := strings.CutPrefix(text[n:], "\n")
		if !ok {
			break
		}
		text = rest
	}
	m.Notes = append(m.Notes, "the ARN of the policy may be cut, so it is unknown")
}

// isPolicy reports whether a text is the complete ARN of a policy, as far as its form shows.
func isPolicy(text string) bool {
	a, ok := parseARN(text)
	switch {
	case !ok:
		return false
	case a.Service == "organizations":
		// arn:aws:organizations::123456789012:policy/o-abcdefghij/service_control_policy/p-abcdefgh
		parts := strings.Split(a.Resource, "/")
		return len(parts) == 4 && parts[0] == "policy" && strings.HasPrefix(parts[3], "p-") &&
			len(parts[3]) >= len("p-")+8
	}
	return a.Kind() == "policy" && awsname.IsIAMName(a.Name())
}

// squeezed returns a text without white space.
func squeezed(text string) string {
	if !strings.ContainsAny(text, " \n") {
		return text
	}
	return strings.Join(strings.Fields(text), "")
}

// runLength returns the number of bytes at the start of a text that belong to a class.
func runLength(text string, class func(byte) bool) int {
	for i := range len(text) {
		if !class(text[i]) {
			return i
		}
	}
	return len(text)
}

// firstOf returns the index of the first phrase in a text, or -1.
func firstOf(text string, phrases []string) int {
	first := -1
	for _, phrase := range phrases {
		if first >= 0 {
			text = text[:min(len(text), first+len(phrase)-1)]
		}
		if i := strings.Index(text, phrase); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}
