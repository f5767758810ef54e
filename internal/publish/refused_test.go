package publish

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// TestRefusals checks each error that SNS documents for Publish, as the SDK reads it: whether it
// refuses the message for good, and whether another message may be accepted.
func TestRefusals(t *testing.T) {
	const topic = "arn:aws:sns:us-east-1:123456789012:alerts"
	for _, tt := range []struct {
		code           string
		final, content bool
	}{
		{"InvalidParameter", true, true}, {"ParameterValueInvalid", true, true},
		{"ValidationException", true, true}, {"NotFound", true, false},
		{"AuthorizationError", false, false}, {"InternalError", false, false},
		{"EndpointDisabled", false, false}, {"InvalidSecurity", false, false},
		{"KMSAccessDenied", false, false}, {"KMSDisabled", false, false},
		{"KMSInvalidState", false, false}, {"KMSNotFound", false, false},
		{"KMSOptInRequired", false, false}, {"KMSThrottling", false, false},
		{"PlatformApplicationDisabled", false, false}, {"ExpiredToken", false, false},
		{"AnErrorOfTheFuture", false, false},
	} {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			srv := &awsemu.Server{Account: &awsemu.Account{ID: "123456789012",
				Topics: []string{"alerts"}}, Faults: []awsemu.Fault{{Operation: "sns:Publish",
				Error: &awsemu.FaultError{Code: tt.code, Status: http.StatusBadRequest}}}}
			err := Topic{Client: emutest.Connect(t, srv).SNS, ARN: topic}.Publish(t.Context(),
				alert.Message{Subject: "s", Bodies: map[string]string{"default": "{}"}})
			var refused *alert.RefusedError
			if final := errors.As(err, &refused); final != tt.final ||
				final && refused.Content != tt.content || !strings.Contains(err.Error(), tt.code) {
				t.Errorf("error %v, refused %+v", err, refused)
			}
		})
	}
}

// TestRefusedMessages checks that what the embedded SNS refuses as the real one documents is a
// refusal for good.
func TestRefusedMessages(t *testing.T) {
	srv := &awsemu.Server{Account: &awsemu.Account{ID: "123456789012", Topics: []string{"alerts"}}}
	client := emutest.Connect(t, srv).SNS
	const topic = "arn:aws:sns:us-east-1:123456789012:alerts"
	text := map[string]string{"default": "{}"}
	for _, tt := range []struct {
		name, topic string
		message     alert.Message
		content     bool
	}{
		{"a message that is too long", topic, alert.Message{Subject: "s",
			Bodies: map[string]string{"default": strings.Repeat("x", 256<<10)}}, true},
		{"a subject that is too long", topic, alert.Message{Subject: strings.Repeat("s", 100),
			Bodies: text}, true},
		{"a subject with a line break", topic, alert.Message{Subject: "a\nb", Bodies: text}, true},
		{"no default body", topic, alert.Message{Subject: "s", Bodies: map[string]string{"sms": "x"}},
			true},
		{"an attribute without a value", topic, alert.Message{Subject: "s", Bodies: text,
			Attributes: []alert.Attribute{{Name: "n", Type: "String"}}}, true},
		{"a topic that does not exist", topic + "-gone", alert.Message{Subject: "s", Bodies: text},
			false},
	} {
		err := Topic{Client: client, ARN: tt.topic}.Publish(t.Context(), tt.message)
		var refused *alert.RefusedError
		if !errors.As(err, &refused) || refused.Content != tt.content {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
	// A list of sinks passes a refusal on.
	err := Sinks[alert.Message]{Topic{Client: client, ARN: topic}}.Publish(t.Context(),
		alert.Message{Subject: "a\nb", Bodies: text})
	if refused := (*alert.RefusedError)(nil); !errors.As(err, &refused) {
		t.Errorf("error of the list: %v", err)
	}
}
