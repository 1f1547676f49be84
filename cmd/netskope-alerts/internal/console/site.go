package console

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"sync"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/preview"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/status"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

var (
	//go:embed overview.html
	overviewHTML string
	//go:embed alert.html
	alertHTML string
	//go:embed parts.html
	partsHTML string
	//go:embed console.css
	pageCSS string

	overviewTemplate = text.Page(overviewHTML, partsHTML, status.Parts)
	alertTemplate    = text.Page(alertHTML, partsHTML, preview.Parts)
)

// site answers requests from what the collector of one stream has left in the bucket. It hands on
// those that are for another stream.
type site struct {
	collector *collector.Collector
	all       []*site // of all streams, itself included
	now       func() time.Time
	patience  time.Duration // how long the bucket may take for the overview

	turn chan struct{} // who holds it may read the overview; the others wait for what that finds
	mu   sync.Mutex
	last reading // the last that succeeded
}

// newSite is that of the first stream, which knows the others.
func newSite(collectors ...*collector.Collector) *site {
	all := make([]*site, len(collectors))
	for i, k := range collectors {
		all[i] = &site{collector: k, all: all, now: time.Now, patience: overviewTime, turn: make(chan struct{}, 1)}
	}
	return all[0]
}

// stream is the stream's name, if there are several.
func (s *site) stream() string {
	if len(s.all) == 1 {
		return ""
	}
	return s.collector.Stream.String()
}

// of is the site of the stream that is asked for: itself if none is, nil if there is no such.
func (s *site) of(name string) *site {
	for _, other := range s.all {
		if other.collector.Stream.String() == name {
			return other
		}
	}
	if name == "" {
		return s
	}
	return nil
}

// ServeHTTP answers with a page. Whatever is asked, nothing is changed by it.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // pages have their own
	of := s.of(r.URL.Query().Get("stream"))
	switch site, mode := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode"); {
	case !isLoopback(r.Host):
		http.Error(w, "The console answers to loopback addresses and localhost only.", http.StatusMisdirectedRequest)
	case (site == "cross-site" || site == "same-site") && mode != "navigate":
		http.Error(w, "The console is no part of another page.", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "The console only reads: ask with GET.", http.StatusMethodNotAllowed)
	case of == nil:
		http.Error(w, "There is no such stream. Begin at /", http.StatusNotFound)
	case r.URL.Path == "/":
		of.overview(w, r)
	case r.URL.Path == "/alert":
		of.alert(w, r)
	case r.URL.Path == "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "There is no such page. Begin at /", http.StatusNotFound)
	}
}

// head is what every page of the console begins with.
func (s *site) head() text.Head {
	return text.Head{Kind: "Netskope alerts", Title: "Netskope alerts", At: s.now().UTC(), Search: true,
		CSS:  preview.CSS + pageCSS,
		Foot: "Console of " + s.feed() + ", netskope-alerts " + cli.Version + "."}
}

// feed is the feed's folder.
func (s *site) feed() string {
	return "gs://" + s.collector.BucketName + "/" + s.collector.Folders().Feed
}

// show answers with the page, whole or not at all.
func show(w http.ResponseWriter, t *template.Template, code int, head text.Head, page any) {
	var out bytes.Buffer
	if err := t.Execute(&out, page); err != nil {
		http.Error(w, fmt.Sprintf("The page could not be made: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", head.Policy()+"; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes()) // who has gone away needs no page
}

// search is the field for an _id.
type search struct {
	ID      string
	Since   string
	Spans   []string // how far back to look, as the flag --since of find has it
	Stream  string   // where to look; empty for all
	Streams []string // among which one can choose; none if there is one
}

// spans are how far back one may look. A tenant keeps 90 days.
var spans = []string{"1d", "7d", "30d", "90d"}

func (s *site) searchFor(id, since, of string) search {
	search := search{ID: id, Since: since, Spans: spans, Stream: of}
	for _, other := range s.all {
		if name := other.stream(); name != "" {
			search.Streams = append(search.Streams, name)
		}
	}
	return search
}

// bounded gives the reading of one page its time.
func bounded(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, errSlow(d))
}
