package output

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxResults is the number of results that GitHub accepts in one run. It stores 5,000 of them.
// https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
const maxResults = 25_000

// sarifText is the length of a message and of a help text in characters.
const sarifText = 2000

// writeSARIF writes the gaps, the muted gaps and what is unverified as SARIF 2.1.0. A compliant
// document has no results. With a baseline, each result has a state, and the gaps that are gone are
// results that pass.
func writeSARIF(w io.Writer, l listing) error {
	run := sarif.NewRunWithInformationURI(cmp.Or(clean(l.tool.Name), contract.ToolName),
		contract.Project)
	driver := run.Tool.Driver
	if l.tool.Version != "" {
		version := clean(l.tool.Version)
		driver.Version = &version
		if semantic := strings.TrimPrefix(version, "v"); semantic != version {
			driver.SemanticVersion = &semantic
		}
	}
	// GitHub takes the text up to the last slash as the category: the results of another account do
	// not replace these.
	id := contract.ToolName + "/" + clean(l.category) + "/"
	run.AutomationDetails = sarif.NewRunAutomationDetails().WithID(id)
	kind := "unicodeCodePoints"
	run.ColumnKind = &kind
	invocation := sarif.NewInvocation().WithExecutionSuccessful(l.count(unverified) == 0)
	run.AddInvocation(invocation)
	results := append(l.ordered(gap, unverified, known, muted), l.goneGaps()...)
	if n := len(results) - maxResults; n > 0 {
		results = results[:maxResults]
		text := fmt.Sprintf("%s with the lowest severity left out, because code scanning accepts %d; %s",
			textfmt.Plural(n, "result"), maxResults, l.show)
		invocation.AddToolExecutionNotification(sarif.NewNotification().WithLevel("warning").
			WithMessage(sarif.NewTextMessage(sarifLine(text))))
	}
	rules := map[string]int{}
	for _, e := range results {
		rule := textfmt.Truncate(clean(e.rule), 255)
		i, ok := rules[rule]
		if !ok {
			i = len(driver.Rules)
			rules[rule] = i
			driver.Rules = append(driver.Rules, sarifRule(rule, e.entry))
		}
		run.AddResult(l.sarifResult(e, rule, i))
	}
	log := sarif.NewReport()
	log.AddRun(run)
	return textfmt.WriteJSON(w, log)
}

// sarifRule describes a requirement. The results are in the order of severity, so that the first
// one has the highest.
func sarifRule(id string, e *entry) *sarif.ReportingDescriptor {
	rule := sarif.NewReportingDescriptor().WithID(id)
	name, full, without := e.word, e.word, " Without it: "
	switch {
	case e.policy == audit.CheckKind:
		name = "Check " + e.sid
		full, without = name+" of what "+e.action+" needs", " If it fails: "
	case e.action != "":
		name = "Permission " + e.action
		full = name
		if e.policy != "" {
			full += " of the " + string(e.policy) + " policy"
		}
	}
	if e.reason != "" && e.policy != audit.CheckKind {
		full += ": the permission " + e.reason
	}
	rule.WithShortDescription(multiformat(name)).WithFullDescription(multiformat(full))
	help := full + "."
	if e.impact != "" {
		help += without + e.impact + "."
	}
	rule.WithHelp(multiformat(help + " More: " + contract.Project))
	if strings.HasPrefix(e.source, "https://") {
		if u, err := url.Parse(e.source); err == nil && u.Host != "" {
			rule.WithHelpURI(u.String())
		}
	}
	rule.WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(e.sarifLevel()))
	bag := sarif.NewPropertyBag()
	bag.Add("precision", "high")
	bag.WithTags([]string{"security", "iam"})
	if score := securitySeverity[e.level()]; score != "" {
		bag.Add("security-severity", score)
	}
	return rule.WithProperties(bag)
}

