package sns_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestPublishedMessagesAreStored(t *testing.T) {
	at := time.Date(2026, 11, 14, 9, 0, 0, 0, time.UTC)
	srv := &awsemu.Server{Account: &awsemu.Account{Topics: []string{"alerts"}},
		Now: func() time.Time { return at }}
	c := emutest.Connect(t, srv).SNS
	plain, err := c.Publish(t.Context(), &sns.PublishInput{TargetArn: aws.String(emutest.Alerts),
		Message: aws.String("héllo")})
	if err != nil {
		t.Fatal(err)
	}
	structured, err := c.Publish(t.Context(), &sns.PublishInput{
		TopicArn: aws.String(emutest.Alerts), Subject: aws.String("[CRITICAL] 2 gaps"),
		MessageStructure: aws.String("json"),
		Message: aws.String(
			`{"default": "{}", "email": "Dear <you> & \"me\"\n+ 100 %", "sms": ""}`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"severity": {DataType: aws.String("String"), StringValue: aws.String("critical")},
			"events": {DataType: aws.String("String.Array"),
				StringValue: aws.String(`["opened","worse",1,true,null]`)},
			"gapCount": {DataType: aws.String("Number"), StringValue: aws.String("2")},
			"raw":      {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []awsemu.Message{
		{ID: *plain.MessageId, TopicARN: emutest.Alerts, Bodies: map[string]string{"default": "héllo"},
			Attributes: map[string]awsemu.Attribute{}, Time: at},
		{
			ID: *structured.MessageId, TopicARN: emutest.Alerts, Subject: "[CRITICAL] 2 gaps", Structure: "json",
			Time:   at,
			Bodies: map[string]string{"default": "{}", "email": "Dear <you> & \"me\"\n+ 100 %", "sms": ""},
			Attributes: map[string]awsemu.Attribute{
				"severity": {Type: "String", Value: "critical"},
				"events":   {Type: "String.Array", Value: `["opened","worse",1,true,null]`},
				"gapCount": {Type: "Number", Value: "2"},
				"raw":      {Type: "Binary", Binary: []byte{0, 255}},
			},
		},
	}
	got := srv.Messages()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	if got[1].Body("sms") != "" || got[1].Body("https") != "{}" {
		t.Errorf("bodies by protocol: sms %q, https %q", got[1].Body("sms"), got[1].Body("https"))
	}
	srv.Reset()
	if len(srv.Messages())+len(srv.Calls()) != 0 {
		t.Error("Reset did not clear the messages and calls")
	}
}

func TestPublishRefusesTheSameRequestsAsSNS(t *testing.T) {
	srv := &awsemu.Server{Account: &awsemu.Account{Topics: []string{"alerts",
		"arn:aws:sns:eu-central-1:123456789012:far"}}}
	c := emutest.Connect(t, srv).SNS
	attribute := func(name, dataType, value string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{name: {DataType: &dataType,
				StringValue: &value}}
		}
	}
	structure := func(text string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) { in.Message, in.MessageStructure = &text, aws.String("json") }
	}
	subject := func(text string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) { in.Subject = &text }
	}
	tests := []struct {
		name, code, message string
		set                 func(*sns.PublishInput)
	}{
		{"an unknown topic", "NotFound", "Topic does not exist", func(in *sns.PublishInput) {
			in.TopicArn = aws.String(emutest.Alerts + "2")
		}},
		{"a topic of another region", "InvalidParameter", "Invalid parameter: TopicArn",
			func(in *sns.PublishInput) {
				in.TopicArn = aws.String("arn:aws:sns:eu-central-1:123456789012:far")
			}},
		{"a topic of another account", "AuthorizationError",
			"User: arn:aws:iam::123456789012:user/administrator is not authorized to perform: SNS:Publish " +
				"on resource: arn:aws:sns:us-east-1:999999999999:alerts because no resource-based policy " +
				"allows the SNS:Publish action", func(in *sns.PublishInput) {
				in.TopicArn = aws.String("arn:aws:sns:us-east-1:999999999999:alerts")
			}},
		{"a topic that is not an ARN", "InvalidParameter",
			"Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
			func(in *sns.PublishInput) { in.TopicArn = aws.String("alerts") }},
		{"an empty message", "InvalidParameter", "Invalid parameter: Empty message",
			func(in *sns.PublishInput) {
				in.Message = aws.String("")
			}},
		{"a message one byte above the limit", "InvalidParameter", "Invalid parameter: Message too long",
			func(in *sns.PublishInput) { in.Message = aws.String(strings.Repeat("x", 256<<10+1)) }},
		{"attributes that exceed the limit", "InvalidParameter", "Invalid parameter: Message too long",
			func(in *sns.PublishInput) {
				in.Message = aws.String(strings.Repeat("x", 256<<10))
				attribute("a", "String", "b")(in)
			}},
		{"a subject of a hundred characters", "InvalidParameter", "Invalid parameter: Subject",
			subject(strings.Repeat("s", 100))},
		{"a subject of two lines", "InvalidParameter", "Invalid parameter: Subject", subject("a\nb")},
		{"a subject that is not ASCII", "InvalidParameter", "Invalid parameter: Subject",
			subject("naïve")},
		{"a subject that begins with a space", "InvalidParameter", "Invalid parameter: Subject",
			subject(" a")},
		{"an empty subject", "InvalidParameter", "Invalid parameter: Subject", subject("")},
		{"a MessageStructure that is not json", "InvalidParameter", "", func(in *sns.PublishInput) {
			in.MessageStructure = aws.String("xml")
		}},
		{"a structured text that is not JSON", "InvalidParameter",
			"Invalid parameter: Message Structure - JSON message body failed to parse", structure("{")},
		{"a structured list", "InvalidParameter",
			"Invalid parameter: Message Structure - JSON message body failed to parse",
			structure(`["default"]`)},
		{"text after the structure", "InvalidParameter",
			"Invalid parameter: Message Structure - JSON message body failed to parse",
			structure(`{"default":"a"}{`)},
		{"a structure without default", "InvalidParameter",
			"Invalid parameter: Message Structure - No default entry in JSON message body",
			structure(`{"email":"a"}`)},
		{"a default that is not a string", "InvalidParameter",
			"Invalid parameter: Message Structure - No default entry in JSON message body",
			structure(`{"default":{}}`)},
		{"a value that is not a string", "InvalidParameter",
			`Invalid parameter: Message Structure - the value of "email" in JSON message body is not a string`,
			structure(`{"default":"a","email":1}`)},
		{"a duplicate key", "InvalidParameter",
			`Invalid parameter: Message Structure - duplicate key "email" in JSON message body`,
			structure(`{"default":"a","email":"b","email":"c"}`)},
		{"an attribute without value", "ParameterValueInvalid", "", attribute("a", "String", "")},
		{"an attribute of an unknown type", "ParameterValueInvalid", "", attribute("a", "Colour", "red")},
		{"an array that is not JSON", "ParameterValueInvalid", "",
			attribute("a", "String.Array", "opened")},
		{"an array of arrays", "ParameterValueInvalid", "", attribute("a", "String.Array", "[[]]")},
		{"an invalid number", "ParameterValueInvalid", "", attribute("a", "Number", "two")},
		{"an attribute with a reserved name", "ParameterValueInvalid", "",
			attribute("AWS.x", "String", "a")},
		{"an attribute with a space in its name", "ParameterValueInvalid", "",
			attribute("a b", "String", "a")},
		{"a phone number", "InvalidParameter", "", func(in *sns.PublishInput) {
			in.TopicArn, in.PhoneNumber = nil, aws.String("+4912345")
		}},
		{"no topic", "InvalidParameter", "", func(in *sns.PublishInput) { in.TopicArn = nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &sns.PublishInput{TopicArn: aws.String(emutest.Alerts), Message: aws.String("text")}
			tt.set(in)
			_, err := c.Publish(t.Context(), in)
			emutest.WantError(t, err, tt.code, tt.message)
		})
	}
	if n := len(srv.Messages()); n != 0 {
		t.Errorf("%d refused messages are stored", n)
	}
	_, err := c.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(emutest.Alerts),
		Message: aws.String(strings.Repeat("x", 256<<10))})
	if err != nil {
		t.Errorf("a message of 256 KiB: %v", err)
	}
	var notFound *types.NotFoundException
	if _, err := c.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(emutest.Alerts + "2"),
		Message: aws.String("x")}); !errors.As(err, &notFound) {
		t.Errorf("unknown topic: %v is not a NotFoundException", err)
	}
}

