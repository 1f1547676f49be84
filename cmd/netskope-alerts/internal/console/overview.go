package console

import (
	"context"
	"net/http"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/status"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/audit"
)

// reading is what the overview shows.
type reading struct {
	at      time.Time // zero if there is none
	status  status.Status
	audit   audit.Summary
	audited time.Time // when the audit was saved; zero if there was none
	streams []streamRow
}

const (
	// fresh is how long a reading serves whoever asks: several windows, or an impatient hand,
	// are to cost no more than one.
	fresh = 5 * time.Second
	// overviewTime is how long the bucket may take for a reading.
	overviewTime = 20 * time.Second
)

// streamRow is how far one of several streams is.
type streamRow struct {
	Name     string
	Here     bool // it is the one that is shown
	Verdict  text.Verdict
	Sentence string
	Lag      string // empty before its first run
}

func rowOf(s status.Status, name string, here bool) streamRow {
	head := status.HeadOf(s)
	row := streamRow{Name: name, Here: here, Verdict: head.Verdict, Sentence: head.Sentence}
	if !s.Through.IsZero() {
		row.Lag = text.Span(s.Lag)
	}
	return row
}

// overviewPage is what overview.html shows.
type overviewPage struct {
	Head    text.Head
	Search  search
	Trouble []text.Notice // why the bucket could not be read
	Known   bool          // View and Audit are there, of now or of before
	Streams []streamRow
	View    status.View
	Audit   auditView
}

func (s *site) overview(w http.ResponseWriter, r *http.Request) {
	p, code := overviewPage{Search: s.searchFor("", "90d", "")}, http.StatusOK
	read, err := s.read(r.Context())
	if p.Known = !read.at.IsZero(); p.Known {
		p.Head = status.HeadOf(read.status)
		p.Streams = read.streams
		p.View, p.Audit = status.ViewOf(read.status), auditOf(read, s.collector.BucketName)
	}
	head := s.head()
	p.Head.Kind, p.Head.Title, p.Head.Search, p.Head.CSS = head.Kind, head.Title, true, head.CSS
	p.Head.Foot, p.Head.Reload = head.Foot, time.Minute
	if err != nil {
		code = http.StatusServiceUnavailable
		trouble := troubleOf(err, s.collector.BucketName)
		p.Head.Verdict, p.Head.Sentence, p.Head.Remedy = text.Fail, trouble.sentence, trouble.remedy
		p.Trouble = append(p.Trouble, text.Notice{Verdict: text.Fail, Text: trouble.words})
		if p.Known {
			p.Trouble = append(p.Trouble, text.Notice{Verdict: text.Warn,
				Text: "What follows is how it was at " + text.Stamp(read.at) + ".", Remedy: text.Remedy{
					Text: "The page reads the bucket again when it is reloaded."}})
		} else {
			p.Head.At = head.At
			p.Head.About = []string{s.feed()}
		}
	}
	show(w, overviewTemplate, code, p.Head, p)
}

// read reads the bucket, or returns what was just read. With an error it returns the last
// reading that succeeded.
func (s *site) read(ctx context.Context) (reading, error) {
	ctx, cancel := bounded(ctx, s.patience)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return s.lastRead(), context.Cause(ctx)
	}
	if last := s.lastRead(); !last.at.IsZero() && s.now().Sub(last.at).Abs() < fresh {
		return last, nil
	}
	read := reading{at: s.now().UTC()}
	var err error
	if read.status, err = status.Read(ctx, s.collector, read.at); err == nil {
		read.audit, read.audited, err = s.collector.LastAudit(ctx)
	}
	read.status.Stream = s.stream()
	for _, other := range s.all {
		if err != nil || len(s.all) == 1 {
			break
		}
		of := read.status
		if other != s {
			of, err = status.Glance(ctx, other.collector, read.at)
		}
		read.streams = append(read.streams, rowOf(of, other.stream(), other == s))
	}
	if err != nil {
		return s.lastRead(), because(ctx, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = read
	return read, nil
}

func (s *site) lastRead() reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}
