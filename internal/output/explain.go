package output

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/explain"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// explainJSON writes the derivations in the form of docs/explain.schema.json.
func explainJSON(w io.Writer, e explain.Explanations, _ textfmt.View) error {
	return textfmt.WriteJSON(w, e)
}

// explainText writes the derivations as text: the verdict, its cause and the fix first, then the
// layers in the order of the evaluation.
func explainText(w io.Writer, all explain.Explanations, v textfmt.View) error {
	for i, e := range all.Explanations {
		p := derivation{report.NewBlocks(v)}
		if i > 0 {
			p.Line("")
		}
		p.writeHead(all.Account, e)
		for _, l := range e.Layers {
			p.writeLayer(l)
		}
		p.writeSimulation(e.Simulation)
		p.writeRequirement(e)
		p.writeOthers(e.Others)
		if len(e.NotVisible) > 0 {
			p.section("NOT VISIBLE", strings.Join(e.NotVisible, ", "))
		}
		if _, err := io.WriteString(w, p.String()); err != nil {
			return err
		}
	}
	return nil
}

// A derivation is the text of an explanation.
type derivation struct{ *report.Blocks }

// section writes the head of a section.
func (p derivation) section(title, text string) { p.Section(title, text) }

// field writes a field, unless its text is empty.
func (p derivation) field(label, text string) {
	if text != "" {
		p.Fields(report.Field{Label: label, Text: text})
	}
}

// verdictTexts complete a sentence about the request.
var verdictTexts = map[audit.Status]string{
	audit.Satisfied:   "is allowed",
	audit.Conditional: "is allowed only for some context values",
	audit.Partial:     "is allowed only on some of the resources",
	audit.Missing:     "is not allowed",
	audit.Denied:      "is denied",
	audit.Unverified:  "is not verified",
}

func (p derivation) writeHead(account string, e explain.Explanation) {
	of := " for " + e.Principal.Name
	if e.Request.By != "" {
		of = " on " + e.Principal.Name + " for " + e.Request.By
	}
	p.Title(report.StatusTone(e.Verdict.Status), strings.ToUpper(string(e.Verdict.Status)),
		e.Request.Action+" "+verdictTexts[e.Verdict.Status]+of)
	p.Line("")
	if cause := string(e.Verdict.Cause); cause != "" {
		p.field("Cause", cause+": "+e.Verdict.Why)
	} else {
		p.field("Cause", e.Verdict.Why)
	}
	for _, note := range e.Verdict.Notes {
		p.field("Note", note)
	}
	if e.Fix != nil {
		p.field("Fix", e.Fix.Text)
		p.Diff(e.Fix.Diff)
		if e.Fix.Command != "" {
			p.Fields(report.Field{Label: "Command", Text: e.Fix.Command, Command: true})
		}
	}
	who := e.Principal.Name + " (" + string(e.Principal.Kind) + ")"
	if e.Principal.ARN != "" {
		who += ", " + e.Principal.ARN
	}
	if e.Request.By != "" {
		p.field("Principal", e.Request.By)
		p.field("Role", who)
	} else {
		p.field("Principal", who)
	}
	p.field("Account", account)
	p.field("Action", e.Request.Action)
	p.field("Resource", e.Request.Resource)
	if e.Request.Example != e.Request.Resource {
		p.field("Example", e.Request.Example)
	}
	switch {
	case e.Verdict.Cause == audit.TargetMissing:
	case e.Request.Origin == explain.Needed && len(e.Others) > 0:
		p.field("Origin", fmt.Sprintf("the worst of %d resources that Remotion needs",
			len(e.Others)+1))
	case e.Request.Origin == explain.Needed:
		p.field("Origin", "Remotion needs the action on this resource")
	case e.Request.Origin == explain.Chosen:
		p.field("Origin", "no resource is given, and Remotion needs none: give RESOURCE for another one")
	}
	p.field("Region", e.Request.Region)
	p.field("Context", strings.Join(e.Context, " "))
}

// layerTitles and the texts of the effects name a layer with what it does.
var layerTitles = map[explain.LayerKind]string{
	explain.IdentityLayer:        "IDENTITY POLICIES",
	explain.BoundaryLayer:        "PERMISSIONS BOUNDARY",
	explain.OrganizationLayer:    "SERVICE CONTROL POLICIES",
	explain.ResourceControlLayer: "RESOURCE CONTROL POLICIES",
	explain.TrustLayer:           "TRUST POLICY",
}

// effectText returns what a layer does. Two of the titles are plural.
func effectText(l explain.Layer) string {
	many := l.Kind == explain.IdentityLayer || l.Kind == explain.OrganizationLayer ||
		l.Kind == explain.ResourceControlLayer
	n := 1
	if many {
		n = 2
	}
	switch l.Effect {
	case explain.Allows:
		return textfmt.Verb(n, "allows", "allow") + " the request"
	case explain.Denies:
		return textfmt.Verb(n, "denies", "deny") + " the request"
	case explain.DoesNotAllow:
		return textfmt.Verb(n, "does", "do") + " not allow the request"
	case explain.Absent:
		return "none"
	}
	return string(l.Effect)
}

