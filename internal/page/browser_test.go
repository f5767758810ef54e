package page

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/browser"
)

// TestPageInChromium checks pages in a browser: they are quiet, load nothing, copy and filter, can
// be used with the keyboard and on a phone, print, and have no serious accessibility problem.
func TestPageInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("the browser is slow")
	}
	chromium := browser.Chromium(t)
	all := everything(t)
	pages := map[string]string{
		"drifted":    pageOf(t, Document{Report: drifted(t), Open: open(drifted(t))}),
		"everything": pageOf(t, document(all)),
		"compliant":  pageOf(t, Document{Report: read(t, "../report/testdata/compliant.json")}),
		"large":      pageOf(t, Document{Report: many(t, MaxFindings+1)}),
		"principals": pageOf(t, Document{Report: many(t, MaxFindings/2)}),
	}
	old, err := policies.Find("4.0.240")
	if err != nil {
		t.Fatal(err)
	}
	pages["check"] = checkPage(t, checkResults("<script>window.pwned=1</script>"))
	pages["comparison"] = comparisonPage(t, policies.Compare([]policies.Release{old},
		policies.Latest(), policies.Kinds))
	var texts []string
	for _, text := range hostile {
		texts = append(texts, strings.ReplaceAll(text, "alert(1)", "window.pwned=1"))
	}
	r, ok := changed(t, all, strings.Join(texts, " "), kept)
	if !ok {
		t.Fatal("no report can have the hostile texts")
	}
	pages["hostile"] = pageOf(t, document(r))
	dir := browser.Write(t, pages)
	// One run for each page: the time limit is for a single run.
	for _, name := range []string{"everything", "compliant", "hostile", "check", "comparison",
		"principals"} {
		browser.Run{Chromium: chromium, Directory: dir, Pages: []string{name}}.Do(t)
	}
	browser.Run{Chromium: chromium, Directory: dir, Use: true, Quiet: []string{"large"}}.Do(t)
}
