// Package events holds the events the function takes, one file each, as AWS sends them:
//
//   - scheduler.json: EventBridge Scheduler, with the input that the templates give it
//   - scheduled-rule.json: a scheduled rule of EventBridge, the older way
//   - iam-change.json: a call to IAM, as CloudTrail reports it to EventBridge
//   - iam-changes-sqs.json: three of those by way of a queue, as Lambda reads it
//   - audit.json, audit-dry-run.json, test-alert.json: typed by a person, as in
//     "aws lambda invoke --payload file://events/audit.json"
//
// The tests, "make run" and "remotion-audit local" read them from here, and
// "sam local invoke --event" reads the same files.
package events

import "embed"

// FS holds the files by their names.
//
//go:embed *.json
var FS embed.FS
