package awsanswer

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// value is a part of an answer, in XML or JSON.
type value interface {
	// member returns the member of a structure.
	member(name string) (value, bool)
	// items returns the items of a list; false if the value is no list.
	items() ([]value, bool)
	isMap() bool
	// text returns the text of a scalar; "" for other values.
	text() string
}

// element is an XML element.
type element struct {
	name     string
	children []*element
	chars    strings.Builder
}

// parseXML parses a whole document.
func parseXML(body []byte) (*element, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	top := &element{}
	open := []*element{top}
	for {
		token, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF) && len(top.children) == 1:
			return top.children[0], nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("the body is not one XML element")
		case err != nil:
			return nil, err
		}
		innermost := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local}
			innermost.children = append(innermost.children, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			innermost.chars.Write(token)
		}
	}
}

func (e *element) member(name string) (value, bool) {
	for _, c := range e.children {
		if c.name == name {
			return c, true
		}
	}
	return nil, false
}

// items returns the items of a list: elements named member. An element with other children is no
// list.
func (e *element) items() (list []value, ok bool) {
	for _, c := range e.children {
		if c.name != "member" {
			return nil, false
		}
		list = append(list, c)
	}
	return list, strings.TrimSpace(e.chars.String()) == ""
}

// isMap reports false: no answer in XML holds a map.
func (e *element) isMap() bool { return false }

func (e *element) text() string {
	if len(e.children) > 0 {
		return ""
	}
	return strings.TrimSpace(e.chars.String())
}

// node is a JSON value.
type node struct{ any }

// parseJSON parses a whole document. encoding/json bounds the nesting.
func parseJSON(body []byte) (value, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: text after the value")
	}
	return node{v}, nil
}

func (n node) member(name string) (value, bool) {
	object, _ := n.any.(map[string]any)
	m, ok := object[name]
	return node{m}, ok && m != nil
}

// hasOnly reports whether n is an object without members other than one.
func (n node) hasOnly(name string) bool {
	object, ok := n.any.(map[string]any)
	for other := range object {
		ok = ok && other == name
	}
	return ok
}

func (n node) items() (list []value, ok bool) {
	array, ok := n.any.([]any)
	for _, item := range array {
		list = append(list, node{item})
	}
	return list, ok
}

func (n node) isMap() bool {
	_, ok := n.any.(map[string]any)
	return ok
}

func (n node) text() string {
	switch v := n.any.(type) {
	case string:
		return v
	case json.Number, bool:
		return fmt.Sprint(v)
	}
	return ""
}
