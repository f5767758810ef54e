package s3

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// CheckPolicy returns an error for a text that is not a bucket policy.
func CheckPolicy(text string) error {
	_, err := iampolicy.ParseResourcePolicy(iampolicy.Bucket, text)
	return err
}

// isPublicPolicy reports whether a bucket policy is public in the sense of Block Public Access: a
// statement allows something to everyone, without a condition that fixes who asks.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
func isPublicPolicy(text string) (bool, error) {
	document, err := iampolicy.ParseResourcePolicy(iampolicy.Bucket, text)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(document.Statements, func(s iampolicy.Statement) bool {
		return s.Effect == iampolicy.Allow && !slices.ContainsFunc(s.Conditions, fixesCaller) &&
			(s.NotPrincipal != nil || slices.ContainsFunc(s.Principal, isEveryone))
	}), nil
}

// isEveryone reports whether a principal is "*".
func isEveryone(p iampolicy.Principal) bool {
	return p.Type == "" || p.Type == "AWS" && p.Name == "*"
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

// fixesCaller reports whether a condition compares one of the keys with fixed values: with neither
// wildcards nor variables, nor all addresses.
func fixesCaller(c iampolicy.Condition) bool {
	return fixingOperators[strings.ToLower(c.Operator)] && fixingKeys[strings.ToLower(c.Key)] &&
		len(c.Values) > 0 && !slices.ContainsFunc(c.Values, func(v string) bool {
		return v == "" || strings.ContainsAny(v, "*?") || strings.Contains(v, "${") ||
			strings.HasSuffix(v, "/0")
	})
}
