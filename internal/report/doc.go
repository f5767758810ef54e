// Package report writes an audit.Report as text for a terminal and as JSON, and says what a report
// means. Blocks writes other texts that look like a report. It does not call AWS.
//
// Text from AWS (names, documents, error messages) is untrusted. The package removes its control
// characters and line breaks, so that the name of a policy cannot forge a line of a report.
package report
