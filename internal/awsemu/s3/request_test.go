package s3

import "testing"

func TestVirtualHosts(t *testing.T) {
	for host, want := range map[string]string{
		"127.0.0.1:4599": "", "localhost:4599": "", "[::1]:4599": "",
		"evidence.localhost:4599": "evidence", "a.b.localhost": "a.b",
		"evidence.s3.us-east-1.amazonaws.com": "evidence", "s3.us-east-1.amazonaws.com": "",
		"evidence.s3.amazonaws.com": "evidence",
	} {
		if got := virtualHost(host); got != want {
			t.Errorf("host %s has the bucket %q, want %q", host, got, want)
		}
	}
}
