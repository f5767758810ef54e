// Package jsonlimit measures JSON that this program did not write, before encoding/json or the AWS
// SDK decodes it. A decoder makes a struct of several hundred bytes from the three bytes of an
// empty element, so the length of a text alone does not bound the memory.
//
// A check reads the text once, and keeps nothing but the keys of the open objects. It does not
// check that the text is JSON: the decoder does.
package jsonlimit

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Limits are the limits of one kind of text. A limit of 0 allows nothing.
type Limits struct {
	// Bytes is the maximum length of the text.
	Bytes int
	// Depth is the maximum number of objects and lists around a value.
	Depth int
	// Values is the maximum number of strings, numbers, literals, objects and lists.
	Values int
	// Elements is the maximum number of elements of all lists. A decoder may make a struct from each.
	Elements int
	// UniqueKeys refuses two keys of one object that encoding/json matches with one field: keys that
	// are equal, or differ only in case. Of two such keys the last one would win, and a reader that
	// takes the first one sees another text.
	UniqueKeys bool
}

// Check returns an error if a text exceeds a limit.
func Check(text []byte, limits Limits) error {
	if len(text) > limits.Bytes {
		return fmt.Errorf("the text must have at most %d bytes, got %d", limits.Bytes, len(text))
	}
	c := checker{text: text, limits: limits}
	for c.at < len(text) {
		if err := c.next(); err != nil {
			return err
		}
	}
	return nil
}

// A container is an open object or list.
type container struct {
	object bool
	// key is true in an object before the colon.
	key bool
	// keys are the folded keys so far.
	keys map[string]struct{}
}

type checker struct {
	text             []byte
	limits           Limits
	at               int
	values, elements int
	open             []container
}

// next reads one token.
func (c *checker) next() error {
	b := c.text[c.at]
	switch b {
	case ' ', '\t', '\r', '\n':
		c.at++
		return nil
	case ',', ':':
		c.at++
		if n := len(c.open); n > 0 && c.open[n-1].object {
			c.open[n-1].key = b == ','
		}
		return nil
	case '}', ']':
		c.at++
		c.open = c.open[:max(0, len(c.open)-1)]
		return nil
	case '"':
		return c.quoted()
	case '{', '[':
		c.at++
		if err := c.value(); err != nil {
			return err
		}
		c.open = append(c.open, container{object: b == '{', key: b == '{'})
		if len(c.open) > c.limits.Depth {
			return fmt.Errorf("at most %d objects and lists may be nested", c.limits.Depth)
		}
		return nil
	}
	for c.at < len(c.text) && !strings.ContainsRune(" \t\r\n,:{}[]\"", rune(c.text[c.at])) {
		c.at++
	}
	return c.value()
}

// value counts one value.
func (c *checker) value() error {
	c.values++
	if n := len(c.open); n > 0 && !c.open[n-1].object {
		c.elements++
	}
	if c.values > c.limits.Values {
		return fmt.Errorf("the text must have at most %d values", c.limits.Values)
	}
	if c.elements > c.limits.Elements {
		return fmt.Errorf("the lists of the text must have at most %d elements", c.limits.Elements)
	}
	return nil
}

// quoted reads a string: a value or a key.
func (c *checker) quoted() error {
	start := c.at
	for c.at++; c.at < len(c.text) && c.text[c.at] != '"'; c.at++ {
		if c.text[c.at] == '\\' {
			c.at++
		}
	}
	c.at = min(c.at+1, len(c.text))
	n := len(c.open)
	if n == 0 || !c.open[n-1].key {
		return c.value()
	}
	if !c.limits.UniqueKeys {
		return nil
	}
	var name string
	if json.Unmarshal(c.text[start:c.at], &name) != nil {
		return nil // the decoder refuses the text
	}
	object := &c.open[n-1]
	if object.keys == nil {
		object.keys = map[string]struct{}{}
	}
	folded := strings.Map(fold, name)
	if _, twice := object.keys[folded]; twice {
		return fmt.Errorf("duplicate key %s: keys that differ only in case count as one",
			textfmt.Quote(name, maxQuoted))
	}
	object.keys[folded] = struct{}{}
	return nil
}

// maxQuoted is the number of bytes of a key that an error quotes.
const maxQuoted = 100

// fold returns the smallest rune that differs from r only in case, as encoding/json compares keys.
func fold(r rune) rune {
	smallest := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		smallest = min(smallest, other)
	}
	return smallest
}
