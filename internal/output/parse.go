package output

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// MaxDocument is the size of the largest document that Parse reads, in bytes.
const MaxDocument = 32 << 20

// documentLimits bound a document before it is decoded. Keys that differ only in case are allowed,
// because tags and conditions may have them.
var documentLimits = jsonlimit.Limits{Bytes: MaxDocument, Depth: 40, Values: 2_000_000,
	Elements: 1_000_000}

// A Parsed is a document that the command wrote as JSON. One of its fields is set.
type Parsed struct {
	Audit       *Audit
	Check       *check.Results
	Replacement *check.Replacement
	Diff        *policies.Comparison
}

// Parse reads the JSON of audit, check, check --instead-of or policies diff. The version of each is
// 1; fields that this release does not know are ignored.
func Parse(text []byte) (p Parsed, err error) {
	text, err = asUTF8(text)
	if err != nil {
		return p, err
	}
	if err := jsonlimit.Check(text, documentLimits); err != nil {
		return p, err
	}
	var members map[string]json.RawMessage
	err = json.Unmarshal(text, &members)
	switch wrong := (*json.UnmarshalTypeError)(nil); {
	case errors.As(err, &wrong), err == nil && members == nil:
		return p, notADocument("is no JSON object")
	case err != nil:
		return p, fmt.Errorf("not JSON: %w", err)
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return members[name] == nil })
	}
	var version string
	switch err := json.Unmarshal(members["schemaVersion"], &version); {
	case has("report") && !has("findings"):
		return p, notADocument("is the message of an alert, which has a part of the report only")
	case has("explanations") || has("edits", "fix"):
		return p, notADocument("is the output of explain or fix")
	case !has("schemaVersion") || err != nil || version == "":
		return p, notADocument("has no schemaVersion")
	case version != audit.SchemaVersion:
		return p, fmt.Errorf("the document has schema version %s, and this release reads %s: use the "+
			"release that wrote it, or a newer one", textfmt.Quote(version, 20), audit.SchemaVersion)
	}
	switch {
	case has("account", "targets", "findings", "summary"):
		p.Audit, err = parseAudit(text)
	case has("results"):
		p.Check, err = parseResults(text)
	case has("current", "proposed", "changes"):
		p.Replacement, err = parseReplacement(text)
	case has("required", "findings"):
		p.Check, err = parseVerdict(text)
	case has("from", "to", "policies"):
		p.Diff, err = parseAs[policies.Comparison](text)
	default:
		return p, notADocument("has not the fields of one")
	}
	if err != nil {
		return Parsed{}, err
	}
	return p, nil
}

// notADocument returns an error that says which documents can be read.
func notADocument(why string) error {
	return fmt.Errorf("the text %s: use the JSON of `remotion-audit audit`, `check` or "+
		"`policies diff`, as --format json writes it", why)
}

// asUTF8 returns the text without a byte order mark. Other encodings are errors: encoding/json
// would report a character that the user cannot see.
func asUTF8(text []byte) ([]byte, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("the text is empty")
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, errors.New("the text is UTF-16, as PowerShell writes it: use --format json=FILE " +
			"instead of >, or save it as UTF-8")
	case bytes.IndexByte(text, 0) >= 0:
		return nil, errors.New("the text has NUL characters: it is no JSON in UTF-8")
	case !utf8.Valid(text):
		return nil, errors.New("the text is not UTF-8")
	}
	return text, nil
}

// parseAs decodes a document.
func parseAs[D any](text []byte) (*D, error) {
	d := new(D)
	err := json.Unmarshal(text, d)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		field := strings.TrimPrefix(wrong.Field, "Report.") // the embedded struct of auditDocument
		return nil, fmt.Errorf("%s is a %s, which the schema does not allow there",
			cmp.Or(textfmt.OneLine(field), "the document"), wrong.Value)
	}
	return d, err
}

func parseAudit(text []byte) (*Audit, error) {
	d, err := parseAs[auditDocument](text)
	if err != nil {
		return nil, err
	}
	r := d.Report
	if r.Account == "" {
		return nil, errors.New("the report names no account")
	}
	if err := r.CheckConsistent(); err != nil {
		return nil, err
	}
	a := &Audit{Report: r}
	for _, g := range d.OpenGaps {
		a.Open = append(a.Open, alert.Gap{Identity: g.Identity, Status: g.Status, Cause: g.Cause,
			Severity: g.Severity, Since: g.Since})
	}
	return a, nil
}

// checkStatus refuses a status that this release does not know. It would count as satisfied.
func checkStatus(what string, s iampolicy.Status) error {
	known := []iampolicy.Status{audit.Satisfied, audit.Conditional, audit.Partial, audit.Missing,
		audit.Denied, audit.Unverified}
	if !slices.Contains(known, s) {
		return fmt.Errorf("%s has the unknown status %s", what, textfmt.Quote(string(s), 40))
	}
	return nil
}

