package iampolicy

import (
	"strings"
	"testing"
)

func TestCheckContextValue(t *testing.T) {
	tests := []struct{ name, key, value, want string }{
		{"an address", "aws:SourceIp", "203.0.113.7", ""},
		{"an address of IPv6", "aws:SourceIp", "2001:db8::7", ""},
		{"a network", "aws:SourceIp", "203.0.113.0/24", "an address in it, such as 203.0.113.1"},
		{"a network of IPv6", "aws:SourceIp", "2001:db8::/32", "such as 2001:db8::1"},
		{"a key in another case", "AWS:sourceip", "203.0.113.0/24", "is a network"},
		{"the address within a VPC", "aws:VpcSourceIp", "10.0.0.0/8", "is a network"},
		{"a word", "aws:SourceIp", "office", `"office" is not an IP address`},
		{"an address with a blank", "aws:SourceIp", " 203.0.113.7", "is not an IP address"},
		{"true", "aws:MultiFactorAuthPresent", "true", ""},
		{"False", "aws:SecureTransport", "False", ""},
		{"yes", "aws:MultiFactorAuthPresent", "yes", `"yes" is neither true nor false`},
		{"any value of another key", "aws:SourceVpc", "office", ""},
	}
	for _, test := range tests {
		err := CheckContextValue(test.key, test.value)
		if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
