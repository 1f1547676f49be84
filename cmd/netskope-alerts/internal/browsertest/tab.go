package browsertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tab is a page in the browser.
type Tab struct {
	b       *Browser
	session string
	loaded  chan struct{}

	mu         sync.Mutex
	requests   []string
	complaints []string
}

// Tab opens an empty page. Of what it loads, the tab notes what is asked for, and what the
// browser, or a script, says about it.
func (b *Browser) Tab() *Tab {
	b.t.Helper()
	var target struct{ TargetID string }
	b.do("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.do("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	tab := &Tab{b: b, session: attached.SessionID, loaded: make(chan struct{}, 100)}
	b.mu.Lock()
	b.tabs[tab.session] = tab
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		tab.do(domain+".enable", nil, nil)
	}
	return tab
}

func (t *Tab) do(method string, params, into any) {
	t.b.t.Helper()
	t.b.do(t.session, method, params, into)
}

// note takes an event of the page.
func (t *Tab) note(m message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var p struct {
		Request struct{ URL string }
		Message string
		Entry   struct{ Level, Text, URL string }
		Args    []struct{ Value any }
	}
	_ = json.Unmarshal(m.Params, &p) // what is not as expected is shown as it is
	switch m.Method {
	case "Page.loadEventFired":
		t.loaded <- struct{}{}
	case "Network.requestWillBeSent":
		t.requests = append(t.requests, p.Request.URL)
	case "Page.javascriptDialogOpening":
		t.complaints = append(t.complaints, "a script opens a dialog: "+p.Message)
		_, _ = t.b.send(t.session, "Page.handleJavaScriptDialog", map[string]any{"accept": true})
	case "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
		t.complaints = append(t.complaints, string(m.Params))
	case "Log.entryAdded":
		t.complaints = append(t.complaints, p.Entry.Level+": "+p.Entry.Text+" "+p.Entry.URL)
	}
}

// Requests are the addresses that were asked for so far.
func (t *Tab) Requests() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}

// Complaints are what the browser said about the page so far, errors and dialogs of scripts
// included.
func (t *Tab) Complaints() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.complaints)
}

// Loading does something that loads a page, and waits until that is loaded.
func (t *Tab) Loading(do func()) {
	t.b.t.Helper()
	for len(t.loaded) > 0 {
		<-t.loaded
	}
	do()
	select {
	case <-t.loaded:
	case <-time.After(patience):
		t.b.t.Fatal("no page was loaded")
	}
}

// Open loads the page.
func (t *Tab) Open(url string) {
	t.b.t.Helper()
	t.Loading(func() {
		var went struct{ ErrorText string }
		if t.do("Page.navigate", map[string]any{"url": url}, &went); went.ErrorText != "" {
			t.b.t.Fatalf("open %s: %s", url, went.ErrorText)
		}
	})
}

// At stops the clock that the scripts of the pages see that are opened from now on: it stands
// at now, and later by the milliseconds that the page's variable later says.
func (t *Tab) At(now time.Time) {
	t.b.t.Helper()
	t.do("Page.addScriptToEvaluateOnNewDocument",
		map[string]any{"source": fmt.Sprintf("Date.now = () => %d + (window.later || 0)", now.UnixMilli())}, nil)
}

// Look looks at the page otherwise.
func (t *Tab) Look(v View) {
	t.b.t.Helper()
	t.do("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": v.Width, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	t.do("Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": v.Scheme.String()}}}, nil)
}

// Eval evaluates a script in the page, under the page's own policy, and decodes its value.
func (t *Tab) Eval(script string, into any) {
	t.b.t.Helper()
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	t.do("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true,
		"allowUnsafeEvalBlockedByCSP": false}, &got)
	if got.ExceptionDetails != nil {
		t.b.t.Fatalf("%.80s: %s", script, got.ExceptionDetails)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(got.Result.Value, into); err != nil {
		t.b.t.Fatalf("%.80s: %v in %s", script, err, got.Result.Value)
	}
}

// Text is what the page shows.
func (t *Tab) Text() (text string) {
	t.b.t.Helper()
	t.Eval("document.body.innerText", &text)
	return Plain(text)
}

// Type types the text into the field that the selector finds, and Enter behind it.
func (t *Tab) Type(selector, text string) {
	t.b.t.Helper()
	t.Eval(fmt.Sprintf("{ const e = document.querySelector(%q); e.focus(); e.select() }", selector), nil)
	t.do("Input.insertText", map[string]any{"text": text}, nil)
	for _, kind := range []string{"keyDown", "keyUp"} {
		t.do("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Enter", "code": "Enter", "text": "\r",
			"windowsVirtualKeyCode": 13}, nil)
	}
}

// Picture is the whole page as it is drawn, in PNG.
func (t *Tab) Picture() []byte {
	t.b.t.Helper()
	var size struct{ Width, Height float64 }
	t.Eval("({Width: document.documentElement.clientWidth, Height: document.documentElement.scrollHeight})", &size)
	return t.clip(0, 0, size.Width, size.Height)
}

func (t *Tab) clip(x, y, width, height float64) []byte {
	t.b.t.Helper()
	var shot struct{ Data []byte }
	t.do("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true, "clip": map[string]any{
		"x": x, "y": y, "width": width, "height": height, "scale": 1}}, &shot)
	return shot.Data
}

// Pixels are the drawn page.
func (t *Tab) Pixels() image.Image {
	t.b.t.Helper()
	return t.decode(t.Picture())
}

func (t *Tab) decode(picture []byte) image.Image {
	t.b.t.Helper()
	pixels, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.b.t.Fatal(err)
	}
	return pixels
}

// RGB is the colour of a pixel, as style sheets write it: #rrggbb.
func RGB(picture image.Image, x, y int) string {
	r, g, b, _ := picture.At(x, y).RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// CheckShadows: wide tables lie under a shadow at the edge behind which there is more, and only
// there. It says how many there are.
func (t *Tab) CheckShadows() (wide int) {
	t.b.t.Helper()
	var tables []struct {
		Name                      string
		Left, Right, Top, Wide, W float64
	}
	t.Eval(`[...document.querySelectorAll(".scroll")]
		.filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 40)
		.map(e => { const r = e.getBoundingClientRect(), y = scrollY; return {Name: e.ariaLabel,
			Left: r.left, Right: r.right, Top: r.top + y, Wide: e.scrollWidth, W: e.clientWidth} })`, &tables)
	for _, end := range []bool{false, true} {
		scroll := "0"
		if end {
			scroll = "e.scrollWidth"
		}
		t.Eval(`document.querySelectorAll(".scroll").forEach(e => e.scrollLeft = `+scroll+`)`, nil)
		for _, table := range tables {
			row := t.decode(t.clip(table.Left, table.Top+1, table.W, 1))
			card := RGB(row, int(table.W)/2, 0)
			left, right := RGB(row, 1, 0) != card, RGB(row, int(table.W)-2, 0) != card
			if left != end || right == end {
				t.b.t.Errorf("%s, scrolled to its end: %t: shadow on the left: %t, on the right: %t", table.Name, end, left,
					right)
			}
		}
	}
	return len(tables)
}

// CheckQuiet: nothing was loaded but pages below the address, no script of anybody else ran,
// and the browser had nothing to say.
func (t *Tab) CheckQuiet(address string) {
	t.b.t.Helper()
	for _, url := range t.Requests() {
		if !strings.HasPrefix(url, address) && url != "about:blank" {
			t.b.t.Errorf("the page asks for %s", url)
		}
	}
	for _, c := range t.Complaints() {
		t.b.t.Errorf("the browser complains: %s", c)
	}
}
