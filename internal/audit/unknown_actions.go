package audit

import (
	"weak"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The limits of a notice: the actions that are compared with AWS's list, and those that are named.
const (
	maxMisnamed      = 50
	maxMisnamedNamed = 5
)

// actionNotices returns a notice for each policy of a target that names actions that do not exist.
// It skips the policies of AWS, which the account cannot change.
func (j *Judge) actionNotices(t TargetFacts) (list []Notice) {
	for _, p := range t.Grants.Identity {
		if p.Document == nil || p.ByAWS {
			continue
		}
		if j.stopped() {
			return list
		}
		key := weak.Make(p.Document)
		text, known := j.misnamed[key]
		if !known {
			var names []string
			for _, m := range p.Document.MisnamedActions(maxMisnamed) {
				names = append(names, m.String())
			}
			if names != nil {
				text = textfmt.Some(names, maxMisnamedNamed)
			}
			j.misnamed[key] = text
		}
		if text != "" {
			list = append(list, Notice{Kind: NoticeUnknownAction, Target: t.Name, Text: p.ID + ": " + text})
		}
	}
	return list
}