// securitySeverity has the scores that GitHub shows as critical, high, medium and low.
var securitySeverity = map[policies.Severity]string{policies.Critical: "9.5", policies.High: "8.0",
	policies.Medium: "5.0", policies.Low: "2.0"}

// sarifLevel returns the level of an entry.
func (e *entry) sarifLevel() string { return e.ciLevel("note") }

// ciLevel returns the level of an entry in CI: error for critical and high, warning for medium and
// for what is unverified, and low for low.
func (e *entry) ciLevel(low string) string {
	switch {
	case e.outcome == unverified:
		return "warning"
	case e.level() >= policies.High:
		return "error"
	case e.level() == policies.Low:
		return low
	}
	return "warning"
}

func (l *listing) sarifResult(e judged, rule string, index int) *sarif.Result {
	result := sarif.NewResult().WithRuleID(rule).WithRuleIndex(index).WithLevel(e.sarifLevel()).
		WithMessage(sarif.NewTextMessage(sarifLine(e.sentence())))
	sum := sha256.Sum256([]byte(strings.ToValidUTF8(e.identity, "\ufffd")))
	fingerprint := hex.EncodeToString(sum[:16])
	// GitHub compares primaryLocationLineHash only. Without ours it hashes the line of the file, which
	// is the same for all results about an account.
	result.PartialFingerprints = map[string]string{"primaryLocationLineHash": fingerprint[:16] + ":1",
		"remotionAuditFinding/v1": fingerprint}
	file, line, column := e.file, e.line, e.column
	if file == "" {
		file, line, column = textfmt.SlashPath(l.accountPlace), 1, 1
	}
	region := sarif.NewRegion().WithStartLine(line).WithStartColumn(column)
	place := sarif.NewPhysicalLocation().
		WithArtifactLocation(sarif.NewSimpleArtifactLocation(relativeURI(file))).WithRegion(region)
	location := sarif.NewLocationWithPhysicalLocation(place)
	if e.suite.name != "" {
		logical := sarif.NewLogicalLocation()
		logical.WithFullyQualifiedName(short(e.suite.name, 500)).WithKind("resource")
		location.AddLogicalLocation(logical)
	}
	result.AddLocation(location)
	bag := sarif.NewPropertyBag()
	for _, f := range e.fields(e.suite.name) {
		bag.Add(f.label, short(f.text, sarifText))
	}
	result.WithProperties(bag)
	if l.compared {
		result.WithBaselineState(e.sarifState())
	}
	if e.outcome == gone {
		result.WithKind("pass").WithLevel("none")
	}
	if e.mute != nil {
		result.AddSuppression(sarif.NewSuppression().WithKind("external").WithStatus("accepted").
			WithJustification(short(muteText(*e.mute), sarifText)))
	}
	return result
}

// sarifState returns the state of a judgement compared with the baseline. SARIF has no word for
// what the baseline does not have as a gap, such as a requirement that is unverified, but new.
func (e *entry) sarifState() string {
	switch {
	case e.outcome == gone:
		return "absent"
	case e.state == audit.BaselineKnown:
		return "unchanged"
	case e.state == audit.BaselineWorse:
		return "updated"
	}
	return "new"
}

// relativeURI returns a path as a relative reference: segments are escaped, and a first segment
// with a colon does not become a scheme.
func relativeURI(path string) string {
	u := url.URL{Path: strings.TrimLeft(path, "/")}
	return u.String()
}

// sarifLine returns a text for a message. In a message, [text](target) is a link.
func sarifLine(text string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(short(text, sarifText))
}

func multiformat(text string) *sarif.MultiformatMessageString {
	clean := short(text, sarifText)
	return sarif.NewMultiformatMessageString().WithText(clean)
}

// clean makes an untrusted text one line without control characters.
func clean(text string) string { return textfmt.OneLine(text) }

// short cleans a text and cuts it to most characters.
func short(text string, most int) string { return textfmt.Truncate(clean(text), most) }
