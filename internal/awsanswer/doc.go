// Package awsanswer checks that a successful answer of AWS holds what each real answer to the
// operation holds.
//
// The SDK reads an answer without a body, or with another operation's body, as an empty list. The
// check makes such an answer a failed call, so that "AWS answered nothing" is never read as "there
// is nothing".
package awsanswer
