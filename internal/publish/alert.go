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

// Alert publishes a message to a topic. The SDK retries if the response of AWS is lost, so a
// message may arrive twice. Both copies have the same dedupKey.
func Alert(ctx context.Context, client *sns.Client, topicARN string, m alert.Message) error {
	structure := m.Structure()
	attributes := map[string]types.MessageAttributeValue{}
	for _, a := range m.Attributes {
		attributes[a.Name] = types.MessageAttributeValue{DataType: &a.Type, StringValue: &a.Value}
	}
	asJSON := "json"
	_, err := client.Publish(ctx, &sns.PublishInput{
		TopicArn: &topicARN, Subject: &m.Subject, Message: &structure,
		MessageStructure: &asJSON, MessageAttributes: attributes,
	})
	if err != nil {
		return fmt.Errorf("alert to %s: %w%s", topicARN, err, remedyFor(err, map[string]string{
			"AuthorizationError": "grant the function sns:Publish on the topic, and kms:GenerateDataKey " +
				"and kms:Decrypt on its key if it has one",
			"NotFound": "the topic does not exist: create it, or correct its ARN",
		}))
	}
	return nil
}

// remedyFor returns the end of an error text: the remedy for the error code of AWS, or "".
func remedyFor(err error, byCode map[string]string) string {
	var api smithy.APIError
	if errors.As(err, &api) && byCode[api.ErrorCode()] != "" {
		return ": " + byCode[api.ErrorCode()]
	}
	return ""
}
