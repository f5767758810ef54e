// Package report writes an audit.Report as text for a terminal and as JSON. Blocks writes the parts
// of a report that other texts show, such as the mail of an alert. It does not call AWS.
//
// Text from AWS (names, documents, error messages) is untrusted. The package removes its control
// characters and line breaks, so that the name of a policy cannot forge a line of a report.
package report
