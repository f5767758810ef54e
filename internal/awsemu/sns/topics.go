package sns

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

type topic struct {
	arn           string
	subscriptions []*subscription // in order of creation
}

// addTopic adds the topic with a name or an ARN.
func (s *Service) addTopic(name string) {
	arn := name
	if !strings.HasPrefix(name, "arn:") {
		arn = s.topicARN(name)
	}
	s.topics[arn] = &topic{arn: arn}
}

func (s *Service) topicARN(name string) string {
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s", s.account.Partition, s.account.Region, s.account.ID,
		name)
}

// invalidParameter returns the error that SNS uses for nearly all mistakes.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
func invalidParameter(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: "+format,
		args...)
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
