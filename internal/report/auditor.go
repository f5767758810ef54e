package report

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeAuditor writes the section AUDITOR: the actions that AWS denies to the auditor, and one
// policy that grants all of them. The policy is on one line, so that it can be copied. It writes
// nothing if AWS denied no call of the auditor.
func (p *page) writeAuditor(r audit.Report) {
	access := r.Access()
	if access == nil {
		return
	}
	p.section("AUDITOR", "")
	p.writeDenied("Auditor lacks", access.Lacks, "")
	var layers []string
	for _, d := range access.Lacks {
		if d.Layer != "" {
			layers = textfmt.AppendNew(layers, d.Layer)
		}
	}
	for _, layer := range layers {
		p.writeDenied("Blocked", access.Lacks, layer)
	}
	p.field("  ", "AWS error", "%s", textfmt.OneLine(access.Error))
	if layers != nil {
		p.field("  ", "Fix", "%s", blockedFix(layers))
	}
	if access.Policy == nil {
		return
	}
	to := "the user or role of the auditor"
	if access.AttachTo != "" {
		to = textfmt.OneLine(access.AttachTo)
	}
	p.field("  ", "Fix", "Add the policy to %s, or run `%s` as an administrator; `remotion-audit "+
		"policies auditor --account %s` prints all that an audit needs", to,
		textfmt.ShellWords("remotion-audit", "audit", "--callers", Callers(r)),
		textfmt.OneLine(r.Account))
	p.command("  ", "Policy", textfmt.OneLine(textfmt.JSON(access.Policy)))
}

// writeDenied writes the actions that a layer denies, with their targets. Actions with the same
// targets share a line.
func (p *page) writeDenied(label string, lacks []audit.DeniedAction, layer string) {
	var keys []string
	actions := map[string][]string{}
	for _, d := range lacks {
		if d.Layer != layer {
			continue
		}
		targets := textfmt.OneLines(d.Targets)
		if d.More > 0 {
			targets = append(slices.Clip(targets), textfmt.More(d.More, "target"))
		}
		key := strings.Join(targets, ", ")
		keys = textfmt.AppendNew(keys, key)
		actions[key] = append(actions[key], textfmt.OneLine(d.Action))
	}
	for _, key := range keys {
		text := strings.Join(actions[key], ", ") + " on " + key
		if layer != "" {
			text += " by " + layerWithArticle(layer)
		}
		p.field("  ", label, "%s", text)
		label = ""
	}
}

// layerWithArticle returns the layer as the end of a sentence.
func layerWithArticle(layer string) string {
	if layer == "explicit deny" {
		return "an explicit deny"
	}
	return "a " + textfmt.OneLine(layer)
}

// blockedFix says who can remove what blocks the auditor. A grant cannot.
func blockedFix(layers []string) string {
	var owners []string
	for _, layer := range layers {
		owner := "the owner of the " + textfmt.OneLine(layer)
		switch layer {
		case "service control policy", "resource control policy":
			owner = "the administrator of the organization"
		case "explicit deny":
			owner = "the administrator of the account"
		}
		owners = textfmt.AppendNew(owners, owner)
	}
	return "A grant does not help against a Deny or a limit of another layer: ask " +
		strings.Join(owners, " and ") + " to allow the blocked actions to the auditor"
}
