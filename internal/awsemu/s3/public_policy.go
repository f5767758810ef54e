package s3

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A statement has the parts of a statement of a bucket policy that decide whether it is public.
type statement struct {
	Effect                  string
	Principal, NotPrincipal any
	Action, NotAction       any
	Resource, NotResource   any
	Condition               map[string]map[string]any
}

// statements returns the statements of a bucket policy.
func statements(text string) ([]statement, error) {
	var document struct{ Statement json.RawMessage }
	trimmed := strings.TrimSpace(text)
	if !strings.HasPrefix(trimmed, "{") {
		return nil, errors.New("Policies must be valid JSON and the first byte must be '{'")
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, errors.New("This policy contains invalid Json")
	}
	if document.Statement == nil {
		return nil, errors.New("Missing required field Statement")
	}
	var list []statement
	if err := json.Unmarshal(document.Statement, &list); err != nil {
		var one statement
		if json.Unmarshal(document.Statement, &one) != nil {
			return nil, errors.New("Invalid policy syntax.")
		}
		list = []statement{one}
	}
	for _, s := range list {
		for name, missing := range map[string]bool{"Principal": s.Principal == nil && s.NotPrincipal == nil,
			"Action":   s.Action == nil && s.NotAction == nil,
			"Resource": s.Resource == nil && s.NotResource == nil} {
			if missing {
				return nil, fmt.Errorf("Missing required field %s", name)
			}
		}
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return nil, fmt.Errorf("Invalid effect: %s", s.Effect)
		}
	}
	return list, nil
}

// CheckPolicy returns an error for a text that is not a bucket policy.
func CheckPolicy(text string) error {
	_, err := statements(text)
	return err
}

// isPublicPolicy reports whether a bucket policy is public in the sense of Block Public Access: a
// statement allows something to everyone, without a condition that fixes who asks.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
func isPublicPolicy(text string) (bool, error) {
	list, err := statements(text)
	for _, s := range list {
		if s.Effect == "Allow" && (s.NotPrincipal != nil || isEveryone(s.Principal)) &&
			!fixesCaller(s.Condition) {
			return true, err
		}
	}
	return false, err
}

// isEveryone reports whether a Principal contains "*".
func isEveryone(principal any) bool {
	switch p := principal.(type) {
	case string:
		return p == "*"
	case map[string]any:
		return isEveryone(p["AWS"])
	case []any:
		for _, item := range p {
			if isEveryone(item) {
				return true
			}
		}
	}
	return false
}

// fixingKeys are the condition keys that make a statement for everyone not public, if their values
// are fixed.
var fixingKeys = map[string]bool{"aws:sourceip": true, "aws:sourcearn": true, "aws:sourcevpc": true,
	"aws:sourcevpce": true, "aws:sourceowner": true, "aws:sourceaccount": true, "aws:userid": true,
	"aws:principalorgid": true, "aws:principalarn": true, "aws:principalaccount": true,
	"aws:principalorgpaths": true, "aws:vpcsourceip": true, "aws:sourceorgid": true,
	"s3:x-amz-server-side-encryption-aws-kms-key-id": true, "s3:dataaccesspointarn": true,
	"s3:dataaccesspointaccount": true}

// fixingOperators are the operators that compare with those values.
var fixingOperators = map[string]bool{"stringequals": true, "stringequalsignorecase": true,
	"stringlike": true, "arnequals": true, "arnlike": true, "ipaddress": true}

func fixesCaller(condition map[string]map[string]any) bool {
	for operator, keys := range condition {
		if !fixingOperators[strings.ToLower(operator)] {
			continue
		}
		for key, values := range keys {
			if fixingKeys[strings.ToLower(key)] && areFixed(values) {
				return true
			}
		}
	}
	return false
}

// areFixed reports whether values contain neither wildcards nor variables, nor all addresses.
func areFixed(values any) bool {
	switch v := values.(type) {
	case string:
		return v != "" && !strings.ContainsAny(v, "*?") && !strings.Contains(v, "${") &&
			!strings.HasSuffix(v, "/0")
	case []any:
		for _, item := range v {
			if !areFixed(item) {
				return false
			}
		}
		return len(v) > 0
	}
	return false
}
