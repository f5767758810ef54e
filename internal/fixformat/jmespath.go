package fixformat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// stateOf returns a JMESPath expression about a stored document: 'new' if IAM reads it as after,
// 'audited' if IAM reads it as before, else 'other'. before may be nil. The AWS CLI evaluates the
// expression with --query, so the script needs no tool that compares JSON. The order of keys does
// not count, nor whether one value is a string or a list.
// https://jmespath.org/specification.html
func stateOf(before, after *iampolicy.Document) string {
	both, isNew, isAudited := []string(nil), sameDocument(after), []string(nil)
	if before != nil {
		isAudited = sameDocument(before)
		both, isNew, isAudited = split(isNew, isAudited)
	}
	states := fmt.Sprintf("(%s) && 'new'", all(isNew, "    "))
	if before != nil {
		states += fmt.Sprintf(" ||\n  (%s) && 'audited'", all(isAudited, "    "))
	}
	if both != nil {
		states = all(both, "  ") + " &&\n  (" + states + ")"
	}
	return states + " ||\n  'other'"
}

// split returns the terms that both lists have, and the others of each list.
func split(a, b []string) (both, onlyA, onlyB []string) {
	for _, term := range a {
		if slices.Contains(b, term) {
			both = append(both, term)
		} else {
			onlyA = append(onlyA, term)
		}
	}
	for _, term := range b {
		if !slices.Contains(both, term) {
			onlyB = append(onlyB, term)
		}
	}
	return both, onlyA, onlyB
}

// all joins terms, each on a line of its own. No terms are true.
func all(terms []string, indent string) string {
	if len(terms) == 0 {
		return literal("true")
	}
	return strings.Join(terms, " &&\n"+indent)
}

// sameDocument returns the terms that are all true for a stored document which IAM reads as d.
func sameDocument(d *iampolicy.Document) []string {
	terms := []string{
		sameText("Version", d.Version),
		sameText("Id", d.ID),
		fmt.Sprintf("length(to_array(Statement)) == %s", literal(fmt.Sprint(len(d.Statements)))),
	}
	for i := range d.Statements {
		terms = append(terms, fmt.Sprintf("(to_array(Statement)[%d] |\n      (%s))", i,
			all(sameStatement(&d.Statements[i]), "       ")))
	}
	return terms
}

// sameStatement returns the terms that are all true for the same statement.
func sameStatement(s *iampolicy.Statement) []string {
	terms := []string{sameText("Sid", s.Sid) + " && " + sameText("Effect", s.Effect.String())}
	var absent []string
	for _, p := range patternsOf(s) {
		if p.list == nil {
			absent = append(absent, p.key)
		} else {
			terms = append(terms, fmt.Sprintf("to_array(%s) == %s", p.key, literals(p.list)))
		}
	}
	for _, p := range []struct {
		key  string
		list []iampolicy.Principal
	}{{"Principal", s.Principal}, {"NotPrincipal", s.NotPrincipal}} {
		if p.list == nil {
			absent = append(absent, p.key)
		} else {
			terms = append(terms, samePrincipals(p.key, p.list)...)
		}
	}
	if len(s.Conditions) == 0 {
		absent = append(absent, "Condition")
	} else {
		terms = append(terms, sameConditions(s.Conditions)...)
	}
	return append(terms, "!("+strings.Join(absent, " || ")+")")
}

func samePrincipals(key string, list []iampolicy.Principal) []string {
	if anyone(list) {
		return []string{fmt.Sprintf("%s == %s", key, quotedLiteral(list[0].Name))}
	}
	groups := principalTypes(list)
	terms := []string{sameKeys(key, keysOf(groups))}
	for _, g := range groups {
		terms = append(terms, fmt.Sprintf("to_array(%s.%s) == %s", key, quoteJSON(g.key),
			literals(g.list)))
	}
	return terms
}

// sameConditions compares the values of conditions as texts, because IAM also takes numbers and
// booleans there.
func sameConditions(conditions []iampolicy.Condition) []string {
	groups := operatorsOf(conditions)
	var operators []string
	for _, g := range groups {
		operators = append(operators, g[0].Operator)
	}
	terms := []string{sameKeys("Condition", operators)}
	for _, g := range groups {
		operator := "Condition." + quoteJSON(g[0].Operator)
		var keys []string
		for _, c := range g {
			keys = append(keys, c.Key)
		}
		terms = append(terms, sameKeys(operator, keys))
		for _, c := range g {
			terms = append(terms, fmt.Sprintf("map(&to_string(@), to_array(%s.%s)) == %s", operator,
				quoteJSON(c.Key), literals(c.Values)))
		}
	}
	return terms
}

// sameText compares an optional text. An absent text and an empty one are the same.
func sameText(key, text string) string {
	if text == "" {
		return fmt.Sprintf("!%s", key)
	}
	return fmt.Sprintf("%s == %s", key, quotedLiteral(text))
}

// sameKeys compares the keys of an object. The type comes first, because keys of another type are
// an error.
func sameKeys(path string, keys []string) string {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return fmt.Sprintf("type(%s) == 'object' && sort(keys(%s)) == %s", path, path, literals(keys))
}

func keysOf(groups []patterns) (keys []string) {
	for _, g := range groups {
		keys = append(keys, g.key)
	}
	return keys
}

// literal returns a JSON text as a literal of JMESPath. A backquote inside would end the literal.
func literal(text string) string {
	return "`" + strings.ReplaceAll(text, "`", `\u0060`) + "`"
}

func quotedLiteral(s string) string { return literal(quoteJSON(s)) }

func literals(list []string) string {
	return literal(escapeUnprintable(textfmt.JSON(list), jsonEscape))
}
