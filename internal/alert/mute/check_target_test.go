package mute

import "testing"

// TestTargetsOfChecks checks which patterns may match what a check is about.
func TestTargetsOfChecks(t *testing.T) {
	for pattern, want := range map[string]bool{"region/us-east-1": true, "region/*": true,
		"function/us-east-1/clips": true, "function/*/clips": true, "function/*": true, "*": true,
		"function/": false, "function/us-east-1/a/b": false, "region/": false, "bucket/x": false,
		"function/us-east-1/a b": false} {
		if err := CheckTarget(pattern); (err == nil) != want {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
