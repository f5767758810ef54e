package sns

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Subscription is a subscription to a topic. The server delivers nothing: the published messages
// are in [Service.Messages].
type Subscription struct {
	// Topic is the topic's ARN, or its name in the default region of the account.
	Topic string
	// Protocol is email, email-json, sms, http, https, sqs, lambda, firehose or application.
	Protocol string
	// Endpoint is the address, number, URL or ARN.
	Endpoint string
	// Pending is true until the subscription is confirmed.
	Pending bool
	// FilterPolicy is JSON. The server stores and returns it, but does not apply it. Empty means none.
	FilterPolicy string
}

type subscription struct {
	Subscription
	arn   string
	owner string
}

// pendingConfirmation replaces the ARN of a pending subscription in a list.
// https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
const pendingConfirmation = "PendingConfirmation"

func (s *subscription) listedARN() string {
	if s.Pending {
		return pendingConfirmation
	}
	return s.arn
}

// protocols contains the protocols of SNS. A value is true if the endpoint has to confirm a
// subscription. AWS services in the same account and phones need no confirmation.
// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
var protocols = map[string]bool{
	"email": true, "email-json": true, "http": true, "https": true,
	"sms": false, "sqs": false, "lambda": false, "firehose": false, "application": false,
}

// Protocols returns the protocols of SNS, sorted.
func Protocols() []string { return slices.Sorted(maps.Keys(protocols)) }

func (t *topic) add(account *service.Account, s Subscription) *subscription {
	sub := &subscription{Subscription: s, arn: fmt.Sprintf("%s:00000000-0000-4000-a000-%012d", t.arn,
		account.Next()), owner: account.ID}
	t.subscriptions = append(t.subscriptions, sub)
	return sub
}

// addSubscription adds a subscription that the account describes. i is its index in the list.
func (s *Service) addSubscription(i int, described Subscription) error {
	arn := described.Topic
	if !awsarn.HasPrefix(arn) {
		arn = s.topicARN(arn)
	}
	t := s.topics[arn]
	if t == nil {
		return fmt.Errorf("account: subscription %d: there is no topic %s", i+1, described.Topic)
	}
	described.Topic = t.arn
	t.add(s.account, described)
	return nil
}

func subscribe(c call) (any, error) {
	t, err := c.findTopic("TopicArn", c.Operation)
	if err != nil {
		return nil, err
	}
	s := Subscription{Topic: t.arn, Protocol: c.Form.Get("Protocol"), Endpoint: c.Form.Get("Endpoint")}
	pending, known := protocols[s.Protocol]
	switch {
	case !known:
		return nil, invalidParameter("Amazon SNS does not support this protocol string: %s", s.Protocol)
	case s.Endpoint == "" || strings.HasPrefix(s.Protocol, "email") &&
		!strings.Contains(s.Endpoint, "@"),
		strings.HasPrefix(s.Protocol, "http") && !strings.HasPrefix(s.Endpoint, s.Protocol+"://"):
		return nil, invalidParameter("Endpoint")
	}
	for _, e := range c.Form.List("Attributes", "entry") {
		switch name, value := e.Get("key"), e.Get("value"); {
		case name != "FilterPolicy":
			return nil, invalidParameter("Attributes Reason: the embedded AWS supports only "+
				"FilterPolicy, got %s",
				name)
		case !json.Valid([]byte(value)):
			return nil, invalidParameter("FilterPolicy: failed to parse JSON")
		default:
			s.FilterPolicy = value
		}
	}
	s.Pending = pending
	i := slices.IndexFunc(t.subscriptions, func(o *subscription) bool {
		return o.Protocol == s.Protocol && o.Endpoint == s.Endpoint
	})
	var sub *subscription
	if i >= 0 { // subscribing again succeeds and changes nothing
		sub = t.subscriptions[i]
	} else {
		sub = t.add(c.account, s)
	}
	shown := sub.arn
	if sub.Pending && c.Form.Get("ReturnSubscriptionArn") != "true" {
		shown = "pending confirmation"
	}
	return subscriptionARN{shown}, nil
}

type subscriptionARN struct {
	SubscriptionArn string
}

// confirmSubscription accepts the endpoint as the token, because the server sends no mail with a
// token.
func confirmSubscription(c call) (any, error) {
	t, err := c.findTopic("TopicArn", c.Operation)
	if err != nil {
		return nil, err
	}
	for _, s := range t.subscriptions {
		if s.Endpoint == c.Form.Get("Token") {
			s.Pending = false
			return subscriptionARN{s.arn}, nil
		}
	}
	return nil,
		invalidParameter("Token Reason: the embedded AWS sends no mail: the token is the endpoint")
}

// findSubscription returns the subscription that a call names, and its topic.
func (c call) findSubscription() (*topic, *subscription, error) {
	arn := c.Form.Get("SubscriptionArn")
	at := strings.LastIndexByte(arn, ':')
	if len(strings.Split(arn, ":")) != 7 {
		return nil, nil,
			invalidParameter("SubscriptionArn Reason: An ARN must have at least 6 elements, not %d",
				len(strings.Split(arn, ":")))
	}
	if t := c.topics[arn[:at]]; t != nil {
		for _, s := range t.subscriptions {
			if s.arn == arn {
				return t, s, nil
			}
		}
	}
	return nil, nil, wire.Refuse(http.StatusNotFound, "NotFound", "Subscription does not exist")
}

func listSubscriptionsByTopic(c call) (any, error) {
	t, err := c.findTopic("TopicArn", c.Operation)
	if err != nil {
		return nil, err
	}
	type subscriptionXML struct{ TopicArn, Protocol, SubscriptionArn, Owner, Endpoint string }
	var all []subscriptionXML
	for _, s := range t.subscriptions {
		all = append(all, subscriptionXML{t.arn, s.Protocol, s.listedARN(), s.owner, s.Endpoint})
	}
	w, err := wire.WindowAt(c.Form.Get("NextToken"), c.Operation, c.PageSize,
		invalidParameter("NextToken"))
	if err != nil {
		return nil, err
	}
	shown, p := wire.PageOf(all, w, c.Operation)
	return struct {
		Subscriptions wire.Members[subscriptionXML]
		NextToken     string `xml:",omitempty"`
	}{wire.ListOf(shown), p.Marker}, nil
}

func getSubscriptionAttributes(c call) (any, error) {
	t, s, err := c.findSubscription()
	if err != nil {
		return nil, err
	}
	attributes := [][2]string{
		{"SubscriptionArn", s.arn}, {"TopicArn", t.arn}, {"Owner", s.owner}, {"Protocol", s.Protocol},
		{"Endpoint", s.Endpoint},
		{"PendingConfirmation", strconv.FormatBool(s.Pending)}, {"RawMessageDelivery", "false"},
	}
	if s.FilterPolicy != "" {
		attributes = append(attributes, [2]string{"FilterPolicy", s.FilterPolicy},
			[2]string{"FilterPolicyScope", "MessageAttributes"})
	}
	return struct{ Attributes wire.Entries }{wire.EntriesOf(attributes)}, nil
}
