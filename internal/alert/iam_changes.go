package alert

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// relevantIAMChanges returns the IAM changes that triggered the run and affect an announced target.
// Changes that certainly affect a target come first, then changes that may affect a target, then
// repeated calls of one actor on one entity. So ten calls of PutRolePolicy do not hide one call of
// DetachRolePolicy. Within each part, the newest change comes first. The changes affect neither the
// decision to send a message nor the key of the message.
func (d Digest) relevantIAMChanges() (changes []audit.IAMChange) {
	if d.Report.Run.Trigger == nil {
		return nil
	}
	announced := map[string]bool{}
	for _, c := range d.Gaps {
		announced[c.Gap.Target] = true
	}
	for _, e := range d.Errors {
		announced[e.Error.Target] = true
	}
	for _, x := range d.Notices {
		announced[x.Target] = true
	}
	var unsure, repeated []audit.IAMChange
	seen := map[[3]string]bool{}
	for _, c := range d.Report.Run.Trigger.Changes {
		_, entity := c.Entity()
		call := [3]string{c.ActorWithAddress(), c.Event, entity}
		switch {
		case !slices.ContainsFunc(c.Targets, func(target string) bool { return announced[target] }):
			continue
		case seen[call]:
			repeated = append(repeated, c)
		case c.Unsure:
			unsure = append(unsure, c)
		default:
			changes = append(changes, c)
		}
		seen[call] = true
	}
	return slices.Concat(changes, unsure, repeated)
}
