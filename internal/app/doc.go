// Package app connects the parts of the product: configuration from the environment, AWS clients,
// and one run for each event. The commands in function/ and cmd/ call it.
//
// A run collects facts, evaluates them, sends the alert and publishes metrics, in this order. The
// last two have time reserved before the deadline, and each is tried even if the other fails.
package app
