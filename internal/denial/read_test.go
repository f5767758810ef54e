package denial

import (
	_ "embed" // for the corpus
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// A form is a case of the corpus: a sentence or a wrapper, with the page where it was found.
type form struct {
	Name   string          `json:"name"`
	Source string          `json:"source"`
	Tags   []string        `json:"tags"`
	Text   string          `json:"text"`
	Want   json.RawMessage `json:"want"`
}

//go:embed testdata/corpus.json
var corpusText []byte

func corpus(t testing.TB) (forms []form) {
	t.Helper()
	if err := json.Unmarshal(corpusText, &forms); err != nil {
		t.Fatal(err)
	}
	return forms
}

// wanted is what a case states about a message. Everything that it leaves out has to be unknown.
type wanted struct {
	Kind                                                         Kind
	Code, Principal, Target, Action, Operation, Resource, Layer  string
	Deny, Policy, Statement, Account, Region, RequestID, EventID string
	EncodedMessage, Problem                                      string
	OneOf                                                        []string
	FunctionRole                                                 bool
	Others                                                       int
	// Notes is the number of notes.
	Notes int
}

func summaryOf(m Message) wanted {
	w := wanted{Kind: m.Kind, Code: string(m.Code), Principal: string(m.Principal),
		Target: string(m.Target), Action: string(m.Action), Operation: string(m.Operation),
		Resource: string(m.Resource), Layer: string(m.Layer), Deny: string(m.Deny),
		Policy: string(m.Policy), Statement: string(m.Statement), Account: string(m.Account),
		Region: string(m.Region), RequestID: string(m.RequestID), EventID: string(m.EventID),
		EncodedMessage: string(m.EncodedMessage), OneOf: m.OneOf, FunctionRole: m.FunctionRole,
		Others: m.Others, Notes: len(m.Notes)}
	if m.Problem != nil {
		w.Problem = m.Problem.ID
	}
	return w
}

func TestCorpus(t *testing.T) {
	for _, f := range corpus(t) {
		t.Run(f.Name, func(t *testing.T) {
			var want wanted
			if err := json.Unmarshal(f.Want, &want); err != nil {
				t.Fatal(err)
			}
			m := Read(f.Text)
			got, expected := asText(summaryOf(m)), asText(want)
			if got != expected {
				t.Errorf("got  %s\nwant %s\nnotes %q\n%s", got, expected, m.Notes, f.Text)
			}
		})
	}
}

func asText(v any) string {
	text, _ := json.Marshal(v)
	return strings.NewReplacer(`,"`, "\n  \"").Replace(string(text))
}

// TestTheCorpusHasEnoughForms counts the forms. Each class of problems and each layer has a form.
func TestTheCorpusHasEnoughForms(t *testing.T) {
	forms := corpus(t)
	count := map[string]int{"form": len(forms)}
	seen, layers, names := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, f := range forms {
		if !strings.HasPrefix(f.Source, "https://") {
			t.Errorf("%s: the source %q is no URL", f.Name, f.Source)
		}
		if names[f.Name] {
			t.Errorf("%s: duplicate name", f.Name)
		}
		names[f.Name] = true
		cutOrWrapped := false
		for _, tag := range f.Tags {
			count[tag]++
			cutOrWrapped = cutOrWrapped || tag == "cut" || tag == "logger"
		}
		if cutOrWrapped {
			count["cut or logger"]++
		}
		var want wanted
		if err := json.Unmarshal(f.Want, &want); err != nil {
			t.Fatal(err)
		}
		seen[want.Problem], layers[want.Layer] = true, true
	}
	for tag, least := range map[string]int{"form": 60, "not-iam": 15, "cut or logger": 10, "bare": 5,
		"record": 3, "unknown": 3} {
		if count[tag] < least {
			t.Errorf("%d forms with the tag %q, want at least %d", count[tag], tag, least)
		}
	}
	for _, l := range layerNames {
		if !layers[string(l.layer)] {
			t.Errorf("no form names a %s", l.layer)
		}
	}
	for _, p := range problems {
		if !seen[p.ID] {
			t.Errorf("no form of the problem %s", p.ID)
		}
	}
}

// TestProblemsAreComplete checks that the classes have what the command prints.
func TestProblemsAreComplete(t *testing.T) {
	ids := map[string]bool{}
	for _, p := range problems {
		if ids[p.ID] || p.Title == "" || p.Meaning == "" || p.Remedy == "" ||
			!strings.HasPrefix(p.Page, "https://") || len(p.phrases)+len(p.reasons) == 0 {
			t.Errorf("%+v is incomplete, or its id is used twice", p)
		}
		ids[p.ID] = true
		for _, phrase := range append(p.phrases, p.reasons...) {
			if phrase != strings.ToLower(phrase) || strings.ContainsAny(phrase, " \n") {
				t.Errorf("%s: %q can match no dense text", p.ID, phrase)
			}
		}
	}
}

func TestALongTextIsCutWithANote(t *testing.T) {
	const sentence = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: " +
		"s3:PutObject "
	m := Read(sentence + strings.Repeat("x", 2*MaxText))
	if m.Action != "s3:PutObject" || len(m.Notes) != 1 || m.Notes[0] != cutNote {
		t.Errorf("action %s, notes %q", m.Action, m.Notes)
	}
	if m := Read(strings.Repeat("é", MaxText) + sentence); m.Target != "user/ci" {
		t.Errorf("target %s, want the sentence at the end", m.Target)
	}
	middle := strings.Repeat("é", MaxText)
	if m := Read(middle + sentence + middle); m.Kind != Unknown || len(m.Notes) != 1 {
		t.Errorf("kind %s, want unknown: the sentence is in the middle", m.Kind)
	}
	for i := 0; i < len(sentence); i += 5 {
		filler := strings.Repeat("\n", MaxText/4-i)
		if m := Read(filler + sentence + strings.Repeat("x", MaxText)); m.Action.Known() &&
			m.Action != "s3:PutObject" || m.Principal.Known() &&
			m.Principal != "arn:aws:iam::123456789012:user/ci" {
			t.Errorf("cut at %d: %s, %s", i, m.Principal, m.Action)
		}
	}
}

// TestAWrappedValueIsWholeOrUnknown breaks a sentence at each position, as a terminal does.
func TestAWrappedValueIsWholeOrUnknown(t *testing.T) {
	const (
		principal = "arn:aws:sts::123456789012:assumed-role/deploy/ci"
		resource  = "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-4-0-240-mem2048mb"
	)
	for _, tail := range []string{
		" because no identity-based policy allows the lambda:GetFunction action",
		" with an explicit deny in a service control policy: " +
			"arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd",
		"\n    at throwDefaultError (index.js:1:1)"} {
		text := "User: " + principal + " is not authorized to perform: lambda:GetFunction on resource: " +
			resource + tail
		for i := range len(text) {
			m := Read(text[:i] + "\n" + text[i:])
			if m.Principal != principal && m.Principal != "" || m.Resource != resource && m.Resource != "" ||
				m.Action != "lambda:GetFunction" && m.Action != "" ||
				m.Policy != "" && !strings.HasSuffix(tail, string(m.Policy)) {
				t.Errorf("break at %d: %s, %s, %s, %s\n%s", i, m.Principal, m.Action, m.Resource, m.Policy,
					text[:i]+"\n"+text[i:])
			}
		}
	}
}

// TestACutTextNamesNothingElse cuts a sentence at each position. Only a cut inside the last ARN can
// leave a shorter one, and the notes then say so.
func TestACutTextNamesNothingElse(t *testing.T) {
	for _, f := range corpus(t) {
		whole := Read(f.Text)
		if whole.Others > 0 || whole.Kind != Denied {
			continue
		}
		for i := 0; i < len(f.Text); i += 1 + len(f.Text)/400 {
			m := Read(f.Text[:i])
			for _, pair := range [][2]Fact{{m.Principal, whole.Principal}, {m.Action, whole.Action},
				{Fact(m.Layer), Fact(whole.Layer)}, {Fact(m.Deny), Fact(whole.Deny)}} {
				if pair[0].Known() && pair[0] != pair[1] {
					t.Errorf("%s, cut at %d: %s, want %s or unknown", f.Name, i, pair[0], pair[1])
				}
			}
			if m.Resource.Known() && m.Resource != whole.Resource && len(m.Notes) == 0 {
				t.Errorf("%s, cut at %d: resource %s without a note", f.Name, i, m.Resource)
			}
			if m.Policy.Known() && !strings.HasPrefix(string(whole.Policy), string(m.Policy)) {
				t.Errorf("%s, cut at %d: policy %s", f.Name, i, m.Policy)
			}
		}
	}
}

func TestUTF16(t *testing.T) {
	text := "\xff\xfe"
	const sentence = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: " +
		"s3:GetObject because no identity-based policy allows the s3:GetObject action"
	for _, c := range sentence {
		text += string([]byte{byte(c), 0})
	}
	if m := Read(text); m.Action != "s3:GetObject" || m.Target != "user/ci" {
		t.Errorf("action %s, target %s", m.Action, m.Target)
	}
}

// fixed are the facts that need not be a part of the text.
var fixed = []string{"s3:GetObject", "s3:ListBucket", "s3:PutBucketPublicAccessBlock",
	"s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "lambda:TagResource",
	"sts:SetSourceIdentity", "s3:PutLifecycleConfiguration"}

// FuzzRead checks that each fact is a part of the text, and that no text makes Read panic.
func FuzzRead(f *testing.F) {
	for _, form := range corpus(f) {
		f.Add(form.Text)
	}
	f.Add("\x1b]8;;" + strings.Repeat("a", 100))
	f.Add(`{"allowed":false,"context":{}}`)
	f.Add("executionroledoesnothavepermissionstocall")
	f.Add("User:User: is not authorized to perform: : on resource: \"")
	f.Fuzz(func(t *testing.T, text string) {
		m := Read(text)
		cut, _ := limit(text)
		parts := squeezed(strings.ToLower(cleaned(cut)))
		for _, fact := range []Fact{m.Code, m.Principal, m.Action, m.Operation, m.Resource, m.Policy,
			m.Statement, m.Account, m.Region, m.RequestID, m.EventID, m.EncodedMessage} {
			s := strings.ToLower(squeezed(string(fact)))
			service, operation, _ := strings.Cut(s, ":")
			switch {
			case strings.Contains(parts, s), m.FunctionRole && strings.Contains(parts, service) &&
				strings.Contains(parts, operation), slices.Contains(fixed, string(fact)):
			default:
				t.Errorf("%q is no part of %q", fact, parts)
			}
			if len(fact) > maxEncoded || strings.ContainsAny(string(fact), "\n\x1b\x00") {
				t.Errorf("fact %q", fact)
			}
		}
		if role, ok := strings.CutPrefix(string(m.Target), "role/"); ok &&
			!strings.Contains(parts, strings.ToLower(role)) {
			t.Errorf("target %q", m.Target)
		}
		if (m.Kind == OtherProblem) != (m.Problem != nil) {
			t.Errorf("kind %s with the problem %v", m.Kind, m.Problem)
		}
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}
