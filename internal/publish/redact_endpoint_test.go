package publish

import "testing"

// TestRedactEndpoint checks that a URL loses its secrets, because a test alert shows each recipient
// the endpoints of all others.
func TestRedactEndpoint(t *testing.T) {
	const queue = "arn:aws:sqs:us-east-1:123456789012:alerts"
	for endpoint, want := range map[string]string{
		"ops@example.com": "ops@example.com", "+15550100": "+15550100", "": "", queue: queue,
		"https://example.com": "https://example.com",
		"https://example.com/integration/0123456789abcdef/key":    "https://example.com/...",
		"https://example.com?key=secret":                          "https://example.com/...",
		"https://user:secret@example.com":                         "https://example.com/...",
		"https://user:se@cret@example.com:8443/hook?key=secret#x": "https://example.com:8443/...",
		"https://sec/ret":                                         "https://sec/...",
	} {
		if got := redactEndpoint(endpoint); got != want {
			t.Errorf("%q becomes %q, want %q", endpoint, got, want)
		}
	}
}
