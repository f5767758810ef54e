package sns

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

type topic struct {
	arn           string
	subscriptions []*subscription // in order of creation
	deleted       int
}

// addTopic returns the topic with a name or an ARN, and creates the topic if it does not exist.
func (s *Service) addTopic(name string) *topic {
	arn := name
	if !strings.HasPrefix(name, "arn:") {
		arn = s.topicARN(s.account.Region, name)
	}
	if s.topics[arn] == nil {
		s.topics[arn] = &topic{arn: arn}
	}
	return s.topics[arn]
}

func (s *Service) topicARN(region, name string) string {
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s", s.account.Partition, region, s.account.ID, name)
}

// invalidParameter returns the error that SNS uses for nearly all mistakes.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
func invalidParameter(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: "+format,
		args...)
}

type topicXML struct {
	TopicArn string
}

func createTopic(c call) (any, error) {
	name := c.Form.Get("Name")
	if len(name) > 256 || !IsTopicName(name) {
		return nil, invalidParameter("Topic Name")
	}
	return topicXML{c.addTopic(c.topicARN(c.Region, name)).arn}, nil
}

// IsTopicName reports whether s is the name of a topic. It refuses FIFO topics, which have a dot.
func IsTopicName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return s != ""
}

// listTopics lists the topics of the request's region. SNS has no parameter for the page size.
func listTopics(c call) (any, error) {
	var topics []topicXML
	for _, t := range service.SortedValues(c.topics) {
		if strings.Split(t.arn, ":")[3] == c.Region {
			topics = append(topics, topicXML{t.arn})
		}
	}
	w, err := wire.WindowAt(c.Form.Get("NextToken"), c.Operation, c.PageSize,
		invalidParameter("NextToken"))
	if err != nil {
		return nil, err
	}
	shown, p := wire.PageOf(topics, w, c.Operation)
	return struct {
		Topics    wire.Members[topicXML]
		NextToken string `xml:",omitempty"`
	}{wire.ListOf(shown), p.Marker}, nil
}

// findTopic returns the topic that a parameter names.
func (c call) findTopic(param, action string) (*topic, error) {
	arn := c.Form.Get(param)
	parts := strings.Split(arn, ":")
	switch {
	case len(parts) < 6:
		return nil, invalidParameter("%s Reason: An ARN must have at least 6 elements, not %d", param,
			len(parts))
	case parts[0] != "arn" || parts[2] != "sns":
		return nil,
			invalidParameter("%s Reason: An ARN must be of the form arn:%s:sns:REGION:ACCOUNT:NAME", param,
				c.account.Partition)
	case parts[3] != c.Region:
		// SNS returns this error if the client and the topic are in different regions.
		return nil, invalidParameter("%s", param)
	case parts[4] != c.account.ID:
		return nil, wire.Refuse(http.StatusForbidden, "AuthorizationError",
			"User: %s is not authorized to perform: SNS:%s on resource: %s because no resource-based "+
				"policy allows the SNS:%s action", c.Caller.ARN, action, arn, action)
	}
	t := c.topics[arn]
	if t == nil {
		return nil, wire.Refuse(http.StatusNotFound, "NotFound", "Topic does not exist")
	}
	return t, nil
}

func getTopicAttributes(c call) (any, error) {
	t, err := c.findTopic("TopicArn", c.Operation)
	if err != nil {
		return nil, err
	}
	return struct{ Attributes wire.Entries }{wire.EntriesOf([][2]string{
		{"TopicArn", t.arn},
		{"Owner", c.account.ID},
		{"DisplayName", ""},
		{"SubscriptionsConfirmed", strconv.Itoa(len(t.subscriptions) - t.pending())},
		{"SubscriptionsPending", strconv.Itoa(t.pending())},
		{"SubscriptionsDeleted", strconv.Itoa(t.deleted)},
	})}, nil
}
