package jsonlimit_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

var limits = jsonlimit.Limits{Bytes: 1 << 20, Depth: 5, Values: 20, Elements: 10, UniqueKeys: true}

func TestCheck(t *testing.T) {
	for _, test := range []struct{ name, text, err string }{
		{"an object", `{"a": [1, "b", true, null], "b": {"a": 1}}`, ""},
		{"equal keys of two objects", `[{"a":1},{"a":2},{"b":{"a":3}}]`, ""},
		{"values that equal keys", `{"a":"a","b":["a","a","b"]}`, ""},
		{"brackets and commas in a string", `{"a":"[[[[[[{\",,:\\","b":"]"}`, ""},
		{"a key twice", `{"a":1,"b":2,"a":3}`, `duplicate key "a"`},
		{"a key twice, at depth", `[{"x":{"a":1,"b":[{"c":1}],"a":{}}}]`, `duplicate key "a"`},
		{"keys that differ in case", `{"source":1,"Source":2}`, `duplicate key "Source"`},
		{"keys that differ in an escape", `{"source":1,"s\u006furce":2}`, `duplicate key "source"`},
		{"keys that differ in a Kelvin sign", `{"key":1,"` + "\u212a" + `ey":2}`, "duplicate key"},
		{"keys that differ in a long s", `{"source":1,"\u017fource":2}`, "duplicate key"},
		{"a long key twice", `{"` + strings.Repeat("k", 500) + `":1,"` + strings.Repeat("k", 500) + `":1}`,
			"\"…: keys that differ only in case count as one"},
		{"nesting at the limit", "[[[[[]]]]]", ""},
		{"nesting above the limit", "[[[[[[]]]]]]", "at most 5 objects and lists may be nested"},
		{"elements above the limit", "[1,2,3,4,5,6,7,8,9,10,11]",
			"the lists of the text must have at most 10 elements"},
		{"elements of two lists", "[[1,2,3,4],[5,6,7,8,9]]",
			"the lists of the text must have at most 10 elements"},
		{"values above the limit", `{` + strings.TrimSuffix(strings.Repeat(`"a":{},`, 1), ",") + `,"x":[` +
			strings.TrimSuffix(strings.Repeat(`{"b":1,"c":1},`, 8), ",") + `]}`,
			"the text must have at most 20 values"},
		{"bytes above the limit", strings.Repeat(" ", 1<<20+1),
			"the text must have at most 1048576 bytes, got 1048577"},
		{"a text that is not JSON is left to the decoder", `]}{"a`, ""},
		{"an escape at the end", `"\`, ""},
	} {
		err := jsonlimit.Check([]byte(test.text), limits)
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.err)
		}
	}
}

func TestCheckTakesLittleMemory(t *testing.T) {
	wide := jsonlimit.Limits{Bytes: 1 << 20, Depth: 1 << 20, Values: 1 << 20, Elements: 1 << 20}
	for _, unit := range []string{"[", "{", `{"a":`, "{},", "1,", `"a",`, `"\`, "[],", ":", "\xff"} {
		text := []byte(strings.Repeat(unit, wide.Bytes/len(unit)))
		memory.AtMost(t, 200<<20, func() { _ = jsonlimit.Check(text, wide) })
		memory.AtMost(t, 1<<20, func() { _ = jsonlimit.Check(text, limits) })
		if t.Failed() {
			t.Fatalf("for %q", unit)
		}
	}
}

// FuzzCheck compares the values and keys that Check counts with those that encoding/json decodes.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"A":2}],"b":"\""}`, `{"a":1,"A":2}`, `[[],{},"",null,1e5]`,
		`{"\u212a":1,"k":2}`, `"\\"`, `{"a":{"b":{"b":1}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v any
		valid := json.Unmarshal(text, &v) == nil
		values, elements, depth := count(v)
		exact := jsonlimit.Limits{Bytes: len(text), Depth: depth, Values: values, Elements: elements}
		err := jsonlimit.Check(text, exact)
		unique := exact
		unique.UniqueKeys = true
		twice := jsonlimit.Check(text, unique)
		if !valid || hasTwins(text) {
			if valid && twice == nil {
				t.Errorf("%q has a key twice", text)
			}
			return
		}
		if err != nil || twice != nil {
			t.Errorf("%q within %+v: %v, %v", text, exact, err, twice)
		}
		exact.Values--
		if jsonlimit.Check(text, exact) == nil {
			t.Errorf("%q has more than %d values", text, exact.Values)
		}
	})
}

func count(v any) (values, elements, depth int) {
	var inner []any
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			inner = append(inner, e)
		}
		depth = 1
	case []any:
		inner, elements, depth = v, len(v), 1
	}
	values = 1
	below := 0
	for _, e := range inner {
		n, m, d := count(e)
		values, elements, below = values+n, elements+m, max(below, d)
	}
	return values, elements, depth + below
}

// hasTwins reports whether an object of a JSON text has two keys that are equal under
// strings.EqualFold.
func hasTwins(text []byte) bool {
	dec := json.NewDecoder(strings.NewReader(string(text)))
	type object struct {
		isObject, key bool
		keys          []string
	}
	var open []object
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		if n := len(open); n > 0 && open[n-1].isObject && open[n-1].key {
			if key, is := token.(string); is {
				for _, other := range open[n-1].keys {
					if strings.EqualFold(other, key) {
						return true
					}
				}
				open[n-1].keys, open[n-1].key = append(open[n-1].keys, key), false
				continue
			}
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open = append(open, object{isObject: token == json.Delim('{'), key: true})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if n := len(open); n > 0 {
			open[n-1].key = true
		}
	}
}
