// Package ci tests what runs the command in repositories: the action, the hooks for pre-commit, and
// the examples of docs/ci.md. No test reaches a network.
package ci
