// Package alert decides who is told what. Plan takes the state of the last run, a report, the mutes
// and the time, and returns the message there is to send, if any, and the state to remember: what
// is new, worse, back, still open, recovered or no longer audited; what could not be looked at; and
// whose mutes hide what. One message is about all targets of the account, with a text for each
// protocol of the topic and the attributes that subscription filters go by.
//
// It knows no clock and no AWS: whoever calls stores the state and sends the message.
// docs/alerts.md says when something is told.
package alert
