package pubsubtest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

var (
	errDeadline    = errors.New("no answer within the deadline")
	errUnreachable = errors.New("endpoint not reached")
)

// acknowledging are the statuses that acknowledge a message, after
// https://cloud.google.com/pubsub/docs/push. The fifth, 102, is no final status, and
// a Go client waits on.
var acknowledging = []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent}

// outcome is how a push ended.
type outcome struct {
	status int
	err    error
}

// deliver sends a push that has a place of Concurrency, with what goes wrong with it.
func (s *Server) deliver(p *push) {
	if p.fault == nil {
		f := s.pushFaultFor(p.message)
		p.fault = &f
	}
	if f := p.fault; f.Delay > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		p.due = time.Now().Add(f.Delay)
		f.Delay = 0
		s.running--
		p.message.open--
		s.open--
		s.enqueue(p)
		s.kick()
		return
	}
	s.mu.Lock()
	p.message.owed = true // also if this is Again's
	if p.fault.Twin {
		p.message.open++
		s.open++
		s.flights.Go(func() { s.attempt(p, 0) })
	}
	s.mu.Unlock()
	s.attempt(p, 1)
}

// attempt sends a push, which holds so many places, and draws the consequences.
func (s *Server) attempt(p *push, places int) {
	m, f := p.message, p.fault
	s.mu.Lock()
	n := len(m.Pushes)
	m.Pushes = append(m.Pushes, Push{Began: time.Now()})
	reachable := !s.down && !f.Unreachable
	shown := m.show()
	s.mu.Unlock()

	o := outcome{err: errUnreachable}
	if reachable {
		o = s.send(p.url, shown)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.running -= places
	record := &m.Pushes[n]
	record.Ended, record.Status, record.Err = time.Now(), o.status, o.err
	if o.err == nil && slices.Contains(acknowledging, o.status) && !f.Unheard {
		record.Acknowledged = true
		s.acknowledge(m)
		if f.Again > 0 {
			s.enqueue(&push{message: m, due: time.Now().Add(f.Again)})
			f.Again = 0
		}
	}
	s.settle(m)
	s.kick()
}

// acknowledge ends what is owed of a message. The caller holds s.mu.
func (s *Server) acknowledge(m *message) {
	if !m.Acknowledged && !m.Expired {
		s.unacked--
	}
	m.Acknowledged, m.Expired, m.owed, m.failures = true, false, false, 0
}

// send posts a message and waits for the answer until the deadline.
func (s *Server) send(url string, m Message) outcome {
	ctx, cancel := context.WithCancel(s.life)
	answered := make(chan outcome, 1)
	s.flights.Go(func() {
		defer cancel()
		answered <- s.post(ctx, url, m)
	})
	deadline := time.NewTimer(cmp.Or(s.AckDeadline, 10*time.Second))
	defer deadline.Stop()
	select {
	case o := <-answered:
		return o
	case <-deadline.C:
		if !s.HoldOpen {
			cancel()
		}
		return outcome{err: errDeadline}
	}
}

// post is one request to the endpoint, with its answer.
func (s *Server) post(ctx context.Context, url string, m Message) outcome {
	body, err := json.Marshal(s.event(m))
	if err != nil {
		panic(fmt.Sprintf("pubsubtest: encode event: %v", err))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return outcome{err: err}
	}
	for name, value := range map[string]string{
		"Accept": "application/json", "Content-Type": "application/json",
		"From": "noreply@google.com", "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
		"Ce-Id": m.ID, "Ce-Source": "//pubsub.googleapis.com/" + s.topic(), "Ce-Specversion": "1.0",
		"Ce-Time": stamp(m.Published), "Ce-Type": "google.cloud.pubsub.topic.v1.messagePublished",
	} {
		r.Header.Set(name, value)
	}
	var transport http.RoundTripper = s.own
	if s.Transport != nil {
		transport = s.Transport
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return outcome{err: err}
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	return outcome{response.StatusCode, err}
}

// event is the body of a push. Pub/Sub gives two of a message's fields in two
// spellings.
func (s *Server) event(m Message) any {
	type fields struct {
		Attributes   map[string]string `json:"attributes,omitempty"`
		Data         []byte            `json:"data,omitempty"`
		ID           string            `json:"messageId"`
		SnakeID      string            `json:"message_id"`
		PublishTime  string            `json:"publishTime"`
		SnakePublish string            `json:"publish_time"`
	}
	published := stamp(m.Published)
	return struct {
		Message      fields `json:"message"`
		Subscription string `json:"subscription"`
	}{fields{m.Attributes, m.Data, m.ID, m.ID, published, published}, s.subscription()}
}

// stamp prints a time in RFC 3339 with no or three digits of a second's fraction, as
// Google's JSON does.
func stamp(t time.Time) string {
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}
