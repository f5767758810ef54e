// Package render writes a digest of package alert as a message: as a mail, as a card for Slack and
// Microsoft Teams, as an SMS and as JSON, with the attributes that subscription filters match.
//
// Text from AWS or an event is untrusted. It cannot start a line, markup, a mention or a command.
// docs/alerts.md shows the texts, docs/message.schema.json is the schema of the JSON.
package render
