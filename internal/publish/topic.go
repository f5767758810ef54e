package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/alert"
)

// Topic is an SNS topic. It is a sink for messages.
type Topic struct {
	Client *sns.Client
	ARN    string
}

// Publish implements Sink. The SDK retries if the response of AWS is lost, so a message may arrive
// twice. Both copies have the same dedupKey. The SDK does not retry after a successful but
// incomplete response: the next run sends the message again.
func (t Topic) Publish(ctx context.Context, m alert.Message) error {
	structure := m.Structure()
	attributes := map[string]types.MessageAttributeValue{}
	for _, a := range m.Attributes {
		attributes[a.Name] = types.MessageAttributeValue{DataType: &a.Type, StringValue: &a.Value}
	}
	asJSON := "json"
	_, err := t.Client.Publish(ctx, &sns.PublishInput{
		TopicArn: &t.ARN, Subject: &m.Subject, Message: &structure,
		MessageStructure: &asJSON, MessageAttributes: attributes,
	})
	if err != nil {
		return refused(fmt.Errorf("alert to %s: %w%s", t.ARN, err, remedyFor(err, map[string]string{
			"AuthorizationError": "grant the function sns:Publish on the topic, and kms:GenerateDataKey " +
				"and kms:Decrypt on its key if it has one",
			"NotFound": "the topic does not exist: create it, or correct its ARN",
		})))
	}
	return nil
}

// refusals are the error codes with which SNS refuses a message for good, so that a retry of the
// same message fails as well. The value is true if another message may be accepted. All other codes
// pass without a change of the message: the service recovers (InternalError, KMSThrottling), or
// an administrator repairs a permission or a key (AuthorizationError, KMSAccessDenied, KMSDisabled,
// KMSInvalidState, KMSNotFound, KMSOptInRequired, InvalidSecurity). EndpointDisabled and
// PlatformApplicationDisabled are about mobile endpoints, which get no alerts.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
var refusals = map[string]bool{
	"InvalidParameter": true, "ParameterValueInvalid": true, "ValidationException": true,
	"NotFound": false,
}

// refused returns an error of SNS, as an alert.RefusedError if SNS refuses the message for good.
func refused(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	content, final := refusals[api.ErrorCode()]
	if !final {
		return err
	}
	return &alert.RefusedError{Err: err, Content: content}
}

// remedyFor returns the end of an error text: the remedy for the error code of AWS, or "".
func remedyFor(err error, byCode map[string]string) string {
	var api smithy.APIError
	if errors.As(err, &api) && byCode[api.ErrorCode()] != "" {
		return ": " + byCode[api.ErrorCode()]
	}
	return ""
}
