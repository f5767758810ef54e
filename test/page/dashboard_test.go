package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// A widget is a widget of the dashboard.
type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, View, Markdown string
		Alarms                []string
		Metrics               [][]any
	}
}

// dashboardPage draws the dashboard of infra/dashboard.json, which template.yaml contains, with
// invented numbers: it shows which widgets the dashboard has, and not how CloudWatch draws them.
func dashboardPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(repo.Path(t, "infra/dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	body := strings.ReplaceAll(string(text), "${!", "${") // an escape of !Sub
	var dashboard struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Widgets) < 8 {
		t.Fatalf("%d widgets", len(dashboard.Widgets))
	}
	var b strings.Builder
	bottom := 0
	for _, w := range dashboard.Widgets {
		bottom = max(bottom, (w.Y+w.Height)*unitY)
		fmt.Fprintf(&b, `<div class="widget" style="left:%dpx;top:%dpx;width:%dpx;height:%dpx">`+
			"<b>%s</b>%s</div>",
			w.X*unitX, w.Y*unitY, w.Width*unitX-8, w.Height*unitY-8, html.EscapeString(w.Properties.Title),
			w.draw())
	}
	return framed("Dashboard of the deployment, drawn from infra/dashboard.json with "+
		"synthetic data", `<div id="grid" style="height:`+fmt.Sprint(bottom)+`px">`+b.String()+"</div>",
		`body{background:#fff}#frame{width:1168px;background:#f2f3f3;border-radius:8px;color:#16191f}
#grid{position:relative;margin:0 8px 8px;font-size:12px}
.widget{position:absolute;background:#fff;border:1px solid #d5dbdb;border-radius:4px;padding:8px;
box-sizing:border-box;overflow:hidden}.widget b{display:block;font-size:13px;margin-bottom:4px}
.alarm{display:inline-block;margin:2px 6px 2px 0;padding:1px 8px;border-left:4px solid #1d8102;
background:#f2f8f0}.alarm.on{border-color:#d13212;background:#fdf3f1}i{font-style:normal;
margin-right:10px;display:inline-block;line-height:1.3}svg{display:block}td,th{
text-align:left;padding:2px 14px 2px 0;font-weight:400}
th{color:#545b64}p{margin:0 0 6px}.tile{display:inline-block;width:16%;color:#545b64}
.tile em{display:block;font-style:normal;font-size:26px;color:#16191f}`)
}

// unitX and unitY are the size of a cell of the dashboard's grid in pixels.
const unitX, unitY = 48, 32

var lineColors = []string{"#d13212", "#0073bb", "#7d8998", "#b7791f", "#1d8102"}

// draw draws the content of a widget.
func (w widget) draw() string {
	switch w.Type {
	case "alarm":
		return w.drawAlarms()
	case "log":
		return `<table><tr><th>target</th><th>missing</th><th>lastSeen</th><th>recovered</th>` +
			`<th>severity</th><th>status</th><th>why</th></tr><tr><td>role/remotion-lambda-role</td>` +
			`<td>"s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"</td><td>11-16 09:00</td><td>0</td>` +
			`<td>critical</td><td>missing</td>` +
			`<td>statement 2 (Sid 1) of inline policy "remotion-lambda-role-policy" grants the action ` +
			`only on arn:aws:s3:::remotionlamda-*</td></tr>` +
			`<tr><td>user/remotion-user</td><td>"lambda:PutFunctionEventInvokeConfig"</td>` +
			`<td>11-14 16:00</td><td>1</td><td>high</td><td>missing</td>` +
			`<td>no statement grants the action</td></tr></table>`
	case "text":
		return w.drawText()
	}
	if w.Properties.View == "singleValue" {
		return w.drawValues()
	}
	return w.drawLines()
}

var bold = regexp.MustCompile(`\*\*(.+?)\*\*`)

// drawText draws a text with paragraphs and bold words.
func (w widget) drawText() string {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(w.Properties.Markdown, "\n\n") {
		b.WriteString("<p>" + bold.ReplaceAllString(html.EscapeString(paragraph),
			"<strong>$1</strong>") + "</p>")
	}
	return b.String()
}

// values are the invented values of the tiles. Tiles that are not listed show 0.
var values = map[string]string{"critical gaps": "3", "gaps": "7", "satisfied, %": "93.4",
	"oldest gap, hours": "18.5"}

// drawValues draws a tile for each visible metric.
func (w widget) drawValues() string {
	var b strings.Builder
	for _, metric := range w.Properties.Metrics {
		options, _ := metric[len(metric)-1].(map[string]any)
		if options["visible"] == false {
			continue
		}
		label, _ := options["label"].(string)
		value := cmp.Or(values[label], "0")
		fmt.Fprintf(&b, `<div class="tile">%s<em>%s</em></div>`, html.EscapeString(label), value)
	}
	return b.String()
}

var nameOfAlarm = regexp.MustCompile(`\$\{(\w+?)(?:Alarm)?\.Arn\}`)

func (w widget) drawAlarms() string {
	var b strings.Builder
	for _, arn := range w.Properties.Alarms {
		name, class := nameOfAlarm.ReplaceAllString(arn, "$1"), "alarm"
		if strings.HasPrefix(name, "Gaps") {
			class += " on"
		}
		fmt.Fprintf(&b, `<span class=%q>%s</span>`, class, html.EscapeString(name))
	}
	return b.String()
}

// levels are the values of the metrics before and after the gaps open, as parts of the height.
// Metrics that are not listed are 0.
var levels = map[string][2]float64{"critical": {0, 0.4}, "all": {0, 0.9},
	"completed": {0.8, 0.8}, "started": {0.8, 0.8},
	"maximum, ms": {0.5, 0.5}, "user/remotion-user": {0, 0.2}, "role/remotion-lambda-role": {0, 0.7}}

// labels returns the labels of a metric. A search finds a metric for each target.
func (w widget) labels(metric []any) []string {
	options, _ := metric[len(metric)-1].(map[string]any)
	label, _ := options["label"].(string)
	if strings.Contains(label, "${") {
		return []string{"user/remotion-user", "role/remotion-lambda-role"}
	}
	return []string{label}
}

// drawLines draws a line for each metric of the widget.
func (w widget) drawLines() string {
	const steps, opened = 80, 57
	width, height := w.Width*unitX-26, w.Height*unitY-104
	var svg, legend strings.Builder
	n := 0
	for _, metric := range w.Properties.Metrics {
		for _, label := range w.labels(metric) {
			color := lineColors[n%len(lineColors)]
			n++
			var points strings.Builder
			for i := range steps {
				value := levels[label][0]
				switch {
				case strings.HasPrefix(w.Properties.Title, "Unverified"):
					value = 0
				case i >= opened:
					value = levels[label][1]
				}
				fmt.Fprintf(&points, "%d,%d ", i*width/(steps-1), height-int(value*float64(height-6))-2)
			}
			fmt.Fprintf(&svg, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`,
				points.String(), color)
			fmt.Fprintf(&legend, `<i style="color:%s">■ %s</i>`, color, html.EscapeString(label))
		}
	}
	return fmt.Sprintf(`<svg width="%d" height="%d"><path d="M0 %dH%d" stroke="#d5dbdb"/>%s</svg>%s`,
		width,
		height, height-1, width, svg.String(), legend.String())
}
