// Package alert decides whether an audit is worth a message, and composes it: one message for all
// targets of the account, with a text for each protocol of the topic and the attributes that
// subscription filters go by.
//
// An alert has no memory yet: every run that finds a gap, or could not look, alerts.
package alert
