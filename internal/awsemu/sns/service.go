// Package sns emulates topics, subscriptions and Publish of SNS. Nothing is delivered.
package sns

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Service contains the topics with their subscriptions, and the messages that clients published.
type Service struct {
	account  *service.Account
	topics   map[string]*topic // by ARN
	messages []Message
}

// New returns a service with topics, which are ARNs or names in the default region of the account,
// and subscriptions to these topics.
func New(account *service.Account, topics []string, subscriptions []Subscription) (*Service,
	error) {
	s := &Service{account: account, topics: make(map[string]*topic)}
	for _, name := range topics {
		s.addTopic(name)
	}
	for i, sub := range subscriptions {
		if err := s.addSubscription(i, sub); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// A call is a call of SNS.
type call struct {
	*service.Call
	*Service
}

var operations = service.Table[call]{
	"Publish":                   {Do: publish, Needs: service.On(publishTopicARN)},
	"Subscribe":                 {Do: subscribe, Needs: onTopic},
	"ConfirmSubscription":       {Do: confirmSubscription, Needs: onTopic},
	"ListSubscriptionsByTopic":  {Do: listSubscriptionsByTopic, Needs: onTopic},
	"GetSubscriptionAttributes": {Do: getSubscriptionAttributes, Needs: onSubscription},
}

var (
	onTopic        = service.On(func(c call) string { return c.Form.Get("TopicArn") })
	onSubscription = service.On(subscriptionTopicARN)
)

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "sns", Scope: "sns", Prefix: "SNS", Version: "2010-03-31",
		XMLNS:  "http://sns.amazonaws.com/doc/2010-03-31/",
		Denial: "AuthorizationError",
		Throttled: wire.Error{Status: http.StatusTooManyRequests, Code: "Throttled",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
	}
}

// Messages returns the messages that clients have published so far.
func (s *Service) Messages() []Message { return slices.Clone(s.messages) }

// Reset clears the messages.
func (s *Service) Reset() { s.messages = nil }

func publishTopicARN(c call) string {
	return cmp.Or(c.Form.Get("TopicArn"), c.Form.Get("TargetArn"))
}

// subscriptionTopicARN returns the ARN of a topic: the topic of the subscription that a call names.
func subscriptionTopicARN(c call) string {
	arn := c.Form.Get("SubscriptionArn")
	return arn[:max(0, strings.LastIndexByte(arn, ':'))]
}
