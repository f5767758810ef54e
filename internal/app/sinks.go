package app

import (
	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/publish"
)

// messageSinks returns where messages are sent, one row for each sink. noSubscribers is true if the
// topic is known to have no confirmed subscription.
//
// The ledger counts a message as announced if all sinks accept it. If one fails, the next run sends
// the message to all of them again, with the same dedupKey.
func (a *App) messageSinks(noSubscribers bool) (list publish.Sinks[alert.Message]) {
	if a.Config.TopicARN != "" && !noSubscribers {
		list = append(list, a.topic())
	}
	return list
}

// measurementSinks returns where the measurements of a run are sent, one row for each sink.
func (a *App) measurementSinks() publish.Sinks[publish.Measurement] {
	return publish.Sinks[publish.Measurement]{
		publish.Metrics{Client: a.CloudWatch, Namespace: string(a.Config.MetricNamespace)},
	}
}

// topic returns the alert topic. Its ARN is empty if none is configured.
func (a *App) topic() publish.Topic {
	return publish.Topic{Client: a.SNS, ARN: string(a.Config.TopicARN)}
}
