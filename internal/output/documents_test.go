package output

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	emulated "github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

var testTool = &contract.Tool{Name: contract.ToolName, Version: "v0.1.0",
	Commit: "0123456789abcdef"}

// A sample is a document with its formats.
type sample struct {
	name    string
	formats []string
	// write returns the document in a format; again returns what the JSON of the document is in that
	// format.
	write, again func(t *testing.T, format string) []byte
	list         listing
	// gaps and unsure are the judgements of the document, counted without a listing.
	gaps, unsure int
	// later are the gaps after a planned upgrade, which the status does not count.
	later  int
	status string
}

func formatted[D any](t *testing.T, formats Formats[D], format string, document D) []byte {
	t.Helper()
	f, err := formats.Find(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, document, textfmt.View{}); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.Bytes()
}

func sampleOf[D any](name string, formats Formats[D], document D, list func(D) listing,
	read func(Parsed) *D) sample {
	s := sample{name: name, formats: formats.Names(), list: list(document)}
	s.write = func(t *testing.T, format string) []byte {
		t.Helper()
		return formatted(t, formats, format, document)
	}
	s.again = func(t *testing.T, format string) []byte {
		t.Helper()
		p, err := Parse(formatted(t, formats, "json", document))
		if err != nil {
			t.Fatal(err)
		}
		d := read(p)
		if d == nil {
			t.Fatalf("the JSON of %s was read as another document: %+v", name, p)
		}
		return formatted(t, formats, format, *d)
	}
	return s
}

func auditSample(name string, a Audit) sample {
	s := sampleOf(name, AuditFormats(), a, auditListing, func(p Parsed) *Audit { return p.Audit })
	r := a.Report
	s.status, s.unsure = string(r.Status), len(r.Problems)
	all := r.Findings
	if r.Upgrade != nil {
		all = append(all[:len(all):len(all)], r.Upgrade.Findings...)
	}
	for i, f := range all {
		switch {
		case f.Gap():
			s.gaps++
			if i >= len(r.Findings) {
				s.later++
			}
		case f.Status == audit.Unverified:
			s.unsure++
		}
	}
	return s
}

func checkSample(name string, r check.Results) sample {
	s := sampleOf(name, CheckFormats(), r, checkListing,
		func(p Parsed) *check.Results { return p.Check })
	s.status = string(r.Status)
	for _, result := range r.Results {
		v := result.Verdict
		if v == nil {
			s.unsure++
			continue
		}
		s.gaps, s.unsure = s.gaps+v.Gaps, s.unsure+v.Unverified
		if v.Problem != "" {
			s.unsure++
		}
	}
	return s
}

// samples returns all documents of the tests.
func samples(t *testing.T) (list []sample) {
	t.Helper()
	for name, r := range fixtureReports(t) {
		list = append(list, auditSample("report "+name, Audit{Report: r}))
	}
	for name, r := range causeReports(t) {
		list = append(list, auditSample("account "+name, Audit{Report: r}))
	}
	list = append(list, auditSample("open gaps", openSample(t)), auditSample("hostile",
		Audit{Report: hostileReport(t)}), auditSample("muted", Audit{Report: mutedReport(t)}))
	list = append(list, checkSamples(t)...)
	list = append(list, replacementSample(t), diffSample("upgrade", "4.0.240", policies.Latest()))
	return list
}

// fixtureReports reads the reports of internal/report.
func fixtureReports(t *testing.T) map[string]audit.Report {
	t.Helper()
	files, err := filepath.Glob("../report/testdata/*.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d reports, %v", len(files), err)
	}
	reports := map[string]audit.Report{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r audit.Report
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		r.Tool = testTool
		reports[strings.TrimSuffix(filepath.Base(file), ".json")] = r
	}
	return reports
}

var auditedCauses = sync.OnceValues(func() (map[string]audit.Report, error) {
	files, err := filepath.Glob("../app/testdata/causes/*.yaml")
	if err != nil {
		return nil, err
	}
	reports := map[string]audit.Report{}
	for _, file := range files {
		r, err := auditAccount(filepath.Dir(file), filepath.Base(file))
		if err != nil {
			return nil, err
		}
		reports[strings.TrimSuffix(filepath.Base(file), ".yaml")] = r
	}
	reports["drifted"], err = auditAccount("../../examples/drifted", "account.yaml")
	return reports, err
})

