package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/gcs"
)

// Patience is how long a person at a terminal is left without a word.
const Patience = 2 * time.Second

// waiting says once of each service, on a terminal, that it is being waited for.
type waiting struct {
	w    io.Writer
	mu   sync.Mutex
	said map[string]bool
}

func (s Streams) waiting() *waiting { return &waiting{w: s.Stderr, said: map[string]bool{}} }

func (w *waiting) say(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.said[what] && text.IsTerminal(w.w) {
		w.said[what] = true
		fmt.Fprintf(w.w, "\rwaiting for %s; Ctrl-C ends it\x1b[K\n", what)
	}
}

// WatchStorage is the context of a command that says what it waits for if Cloud Storage keeps it
// waiting.
func (s Streams) WatchStorage(ctx context.Context) context.Context {
	w := s.waiting()
	return gcs.WhenSlow(ctx, Patience, func(of string) {
		if host, _ := s.Lookup("STORAGE_EMULATOR_HOST"); host != "" {
			of += ", which STORAGE_EMULATOR_HOST has at " + host
		}
		w.say(of)
	})
}

// tenant has the collector say if the tenant keeps it waiting.
func (w *waiting) tenant(c *collector.Collector) {
	watched := *c.HTTP
	watched.Transport = slowTrip{watched.Transport, w}
	c.HTTP = &watched
}

type slowTrip struct {
	http.RoundTripper
	*waiting
}

func (t slowTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	timer := time.AfterFunc(Patience, func() { t.say("the tenant, " + r.URL.Scheme + "://" + r.URL.Host) })
	defer timer.Stop()
	return t.RoundTripper.RoundTrip(r)
}
