// Package house holds tests of the house itself: what a reviewer would forget to look at. It has
// no code.
package house
