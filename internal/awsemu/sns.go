package awsemu

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

var snsService = &service{
	name: "sns", scope: "sns", prefix: "SNS", version: "2010-03-31",
	xmlns:  "http://sns.amazonaws.com/doc/2010-03-31/",
	denial: "AuthorizationError",
	throttled: func() *apiError {
		return refuse(http.StatusTooManyRequests, "Throttled", "Rate exceeded")
	},
	operations: map[string]func(*call) (any, error){
		"CreateTopic":               createTopic,
		"ListTopics":                listTopics,
		"GetTopicAttributes":        getTopicAttributes,
		"Publish":                   publish,
		"Subscribe":                 subscribe,
		"ConfirmSubscription":       confirmSubscription,
		"Unsubscribe":               unsubscribe,
		"ListSubscriptionsByTopic":  listSubscriptionsByTopic,
		"GetSubscriptionAttributes": getSubscriptionAttributes,
	},
	permissions: permissions{}.need(anyResource, "ListTopics").need(newTopicARN, "CreateTopic").
		need(parameterARN("TopicArn"),
			"GetTopicAttributes Subscribe ListSubscriptionsByTopic ConfirmSubscription").
		need(subscriptionTopicARN, "Unsubscribe GetSubscriptionAttributes").need(publishTopicARN,
		"Publish"),
}

func newTopicARN(c *call) string { return c.store.topicARN(c.region, c.form.get("Name")) }

func publishTopicARN(c *call) string {
	return cmp.Or(c.form.get("TopicArn"), c.form.get("TargetArn"))
}

// subscriptionTopicARN returns the ARN of a topic: the topic of the subscription that a call names.
func subscriptionTopicARN(c *call) string {
	arn := c.form.get("SubscriptionArn")
	return arn[:max(0, strings.LastIndexByte(arn, ':'))]
}

// A Message is a message that a client published.
type Message struct {
	ID       string
	TopicARN string
	Subject  string
	// Structure is "json" for a message with bodies by protocol, and empty for any other message.
	Structure string
	// Bodies are the texts by protocol: email, sms, https and so on. "default" is always present.
	Bodies     map[string]string
	Attributes map[string]Attribute
	Time       time.Time
}

// Body returns the text for subscribers of a protocol.
func (m Message) Body(protocol string) string {
	if text, found := m.Bodies[protocol]; found {
		return text
	}
	return m.Bodies["default"]
}

// An Attribute is a message attribute. Type is String, String.Array, Number or Binary.
type Attribute struct {
	Type   string
	Value  string // empty for the type Binary
	Binary []byte // nil for the other types
}

type topic struct {
	arn           string
	subscriptions []*subscription // in order of creation
	deleted       int
}

// addTopic returns the topic with a name or an ARN, and creates the topic if it does not exist.
func (st *store) addTopic(name string) *topic {
	arn := name
	if !awsarn.HasPrefix(name) {
		arn = st.topicARN(st.region, name)
	}
	if st.topics[arn] == nil {
		st.topics[arn] = &topic{arn: arn}
	}
	return st.topics[arn]
}

func (st *store) topicARN(region, name string) string {
	return awsarn.ARN{Partition: st.partition, Service: "sns", Region: region, Account: st.account,
		Resource: name}.String()
}

// invalidParameter returns the error that SNS uses for nearly all mistakes.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
func invalidParameter(format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: "+format, args...)
}

type topicXML struct {
	TopicArn string
}

func createTopic(c *call) (any, error) {
	name := c.form.get("Name")
	if !awsname.IsTopic(name) { // also refuses FIFO topics, which have a dot
		return nil, invalidParameter("Topic Name")
	}
	return topicXML{c.store.addTopic(c.store.topicARN(c.region, name)).arn}, nil
}

// listTopics lists the topics of the request's region. SNS has no parameter for the page size.
func listTopics(c *call) (any, error) {
	var topics []topicXML
	for _, t := range sortedValues(c.store.topics) {
		if a, _ := awsarn.Parse(t.arn); a.Region == c.region {
			topics = append(topics, topicXML{t.arn})
		}
	}
	w, err := c.windowAt(c.form.get("NextToken"), c.operation, c.pageSize(),
		invalidParameter("NextToken"))
	if err != nil {
		return nil, err
	}
	shown, p := pageOf(topics, w, c.operation)
	return struct {
		Topics    members[topicXML]
		NextToken string `xml:",omitempty"`
	}{listOf(shown), p.Marker}, nil
}

// findTopic returns the topic that a parameter names.
func (c *call) findTopic(param, action string) (*topic, error) {
	arn := c.form.get(param)
	a, n := awsarn.Split(arn)
	switch {
	case n < 6:
		return nil, invalidParameter("%s Reason: An ARN must have at least 6 elements, not %d", param,
			n)
	case a[0] != "arn" || a[awsarn.Service] != "sns":
		return nil,
			invalidParameter("%s Reason: An ARN must be of the form arn:%s:sns:REGION:ACCOUNT:NAME", param,
				c.store.partition)
	case a[awsarn.Region] != c.region:
		// SNS returns this error if the client and the topic are in different regions.
		return nil, invalidParameter("%s", param)
	case a[awsarn.Account] != c.store.account:
		return nil, refuse(http.StatusForbidden, "AuthorizationError",
			"User: %s is not authorized to perform: SNS:%s on resource: %s because no resource-based "+
				"policy allows the SNS:%s action", c.caller.arn, action, arn, action)
	}
	t := c.store.topics[arn]
	if t == nil {
		return nil, refuse(http.StatusNotFound, "NotFound", "Topic does not exist")
	}
	return t, nil
}

func getTopicAttributes(c *call) (any, error) {
	t, err := c.findTopic("TopicArn", c.operation)
	if err != nil {
		return nil, err
	}
	return struct{ Attributes entries }{entries{[]entry{
		{"TopicArn", t.arn},
		{"Owner", c.store.account},
		{"DisplayName", ""},
		{"SubscriptionsConfirmed", strconv.Itoa(len(t.subscriptions) - t.pending())},
		{"SubscriptionsPending", strconv.Itoa(t.pending())},
		{"SubscriptionsDeleted", strconv.Itoa(t.deleted)},
	}}}, nil
}

func publish(c *call) (any, error) {
	m, err := c.message()
	if err != nil {
		return nil, err
	}
	c.messages = appendNewest(c.messages, m)
	return struct {
		MessageID string `xml:"MessageId"`
	}{m.ID}, nil
}
