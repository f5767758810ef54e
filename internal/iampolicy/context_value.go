package iampolicy

import (
	"fmt"
	"net/netip"
	"strings"
)

// CheckContextValue returns an error if no request has that value for a global condition key. It
// knows the keys whose value is an address, and those with the values true and false; any other key
// may have any value. The engine compares such a value with nothing, so that a Deny under
// NotIpAddress would seem not to apply.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func CheckContextValue(key, value string) error {
	switch strings.ToLower(key) {
	case "aws:sourceip", "aws:vpcsourceip":
		if _, err := netip.ParseAddr(value); err == nil {
			return nil
		}
		if p, err := netip.ParsePrefix(value); err == nil {
			return fmt.Errorf("%s: %s is a network, but a request has one address: use an address in "+
				"it, such as %s", key, value, p.Masked().Addr().Next())
		}
		return fmt.Errorf("%s: %q is not an IP address: use one such as 203.0.113.7", key, value)
	case "aws:securetransport", "aws:viaawsservice", "aws:principalisawsservice",
		"aws:multifactorauthpresent":
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return fmt.Errorf("%s: %q is neither true nor false", key, value)
		}
	}
	return nil
}
