package iam

import (
	"cmp"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// callerContext returns the condition keys of the simulated caller: the principal in CallerArn, or
// else source. It returns no keys if there is no CallerArn and source is nil.
func (c call) callerContext(source *entity) (iampolicy.Context, error) {
	arn := c.Form.Get("CallerArn")
	if arn == "" {
		if source == nil {
			return iampolicy.Context{}, nil
		}
		return service.PrincipalContext(source.kind, source.name, source.ARN(), source.id), nil
	}
	k, name, ok := service.EntityOfARN(arn)
	if !ok {
		return nil, invalidInput("Invalid ARN provided in the request: %s", arn)
	}
	id := service.UniqueID(idPrefix(k), arn) // the simulated caller need not exist
	a, _ := awsarn.Parse(arn)
	if caller := c.entities[k][name]; caller != nil && a.Account == c.account.ID {
		id = caller.id
	}
	return service.PrincipalContext(k, name, arn, id), nil
}

// addContextEntries adds the context entries of the request to context. An entry replaces the
// values of a key that context already contains.
func (c call) addContextEntries(context iampolicy.Context) error {
	given := make(map[string]bool)
	for _, e := range c.Form.List("ContextEntries", "member") {
		key := e.Get("ContextKeyName")
		if len(key) < 5 || len(key) > 256 {
			return wire.Constraint("contextEntries",
				"Member must satisfy constraint: [Member must have length less than or equal to 256, Member "+
					"must have length greater than or equal to 5]")
		}
		lower := strings.ToLower(key)
		if given[lower] {
			return invalidInput("Duplicate context key: %s.", key)
		}
		given[lower] = true
		values := e.Members("ContextKeyValues")
		if err := checkContext(key, e.Get("ContextKeyType"), values); err != nil {
			return err
		}
		for known := range context {
			if strings.EqualFold(known, key) {
				delete(context, known)
			}
		}
		if strings.HasSuffix(e.Get("ContextKeyType"), "List") {
			values = iampolicy.Multivalued(values...)
		}
		context[key] = values
	}
	return nil
}

// contextFormats maps each type of a context key to a function that reports whether a value is
// valid.
var contextFormats = map[string]func(string) bool{
	"string":  func(string) bool { return true },
	"numeric": func(s string) bool { _, err := strconv.ParseFloat(s, 64); return err == nil },
	"boolean": func(s string) bool {
		return strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
	},
	"ip":     isAddress,
	"binary": func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil },
	"date":   isDate,
}

func checkContext(key, keyType string, values []string) error {
	scalar := strings.TrimSuffix(cmp.Or(keyType, "string"), "List")
	valid := contextFormats[scalar]
	if valid == nil {
		return wire.NotInEnum("contextEntries.contextKeyType", "string", "stringList", "numeric",
			"numericList", "boolean", "booleanList",
			"ip", "ipList", "binary", "binaryList", "date", "dateList")
	}
	if keyType == scalar && len(values) != 1 {
		return invalidInput("Context key %s expected a single value, but received %d.", scalar,
			len(values))
	}
	for _, v := range values {
		if !valid(v) {
			return invalidInput("Invalid context value for key %s: expected %s format.", key, scalar)
		}
	}
	return nil
}

func isAddress(s string) bool {
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// isDate accepts the ISO 8601 formats of IAM's documentation, and seconds since 1970.
func isDate(s string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05",
		"2006-01-02"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