// causeReports audits the accounts of internal/app with one cause each, and examples/drifted.
func causeReports(t *testing.T) map[string]audit.Report {
	t.Helper()
	t.Setenv("AWS_CA_BUNDLE", "")
	reports, err := auditedCauses()
	if err != nil || len(reports) < 30 {
		t.Fatalf("%d accounts: %v", len(reports), err)
	}
	return reports
}

func auditAccount(dir, file string) (r audit.Report, err error) {
	ctx := contextForAccounts
	a, err := emulated.Load(os.DirFS(dir), file)
	if err != nil {
		return r, err
	}
	end, err := (&awsemu.Server{Account: a}).Listen("")
	if err != nil {
		return r, err
	}
	defer end.Close()
	clients, _, err := app.LoadClients(ctx, slog.New(slog.DiscardHandler),
		config.WithRegion("us-east-1"), config.WithBaseEndpoint(end.URL),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIA", "secret", "")))
	if err != nil {
		return r, err
	}
	settings, err := app.ConfigFromEnv(func(name string) string {
		return a.Function.Environment[name]
	})
	if err != nil {
		return r, err
	}
	auditor := app.App{Config: settings, Clients: clients, Function: "remotion-audit"}
	r, err = auditor.Report(ctx, app.Location{Account: "123456789012", Partition: policies.AWS,
		Region: "us-east-1"}, "run")
	r.Run = audit.Run{ID: "run", At: time.Date(2026, 11, 16, 3, 4, 5, 0, time.UTC),
		Auditor: "remotion-audit", Version: "v0.1.0"}
	r.Tool = testTool
	return r, err
}

func openSample(t *testing.T) Audit {
	t.Helper()
	r := fixtureReports(t)["drifted"]
	r.Run.Flags = []string{"--regions", "eu-west-1"}
	a := Audit{Report: r}
	for _, f := range r.Findings {
		if f.Gap() {
			a.Open = append(a.Open, alert.Gap{Identity: alert.IdentityOf(f), Status: f.Status,
				Cause: f.Cause, Severity: f.Severity,
				Since: time.Date(2026, 11, 1, 2, 3, 4, 0, time.UTC)})
		}
	}
	return a
}

func mutedReport(t *testing.T) audit.Report {
	t.Helper()
	return fixtureReports(t)["drifted"].Muted(func(f audit.Finding) *audit.Mute {
		if f.Severity == policies.Critical {
			return nil
		}
		return &audit.Mute{Owner: "kim", Reason: "known | <b>", Until: time.Unix(2e9, 0).UTC()}
	})
}

// hostileTexts are texts that mean something to a format.
var hostileTexts = []string{
	"-->]]><script>alert(1)</script>", "a|b`c``d```e", "::error::gone", "##[error]gone",
	"=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\uff1d1", "x\r\n::error::y\n=1",
	"a\u202eb\u2066c\u200bd", "\x1b[31mred\x00\x07", "@octocat [x](http://evil.example) <img src=x>",
	"&amp; &#64;octocat https://evil.example www.evil.example #1 GH-1", "%0A::error::z", "\\`x\\",
	strings.Repeat("long-name/", 1000), "日本語 ä \U0001f600", "$(id) `id` \"'", " lead",
	"\ufffe\uffff", "</details>", "```\n# title", "~~~", "- [ ] x", "| a | b |",
}

// hostileReport returns a report in which every text of AWS is hostile.
func hostileReport(t *testing.T) audit.Report {
	t.Helper()
	r := fixtureReports(t)["drifted"]
	n := 0
	next := func(prefix string) string {
		n++
		return prefix + hostileTexts[n%len(hostileTexts)]
	}
	targets := map[string]string{}
	r.Findings = append([]audit.Finding(nil), r.Findings...)
	r.Targets = append([]audit.TargetReport(nil), r.Targets...)
	for i := range r.Targets {
		name := next("user/")
		targets[r.Targets[i].Name] = name
		r.Targets[i].Name, r.Targets[i].ARN = name, next("arn:")
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Target = targets[f.Target]
		f.Sid, f.Resource, f.Why, f.ExampleARN = next(""), next(""), next(""), next("")
		f.Impact, f.Reason, f.Source = next(""), next(""), next("https://")
		f.Statements = []iampolicy.StatementRef{{Policy: next(""), Index: 1, Sid: next(""),
			Effect: "Allow"}}
		if i%3 == 0 {
			f.Action = next("")
		}
	}
	r.Fixes = nil
	r.Notices = append(r.Notices, audit.Notice{Kind: audit.NoticeVPC, Text: next("")})
	r.Problems = append(r.Problems, audit.Problem{Target: next(""), What: next(""), Why: next(""),
		Remedy: next("")})
	return r
}

func checkSamples(t *testing.T) (list []sample) {
	t.Helper()
	for name, names := range map[string][]string{
		"check of one file": {"17-typo-action.json"},
		"check of two":      {"17-typo-action.json", "14-per-env-role.json"},
	} {
		list = append(list, checkSample(name, checkResults(t, names...)))
	}
	unreadable := checkResults(t, "14-per-env-role.json")
	unreadable.Results = append(unreadable.Results, check.Result{Policies: []string{"a|b.json"},
		Error: "a|b.json: no such file"})
	r := check.Summarize(unreadable.Results)
	r.Tool = testTool
	return append(list, checkSample("unreadable", r))
}

// policyFile reads a policy of the tests of the command.
func policyFile(t *testing.T, name string) iampolicy.Policy {
	t.Helper()
	raw, err := os.ReadFile("../../cmd/remotion-audit/testdata/public/" + name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := iampolicy.Parse(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return iampolicy.Policy{ID: name, Document: doc,
		Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: "infra/my policies/" + name}}
}

func roleRequirements(t *testing.T) check.Required {
	t.Helper()
	required, err := check.ReleaseRequirements(check.Target{Kind: policies.Role}, policies.Latest())
	if err != nil {
		t.Fatal(err)
	}
	return required
}

func checkResults(t *testing.T, names ...string) check.Results {
	t.Helper()
	var list []check.Result
	for _, name := range names {
		grants := iampolicy.Grants{Identity: []iampolicy.Policy{policyFile(t, name)}}
		v, err := check.Evaluate(t.Context(), check.Exactly(grants), roleRequirements(t), nil)
		if err == nil {
			err = v.FindFix(t.Context(), check.Exactly(grants), roleRequirements(t), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, check.Result{Policies: []string{"my policies/" + name}, Verdict: &v})
	}
	r := check.Summarize(list)
	r.Tool = testTool
	return r
}

func replacementSample(t *testing.T) sample {
	t.Helper()
	grants := func(name string) iampolicy.Grants {
		return iampolicy.Grants{Identity: []iampolicy.Policy{policyFile(t, name)}}
	}
	r, err := check.Compare(t.Context(), check.Exactly(grants("14-per-env-role.json")),
		check.Exactly(grants("17-typo-action.json")), roleRequirements(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Tool = testTool
	s := sampleOf("replacement", ReplacementFormats(), r, replacementListing,
		func(p Parsed) *check.Replacement { return p.Replacement })
	s.gaps, s.unsure, s.status = r.Lost, r.Unverified, string(r.Status)
	return s
}

func diffSample(name, from string, to policies.Release) sample {
	old, err := policies.Find(from)
	if err != nil {
		panic(err)
	}
	c := policies.Compare([]policies.Release{old}, to, policies.Kinds)
	c.Tool = testTool
	return sampleOf(name, DiffFormats(), c, diffListing,
		func(p Parsed) *policies.Comparison { return p.Diff })
}

// evaluated returns the results of a check of grants.
func evaluated(t *testing.T, grants iampolicy.Grants) check.Results {
	t.Helper()
	v, err := check.Evaluate(t.Context(), check.Exactly(grants), roleRequirements(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return check.Summarize([]check.Result{{Policies: []string{"p"}, Verdict: &v}})
}
