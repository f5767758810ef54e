// Package checks judges what a render needs besides the permissions of principals: quotas, and the
// state of the deployed functions. Each check has a file. [All] lists the checks, and [Judge] turns
// facts into the findings, notices and problems that a report contains.
//
// The package reads no clock, does not call AWS and cannot fail. A fact that could not be read
// gives an unverified finding.
package checks
