package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// message is what a Pub/Sub message may ask for. The ordinary tick, which asks for
// nothing, has an empty payload or {}.
type message struct {
	// Verify audits so much of the past, as in "48h"; Repair also delivers what is
	// missing.
	Verify string `json:"verify,omitempty"`
	Repair bool   `json:"repair,omitempty"`

	// Backfill collects a past span.
	Backfill *messageSpan `json:"backfill,omitempty"`
}

// messageSpan is half-open, in RFC 3339.
type messageSpan struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// request is a message that is understood.
type request struct {
	verify time.Duration // how far back; 0 is no audit
	repair bool
	span   Window // to backfill; zero is none
}

// maxVerify is how far back a message may have the function audit.
const maxVerify = 90 * 24 * time.Hour

// readMessage finds out what the event asks for. What it does not understand it
// refuses, because doing the ordinary instead would be a silent failure.
func readMessage(e cloudevents.Event) (request, error) {
	var envelope struct {
		Message *struct {
			Data []byte `json:"data"`
		} `json:"message"`
	}
	body := bytes.TrimSpace(e.Data())
	if len(body) == 0 {
		return request{}, nil
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return request{}, fmt.Errorf("read event %s: its data is not a Pub/Sub message: %w", e.Type(), err)
	}
	if envelope.Message == nil {
		if !isEmptyObject(body) {
			return request{}, fmt.Errorf("read event %s: its data is not a Pub/Sub message", e.Type())
		}
		return request{}, nil
	}
	payload := bytes.TrimSpace(envelope.Message.Data)
	if len(payload) == 0 {
		return request{}, nil
	}
	asked, err := parseMessage(payload)
	if err != nil {
		if len(payload) > 100 {
			payload = append(payload[:100:100], "…"...)
		}
		return request{}, fmt.Errorf(`read message: %q: %w; publish {} to collect, {"verify":"48h","repair":true} to audit, {"backfill":{"from":"2026-11-01T00:00:00Z","to":"2026-11-01T06:00:00Z"}} to backfill`, payload, err)
	}
	return asked, nil
}

func parseMessage(payload []byte) (request, error) {
	var m message
	var asked request
	if payload[0] != '{' {
		return asked, errors.New("it is not a JSON object")
	}
	if err := decodeStrictly(payload, &m); err != nil {
		return asked, err
	}
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
		asked.verify, asked.repair = d, m.Repair
	case m.Backfill != nil:
		asked.span = Window{From: m.Backfill.From.UTC(), To: m.Backfill.To.UTC()}
		if err := asked.span.check(); err != nil {
			return request{}, err
		}
	}
	return asked, nil
}

func isEmptyObject(text []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(text, &members) == nil && members != nil && len(members) == 0
}
