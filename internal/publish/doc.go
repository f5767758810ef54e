// Package publish sends messages to the SNS topic and metrics to CloudWatch, and lists the
// subscriptions of the topic. Its errors name the permission or setting that fixes them.
package publish
