package netskopetest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (s *Server) faultFor(q query) Fault {
	if s.Fault == nil {
		return Fault{}
	}
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	s.faults++
	return s.Fault(q.request(s.faults))
}

// answer gives the page a query asks for, or whatever the fault makes of it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, q query, f Fault) {
	if f.Kind != None {
		s.mu.Lock()
		s.tally.Faulted++
		s.mu.Unlock()
	}
	if f.Kind != Stall && !wait(r.Context(), f.Delay) {
		return
	}
	compressed := s.Gzip && acceptsGzip(r.Header)
	switch f.Kind {
	case Reset:
		hangUp(w, true)
	case LostAnswer:
		s.turn(q, f)
		hangUp(w, true)
	case Answer:
		maps.Copy(w.Header(), f.Header)
		w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
		io.WriteString(w, f.Body)
	case HalfJSON:
		half := portion(s.render(s.turn(q, f)), f)
		if compressed {
			half = compress(half)
		}
		pageHeader(w, compressed)
		w.Header().Set("Content-Length", strconv.Itoa(len(half)))
		w.Write(half)
	case Torn, TornReset, Stall:
		body := s.render(s.turn(q, f))
		if compressed {
			body = compress(body)
		}
		pageHeader(w, compressed)
		w.Write(portion(body, f))
		http.NewResponseController(w).Flush()
		if f.Kind == Stall {
			stall(r.Context(), f.Delay)
		}
		hangUp(w, f.Kind == TornReset)
	default:
		pageHeader(w, compressed)
		var dst io.Writer = w
		if compressed {
			gz, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
			defer gz.Close()
			dst = gz
		}
		// An error here is a client that went away; it has nobody to go to.
		s.turn(q, f).writeTo(dst, s.Style, s.OperationFirst)
	}
}

func pageHeader(w http.ResponseWriter, compressed bool) {
	w.Header().Set("Content-Type", "application/json")
	if compressed {
		w.Header().Set("Content-Encoding", "gzip")
	}
}

func (s *Server) render(p page) []byte {
	var body bytes.Buffer
	p.writeTo(&body, s.Style, s.OperationFirst)
	return body.Bytes()
}

// portion returns the beginning of a body, never nothing and never all.
func portion(body []byte, f Fault) []byte {
	n := int(float64(len(body)) * f.fraction())
	return body[:min(max(n, 1), len(body)-1)]
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	gz.Write(body)
	gz.Close()
	return out.Bytes()
}

func acceptsGzip(h http.Header) bool {
	for entry := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(entry, " ", ""), ";")
		if coding == "gzip" {
			q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
			return weight == "" || err == nil && q > 0
		}
	}
	return false
}

// wait reports whether d passed before the client went away.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// stall waits for the client to go away, but not longer than d if d is not 0.
func stall(ctx context.Context, d time.Duration) {
	if d > 0 {
		wait(ctx, d)
		return
	}
	<-ctx.Done()
}

// hangUp closes the connection behind w: by RST when reset and it is TCP, else
// in good order. The answer, if begun, stays incomplete.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var raw net.Conn = conn
	if t, ok := conn.(*tls.Conn); ok && reset {
		raw = t.NetConn()
	}
	if l, ok := raw.(interface{ SetLinger(int) error }); ok && reset {
		l.SetLinger(0)
	}
	raw.Close()
}
