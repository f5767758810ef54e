package awsemu

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
)

// A Subscription is a subscription to a topic. The server delivers nothing: the published messages
// are in [Server.Messages].
type Subscription struct {
	// Topic is the topic's ARN, or its name in Function.Region.
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

func (t *topic) pending() (n int) {
	for _, s := range t.subscriptions {
		if s.Pending {
			n++
		}
	}
	return n
}

func (t *topic) add(st *store, s Subscription) *subscription {
	st.made++
	sub := &subscription{Subscription: s, arn: fmt.Sprintf("%s:00000000-0000-4000-a000-%012d", t.arn,
		st.made), owner: st.account}
	t.subscriptions = append(t.subscriptions, sub)
	return sub
}

// addSubscription adds a subscription of Account.Subscriptions. i is its index in that list.
func (st *store) addSubscription(i int, s Subscription) error {
	arn := s.Topic
	if !awsarn.HasPrefix(arn) {
		arn = st.topicARN(st.region, arn)
	}
	t := st.topics[arn]
	if t == nil {
		return fmt.Errorf("account: subscription %d: there is no topic %s", i+1, s.Topic)
	}
	s.Topic = t.arn
	t.add(st, s)
	return nil
}

func subscribe(c *call) (any, error) {
	t, err := c.findTopic("TopicArn", c.operation)
	if err != nil {
		return nil, err
	}
	s := Subscription{Topic: t.arn, Protocol: c.form.get("Protocol"), Endpoint: c.form.get("Endpoint")}
	pending, known := protocols[s.Protocol]
	switch {
	case !known:
		return nil, invalidParameter("Amazon SNS does not support this protocol string: %s", s.Protocol)
	case s.Endpoint == "" || strings.HasPrefix(s.Protocol, "email") &&
		!strings.Contains(s.Endpoint, "@"),
		strings.HasPrefix(s.Protocol, "http") && !strings.HasPrefix(s.Endpoint, s.Protocol+"://"):
		return nil, invalidParameter("Endpoint")
	}
	for _, e := range c.form.list("Attributes", "entry") {
		switch name, value := e.get("key"), e.get("value"); {
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
		sub = t.add(c.store, s)
	}
	shown := sub.arn
	if sub.Pending && c.form.get("ReturnSubscriptionArn") != "true" {
		shown = "pending confirmation"
	}
	return subscriptionARN{shown}, nil
}

type subscriptionARN struct {
	SubscriptionArn string
}

// confirmSubscription accepts the endpoint as the token, because the server sends no mail with a
// token.
func confirmSubscription(c *call) (any, error) {
	t, err := c.findTopic("TopicArn", c.operation)
	if err != nil {
		return nil, err
	}
	for _, s := range t.subscriptions {
		if s.Endpoint == c.form.get("Token") {
			s.Pending = false
			return subscriptionARN{s.arn}, nil
		}
	}
	return nil,
		invalidParameter("Token Reason: the embedded AWS sends no mail: the token is the endpoint")
}

// findSubscription returns the subscription that a call names, and its topic.
func (c *call) findSubscription() (*topic, *subscription, error) {
	arn := c.form.get("SubscriptionArn")
	at := strings.LastIndexByte(arn, ':')
	if len(strings.Split(arn, ":")) != 7 {
		return nil, nil,
			invalidParameter("SubscriptionArn Reason: An ARN must have at least 6 elements, not %d",
				len(strings.Split(arn, ":")))
	}
	if t := c.store.topics[arn[:at]]; t != nil {
		for _, s := range t.subscriptions {
			if s.arn == arn {
				return t, s, nil
			}
		}
	}
	return nil, nil, refuse(http.StatusNotFound, "NotFound", "Subscription does not exist")
}

func unsubscribe(c *call) (any, error) {
	t, s, err := c.findSubscription()
	if err != nil {
		return nil, err
	}
	if s.Pending {
		return nil,
			invalidParameter("SubscriptionArn Reason: This subscription is pending confirmation and " +
				"cannot be deleted")
	}
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(o *subscription) bool { return o == s })
	t.deleted++
	return nil, nil
}

func listSubscriptionsByTopic(c *call) (any, error) {
	t, err := c.findTopic("TopicArn", c.operation)
	if err != nil {
		return nil, err
	}
	type subscriptionXML struct{ TopicArn, Protocol, SubscriptionArn, Owner, Endpoint string }
	var all []subscriptionXML
	for _, s := range t.subscriptions {
		all = append(all, subscriptionXML{t.arn, s.Protocol, s.listedARN(), s.owner, s.Endpoint})
	}
	w, err := c.windowAt(c.form.get("NextToken"), c.operation, c.pageSize(),
		invalidParameter("NextToken"))
	if err != nil {
		return nil, err
	}
	shown, p := pageOf(all, w, c.operation)
	return struct {
		Subscriptions members[subscriptionXML]
		NextToken     string `xml:",omitempty"`
	}{listOf(shown), p.Marker}, nil
}

func getSubscriptionAttributes(c *call) (any, error) {
	t, s, err := c.findSubscription()
	if err != nil {
		return nil, err
	}
	attributes := []entry{
		{"SubscriptionArn", s.arn}, {"TopicArn", t.arn}, {"Owner", s.owner}, {"Protocol", s.Protocol},
		{"Endpoint", s.Endpoint},
		{"PendingConfirmation", strconv.FormatBool(s.Pending)}, {"RawMessageDelivery", "false"},
	}
	if s.FilterPolicy != "" {
		attributes = append(attributes, entry{"FilterPolicy", s.FilterPolicy},
			entry{"FilterPolicyScope", "MessageAttributes"})
	}
	return struct{ Attributes entries }{entries{attributes}}, nil
}