func TestSubscriptions(t *testing.T) {
	account := &awsemu.Account{Topics: []string{"alerts"}, Subscriptions: []awsemu.Subscription{
		{Topic: "alerts", Protocol: "email", Endpoint: "a@example.com"},
		{Topic: emutest.Alerts, Protocol: "https", Endpoint: "https://example.com/", Pending: true,
			FilterPolicy: `{"severity":["critical"]}`},
	}}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).SNS
	listed := func() string {
		t.Helper()
		var all []string
		p := sns.NewListSubscriptionsByTopicPaginator(c,
			&sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(emutest.Alerts)})
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range out.Subscriptions {
				text := *s.Endpoint
				if !strings.HasPrefix(*s.SubscriptionArn, emutest.Alerts+":") {
					text += " " + *s.SubscriptionArn
				}
				all = append(all, text)
			}
		}
		return strings.Join(all, ", ")
	}
	if got, want := listed(), "a@example.com, https://example.com/ PendingConfirmation"; got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
	for range 2 { // subscribing again succeeds
		made, err := c.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: aws.String(emutest.Alerts),
			Protocol: aws.String("email"), Endpoint: aws.String("b@example.com")})
		if err != nil || *made.SubscriptionArn != "pending confirmation" {
			t.Fatalf("%+v %v", made, err)
		}
	}
	_, err := c.ConfirmSubscription(t.Context(),
		&sns.ConfirmSubscriptionInput{TopicArn: aws.String(emutest.Alerts),
			Token: aws.String("b@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := listed(),
		"a@example.com, https://example.com/ PendingConfirmation, b@example.com"; got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
	_, err = c.GetSubscriptionAttributes(t.Context(),
		&sns.GetSubscriptionAttributesInput{SubscriptionArn: aws.String(emutest.Alerts + ":none")})
	emutest.WantError(t, err, "NotFound", "Subscription does not exist")
	_, err = c.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: aws.String(emutest.Alerts),
		Protocol: aws.String("fax"), Endpoint: aws.String("1")})
	emutest.WantError(t, err, "InvalidParameter",
		"Invalid parameter: Amazon SNS does not support this protocol string: fax")
	_, err = c.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: aws.String(emutest.Alerts),
		Protocol: aws.String("https"), Endpoint: aws.String("example.com")})
	emutest.WantError(t, err, "InvalidParameter", "Invalid parameter: Endpoint")
	_, err = c.ListSubscriptionsByTopic(t.Context(),
		&sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(emutest.Alerts + "2")})
	emutest.WantError(t, err, "NotFound", "")
	unknown := &awsemu.Account{Subscriptions: []awsemu.Subscription{{Topic: "none"}}}
	_, err = emutest.Connect(t, &awsemu.Server{Account: unknown}).SNS.ListSubscriptionsByTopic(
		t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(emutest.Alerts)})
	emutest.WantError(t, err, "InternalFailure", "account: subscription 1: there is no topic none")
}
