package page

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/output"
	htmlpage "github.com/remotion-audit/remotion-audit/internal/page"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/browser"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
	"github.com/remotion-audit/remotion-audit/internal/timeline"
)

var update = flag.Bool("pictures", false, "rewrite the pictures in docs/images")

// maxPicture is the maximum size of a picture in bytes.
const maxPicture = 150_000

// pictures are the pictures of docs/images.
var pictures = []browser.Shot{
	{Page: "report", File: "report-light.png", Width: 1120, Height: 860},
	{Page: "report", File: "report-dark.png", Width: 1120, Height: 860, Dark: true},
	{Page: "report", File: "report-phone.png", Width: 360, Height: 760},
	{Page: "report", File: "report-matrix.png", Width: 1120, Height: 1900, Element: "#matrix"},
	{Page: "report", File: "report-history.png", Width: 1120, Height: 860, Element: "#history"},
	{Page: "terminal", File: "terminal.png", Width: 980, Height: 800, Dark: true, Element: "#frame"},
	{Page: "mail", File: "mail.png", Width: 760, Height: 900, Element: "#frame"},
	{Page: "dashboard", File: "dashboard.png", Width: 1200, Height: 900, Element: "#frame"},
}

// TestPictures takes the pictures, so that they can be taken at any time. With -pictures it
// replaces those of docs/images. It does not compare them: fonts differ from machine to machine.
func TestPictures(t *testing.T) {
	if testing.Short() {
		t.Skip("the browser is slow")
	}
	chromium := browser.Chromium(t)
	r := drifted(t)
	dir := browser.Write(t, map[string]string{"report": reportPage(t, r),
		"terminal": terminalPage(t, r), "mail": mailPage(t), "dashboard": dashboardPage(t)})
	shots := slices.Clone(pictures)
	for i := range shots {
		shots[i].File = filepath.Join(dir, shots[i].File)
	}
	browser.Run{Chromium: chromium, Directory: dir, Shots: shots}.Do(t)
	for _, s := range shots {
		text := reduced(t, s.File)
		if len(text) > maxPicture {
			t.Errorf("%s has %d bytes, want at most %d", filepath.Base(s.File), len(text), maxPicture)
		}
		if *update {
			file := repo.Path(t, "docs/images/"+filepath.Base(s.File))
			if err := os.WriteFile(file, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPicturesExist checks docs/images without a browser.
func TestPicturesExist(t *testing.T) {
	t.Parallel()
	for _, s := range pictures {
		info, err := os.Stat(repo.Path(t, "docs/images/"+s.File))
		if err != nil || info.Size() > maxPicture {
			t.Errorf("%s: %v; run `make pictures`", s.File, err)
		}
	}
}

func drifted(t *testing.T) (r audit.Report) {
	t.Helper()
	text, err := os.ReadFile(repo.Path(t, "internal/page/testdata/drifted.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// reportPage returns the report on examples/drifted with a history.
func reportPage(t *testing.T, r audit.Report) string {
	t.Helper()
	s := timeline.Series{Account: r.Account, Auditor: r.Run.Auditor, Latest: r}
	counts := []struct{ days, critical, high, medium, low int }{{9, 0, 2, 0, 0}, {6, 4, 2, 1, 2},
		{12, 0, 0, 0, 0}, {3, 0, 1, 0, 0}, {20, 0, 0, 0, 0}, {8, 0, 2, 0, 0}, {3, 4, 2, 1, 2}}
	days := 0
	for _, c := range counts {
		days += c.days
	}
	at := r.Run.At.AddDate(0, 0, 1-days)
	for _, c := range counts {
		for range c.days {
			s.Runs = append(s.Runs, timeline.Run{At: at, Open: map[policies.Severity]int{
				policies.Critical: c.critical, policies.High: c.high, policies.Medium: c.medium,
				policies.Low: c.low}})
			at = at.AddDate(0, 0, 1)
		}
	}
	s.Runs[30].Incomplete = true
	for i, f := range r.Findings {
		if !f.Gap() {
			continue
		}
		span := timeline.Span{Identity: alert.IdentityOf(f), Severity: f.Severity,
			Opened: s.Runs[9].At, Closed: s.Runs[15].At}
		if f.Severity == policies.High {
			span.Opened, span.Closed = s.Runs[27].At, s.Runs[30].At.Add(time.Duration(i)*time.Hour)
		}
		s.Spans = append(s.Spans, span)
	}
	var b bytes.Buffer
	if err := htmlpage.Write(&b, htmlpage.Document{Report: r,
		Timeline: &timeline.Timeline{Series: []timeline.Series{s}}}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// colors are the colors of the terminal in the picture.
var colors = map[textfmt.Tone]string{textfmt.Critical: "#ff7b72", textfmt.High: "#ffa657",
	textfmt.Medium: "#e3b341", textfmt.Low: "#79c0ff", textfmt.Unknown: "#d2a8ff",
	textfmt.Good: "#56d364", textfmt.Added: "#56d364", textfmt.Removed: "#ff7b72",
	textfmt.Strong: "#ffffff", textfmt.Faint: "#8b949e"}

// terminalPage returns the text of `remotion-audit audit` as a terminal shows it.
func terminalPage(t *testing.T, r audit.Report) string {
	t.Helper()
	text, err := output.AuditFormats().Find("text")
	if err != nil {
		t.Fatal(err)
	}
	// No text of a report has these marks, because control characters are removed.
	const begin, middle, end = "\x01", "\x02", "\x03"
	var b bytes.Buffer
	if err := text.Write(&b, output.Audit{Report: r}, textfmt.View{Width: 92,
		Paint: func(tone textfmt.Tone, text string) string {
			return begin + colors[tone] + middle + text + end
		}}); err != nil {
		t.Fatal(err)
	}
	body := strings.NewReplacer(begin, `<span style="color:`, middle, `">`, end, "</span>").
		Replace(html.EscapeString(b.String()))
	return framed("remotion-audit audit",
		`<pre><span style="color:#56d364">$</span> remotion-audit audit `+
			"--callers user/remotion-user\n"+body+"</pre>",
		`body{background:#fff}#frame{background:#0d1117;color:#e6edf3;border-radius:10px;width:960px}
#bar{color:#8b949e;border-bottom:1px solid #30363d}pre{padding:6px 20px 16px;line-height:1.45}`)
}

// mailPage returns a mail of the golden files of the mails.
func mailPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(repo.Path(t, "internal/alert/render/testdata/golden/new.mail"))
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(text), "\n\n")
	subject, _, _ := strings.Cut(strings.TrimPrefix(head, "Subject: "), "\n")
	lines := strings.Split(body, "\n")
	body = strings.Join(lines[:min(len(lines), 40)], "\n")
	return framed("AWS Notifications <no-reply@sns.amazonaws.com>", "<h1>"+html.EscapeString(subject)+
		"</h1><pre>"+html.EscapeString(body)+"</pre>",
		`body{background:#fff}
#frame{border:1px solid #d8dee4;border-radius:10px;width:740px;color:#1f2328}
#bar{color:#57606a;border-bottom:1px solid #d8dee4}h1{font-size:17px;margin:14px 20px 4px}
pre{padding:0 20px 16px;line-height:1.45;font-size:12px;white-space:pre-wrap}`)
}

// framed returns a page with a window.
func framed(title, body, style string) string {
	return `<!doctype html><meta charset="utf-8"><title>picture</title><style>
body{margin:10px;font:14px/1.5 system-ui,"DejaVu Sans",sans-serif}
#frame{box-sizing:border-box;overflow:hidden}#bar{padding:8px 20px;font-size:13px}
pre{margin:0;font:13px "DejaVu Sans Mono",monospace}` + style + `</style>
<div id="frame"><div id="bar">` + html.EscapeString(title) + `</div>` + body + `</div>`
}

// reduced returns a picture with at most 256 colors, which is a third of its size. A page has few
// colors, but many shades at the edges of letters: a shade becomes the nearest frequent one.
func reduced(t *testing.T, file string) []byte {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	img, err := png.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[color.RGBA]int{}
	box := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	var all []color.RGBA
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	var palette color.Palette
	for _, c := range all[:min(len(all), 256)] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(box, palette)
	nearest := map[color.RGBA]uint8{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := at(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c)) // at most 256
				nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
