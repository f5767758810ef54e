package iampolicy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

// TestParseTakesBoundedMemory checks that documents of the largest size take less than 32 MB of
// memory.
func TestParseTakesBoundedMemory(t *testing.T) {
	fill := func(head, item, tail string) string {
		n := (MaxMinified - len(head) - len(tail)) / len(item)
		return head + strings.TrimSuffix(strings.Repeat(item, n), ",") + tail
	}
	var keys strings.Builder
	for i := 0; keys.Len() < MaxMinified-200; i++ {
		fmt.Fprintf(&keys, `"a:%x":"",`, i)
	}
	const tail = `],"Resource":"*"}]}`
	for name, text := range map[string]string{
		"actions":                     fill(`{"Statement":[{"Effect":"Deny","Action":[`, `"a:b",`, tail),
		"actions with question marks": fill(`{"Statement":[{"Effect":"Deny","Action":[`, `"a:?",`, tail),
		"resources":                   fill(`{"Statement":[{"Effect":"Deny","Action":"*","Resource":[`, `"arn:?",`, `]}]}`),
		"one long resource": fill(`{"Statement":[{"Effect":"Deny","Action":"*","Resource":"arn:`, `?`,
			`"}]}`),
		"statements": fill(`{"Statement":[`, `{"Effect":"Deny","Action":"*","Resource":"*"},`, `]}`),
		"condition keys": `{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{` +
			strings.TrimSuffix(keys.String(), ",") + `}}}]}`,
		"condition values": fill(`{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*",`+
			`"Condition":{"Bool":{"a:b":[`, `1,`, `]}}}]}`),
		"escapes": fill(`{"Statement":[{"Effect":"Deny","Action":"a:`, `\\u0041`, `","Resource":"*"}]}`),
	} {
		memory.AtMost(t, 32<<20, func() {
			if _, err := Parse(text); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}
