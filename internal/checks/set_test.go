package checks

import (
	"strings"
	"testing"
)

// TestParseSet checks which checks a value of CHECKS selects, and that its text selects the same.
func TestParseSet(t *testing.T) {
	all := strings.Join(ids(), ",")
	for text, want := range map[string]string{
		"all": all, all: all, " ConcurrencyQuota , ": "ConcurrencyQuota",
		"none":                  "",
		"-ConcurrencyQuota":     strings.Trim(strings.Replace(all, "ConcurrencyQuota", "", 1), ","),
		"all,-ConcurrencyQuota": strings.Trim(strings.Replace(all, "ConcurrencyQuota", "", 1), ","),
	} {
		s, err := ParseSet(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := members(s); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		again, err := ParseSet(s.String())
		if err != nil || members(again) != want {
			t.Errorf("%q: %q is %q, %v", text, s, members(again), err)
		}
		if s.IsAll() != (want == all) || s.Empty() != (want == "") {
			t.Errorf("%q: all %v, empty %v", text, s.IsAll(), s.Empty())
		}
	}
	if got := members(Set{}); got != all {
		t.Errorf("the zero value has %q", got)
	}
}

func members(s Set) string {
	var list []string
	for _, c := range All() {
		if s.Has(c.ID) {
			list = append(list, string(c.ID))
		}
	}
	return strings.Join(list, ",")
}

func TestParseSetRefusesWhatItDoesNotKnow(t *testing.T) {
	for text, want := range map[string]string{
		"ConcurencyQuota":                    `"ConcurencyQuota": did you mean ConcurrencyQuota?`,
		"-Nothing":                           `unknown check "Nothing": the checks are ConcurrencyQuota`,
		"ConcurrencyQuota,-ConcurrencyQuota": `duplicate "ConcurrencyQuota"`,
		"none,ConcurrencyQuota":              `"none" cannot be combined with other checks`,
		"all,ConcurrencyQuota":               `"all" cannot be combined`,
		"-all":                               `"-all" is no check: use "all"`,
		"None":                               `unknown check "None": did you mean none?`,
		"":                                   "must name at least one check",
		", ,":                                "must name at least one check",
		"concurrencyquota\nx":                `unknown check "concurrencyquota\nx"`,
	} {
		if _, err := ParseSet(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
