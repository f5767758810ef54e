package publish

import "testing"

// A test alert tells everybody who gets it, and nobody the keys of the others.
func TestShown(t *testing.T) {
	for endpoint, want := range map[string]string{
		"ops@example.com": "ops@example.com", "+15550100": "+15550100", "": "",
		"arn:aws:sqs:us-east-1:123456789012:alerts":               "arn:aws:sqs:us-east-1:123456789012:alerts",
		"https://example.com":                                     "https://example.com",
		"https://example.com/integration/0123456789abcdef/key":    "https://example.com/...",
		"https://example.com?key=secret":                          "https://example.com/...",
		"https://user:secret@example.com":                         "https://example.com/...",
		"https://user:se@cret@example.com:8443/hook?key=secret#x": "https://example.com:8443/...",
		"https://sec/ret":                                         "https://sec/...",
	} {
		if got := shown(endpoint); got != want {
			t.Errorf("%q is shown as %q, want %q", endpoint, got, want)
		}
	}
}