func (p derivation) writeLayer(l explain.Layer) {
	p.section(layerTitles[l.Kind], effectText(l))
	p.field("Note", l.Note)
	silent := 0
	for _, d := range l.Documents {
		if len(d.Steps)+d.More == 0 && len(l.Documents) > maxDocuments {
			silent++
			continue
		}
		p.writeDocument(d)
	}
	if silent > 0 {
		p.field("Other", textfmt.Plural(silent, "document")+" without a statement about the request")
	}
	for i, u := range l.Unread {
		if i == maxDocuments {
			p.field("Not read", textfmt.More(len(l.Unread)-i, "document"))
			break
		}
		text := u.What + ": " + u.Why
		if u.Grant != "" {
			text += " (grant the auditor " + u.Grant + ")"
		}
		p.field("Not read", text)
	}
}

// maxDocuments is the number of documents without a relevant statement that a layer shows, and of
// documents that could not be read.
const maxDocuments = 8

func (p derivation) writeDocument(d explain.Document) {
	text := d.Policy + ", " + textfmt.Plural(d.Statements, "statement")
	if d.Level > 0 {
		text = fmt.Sprintf("level %d: %s", d.Level, text)
	}
	if len(d.Steps)+d.More == 0 {
		text += ", none about the request"
	}
	p.field("Document", text)
	for _, s := range d.Steps {
		p.writeStep(s)
	}
	if d.More > 0 {
		p.field("", textfmt.More(d.More, "statement")+" that may matter")
	}
}

func stepLabel(s explain.Step) string {
	switch {
	case s.Decides && s.Role == explain.DependsOn, s.Role == explain.DependsOn:
		return "Undecided"
	case s.Decides:
		return "Decision"
	case s.Role == explain.StatementAllows:
		return "Allow"
	case s.Role == explain.UnmetCondition:
		return "Condition"
	}
	return "Near miss"
}

func (p derivation) writeStep(s explain.Step) {
	name := fmt.Sprintf("statement %d", s.Statement.Index)
	if s.Statement.Sid != "" {
		name += " (Sid " + s.Statement.Sid + ")"
	}
	text := name + " " + s.Text
	mark, marked := s.Caret()
	if s.Miss != nil && !marked && s.Role == explain.OtherResource {
		if detail := s.MissText(); detail != "" {
			text += ": " + detail
		}
	}
	if s.Role == explain.MisnamedAction {
		text = name + ": " + s.Text
	}
	p.field(stepLabel(s), text)
	if marked {
		p.Line(p.Indent() + textfmt.OneLine(s.Pattern))
		below := mark + " " + s.CaretText()
		if len(p.Indent()+below) > p.Columns() {
			below = mark
		}
		p.Line(p.Indent() + below)
		if below == mark {
			p.field("", s.CaretText())
		}
	}
}

func (p derivation) writeSimulation(s explain.Simulation) {
	if s.Decision == "" {
		p.section("AWS'S SIMULATOR", "not asked: "+s.Why)
		return
	}
	p.section("AWS'S SIMULATOR", s.Decision)
	p.field("Note", s.Why)
	p.field("Resource", s.Resource)
	for i, statement := range s.Statements {
		if i == maxDocuments {
			p.field("Statement", textfmt.More(len(s.Statements)-i, ""))
			break
		}
		p.field("Statement", statement)
	}
	p.field("Missing keys", textfmt.Some(s.Missing, maxDocuments))
	if s.OrganizationDenies {
		p.field("Denied by", "the organization")
	}
	if s.BoundaryDenies {
		p.field("Denied by", "the permissions boundary")
	}
	if s.Otherwise != "" && len(s.OtherwiseKeys) > 0 {
		p.field("Otherwise", s.Otherwise+" with other values of "+
			textfmt.Enumerate(s.OtherwiseKeys, maxDocuments))
	}
	p.field("Context", strings.Join(s.Context, " "))
}

func (p derivation) writeRequirement(e explain.Explanation) {
	if e.Requirement == nil {
		p.section("REMOTION", "does not need it")
		p.field("Reason", e.NotNeeded)
		return
	}
	r := e.Requirement
	p.section("REMOTION", "needs it, severity "+r.Severity.String())
	if r.Sid != audit.TrustSid {
		p.field("Documented", "Sid "+r.Sid+" of Remotion's "+string(e.Principal.Policy)+" policy, on "+
			r.Resource)
	}
	if r.Needed != e.Request.Resource {
		p.field("Needed on", r.Needed)
	}
	operations := make([]string, len(r.Operations))
	for i, o := range r.Operations {
		operations[i] = string(o)
	}
	p.field("Operations", strings.Join(operations, ", "))
	p.field("Reason", "the permission "+r.Reason)
	p.field("Impact", r.Impact)
	p.field("Releases", textfmt.Some(r.Releases, maxDocuments))
	p.field("Source", r.Source)
}

// maxOthers is the number of other resources that the text lists.
const maxOthers = 20

func (p derivation) writeOthers(others []explain.Other) {
	if len(others) == 0 {
		return
	}
	p.section("OTHER RESOURCES", "that Remotion needs the action on")
	sorted := slices.Clone(others)
	slices.SortStableFunc(sorted, func(a, b explain.Other) int {
		return b.Status.Rank() - a.Status.Rank()
	})
	for i, o := range sorted {
		if i == maxOthers {
			p.field("", textfmt.More(len(sorted)-i, "resource"))
			break
		}
		p.field(textfmt.Capitalize(string(o.Status)), o.Resource)
	}
}
