// Package browsertest has tests load pages into a real browser, and look at what it draws.
// Only tests use it.
package browsertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Browser is a Chromium that a test drives, by the Chrome DevTools Protocol
// (https://chromedevtools.github.io/devtools-protocol/) over a pipe.
type Browser struct {
	t  *testing.T
	to *os.File

	mu      sync.Mutex
	asked   int
	answers map[int]chan message
	tabs    map[string]*Tab // by session
	ended   error           // why there is no browser any more
}

// message is what goes over the pipe, either way.
type message struct {
	ID      int             `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// patience is how long a test waits for the browser to do one thing.
const patience = time.Minute

// Start starts a browser, which ends with the test. Where there is none, the test is skipped,
// unless REQUIRE_CHROMIUM=1 asks for it.
func Start(t *testing.T) *Browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		if os.Getenv("REQUIRE_CHROMIUM") == "1" {
			t.Fatal("Chromium is not installed, and REQUIRE_CHROMIUM=1 asks for it")
		}
		t.Skip("NOT TESTED, because Chromium is not installed: the page in a real browser")
	}
	home, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, theirEnd, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--hide-scrollbars", "--font-render-hinting=none", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--user-data-dir="+filepath.Join(home, "profile"), "--remote-debugging-pipe", "about:blank")
	command.Env = append(os.Environ(), "HOME="+home)
	command.ExtraFiles = []*os.File{theirs, theirEnd} // descriptors 3 and 4, as the browser expects
	command.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	theirEnd.Close()
	b := &Browser{t: t, to: ours, answers: map[int]chan message{}, tabs: map[string]*Tab{}}
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		b.listen(bufio.NewReader(from))
	}()
	t.Cleanup(func() {
		b.send("", "Browser.close", nil)
		end := time.AfterFunc(10*time.Second, func() { _ = command.Process.Kill() })
		defer end.Stop()
		_ = command.Wait() // its status says nothing about the page
		ours.Close()
		<-listened
		from.Close()
		if t.Failed() && b.ended == nil {
			t.Logf("the browser said: %s", said.String())
		}
	})
	return b
}

// listen takes what the browser says, until it ends.
func (b *Browser) listen(from *bufio.Reader) {
	for {
		text, err := from.ReadBytes(0)
		var m message
		if err == nil {
			err = json.Unmarshal(text[:len(text)-1], &m)
		}
		b.mu.Lock()
		if err != nil {
			b.ended = err
			for _, answer := range b.answers {
				close(answer)
			}
			b.answers = nil
			b.mu.Unlock()
			return
		}
		answer, tab := b.answers[m.ID], b.tabs[m.Session]
		delete(b.answers, m.ID)
		b.mu.Unlock()
		switch {
		case answer != nil:
			answer <- m
		case tab != nil && m.ID == 0:
			tab.note(m)
		}
	}
}

// send asks the browser for something; the answer comes over the channel.
func (b *Browser) send(session, method string, params any) (<-chan message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended != nil {
		return nil, b.ended
	}
	b.asked++
	answer := make(chan message, 1)
	b.answers[b.asked] = answer
	encoded, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(message{ID: b.asked, Method: method, Session: session, Params: encoded})
	if err != nil {
		return nil, err
	}
	_, err = b.to.Write(append(text, 0))
	return answer, err
}

// do asks the browser for something, and decodes the answer into into, if that is not nil.
func (b *Browser) do(session, method string, params, into any) {
	b.t.Helper()
	if params == nil {
		params = struct{}{}
	}
	answer, err := b.send(session, method, params)
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			b.t.Fatalf("%s: the browser has ended: %v", method, b.ended)
		case m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		case into != nil:
			if err := json.Unmarshal(m.Result, into); err != nil {
				b.t.Fatalf("%s: %v in %s", method, err, m.Result)
			}
		}
	case <-time.After(patience):
		b.t.Fatalf("%s: the browser does not answer", method)
	}
}

// Near reports whether two lengths are the same to a pixel.
func Near(a, b float64) bool { return max(a-b, b-a) < 0.75 }

// Plain is the text without what keeps parts of it on one line.
func Plain(text string) string {
	return strings.NewReplacer("\u00a0", " ", "\u2060", "").Replace(text)
}

// Hostile is what a tenant that was taken over might send as an alert's type.
const Hostile = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>\"'>" +
	"<img src=//evil.example/x onerror=alert(2)>\u202egnp.exe\n" +
	"{{.Tenant}} & the rest of a name that is much longer than any place for it"

// Scheme is a colour scheme that a person prefers.
type Scheme string

// The schemes.
const (
	Light Scheme = "light"
	Dark  Scheme = "dark"
)

func (s Scheme) String() string { return string(s) }

// View is how a person looks at a page.
type View struct {
	Width  int // pixels
	Scheme Scheme
}

func (v View) String() string { return fmt.Sprintf("%d %s", v.Width, v.Scheme) }
