package page

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// hostile are texts that would break out of an element, an attribute, a comment or a script.
var hostile = []string{
	`<script>alert(1)</script>`,
	`</script><script>alert(1)</script>`,
	`<!--<script>`, `-->`, `]]>`, `<![CDATA[`,
	`</title></style></textarea></pre></details><img src=x onerror=alert(1)>`,
	`"onload="alert(1)`, `'onfocus='alert(1)' autofocus='`, "`onload=`",
	`"><svg/onload=alert(1)>`,
	`arn:aws:iam::123456789012:user/javascript:alert(1)`, `javascript:alert(1)`,
	`data:text/html,<script>alert(1)</script>`,
	"\u2028\u2029</script>", "\xff\xfe<", "\x00\x00<script>", "\u202etpircs\U000e0041",
	`&lt;script&gt;`, `&#60;script&#62;`, `{{.}}`, `${alert(1)}`, `\u003cscript\u003e`, `\`,
	`%3Cscript%3E`,
	"END_OF_DOCUMENT\n<script>", "$(id)`id`", "*/</style>", "\r\n\r\n<b>",
}

// kept are the strings of a report that select what a page shows. In a stored report they can have
// any value, too: TestHostileConstants changes them.
var kept = []string{"schemaVersion", "status", "severity", "cause", "breakage", "kind", "by",
	"effect",
	"purpose", "rootCause", "certainty", "tool", "at", "until", "Version", "Effect", "Action", "Sid",
	"stops", "eventId", "event", "requested", "variant"}

// changed returns a copy of a report whose strings end in a suffix. ok is false if the copy is no
// report.
func changed(t testing.TB, r audit.Report, suffix string, except []string) (out audit.Report,
	ok bool) {
	t.Helper()
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(r); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(changedValue(v, suffix, except))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &out); err != nil {
		t.Log(err)
		return out, false
	}
	return out, true
}

func changedValue(v any, suffix string, except []string) any {
	switch v := v.(type) {
	case string:
		if v == "*" {
			return v // a document may not have a resource that begins with it
		}
		return v + suffix
	case []any:
		for i := range v {
			v[i] = changedValue(v[i], suffix, except)
		}
	case map[string]any:
		for key, value := range v {
			s, isText := value.(string)
			if slices.Contains(except, key) || isText && (s == "" || s == "*" || s == "user" ||
				s == "role") {
				continue
			}
			v[key] = changedValue(value, suffix, except)
		}
	}
	return v
}

// structure returns the names of the elements and attributes of a page, in their order.
func structure(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case html.ElementNode:
			b.WriteString("\n" + n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
				if a.Key == "class" || a.Key == "id" || a.Key == "type" {
					b.WriteString("=" + a.Val)
				}
			}
		case html.CommentNode, html.DoctypeNode:
			b.WriteString("\n!" + n.Data)
		}
	}
	return b.String()
}

// allowed are the elements and attributes that the template writes.
var allowed = map[string][]string{
	"elements": strings.Fields("html head meta title link style body a header div span svg path nav " +
		"button main section h1 h2 h3 h4 p dl dt dd code ul li b pre form input fieldset legend label " +
		"select option output article details summary small i em table caption thead tbody tr th td " +
		"footer script g rect text line"),
	"attributes": strings.Fields("lang charset http-equiv content name rel href class viewbox width " +
		"height aria-hidden d fill stroke stroke-width aria-label type id aria-labelledby tabindex " +
		"role placeholder autocomplete spellcheck value checked aria-live data-t data-s data-v " +
		"data-m data-p open scope x y x1 x2 y1 y2 text-anchor"),
}

// checkMarkup fails the test if a page has an element or an attribute that the template does not
// write, or a reference to another place than the page.
func checkMarkup(t testing.TB, root *html.Node) {
	t.Helper()
	for n := range root.Descendants() {
		switch n.Type {
		case html.CommentNode:
			t.Errorf("a comment: %q", n.Data)
		case html.ElementNode:
			if !slices.Contains(allowed["elements"], n.Data) {
				t.Errorf("an element <%s>", n.Data)
			}
			for _, a := range n.Attr {
				if !slices.Contains(allowed["attributes"], strings.ToLower(a.Key)) {
					t.Errorf("an attribute %s of <%s>", a.Key, n.Data)
				}
				if a.Key == "href" && a.Val[0] != '#' &&
					!strings.HasPrefix(a.Val, "data:image/svg+xml,%3Csvg") {
					t.Errorf("a reference to %s", a.Val)
				}
			}
		case html.TextNode:
			checkText(t, n)
		}
	}
}

func checkText(t testing.TB, n *html.Node) {
	t.Helper()
	kind, _ := attribute(n.Parent, "type")
	switch {
	case n.Parent.Data == "script" && kind == "application/json":
		if strings.ContainsAny(n.Data, "<>&") || !json.Valid([]byte(n.Data)) ||
			strings.ContainsFunc(n.Data, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("the JSON of the page is not escaped: %.200q", n.Data)
		}
	case n.Parent.Data == "script":
		if n.Data != script {
			t.Errorf("another script: %.200q", n.Data)
		}
	case n.Parent.Data == "style":
		if n.Data != style {
			t.Errorf("another style: %.200q", n.Data)
		}
	default:
		for _, c := range n.Data {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Errorf("%U in %.200q", c, n.Data)
			}
		}
	}
}

// hostilePage returns the page of a report with all parts, also if the texts are long.
func hostilePage(t testing.TB, r audit.Report) *html.Node {
	t.Helper()
	var b strings.Builder
	if err := write(&b, document(r), limits{1 << 20, 1 << 20}); err != nil {
		t.Fatal(err)
	}
	return parse(t, b.String())
}

// A comparison compares pages of a report with hostile texts with that of harmless texts.
type comparison struct {
	base audit.Report
	want string
}

func newComparison(t testing.TB, base audit.Report) comparison {
	t.Helper()
	harmless, ok := changed(t, base, "xxxxxxxx", kept)
	if !ok {
		t.Fatal("the report with harmless texts is no report")
	}
	return comparison{base, structure(hostilePage(t, harmless))}
}

// check fails the test if a text changes the structure of the page. It returns false if no report
// can have the text in each place.
func (c comparison) check(t testing.TB, suffix string) bool {
	t.Helper()
	r, ok := changed(t, c.base, suffix, kept)
	if !ok {
		return false
	}
	root := hostilePage(t, r)
	checkMarkup(t, root)
	if got := structure(root); got != c.want {
		t.Errorf("the text %q changes the structure of the page: %s", suffix, difference(got, c.want))
	}
	return true
}

// small returns a report with each part of a page and few findings, so that a fuzz test is fast.
func small(t testing.TB) audit.Report {
	t.Helper()
	r := everything(t)
	passed := 0
	r.Findings = slices.DeleteFunc(r.Findings, func(f audit.Finding) bool {
		if f.Status == audit.Satisfied {
			passed++
		}
		return f.Status == audit.Satisfied && passed > 2
	})
	r.Fixes = r.Fixes[:1]
	r.Fixes[0].Wider, r.Fixes[0].Undo = nil, nil
	return r
}

func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "element " + strings.Join(a[max(0, i-2):i+1], ", ") + " instead of " + b[i]
		}
	}
	return "more or fewer elements"
}

func TestHostileTextsAreNoMarkup(t *testing.T) {
	c := newComparison(t, everything(t))
	for _, suffix := range hostile {
		if !c.check(t, suffix) {
			t.Errorf("no report can have %q, so nothing is tested with it", suffix)
		}
	}
}

// TestHostileConstants changes the strings that select what a page shows, too: a report from the
// evidence bucket can have any of them.
func TestHostileConstants(t *testing.T) {
	base := everything(t)
	for _, suffix := range hostile {
		for _, except := range [][]string{
			{"at", "until", "severity", "stops", "certainty", "kind", "Version", "Effect", "Action",
				"Sid"},
			{"at", "until", "severity", "stops", "certainty", "Version", "Effect", "Action", "Sid",
				"breakage",
				"cause"}} {
			r, ok := changed(t, base, suffix, except)
			if !ok {
				t.Fatalf("no report can have %q", suffix)
			}
			checkMarkup(t, hostilePage(t, r))
		}
	}
}

func FuzzTextsAreNoMarkup(f *testing.F) {
	c := newComparison(f, small(f))
	for _, suffix := range hostile {
		f.Add(suffix)
	}
	f.Fuzz(func(t *testing.T, suffix string) {
		if len(suffix) > 200 {
			t.Skip()
		}
		c.check(t, suffix)
	})
}
