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
	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// Subscriptions iterates over the subscriptions of the topic. It requests each page only when the
// caller needs the page, and ends after an error. GetTopicAttributes would return the counts in one
// call, but needs another permission and returns no endpoints. The first page usually suffices.
func (t Topic) Subscriptions(ctx context.Context) iter.Seq2[alert.Subscription, error] {
	return func(yield func(alert.Subscription, error) bool) {
		pages := sns.NewListSubscriptionsByTopicPaginator(t.Client,
			&sns.ListSubscriptionsByTopicInput{TopicArn: &t.ARN})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				const grant = "grant the auditor sns:ListSubscriptionsByTopic on the topic"
				yield(alert.Subscription{}, fmt.Errorf("subscriptions of %s: %w%s", t.ARN, err,
					remedyFor(err, map[string]string{"AuthorizationError": grant,
						"AuthorizationErrorException": grant})))
				return
			}
			for _, s := range page.Subscriptions {
				// An unconfirmed subscription has PendingConfirmation or Deleted as its ARN.
				// https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html
				confirmed := arn.HasPrefix(aws.ToString(s.SubscriptionArn))
				if !yield(alert.Subscription{Protocol: aws.ToString(s.Protocol),
					Endpoint: redactEndpoint(aws.ToString(s.Endpoint)), Confirmed: confirmed}, nil) {
					return
				}
			}
		}
	}
}

// redactEndpoint returns an endpoint without its secrets. Of a URL it returns only the scheme and
// the host, because the user, path and query often contain a key that allows posting to the URL.
func redactEndpoint(endpoint string) string {
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

// HasSubscriber reports whether the topic has a confirmed subscription. It stops at the first one.
func (t Topic) HasSubscriber(ctx context.Context) (bool, error) {
	for s, err := range t.Subscriptions(ctx) {
		if err != nil || s.Confirmed {
			return err == nil, err
		}
	}
	return false, nil
}

// Test lists the subscriptions of the topic, and sends the message that message returns for them to
// a sink; nil sends nothing. If no subscription is confirmed, it returns an error, but still sends
// the message. list is nil if listing failed. sent is true if the message was sent.
func (t Topic) Test(ctx context.Context, to Sink[alert.Message],
	message func([]alert.Subscription) alert.Message) (list []alert.Subscription, sent bool,
	err error) {
	list = []alert.Subscription{}
	var errs []error
	confirmed := 0
	for s, err := range t.Subscriptions(ctx) {
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
			fmt.Errorf("topic %s has no confirmed subscription (%d unconfirmed): confirm one or subscribe",
				t.ARN, len(list)))
	}
	if to != nil {
		err := to.Publish(ctx, message(list))
		sent, errs = err == nil, append(errs, err)
	}
	return list, sent, errors.Join(errs...)
}
