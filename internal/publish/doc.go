// Package publish has the sinks of a run: the SNS topic for messages, and CloudWatch metrics. It
// also lists the subscriptions of the topic. Its errors name the permission or setting that fixes
// them.
package publish
