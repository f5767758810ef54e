// Package textfmt formats what texts for people and shells have in common: counts, lists that are
// cut, untrusted text on one line, shell words, times, and JSON without HTML escapes. It imports
// only the standard library, reads no clock and does no I/O except through an io.Writer.
package textfmt
