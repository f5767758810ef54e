package collect

import (
	"fmt"
	"strings"
	"testing"
)

// TestDocumentCacheIsBounded checks that the cache drops its documents before their texts exceed
// its limit, and that it keeps neither a document that cannot be parsed nor one that is too long.
func TestDocumentCacheIsBounded(t *testing.T) {
	var cache documentCache
	text := func(i int) string {
		return fmt.Sprintf(`{"Statement":{"Sid":"S%d","Effect":"Allow","Action":"a:%s","Resource":"*"}}`, i,
			strings.Repeat("b", 100_000))
	}
	for i := range 50 {
		doc, err := cache.parse(text(i))
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := cache.parse(text(i)); again != doc {
			t.Fatalf("document %d is parsed twice", i)
		}
		length := 0
		for text := range cache.parsed {
			length += len(text)
		}
		if length != cache.bytes || length > maxCached {
			t.Fatalf("after document %d: %d bytes, counted as %d", i, length, cache.bytes)
		}
	}
	before := len(cache.parsed)
	if doc, err := cache.parse("{"); doc != nil || err == nil || len(cache.parsed) != before {
		t.Errorf("a damaged document: %v, error %v, %d documents", doc, err, len(cache.parsed))
	}
}
