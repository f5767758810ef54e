// Package report writes an audit.Report for people and for programs: as text for a terminal, as a
// mail, as one line for a phone, and as JSON. It knows io.Writer and not AWS.
//
// What comes from AWS (names, documents, error texts) is not trusted: no control character or line
// break of it reaches a reader, so that nobody can forge a line of a report by naming a policy.
package report
