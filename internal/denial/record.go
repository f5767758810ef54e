package denial

import (
	"encoding/json"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
)

// jsonLimits are the limits of a JSON text that Read decodes.
var jsonLimits = jsonlimit.Limits{Bytes: MaxText, Depth: 60, Values: 50_000, Elements: 20_000}

// maxStarts is the number of places in a text where Read tries to decode JSON.
const maxStarts = 8

// readJSON reads a text that is or contains a CloudTrail record or a decoded authorization message.
func readJSON(text string) (m Message, ok bool) {
	text = strings.TrimPrefix(fromUTF16(text), "\uFEFF")
	if !strings.Contains(text, "{") {
		return m, false
	}
	for start, tries := 0, 0; tries < maxStarts; tries++ {
		i := strings.IndexAny(text[start:], "{[")
		if i < 0 {
			return m, false
		}
		start += i
		if jsonlimit.Check([]byte(text[start:]), jsonLimits) == nil {
			var value any
			decoder := json.NewDecoder(strings.NewReader(text[start:]))
			if decoder.Decode(&value) == nil {
				if m, ok = readValue(value); ok {
					return m, true
				}
				start += int(decoder.InputOffset()) - 1
			}
		}
		start++
	}
	return m, false
}

// readValue finds records in a decoded JSON value. Of several, the first one that reports an error
// counts.
func readValue(value any) (m Message, ok bool) {
	var first *Message
	others := 0
	walk(value, 0, func(o map[string]any) {
		read, isRecord := readObject(o)
		switch {
		case !isRecord:
		case first == nil, first.Kind == Unknown && read.Kind != Unknown:
			first = &read
		case read.Kind != Unknown:
			others++
		}
	})
	if first == nil {
		return m, false
	}
	first.Others += others
	return *first, true
}

// walk calls visit for each object in a JSON value, and for objects in strings of known keys.
func walk(value any, depth int, visit func(map[string]any)) {
	if depth > 40 {
		return
	}
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			walk(element, depth+1, visit)
		}
	case map[string]any:
		visit(v)
		for _, key := range []string{"Records", "Events", "detail", "CloudTrailEvent", "DecodedMessage",
			"message", "Message", "event"} {
			switch inner := v[key].(type) {
			case string:
				var object map[string]any
				if strings.HasPrefix(inner, "{") && json.Unmarshal([]byte(inner), &object) == nil {
					walk(object, depth+1, visit)
				}
			default:
				walk(inner, depth+1, visit)
			}
		}
	}
}

// readObject reads a CloudTrail record or a decoded authorization message.
func readObject(o map[string]any) (Message, bool) {
	if _, ok := o["allowed"].(bool); ok && object(o, "context") != nil {
		return readDecoded(o), true
	}
	if text(o, "eventSource") == "" || text(o, "eventName") == "" {
		return Message{}, false
	}
	return readRecord(o), true
}

// readRecord reads a CloudTrail record.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func readRecord(o map[string]any) Message {
	code, message := text(o, "errorCode"), text(o, "errorMessage")
	m := Message{Kind: Unknown}
	if code != "" || message != "" {
		m = readText(code + ": " + message)
	} else {
		m.Notes = append(m.Notes, "the record has no errorCode: the call succeeded")
	}
	m.Code = known(code)
	identity := object(o, "userIdentity")
	if !m.Principal.Known() {
		m.setPrincipal(text(identity, "arn"))
	}
	issuer := object(object(identity, "sessionContext"), "sessionIssuer")
	if name := text(issuer, "userName"); text(issuer, "type") == "Role" && !m.Target.Known() &&
		awsname.IsRoleName(name) {
		m.Target = Fact("role/" + name)
	}
	for _, account := range []string{text(identity, "accountId"), text(o, "recipientAccountId")} {
		if !m.Account.Known() && awsname.IsAccount(account) {
			m.Account = Fact(account)
		}
	}
	if region := text(o, "awsRegion"); awsname.IsRegion(region) {
		m.Region = Fact(region)
	}
	m.Operation = known(text(o, "eventName"))
	m.RequestID, m.EventID = known(text(o, "requestID")), known(text(o, "eventID"))
	if list, _ := o["resources"].([]any); len(list) == 1 && m.Kind == Denied && !m.Resource.Known() {
		resource, _ := list[0].(map[string]any)
		if value := text(resource, "ARN"); strings.HasPrefix(value, "arn:") && isResource(value) {
			m.setResource(value)
		}
	}
	return m
}

// readDecoded reads the message that sts:DecodeAuthorizationMessage returns.
func readDecoded(o map[string]any) Message {
	context := object(o, "context")
	m := Message{Kind: Denied}
	if allowed, _ := o["allowed"].(bool); allowed {
		return Message{Kind: Unknown,
			Notes: []string{"the decoded message says that AWS allowed the request"}}
	}
	m.setPrincipal(text(object(context, "principal"), "arn"))
	if action := text(context, "action"); isAction(action) && exists(action) {
		m.Action = Fact(action)
	} else {
		m.Operation = known(action)
	}
	if resource := text(context, "resource"); isResource(resource) {
		m.setResource(resource)
	}
	if explicit, ok := o["explicitDeny"].(bool); ok {
		m.Deny = Implicit
		if explicit {
			m.Deny = Explicit
		}
	}
	items, _ := object(o, "matchedStatements")["items"].([]any)
	for _, item := range items {
		statement, _ := item.(map[string]any)
		if strings.EqualFold(text(statement, "effect"), "DENY") && !m.Statement.Known() {
			m.Statement = known(text(statement, "statementId"))
		}
	}
	return m
}

func object(o map[string]any, key string) map[string]any {
	inner, _ := o[key].(map[string]any)
	return inner
}

// text returns the string under a key, without what a page leaves out.
func text(o map[string]any, key string) string {
	s, _ := o[key].(string)
	if key == "errorMessage" {
		return s[:min(len(s), MaxText)]
	}
	return spaced(strings.ToValidUTF8(s, "\uFFFD"))
}

// known returns a fact of a record, if it is short and has no white space.
func known(text string) Fact {
	if len(text) > 128 || strings.ContainsAny(text, " \n") {
		return ""
	}
	return Fact(text)
}