// checkResult refuses a result that contradicts the judgements: a document with gaps must not read
// as compliant.
func checkResult(status string, gaps, unsure int) error {
	want := audit.StatusCompliant
	switch {
	case gaps > 0:
		want = audit.StatusGaps
	case unsure > 0:
		want = audit.StatusUnverified
	}
	if status != string(want) {
		return fmt.Errorf("the status is %s, but the document has %s and %d unverified, which is %s",
			textfmt.Quote(status, 40), textfmt.Plural(gaps, "gap"), unsure, want)
	}
	return nil
}

func parseVerdict(text []byte) (*check.Results, error) {
	v, err := parseAs[check.Verdict](text)
	if err != nil {
		return nil, err
	}
	if err := checkVerdict("", *v); err != nil {
		return nil, err
	}
	tool, names, compared := v.Tool, v.Policies, v.Baseline
	v.Tool, v.Policies, v.Baseline = nil, nil, nil
	r := check.Summarize([]check.Result{{Policies: names, Verdict: v}})
	r.Tool, r.Baseline = tool, compared
	return &r, nil
}

func checkVerdict(which string, v check.Verdict) error {
	var found struct{ satisfied, gaps, muted, unverified int }
	for i, f := range v.Findings {
		if err := checkStatus(fmt.Sprintf("%sfinding %d", which, i+1), f.Status); err != nil {
			return err
		}
		switch {
		case f.Gap():
			found.gaps++
		case f.Status.Gap():
			found.muted++
		case f.Status == iampolicy.Unverified:
			found.unverified++
		default:
			found.satisfied++
		}
	}
	unsure := found.unverified
	if v.Problem != "" {
		unsure++
	}
	if err := checkResult(string(v.Status), found.gaps, unsure); err != nil {
		return err
	}
	if v.Requirements != len(v.Findings) || v.Satisfied != found.satisfied ||
		v.Gaps != found.gaps || v.GapsMuted != found.muted || v.Unverified != found.unverified {
		return fmt.Errorf("%sthe counts are %d satisfied, %d gaps, %d muted and %d unverified of %d "+
			"requirements, but the findings have %d, %d, %d and %d of %d", which, v.Satisfied, v.Gaps,
			v.GapsMuted, v.Unverified, v.Requirements, found.satisfied, found.gaps, found.muted,
			found.unverified, len(v.Findings))
	}
	return nil
}

func parseResults(text []byte) (*check.Results, error) {
	r, err := parseAs[check.Results](text)
	if err != nil {
		return nil, err
	}
	gaps, unsure := 0, 0
	for i, result := range r.Results {
		switch {
		case result.Verdict == nil:
			unsure++
			continue
		case result.Verdict.Status == audit.StatusGaps:
			gaps++
		case result.Verdict.Status == audit.StatusUnverified:
			unsure++
		}
		if err := checkVerdict(fmt.Sprintf("result %d: ", i+1), *result.Verdict); err != nil {
			return nil, err
		}
	}
	if len(r.Results) == 0 {
		unsure++
	}
	return r, checkResult(string(r.Status), gaps, unsure)
}

func parseReplacement(text []byte) (*check.Replacement, error) {
	r, err := parseAs[check.Replacement](text)
	if err != nil {
		return nil, err
	}
	kinds := map[check.ChangeKind]int{}
	for i, c := range r.Changes {
		switch c.Kind {
		case check.Lost, check.ChangeUnverified, check.Gained, check.MissingInBoth:
			kinds[c.Kind]++
		default:
			return nil, fmt.Errorf("change %d is of the unknown kind %s", i+1,
				textfmt.Quote(string(c.Kind), 40))
		}
	}
	lost, unsure := kinds[check.Lost], kinds[check.ChangeUnverified]
	if r.Problem != "" {
		unsure++
	}
	want := check.LosesNothing
	switch {
	case lost > 0:
		want = check.Loses
	case unsure > 0:
		want = check.LossUnverified
	}
	if r.Status != want {
		return nil, fmt.Errorf("the status is %s, but the document has %d losses and %d unverified "+
			"changes", textfmt.Quote(string(r.Status), 40), lost, unsure)
	}
	if r.Lost != lost || r.Unverified != kinds[check.ChangeUnverified] ||
		r.Gained != kinds[check.Gained] || r.MissingInBoth != kinds[check.MissingInBoth] ||
		r.Kept != r.Requirements-len(r.Changes) || r.Kept < 0 {
		return nil, fmt.Errorf("the counts of %d requirements (%d kept, %d lost, %d unverified, %d "+
			"gained, %d missing in both) are not those of the %d changes", r.Requirements, r.Kept, r.Lost,
			r.Unverified, r.Gained, r.MissingInBoth, len(r.Changes))
	}
	return r, nil
}
