package evidence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// allowing returns a document that allows an action on a resource.
func allowing(t testing.TB, action, resource string) *iampolicy.Document {
	t.Helper()
	return policytest.Parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+
		action+`","Resource":"`+resource+`"}]}`)
}

// caller returns the facts about a user with an inline policy.
func caller(name string, document *iampolicy.Document) audit.TargetFacts {
	holder := "user/" + name
	return audit.TargetFacts{Kind: audit.Caller, Name: holder, Grants: iampolicy.Grants{
		Identity: []iampolicy.Policy{{ID: `inline policy "p"`, Document: document,
			Location: iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: holder, Name: "p"}}}}}
}

// renderRole returns the facts about a render role with all kinds of documents.
func renderRole(t testing.TB) audit.TargetFacts {
	t.Helper()
	const holder, arn = "role/r", "arn:aws:iam::123456789012:policy/"
	at := func(kind iampolicy.LocationKind, name string) iampolicy.Location {
		return iampolicy.Location{Kind: kind, Holder: holder, Name: name, ARN: arn + name,
			Attachments: 3, Tags: map[string]string{"a": "b"}}
	}
	return audit.TargetFacts{Kind: audit.RenderRole, Name: holder,
		Trust: mustParseTrust(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
			`"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
		Grants: iampolicy.Grants{Identity: []iampolicy.Policy{
			{Document: allowing(t, "s3:*", "*"), Location: at(iampolicy.ManagedLocation, "m")},
			{Document: allowing(t, "a:*", "*"), ByAWS: true,
				Location: at(iampolicy.ManagedLocation, "aws")},
			{Document: allowing(t, "b:*", "*"), Location: iampolicy.Location{
				Kind: iampolicy.FileLocation, Name: "f.json"}},
		}, Boundary: &iampolicy.Policy{Document: allowing(t, "*", "*"),
			Location: at(iampolicy.BoundaryLocation, "limits")}}}
}

func reparsed(t testing.TB, d *Documents) *Documents {
	t.Helper()
	again, err := ParseDocuments(d.JSON())
	if err != nil {
		t.Fatalf("%v\n%s", err, d.JSON())
	}
	return again
}

func TestDocumentsAreKnownAfterAChange(t *testing.T) {
	t.Parallel()
	before := renderRole(t)
	var d Documents
	d.Add(before, begin)
	d.Add(caller("ci", allowing(t, "s3:*", "*")), begin)
	if err := schematest.Validate(t, schematest.Compile(t, "documents.schema.json"),
		d.JSON()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(string(d.JSON()), "s3:*"); n != 1 {
		t.Errorf("a text of two targets is stored %d times", n)
	}
	stored := reparsed(t, &d)
	if stored.Hash() != d.Hash() || d.Hash() == "" {
		t.Errorf("hash %q after %q", stored.Hash(), d.Hash())
	}
	if known := stored.Known(before); known != nil {
		t.Errorf("without a change, %+v are known", known)
	}
	after := audit.TargetFacts{Kind: audit.RenderRole, Name: "role/r"}
	var got []string
	for _, k := range stored.Known(after) {
		if k.At != begin.UTC().Format(time.RFC3339) || k.Version != "" || k.Location.Tags != nil {
			t.Errorf("got %+v", k)
		}
		got = append(got, string(k.Location.Kind)+" "+k.Location.Name+" "+k.Location.Holder)
	}
	want := []string{"managed m role/r", "boundary limits role/r", "trust  role/r"}
	if !slices.Equal(got, want) {
		t.Errorf("known are %q, want %q", got, want)
	}
	if known := stored.Known(audit.TargetFacts{Kind: audit.Caller, Name: "role/r"}); known != nil {
		t.Errorf("the documents of the render role are known for the caller: %+v", known)
	}
	changed := renderRole(t)
	changed.Grants.Identity[0].Document = allowing(t, "s3:Get*", "*")
	if known := stored.Known(changed); len(known) != 1 || known[0].Document.Text() !=
		before.Grants.Identity[0].Document.Text() {
		t.Errorf("after a change of one policy, %+v are known", known)
	}
}

func TestOlderDocumentsAreKept(t *testing.T) {
	t.Parallel()
	a, b := allowing(t, "a:*", "*"), allowing(t, "b:*", "*")
	var older Documents
	older.Add(caller("same", a), begin)
	older.Add(caller("changed", a), begin)
	older.Add(caller("broken", b), begin)
	var d Documents
	later := begin.Add(time.Hour)
	d.Add(caller("same", a), later)
	d.Add(caller("changed", b), later)
	d.AddOlder(reparsed(t, &older))
	got := map[string]string{}
	none := func(name string) audit.TargetFacts {
		return audit.TargetFacts{Kind: audit.Caller, Name: "user/" + name}
	}
	for _, name := range []string{"same", "changed", "broken"} {
		for _, k := range reparsed(t, &d).Known(none(name)) {
			got[name] = k.Document.Statements[0].Action[0] + " " + k.At
		}
	}
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	want := map[string]string{"same": "a:* " + at(begin), "changed": "b:* " + at(later),
		"broken": "b:* " + at(begin)}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestTheLargestDocumentsAreDropped checks that the stored documents have at most MaxDocuments
// bytes, that the smaller targets stay, and that the order of the targets does not matter.
func TestTheLargestDocumentsAreDropped(t *testing.T) {
	t.Parallel()
	var all []audit.TargetFacts
	for i := range 60 {
		all = append(all, caller(fmt.Sprintf("u%02d", i),
			allowing(t, fmt.Sprintf("a:A%d", i), "arn:aws:s3:::"+strings.Repeat("<\\\"", 700*(i+1)))))
	}
	var d Documents
	for _, facts := range all {
		d.Add(facts, begin)
	}
	if n := len(d.JSON()); n > MaxDocuments || n < MaxDocuments/2 {
		t.Errorf("%d bytes", n)
	}
	dropped := d.Dropped()
	if len(dropped) == 0 || len(dropped)+len(d.targets) != len(all) ||
		dropped[0] != fmt.Sprintf("user/u%02d", len(d.targets)) ||
		dropped[len(dropped)-1] != "user/u59" {
		t.Errorf("%d targets are stored; dropped are %q", len(d.targets), dropped)
	}
	if again := reparsed(t, &d); again.Hash() != d.Hash() {
		t.Error("the stored documents differ")
	}
	slices.Reverse(all)
	var reversed Documents
	for _, facts := range all {
		reversed.Add(facts, begin)
	}
	if string(reversed.JSON()) != string(d.JSON()) {
		t.Errorf("in another order, %q are dropped, want %q", reversed.Dropped(), dropped)
	}
	// A target that becomes smaller fits again.
	var older Documents
	older.Add(all[0], begin)
	reversed.AddOlder(&older)
	if string(reversed.JSON()) != string(d.JSON()) {
		t.Error("a dropped target came back with older documents")
	}
}

func TestParseDocumentsRefusesWhatNoReleaseWrites(t *testing.T) {
	t.Parallel()
	valid := `{"documentsVersion":"1","targets":[],"documents":{}}`
	if d, err := ParseDocuments([]byte(valid)); err != nil || d.Hash() != "" {
		t.Errorf("%v", err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"no JSON":           {"x", "do not match their schema"},
		"a state":           {string(alert.State{}.JSON()), "documentsVersion of at least 1"},
		"version 0":         {strings.Replace(valid, `"1"`, `"0"`, 1), "documentsVersion of at least 1"},
		"a newer version":   {strings.Replace(valid, `"1"`, `"2"`, 1), ErrNewerDocuments.Error()},
		"two keys":          {strings.Replace(valid, `"documents"`, `"targets"`, 1), "duplicate key"},
		"too long":          {valid + strings.Repeat(" ", MaxDocuments), "at most 1048576 bytes"},
		"deep":              {strings.Repeat("[", 10), "nested"},
		"many elements":     {`{"targets":[` + strings.Repeat("0,", 20_000) + `0]}`, "12000 elements"},
		"an unknown target": {strings.Replace(valid, "[]", `[{"kind":"x","target":"user/a"}]`, 1), `"user/a"`},
		"no time":           {strings.Replace(valid, "[]", `[{"kind":"caller","target":"u"}]`, 1), `"u"`},
	} {
		if _, err := ParseDocuments([]byte(test.text)); err == nil ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if _, err := alert.ParseState([]byte(valid)); err == nil {
		t.Error("documents are read as a state")
	}
	// A text that does not match its hash, and a location of another kind, are left out.
	var d Documents
	d.Add(caller("ci", allowing(t, "s3:*", "*")), begin)
	for _, text := range []string{strings.Replace(string(d.JSON()), "s3:*", "s4:*", 1),
		strings.Replace(string(d.JSON()), `"inline"`, `"scp"`, 1)} {
		forged, err := ParseDocuments([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if known := forged.Known(audit.TargetFacts{Kind: audit.Caller, Name: "user/ci"}); known != nil {
			t.Errorf("known are %+v", known)
		}
	}
}

// FuzzDocuments checks that any text is refused or read in bounded memory, and that what is read
// can be stored and read again.
func FuzzDocuments(f *testing.F) {
	var d Documents
	d.Add(renderRole(f), begin)
	f.Add(d.JSON())
	f.Add([]byte(`{"documentsVersion":"1","targets":[{"kind":"caller","target":"u","at":` +
		`"2026-11-30T00:00:00Z","policies":[{"kind":"inline","document":""}]}],"documents":{"":"{"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		memory.AtMost(t, uint64(4<<20+200*len(text)), func() {
			d, err := ParseDocuments(text)
			if err != nil {
				return
			}
			again, err := ParseDocuments(d.JSON())
			if err != nil || again.Hash() != d.Hash() {
				t.Errorf("%q is read, stored as %q and then %v", text, d.JSON(), err)
			}
			d.Known(renderRole(t))
		})
	})
}

// documentRun is a run of an auditor with documents. It returns the keys that the run read and
// wrote after the announcement.
func documentRun(t *testing.T, m *memoryBucket, run string, incomplete bool,
	satisfied ...audit.TargetFacts) (calls []string, err error) {
	t.Helper()
	m.get, m.put = nil, nil
	var topic fakeTopic
	l := &Ledger{Objects: m, Key: key, Owner: run, Run: run, Now: time.Now}
	out, err := l.Announce(t.Context(), true, plan(nil, run), topic.publish)
	if err != nil {
		t.Fatal(err)
	}
	m.get = func(_ context.Context, key string) error {
		calls = append(calls, "get "+key)
		return nil
	}
	m.put = func(_ context.Context, key string) error {
		calls = append(calls, "put "+key)
		return nil
	}
	documents := &DocumentRun{Objects: m, Key: documentsKey, Incomplete: incomplete}
	for _, facts := range satisfied {
		documents.Current.Add(facts, begin)
	}
	_, err = l.KeepDocuments(t.Context(), out, documents)
	m.get, m.put = nil, nil
	return calls, err
}

var documentsKey = DocumentsKey("123456789012", "audit")

func TestDocumentsAreWrittenOnlyWhenTheyChange(t *testing.T) {
	t.Parallel()
	m := &memoryBucket{}
	a, b := caller("a", allowing(t, "a:*", "*")), caller("b", allowing(t, "b:*", "*"))
	changed := caller("a", allowing(t, "c:*", "*"))
	written := []string{"put " + documentsKey, "put " + key}
	read := []string{"get " + documentsKey}
	steps := []struct {
		name       string
		incomplete bool
		satisfied  []audit.TargetFacts
		want       []string
	}{
		{"nothing is satisfied", true, nil, nil},
		{"the first documents", false, []audit.TargetFacts{a, b}, written},
		{"the same documents", false, []audit.TargetFacts{b, a}, nil},
		{"b has a gap", true, []audit.TargetFacts{a}, append(read, "put "+key)},
		{"b still has a gap", true, []audit.TargetFacts{a}, nil},
		{"a changes meanwhile", true, []audit.TargetFacts{changed}, append(read, written...)},
		{"both have a gap", true, nil, nil},
		{"b is repaired", false, []audit.TargetFacts{changed, b}, written},
		{"both are as before", false, []audit.TargetFacts{changed, b}, nil},
	}
	for i, step := range steps {
		calls, err := documentRun(t, m, fmt.Sprint(i), step.incomplete, step.satisfied...)
		if err != nil || !slices.Equal(calls, step.want) {
			t.Errorf("%s: calls %q, %v, want %q", step.name, calls, err, step.want)
		}
		if i == 5 { // b keeps the documents that it had when it was satisfied
			d, err := ParseDocuments([]byte(m.objects[documentsKey]))
			if err != nil || len(d.Known(audit.TargetFacts{Kind: audit.Caller, Name: "user/b"})) != 1 ||
				d.Known(changed) != nil {
				t.Errorf("%s: stored %s, %v", step.name, m.objects[documentsKey], err)
			}
		}
	}
	if s := m.state(t); s.Documents == "" || s.Run.ID != fmt.Sprint(len(steps)-1) {
		t.Errorf("state %+v", s)
	}
}

// TestAStateNamesOnlyStoredDocuments checks that a write that fails is repeated by the next run,
// that documents of a newer release and those that cannot be read are not replaced by some of them,
// and that a later run's state stays.
func TestAStateNamesOnlyStoredDocuments(t *testing.T) {
	t.Parallel()
	a := caller("a", allowing(t, "a:*", "*"))
	run := func(m *memoryBucket, id string, incomplete bool) error {
		var topic fakeTopic
		l := &Ledger{Objects: m, Key: key, Owner: id, Run: id, Now: time.Now}
		get, put := m.get, m.put
		m.get, m.put = nil, nil
		out, err := l.Announce(t.Context(), true, plan(nil, id), topic.publish)
		if err != nil {
			t.Fatal(err)
		}
		m.get, m.put = get, put
		documents := &DocumentRun{Objects: m, Key: documentsKey, Incomplete: incomplete}
		documents.Current.Add(a, begin)
		_, err = l.KeepDocuments(t.Context(), out, documents)
		return err
	}
	denied := errors.New("denied")
	deny := func(context.Context, string) error { return denied }

	m := &memoryBucket{put: deny}
	if err := run(m, "1", false); !errors.Is(err, denied) || m.state(t).Documents != "" {
		t.Errorf("the write failed: %v, state %q", err, m.state(t).Documents)
	}
	m.put = nil
	if err := run(m, "2", false); err != nil || m.state(t).Documents == "" ||
		m.objects[documentsKey] == "" {
		t.Errorf("the next run: %v", err)
	}

	m = &memoryBucket{get: deny}
	if err := run(m, "1", true); !errors.Is(err, denied) || m.objects[documentsKey] != "" {
		t.Errorf("the read failed: %v, stored %q", err, m.objects[documentsKey])
	}
	const newer = `{"documentsVersion":"2"}`
	m = &memoryBucket{objects: map[string]string{documentsKey: newer}}
	if err := run(m, "1", true); !errors.Is(err, ErrNewerDocuments) ||
		m.objects[documentsKey] != newer {
		t.Errorf("a newer release: %v, stored %q", err, m.objects[documentsKey])
	}
	m = &memoryBucket{objects: map[string]string{documentsKey: "damaged"}}
	if err := run(m, "1", true); err != nil || m.objects[documentsKey] == "damaged" {
		t.Errorf("damaged documents: %v, stored %q", err, m.objects[documentsKey])
	}

	m = &memoryBucket{}
	later := alert.State{Run: audit.Run{ID: "later", At: begin}, Baseline: begin}
	m.put = func(_ context.Context, k string) error {
		if k == documentsKey {
			m.objects[key] = string(later.JSON())
		}
		return nil
	}
	if err := run(m, "1", false); err != nil || m.state(t).Run.ID != "later" {
		t.Errorf("a later run: %v, state %+v", err, m.state(t))
	}
}

func TestStatesAndDocumentsAreApart(t *testing.T) {
	t.Parallel()
	if key := DocumentsKey("123456789012", "audit"); !isDocuments(key) ||
		isDocuments(StateKey("123456789012", "audit")) {
		t.Errorf("key %s", key)
	}
}

func mustParseTrust(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	document, err := iampolicy.ParseTrust(text)
	if err != nil {
		t.Fatal(err)
	}
	return document
}
