// Package publish holds the sinks: the alert topic and CloudWatch. Each is tried even when another
// fails, and each fails loudly.
package publish
