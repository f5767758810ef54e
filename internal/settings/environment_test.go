package settings

import (
	"strings"
	"testing"
)

func TestCheckEnvironment(t *testing.T) {
	// As JSON with the topic and the bucket: {"A":"…","EVIDENCE_BUCKET":"b","TOPIC_ARN":"t"}
	const frame = len(`{"A":"","EVIDENCE_BUCKET":"b","TOPIC_ARN":"t"}`)
	known := func(value string) map[string]string {
		return map[string]string{"A": value, EnvTopicARN: "t", EnvEvidenceBucket: "b"}
	}
	unknown := func(value string) map[string]string { return map[string]string{"A": value} }
	fits := MaxEnvironment - frame
	for _, tt := range []struct {
		name      string
		variables map[string]string
		want      string // in the error; empty for none
	}{
		{"the largest environment", known(strings.Repeat("a", fits)), ""},
		{"one byte more", known(strings.Repeat("a", fits+1)), "has 4097 bytes, Lambda accepts at most " +
			"4096: shorten A, which has 4051 bytes"},
		{"a quote counts twice", known(strings.Repeat("a", fits-1) + `"`), "has 4097 bytes"},
		{"< counts once", known(strings.Repeat("a", fits-1) + `<`), ""},
		{"an unknown topic and bucket count with their longest names",
			unknown(strings.Repeat("a", fits-195-63+3)), "has 4097 bytes"},
		{"an unknown topic and bucket that fit", unknown(strings.Repeat("a", fits-195-63+2)), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckEnvironment(tt.variables)
			if tt.want == "" && err != nil || tt.want != "" &&
				(err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}
