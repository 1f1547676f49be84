// Package message reads what a Pub/Sub message asks the function for.
package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"netskope-alerts.internal/collector/internal/stream"
	"netskope-alerts.internal/collector/internal/strictjson"
)

// message is what a Pub/Sub message may ask for. The ordinary tick, which asks for
// nothing, has an empty payload or {}.
type message struct {
	// Verify audits so much of the past, as in "48h"; Repair also delivers what is
	// missing.
	Verify string `json:"verify,omitempty"`
	Repair bool   `json:"repair,omitempty"`

	// Backfill collects a past span.
	Backfill *span `json:"backfill,omitempty"`

	// Stream has this done for one stream; without it, all that are configured do it. A backfill
	// needs it where there are several.
	Stream *stream.Stream `json:"stream,omitempty"`
}

// span is half-open, in RFC 3339.
type span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Request is a message that is understood.
type Request struct {
	Verify   time.Duration // how far back to audit; 0 is no audit
	Repair   bool          // deliver what the audit finds missing
	From, To time.Time     // the span to backfill, half-open, UTC; zero is none

	of *stream.Stream
}

// Concerns are those of the configured streams that the message is for: the one that it
// names, or all. Naming one that is not configured is an error, and so is naming none for a
// backfill where there are several: a past span is collected of nothing that nobody asked for.
func (r Request) Concerns(configured []stream.Stream) ([]stream.Stream, error) {
	switch {
	case r.of == nil && !r.From.IsZero() && len(configured) > 1:
		return nil, fmt.Errorf("the message asks for a backfill, but does not say of which stream: "+
			"add \"stream\", one of %s", stream.Names(configured, ", "))
	case r.of == nil:
		return configured, nil
	case slices.Contains(configured, *r.of):
		return []stream.Stream{*r.of}, nil
	}
	return nil, fmt.Errorf("the message is for the stream %v, which is not collected: STREAMS is %s; add it there: "+
		"./deploy.sh --streams %[2]s,%[1]v", *r.of, stream.Names(configured, ","))
}

// earliest, in epoch seconds, is September 2001, before any alert.
const earliest = 1e9

// maxVerify is how far back a message may have the function audit.
const maxVerify = 90 * 24 * time.Hour

// forms are what may be published.
const forms = `publish {} to collect, {"verify":"48h","repair":true} to audit, ` +
	`{"backfill":{"from":"2026-11-01T00:00:00Z","to":"2026-11-01T06:00:00Z"}} to backfill; ` +
	`with "stream":"page" beside it, one stream alone`

// Read finds out what the event asks for. What it does not understand it
// refuses, because doing the ordinary instead would be a silent failure.
func Read(e cloudevents.Event) (Request, error) {
	var envelope struct {
		Message *struct {
			Data []byte `json:"data"`
		} `json:"message"`
	}
	body := bytes.TrimSpace(e.Data())
	if len(body) == 0 {
		return Request{}, nil
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return Request{}, fmt.Errorf("read event %s: its data is not a Pub/Sub message: %w", e.Type(), err)
	}
	if envelope.Message == nil {
		if !isEmptyObject(body) {
			return Request{}, fmt.Errorf("read event %s: its data is not a Pub/Sub message", e.Type())
		}
		return Request{}, nil
	}
	payload := bytes.TrimSpace(envelope.Message.Data)
	if len(payload) == 0 {
		return Request{}, nil
	}
	asked, err := parse(payload)
	if err != nil {
		if len(payload) > 100 {
			payload = append(payload[:100:100], "…"...)
		}
		return Request{}, fmt.Errorf("read message: %q: %w; %s", payload, err, forms)
	}
	return asked, nil
}

func parse(payload []byte) (Request, error) {
	var m message
	var asked Request
	if payload[0] != '{' {
		return asked, errors.New("it is not a JSON object")
	}
	if err := strictjson.Decode(payload, &m); err != nil {
		return asked, err
	}
	asked.of = m.Stream
	switch {
	case m.Verify != "" && m.Backfill != nil:
		return asked, errors.New("it asks for two things")
	case m.Verify == "" && m.Repair:
		return asked, errors.New("repair needs verify")
	case m.Verify != "":
		d, err := time.ParseDuration(m.Verify)
		if err != nil || d < time.Minute || d > maxVerify {
			return asked, errors.New("verify is not a duration from 1m to 2160h")
		}
		asked.Verify, asked.Repair = d, m.Repair
	case m.Backfill != nil:
		asked.From, asked.To = m.Backfill.From.UTC(), m.Backfill.To.UTC()
		switch {
		case !asked.From.Before(asked.To):
			return Request{}, errors.New("backfill ends before it begins")
		case asked.From.Nanosecond() != 0 || asked.To.Nanosecond() != 0:
			return Request{}, errors.New("backfill is not in whole seconds")
		case asked.From.Unix() < earliest:
			return Request{}, errors.New("backfill begins before there were alerts")
		}
	}
	return asked, nil
}

func isEmptyObject(text []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(text, &members) == nil && members != nil && len(members) == 0
}

// Backfill is the message that asks for a span, half-open, UTC, of one stream, or, where that is
// nil, of all that are configured.
func Backfill(from, to time.Time, of *stream.Stream) ([]byte, error) {
	content, err := json.Marshal(message{Backfill: &span{from, to}, Stream: of})
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return content, nil
}
