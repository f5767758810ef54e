// Package repository holds tests of the repository as a whole: imports, text, documentation and the
// deployment template. It has no code.
package repository
