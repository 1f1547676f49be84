package text

import (
	"io"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
)

var pageAt = time.Date(2026, 11, 23, 11, 27, 12, 0, time.UTC)

// served serves a page that has nothing but its head, and a notice.
func served(t *testing.T, h Head) *browsertest.Pages {
	page := Page(`{{template "head" .}}<main>{{template "notices" .Notices}}</main>{{template "foot" .}}`)
	return browsertest.Serve(t, map[string]func(io.Writer) error{"head": func(w io.Writer) error {
		return page.Execute(w, struct {
			Head
			Notices []Notice
		}{h, []Notice{{Warn, browsertest.Hostile, Remedy{browsertest.Hostile, "type " + browsertest.Hostile}}}})
	}})
}

// later is how the page is when its clock has gone on, and has ticked twice.
func later(tab *browsertest.Tab, seconds string) {
	tab.Eval("window.later = 1000 * "+seconds+"; new Promise(done => setTimeout(done, 2100))", nil)
}

func TestPageSaysHowOldItIs(t *testing.T) {
	p := served(t, Head{Kind: "Kind", Title: "Title", Verdict: Pass, Sentence: "It is.", At: pageAt})
	tab := browsertest.Start(t).Tab()
	tab.At(pageAt.Add(20 * time.Second))
	tab.Open(p.Address("head"))
	for _, c := range []struct {
		seconds, want string
		old           bool
	}{{"0", ", just now.", false}, {"50", ", 1 minute ago.", false}, {"7200", ", 2 hours ago.", true},
		{"90000", ", 1 day ago.", true}} {
		later(tab, c.seconds)
		var old bool
		if tab.Eval(`document.querySelector(".age.old") != null`, &old); old != c.old {
			t.Errorf("after %s s it is old: %t", c.seconds, old)
		}
		if got := tab.Text(); !strings.Contains(got, "As of 2026-11-23 11:27:12 UTC"+c.want) {
			t.Errorf("after %s s the page does not say %q:\n%s", c.seconds, c.want, got)
		}
	}
	var controls int
	if tab.Eval(`document.querySelectorAll("input").length`, &controls); controls != 0 {
		t.Error("a page that is not read again asks whether it is to be")
	}
	tab.CheckQuiet(p.URL)
}

// TestPageReloads: the page reads itself again, until it is told not to, and not while
// somebody reads on.
func TestPageReloads(t *testing.T) {
	p := served(t, Head{Kind: "Kind", Title: "Title", Verdict: Pass, Sentence: "It is.", At: pageAt, Reload: time.Minute})
	tab := browsertest.Start(t).Tab()
	tab.At(pageAt)
	tab.Open(p.Address("head"))
	if got := tab.Text(); !strings.Contains(got, "Reload every minute") {
		t.Errorf("the page does not say that it reloads:\n%s", got)
	}
	reloaded := func(after string) (is bool) {
		tab.Eval("window.here = true", nil)
		later(tab, after)
		tab.Eval("!window.here", &is)
		return is
	}
	if reloaded("59") {
		t.Error("the page was reloaded before its time")
	}
	tab.Loading(func() { tab.Eval("window.later = 61000", nil) })
	tab.Eval(`const d = document.createElement("details"); d.open = true; document.body.append(d)`, nil)
	if reloaded("600") {
		t.Error("the page was reloaded under somebody who reads a table")
	}
	tab.Loading(func() { tab.Eval(`document.querySelector("details").open = false`, nil) })
	tab.Eval(`document.querySelector(".reload input").click()`, nil)
	for range 2 { // the tab remembers it
		if reloaded("600") {
			t.Error("the page was reloaded although that was switched off")
		}
		tab.Open(p.Address("head"))
	}
	tab.Eval(`document.querySelector(".reload input").click()`, nil)
	tab.Loading(func() { tab.Eval("window.later = 61000", nil) })
	tab.CheckQuiet(p.URL)
}

// TestPageIsWholeWithoutScript: what the script adds is nothing that one has to know.
func TestPageIsWholeWithoutScript(t *testing.T) {
	var out strings.Builder
	h := Head{Kind: "Kind", Title: "Title", Verdict: Fail, Sentence: "Not well for 3 h.", At: pageAt,
		Reload: 90 * time.Second, Remedy: Remedy{"Do it:", "do it"}}
	if err := Page(`{{template "head" .}}{{template "foot" .}}`).Execute(&out, h); err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(browsertest.Plain(out.String()), "<script>")
	for _, want := range []string{"Not well for 3 h.",
		`<time datetime="2026-11-23T11:27:12Z">2026-11-23 11:27:12 UTC</time>`, "Do it:", "<code>do it</code>", `class="reload" hidden`, "Reload every 1 m 30 s", "form-action &#39;none&#39;"} {
		if !strings.Contains(before, want) {
			t.Errorf("%q is not in the page:\n%s", want, before)
		}
	}
	if h.Search = true; !strings.HasSuffix(h.Policy(), "form-action 'self'") {
		t.Errorf("a page with a form has the policy %s", h.Policy())
	}
}
