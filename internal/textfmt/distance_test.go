package textfmt

import (
	"slices"
	"testing"
)

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want []int
	}{
		{"", "", []int{0}},
		{"", "ab", []int{0, 1, 2}},
		{"ab", "", []int{2}},
		{"role", "role", []int{4, 3, 2, 1, 0}},
		{"lamda", "lambda", []int{5, 4, 3, 2, 2, 2, 1}},
		{"ab", "ba", []int{2, 1, 2}},
	} {
		if got := EditDistances(test.a, test.b); !slices.Equal(got, test.want) ||
			EditDistance(test.a, test.b) != test.want[len(test.b)] {
			t.Errorf("%q, %q: %v, want %v", test.a, test.b, got, test.want)
		}
	}
}
