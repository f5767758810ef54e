// Package iamactions knows the IAM actions of the services that policies for Remotion name. It
// recognizes an action that does not exist, and names the action that was probably meant.
//
//	u, unknown := iamactions.Check("s3:GetObjects") // u.String() is "s3:GetObjects is no action: …"
//
// The list is a snapshot of AWS's Service Authorization Reference. `make actions` rewrites it.
package iamactions

import (
	_ "embed" // for list
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

//go:embed actions.txt
var list string

// catalogue is the parsed list.
type catalogue struct {
	date string
	// services has the actions of each listed service, in the order of the list.
	services map[string][]action
	// known has each action in lower case.
	known map[string]action
	// prefixes are the prefixes of all services of AWS.
	prefixes map[string]bool
}

// action is one action as AWS spells it.
type action struct {
	name       string // without the service
	noResource bool
}

var parsed = sync.OnceValue(func() catalogue {
	c := catalogue{services: map[string][]action{}, known: map[string]action{},
		prefixes: map[string]bool{}}
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		switch words[0] {
		case "#":
		case "date":
			c.date = words[1]
		case "services":
			for _, prefix := range words[1:] {
				c.prefixes[prefix] = true
			}
		default:
			service, name, _ := strings.Cut(words[0], ":")
			a := action{name, len(words) > 1}
			c.services[service] = append(c.services[service], a)
			c.known[strings.ToLower(words[0])] = a
		}
	}
	return c
})

// TakesNoResource reports whether the requests for an action name no resource, so that only the
// resource "*" matches them. It is false for an action that is not in the list.
func TakesNoResource(name string) bool { return parsed().known[strings.ToLower(name)].noResource }

// Unknown is an action, or a pattern of actions, that does not exist.
type Unknown struct {
	// Action is spelled as in the policy.
	Action string
	// Nearest is the action that was probably meant. It is empty if no action is near.
	Nearest string
}

// String says what is wrong: "s3:GetObjects is no action: s3:GetObject?".
func (u Unknown) String() string {
	name := textfmt.Head(u.Action, maxName)
	switch {
	case u.Nearest != "":
		return name + " is no action: " + u.Nearest + "?"
	case strings.ContainsAny(u.Action, "*?"):
		return fmt.Sprintf("%s matches no action in AWS's list of %s", name, parsed().date)
	}
	return fmt.Sprintf("%s is not in AWS's list of actions of %s", name, parsed().date)
}

// maxName is the number of characters that are compared and shown. The longest action has 64.
const maxName = 128

// Check returns whether an action of a policy does not exist, and the nearest action. A pattern
// with wildcards does not exist if it matches no action. Actions of a service that is not in the
// list count as existing.
func Check(name string) (u Unknown, unknown bool) {
	u.Action = name
	lowered := strings.ToLower(name)
	service, text, ok := strings.Cut(lowered, ":")
	c := parsed()
	switch {
	case !ok || strings.ContainsAny(service, "*?$") || strings.Contains(text, "$"):
		return u, false
	case !c.prefixes[service]:
		u.Nearest = c.inNearService(service, text)
		return u, u.Nearest != ""
	case c.services[service] == nil || slices.Contains(unlisted, lowered):
		return u, false
	case strings.ContainsAny(text, "*?"):
		return u, !c.matchesAny(service, text)
	}
	if _, exists := c.known[lowered]; exists {
		return u, false
	}
	for _, o := range operations {
		if strings.EqualFold(o.name, name) {
			u.Nearest = o.action
			return u, true
		}
	}
	if len(text) <= maxName {
		u.Nearest = c.nearest(service, text, name[len(service)+1:])
	}
	return u, true
}

// matchesAny reports whether a pattern in lower case matches an action of the service.
func (c catalogue) matchesAny(service, pattern string) bool {
	for _, a := range c.services[service] {
		if match(pattern, strings.ToLower(a.name)) {
			return true
		}
	}
	return false
}

// match reports whether a pattern with * and ? matches a text.
func match(pattern, text string) bool {
	p, t, star, retry := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			retry++
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// inNearService returns the action of that name in the listed service whose prefix is near, such as
// s3:GetObject for s-3:GetObject. It is empty if there is none.
func (c catalogue) inNearService(service, text string) string {
	if len(service) > maxName {
		return ""
	}
	plain := strings.ReplaceAll(service, "-", "")
	for _, listed := range slices.Sorted(maps.Keys(c.services)) {
		if plain != listed && textfmt.EditDistance(service, listed) > 1 {
			continue
		}
		if a, ok := c.known[listed+":"+text]; ok {
			return listed + ":" + a.name
		}
	}
	return ""
}

// Matching returns the actions that exist and match a pattern with one service, such as s3:Put*,
// with their service, in the order of the list. It returns nil for a service that is not listed.
func Matching(pattern string) (list []string) {
	service, text, _ := strings.Cut(strings.ToLower(pattern), ":")
	for _, a := range parsed().services[service] {
		if match(text, strings.ToLower(a.name)) {
			list = append(list, service+":"+a.name)
		}
	}
	return list
}

// Exists reports whether an action is in the list, or belongs to a service that is not listed.
func Exists(name string) bool {
	service, _, _ := strings.Cut(strings.ToLower(name), ":")
	_, known := parsed().known[strings.ToLower(name)]
	return known || parsed().services[service] == nil
}
