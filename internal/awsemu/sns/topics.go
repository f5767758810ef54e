package sns

import (
	"net/http"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

type topic struct {
	arn           string
	subscriptions []*subscription // in order of creation
}

// addTopic adds the topic with a name or an ARN.
func (s *Service) addTopic(name string) {
	arn := name
	if !awsarn.HasPrefix(name) {
		arn = s.topicARN(name)
	}
	s.topics[arn] = &topic{arn: arn}
}

func (s *Service) topicARN(name string) string {
	return awsarn.ARN{Partition: s.account.Partition, Service: "sns", Region: s.account.Region,
		Account: s.account.ID, Resource: name}.String()
}

// invalidParameter returns the error that SNS uses for nearly all mistakes.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
func invalidParameter(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: "+format,
		args...)
}

// findTopic returns the topic that a parameter names.
func (c call) findTopic(param, action string) (*topic, error) {
	arn := c.Form.Get(param)
	a, n := awsarn.Split(arn)
	switch {
	case n < 6:
		return nil, invalidParameter("%s Reason: An ARN must have at least 6 elements, not %d", param,
			n)
	case a[0] != "arn" || a[awsarn.Service] != "sns":
		return nil,
			invalidParameter("%s Reason: An ARN must be of the form arn:%s:sns:REGION:ACCOUNT:NAME", param,
				c.account.Partition)
	case a[awsarn.Region] != c.Region:
		// SNS returns this error if the client and the topic are in different regions.
		return nil, invalidParameter("%s", param)
	case a[awsarn.Account] != c.account.ID:
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
