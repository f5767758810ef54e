package report

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Effect is what fails without some actions of a group.
type Effect struct {
	Severity policies.Severity
	Actions  []string
	Impact   string
}

// Effects returns what fails without the actions of a group, those of the highest severity first.
// Actions with the same impact and severity are one effect. It says "possibly" if a condition that
// the audit does not know may prevent it.
func (g Group) Effects() []Effect {
	var effects []Effect
	for _, f := range g.Findings {
		impact := textfmt.OneLine(f.Impact)
		if f.UnderAssumedContext {
			impact = "possibly: " + impact
		}
		action := textfmt.OneLine(f.Action)
		i := slices.IndexFunc(effects, func(e Effect) bool {
			return e.Impact == impact && e.Severity == f.Severity
		})
		switch {
		case i < 0:
			effects = append(effects, Effect{f.Severity, []string{action}, impact})
		case !slices.Contains(effects[i].Actions, action):
			effects[i].Actions = append(effects[i].Actions, action)
		}
	}
	return effects
}
