// Package events contains an example of each event that the function accepts, as AWS sends them:
//
//   - scheduler.json: EventBridge Scheduler, with the input that the templates give it
//   - scheduled-rule.json: a scheduled rule of EventBridge, which Scheduler replaces
//   - iam-change.json: a call to IAM, as CloudTrail reports it to EventBridge
//   - iam-changes-sqs.json: three such calls in messages of an SQS queue, as Lambda delivers them
//   - audit.json, audit-dry-run.json, test-alert.json: commands of a person, for
//     "aws lambda invoke --payload file://events/audit.json"
//
// The tests, "make run", "remotion-audit local" and "sam local invoke --event" read these files.
package events

import "embed"

// FS contains the files.
//
//go:embed *.json
var FS embed.FS
