package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/render"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/publish"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func testAlertCommand() *cobra.Command {
	var topic string
	var access accessFlags
	cmd := &cobra.Command{
		Use:   "test-alert",
		Short: "Send a test message to the alert topic",
		Long: `Send a marked test message to the alert topic and list its subscriptions. The filter
policy of a subscription can still drop the message. Needs sns:Publish and
sns:ListSubscriptionsByTopic on the topic.

Exit status: 0 if the message was sent and a subscription is confirmed, else 2.`,
		Annotations: map[string]string{lostKey: "the message is sent or not"},
		Example:     `  remotion-audit test-alert --topic-arn arn:aws:sns:us-east-1:123456789012:alerts`,
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runTestAlert(cmd, topic, access)
		},
	}
	cmd.Flags().StringVar(&topic, "topic-arn", "",
		"ARN of the topic (or "+settings.EnvTopicARN+" in the environment)")
	access.register(cmd)
	return cmd
}

func runTestAlert(cmd *cobra.Command, topic string, access accessFlags) error {
	source := "--topic-arn"
	if topic == "" {
		if topic = os.Getenv(settings.EnvTopicARN); topic == "" {
			return fmt.Errorf("--topic-arn is required: it is the output TopicArn of the stack (or "+
				"set %s)", settings.EnvTopicARN)
		}
		source = settings.EnvTopicARN
	}
	var checked app.TopicARN
	if err := checked.UnmarshalText([]byte(topic)); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	at, _ := arn.Parse(topic)
	if access.region != "" && access.region != at.Region {
		return fmt.Errorf("--region: the topic is in %s, got %s: leave --region out", at.Region,
			textfmt.Quote(access.region, 100))
	}
	ctx := cmd.Context()
	clients, _, err := loadClients(ctx, access, notes(cmd), slog.New(slog.DiscardHandler),
		config.WithRegion(at.Region))
	if err != nil {
		return err
	}
	to := publish.Topic{Client: clients.SNS, ARN: topic}
	list, sent, err := to.Test(ctx, to,
		func(list []alert.Subscription) alert.Message {
			return render.TestMessage(at.Account, nil, list, render.Sender{})
		})
	out := cmd.OutOrStdout()
	if sent {
		fmt.Fprintf(out, "sent to %s\n", topic)
	}
	for _, s := range list {
		state := "confirmed"
		if !s.Confirmed {
			state = "not confirmed: receives nothing"
		}
		fmt.Fprintf(out, "  %s %s  %s\n", s.Protocol, s.Endpoint, state)
	}
	return err
}
