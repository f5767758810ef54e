// Package denial reads an error text: an error of AWS, of an SDK or of Remotion, a CloudTrail
// record, or a log that contains one of them.
//
//	m := denial.Read(text) // m.Kind is denial.Denied, m.Action is "s3:PutObject"
//
// Each fact of the result is a part of the text, or unknown. Read never completes a fact: it drops
// a value that the text may have cut. The text is untrusted. Read takes linear time, and reads at
// most MaxText bytes of it.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
package denial
