package iamactions

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// nearest returns the action that is nearest to a name of a service in lower case. original has the
// spelling of the policy, whose capitals divide it into words. nearest returns "" if no action is
// near.
//
// It first compares characters: at most two differ, and at most a quarter of the name. The
// operations of the API count as names of their actions. Then it compares words, because a name
// with a wrong word, such as ListRequestedServiceQuotaChangesByService, differs in many characters.
func (c catalogue) nearest(service, name, original string) string {
	best, least := "", maxCharacters+1
	compare := func(other, action string) {
		if difference := len(other) - len(name); difference >= least || -difference >= least {
			return
		}
		if d := textfmt.EditDistance(name, strings.ToLower(other)); d < least && 4*d <= len(name) {
			best, least = action, d
		}
	}
	for _, a := range c.services[service] {
		compare(a.name, service+":"+a.name)
	}
	for _, o := range operations {
		if s, operation, _ := strings.Cut(o.name, ":"); s == service {
			compare(operation, o.action)
		}
	}
	if best == "" {
		if a := nearestByWords(words(original), c.services[service]); a != "" {
			best = service + ":" + a
		}
	}
	return best
}

// maxCharacters is the number of characters in which a name may differ from an action.
const maxCharacters = 2

// nearestByWords returns the action that begins with the same word, and of whose words most are the
// same. It returns "" if fewer than two words, or less than half of the words, are the same.
func nearestByWords(name []string, actions []action) (best string) {
	least, most, closest := 0, 0, 0
	for _, a := range actions {
		other := words(a.name)
		longest := max(len(name), len(other))
		if len(name) == 0 || name[0] != other[0] || longest > maxWords {
			continue
		}
		shared := 0
		for _, w := range other {
			if slices.ContainsFunc(name, func(n string) bool { return wordCost(n, w) < sameWord }) {
				shared++
			}
		}
		cost := editCost(len(name), len(other), sameWord, func(i, j int) int {
			return wordCost(name[i], other[j])
		})
		if shared < 2 || 2*shared < longest || 2*cost > longest*sameWord {
			continue
		}
		// Of equal words, the characters decide.
		d := textfmt.EditDistance(strings.Join(name, ""), strings.ToLower(a.name))
		if best == "" || cmp.Or(cmp.Compare(cost, least), cmp.Compare(most, shared),
			cmp.Compare(d, closest)) < 0 {
			best, least, most, closest = a.name, cost, shared, d
		}
	}
	return best
}

// maxWords is the number of words that are compared.
const maxWords = 16

// sameWord is the cost of a word that one of two names lacks, and similarWord that of a similar
// word.
const (
	sameWord    = 10
	similarWord = 3
)

func wordCost(a, b string) int {
	switch {
	case a == b:
		return 0
	case min(len(a), len(b)) >= 4 && (textfmt.EditDistance(a, b) <= maxCharacters ||
		strings.HasPrefix(a, b) || strings.HasPrefix(b, a)):
		return similarWord
	}
	return sameWord
}

// words returns the words of a name in lower case: GetObjectAcl has get, object and acl.
func words(name string) (list []string) {
	start := 0
	text := []rune(name)
	for i := 1; i <= len(text); i++ {
		if i == len(text) || unicode.IsUpper(text[i]) &&
			(!unicode.IsUpper(text[i-1]) || i+1 < len(text) && unicode.IsLower(text[i+1])) {
			list = append(list, strings.ToLower(string(text[start:i])))
			start = i
		}
	}
	return list
}

// editCost returns the least cost of the edits that make one list of another. The lists have n and
// m elements. To insert or remove an element costs single, and to change one costs change.
func editCost(n, m, single int, change func(i, j int) int) int {
	row := make([]int, m+1)
	for j := range row {
		row[j] = j * single
	}
	for i := range n {
		diagonal := row[0]
		row[0] = (i + 1) * single
		for j := range m {
			cost := diagonal + change(i, j)
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+single, row[j+1]+single)
		}
	}
	return row[m]
}
