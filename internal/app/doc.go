// Package app connects the parts of the product: configuration from the environment, AWS clients,
// and one run for each event. The commands in function/ and cmd/ call the package.
//
// A run collects facts, evaluates them, sends the alert and publishes metrics, in this order. Time
// before the deadline is reserved for the last two steps. Each of them is tried even if the other
// fails.
package app
