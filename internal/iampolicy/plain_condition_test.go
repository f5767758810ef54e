package iampolicy

import (
	"encoding/base64"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// The functions below evaluate conditions for the plain evaluator. They follow the AWS
// documentation operator by operator.

func plainConditions(s map[string]any, variables bool, ctx corpus.Context) bool {
	conditions, _ := s["Condition"].(map[string]any)
	for operator, keys := range conditions {
		for key, values := range keys.(map[string]any) {
			if !plainCondition(operator, key, plainList(values), variables, ctx) {
				return false
			}
		}
	}
	return true
}

func plainCondition(operator, key string, values []string, variables bool,
	ctx corpus.Context) bool {
	var have corpus.Values
	present := false
	for k, v := range ctx {
		if strings.EqualFold(k, key) {
			have, present = v, true
		}
	}
	if operator == "Null" {
		return slices.ContainsFunc(values, func(v string) bool {
			if strings.ToLower(v) == "true" {
				return !present
			}
			return present
		})
	}
	set, operator, hasSet := strings.Cut(operator, ":")
	if !hasSet {
		set, operator = "", set
	}
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	negated := strings.Contains(operator, "Not")
	operator = strings.Replace(operator, "Not", "", 1)
	if !present {
		switch {
		case ifExists, set == "ForAllValues":
			return true
		case set == "ForAnyValue":
			return false
		}
		return negated
	}
	// holds reports whether one value of the request satisfies the condition. The value has to equal
	// one of the policy's values, or none of them if the operator is negated. An invalid value
	// satisfies neither the operator nor its negation.
	holds := func(h string) bool {
		equal := false
		for _, v := range values {
			symbols := plainSymbols(v, variables && plainTakesVariables(operator), ctx)
			if symbols == nil {
				continue // equals nothing
			}
			same, valid := plainCompare(operator, symbols, h)
			if !valid && negated {
				return false
			}
			equal = equal || same && valid
		}
		return equal != negated
	}
	switch set {
	case "ForAllValues":
		for _, h := range have.Elements {
			if !holds(h) {
				return false
			}
		}
		return true
	case "ForAnyValue":
		return slices.ContainsFunc(have.Elements, holds)
	}
	return !have.List && holds(have.Elements[0])
}

func plainTakesVariables(operator string) bool {
	return strings.HasPrefix(operator, "String") || strings.HasPrefix(operator, "Arn") ||
		operator == "Bool"
}

// plainCompare compares a value of the policy with a value of the request. operator is the name of
// the operator without Not, IfExists and the set prefix. valid is false if a value does not have
// the type of the operator.
func plainCompare(operator string, want []plainSymbol, have string) (same, valid bool) {
	text := ""
	for _, s := range want {
		text += string(s.char)
	}
	switch operator {
	case "StringEquals":
		return text == have, true
	case "StringEqualsIgnoreCase":
		return strings.EqualFold(text, have), true
	case "StringLike":
		return plainMatch(want, []rune(have)), true
	case "ArnEquals", "ArnLike":
		return plainARN(want, have)
	case "Bool":
		return (strings.ToLower(text) == "true") == (strings.ToLower(have) == "true"), true
	case "BinaryEquals":
		w, errW := base64.StdEncoding.DecodeString(text)
		h, errH := base64.StdEncoding.DecodeString(have)
		return string(w) == string(h), errW == nil && errH == nil
	case "IpAddress":
		return plainAddress(text, have)
	}
	var order int
	kind := strings.TrimPrefix(strings.TrimPrefix(operator, "Numeric"), "Date")
	if strings.HasPrefix(operator, "Numeric") {
		w, okW := new(big.Rat).SetString(text)
		h, okH := new(big.Rat).SetString(have)
		if !okW || !okH {
			return false, false
		}
		order = h.Cmp(w)
	} else {
		w, okW := plainMoment(text)
		h, okH := plainMoment(have)
		if !okW || !okH {
			return false, false
		}
		order = h.Compare(w)
	}
	switch kind {
	case "Equals":
		return order == 0, true
	case "LessThan":
		return order < 0, true
	case "LessThanEquals":
		return order <= 0, true
	case "GreaterThan":
		return order > 0, true
	case "GreaterThanEquals":
		return order >= 0, true
	}
	panic("no operator " + operator)
}

// plainARN compares the six fields of an ARN one by one.
func plainARN(want []plainSymbol, have string) (same, valid bool) {
	haves := strings.SplitN(have, ":", 6)
	if len(haves) != 6 || haves[0] != "arn" {
		return false, false
	}
	for i := range 6 {
		field := want
		if colon := slices.IndexFunc(want, func(s plainSymbol) bool { return s.char == ':' }); i < 5 {
			if colon < 0 {
				return false, true
			}
			field, want = want[:colon], want[colon+1:]
		}
		if !plainMatch(field, []rune(haves[i])) {
			return false, true
		}
	}
	return true, true
}

func plainMoment(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Truncate(time.Millisecond), true
		}
	}
	if seconds, ok := new(big.Int).SetString(text, 10); ok {
		return time.Unix(seconds.Int64(), 0), true
	}
	return time.Time{}, false
}

func plainAddress(want, have string) (same, valid bool) {
	h := net.ParseIP(have)
	if h == nil {
		return false, false
	}
	if !strings.Contains(want, "/") {
		w := net.ParseIP(want)
		return w != nil && w.Equal(h), true
	}
	address, network, err := net.ParseCIDR(want)
	if err != nil {
		return false, true
	}
	if address.To4() == nil && !address.Equal(network.IP) {
		return false, true // an IPv6 network with host bits
	}
	return network.Contains(h), true
}

// plainMissing lists the context keys that the statements name and that ctx does not contain. The
// list is sorted.
func plainMissing(texts []string, ctx corpus.Context) (keys []string) {
	add := func(key string) {
		for k := range ctx {
			if strings.EqualFold(k, key) {
				return
			}
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	variables := func(values []string) {
		for _, v := range values {
			for _, part := range strings.Split(v, "${")[1:] {
				name, _, closed := strings.Cut(part, "}")
				if closed && !strings.Contains(name, ",") && !strings.Contains("*?$", name) {
					add(strings.TrimSpace(name))
				}
			}
		}
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		doc := plainDocument(text)
		hasVariables := doc["Version"] == "2012-10-17"
		for _, s := range plainStatements(doc) {
			if hasVariables {
				variables(plainList(s["Resource"]))
				variables(plainList(s["NotResource"]))
			}
			conditions, _ := s["Condition"].(map[string]any)
			for operator, byKey := range conditions {
				_, bare, found := strings.Cut(operator, ":")
				if !found {
					bare = operator
				}
				for key, values := range byKey.(map[string]any) {
					add(key)
					if hasVariables && plainTakesVariables(bare) {
						variables(plainList(values))
					}
				}
			}
		}
	}
	slices.Sort(keys)
	return keys
}
