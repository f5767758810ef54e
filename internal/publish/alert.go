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

// Alert sends a message to a topic. When AWS's answer is lost the SDK sends again, so a message may
// arrive twice; its dedupKey tells.
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
			"NotFound": "there is no such topic: correct TOPIC_ARN",
		}))
	}
	return nil
}

// remedyFor ends an error's text in what to do about it, where its code tells.
func remedyFor(err error, byCode map[string]string) string {
	var api smithy.APIError
	if errors.As(err, &api) && byCode[api.ErrorCode()] != "" {
		return ": " + byCode[api.ErrorCode()]
	}
	return ""
}
