package publish

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/remotion-audit/remotion-audit/internal/alert"
)

// Subscriptions lists who is subscribed to a topic, page by page for as long as somebody wants
// more; an error ends the list. The topic's attributes would give the numbers in one call, but a
// first page mostly says all, names who it is, and needs no second permission.
func Subscriptions(ctx context.Context, client *sns.Client,
	topicARN string) iter.Seq2[alert.Subscription, error] {
	return func(yield func(alert.Subscription, error) bool) {
		pages := sns.NewListSubscriptionsByTopicPaginator(client,
			&sns.ListSubscriptionsByTopicInput{TopicArn: &topicARN})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				const grant = "grant the auditor sns:ListSubscriptionsByTopic on the topic"
				yield(alert.Subscription{}, fmt.Errorf("subscriptions of %s: %w%s", topicARN, err,
					remedyFor(err, map[string]string{"AuthorizationError": grant,
						"AuthorizationErrorException": grant})))
				return
			}
			for _, s := range page.Subscriptions {
				// In place of an ARN the list has PendingConfirmation, or Deleted.
				// https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html
				confirmed := strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:")
				if !yield(alert.Subscription{Protocol: aws.ToString(s.Protocol),
					Endpoint: shown(aws.ToString(s.Endpoint)), Confirmed: confirmed}, nil) {
					return
				}
			}
		}
	}
}

// shown is an endpoint as others may see it: of a web address the scheme and the host. The rest,
// and who is named before the host, is often the key to it, and whoever knows that can speak there.
func shown(endpoint string) string {
	scheme, rest, web := strings.Cut(endpoint, "://")
	if !web {
		return endpoint // an address, a number, an ARN
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	if host == rest {
		return endpoint
	}
	return scheme + "://" + host + "/..."
}

// HasSubscriber reports whether anybody has confirmed a subscription to the topic.
func HasSubscriber(ctx context.Context, client *sns.Client, topicARN string) (bool, error) {
	for s, err := range Subscriptions(ctx, client, topicARN) {
		if err != nil || s.Confirmed {
			return err == nil, err
		}
	}
	return false, nil
}

// TestAlert lists the subscriptions of a topic and, if it is to send, publishes what message makes
// of them. That nobody has confirmed one is an error, though the message is sent. Where the list
// cannot be had, it is nil.
func TestAlert(ctx context.Context, client *sns.Client, topicARN string, send bool,
	message func([]alert.Subscription) alert.Message) (list []alert.Subscription, sent bool, err error) {
	list = []alert.Subscription{}
	var errs []error
	confirmed := 0
	for s, err := range Subscriptions(ctx, client, topicARN) {
		if err != nil {
			list, errs = nil, append(errs, err)
			break
		}
		list = append(list, s)
		if s.Confirmed {
			confirmed++
		}
	}
	if list != nil && confirmed == 0 {
		errs = append(errs,
			fmt.Errorf("nobody gets it: %s has no confirmed subscription, and %d that wait for whoever "+
				"got the mail to click its link: subscribe, or confirm", topicARN, len(list)))
	}
	if send {
		err := Alert(ctx, client, topicARN, message(list))
		sent, errs = err == nil, append(errs, err)
	}
	return list, sent, errors.Join(errs...)
}
