// Package stream names the kinds of records that a tenant lists, each at an endpoint of its own.
package stream

import (
	"fmt"
	"strings"
)

// Stream is a kind of record. Its zero value is Alert: what was made when there was no other is
// of alerts, and does not say so.
type Stream string

// The streams of the REST API v2, events/data. Alerts are what the collector was made for; the
// others are events.
const (
	Alert          Stream = ""
	Application    Stream = "application"
	Audit          Stream = "audit"
	Infrastructure Stream = "infrastructure"
	Network        Stream = "network"
	Page           Stream = "page"
)

// All are the streams there are.
func All() []Stream { return []Stream{Alert, Application, Audit, Infrastructure, Network, Page} }

const alert = "alert"

// String is the stream's name, as a person types it and as the last part of its endpoint's path.
func (s Stream) String() string {
	if s == Alert {
		return alert
	}
	return string(s)
}

// Path is the endpoint that lists the stream's records.
func (s Stream) Path() string { return "/api/v2/events/data/" + s.String() }

// TypeField is the field by which the stream's records are counted by type: that which says what
// happened, of those that most of its records have (Netskope, Data-Schema).
func (s Stream) TypeField() string {
	switch s {
	case Application:
		return "activity"
	case Audit:
		return "audit_log_event"
	case Infrastructure:
		return "metric_name"
	case Network, Page:
		return "traffic_type"
	}
	return "alert_type"
}

// Parse reads a stream's name, in any case of letters. The error says which there are.
func Parse(name string) (Stream, error) {
	for _, s := range All() {
		if strings.EqualFold(name, s.String()) {
			return s, nil
		}
	}
	return Alert, fmt.Errorf("there is no stream %.40q: want %s", name, Names(All(), " or "))
}

// Names are the streams' names with a separator between them.
func Names(streams []Stream, separator string) string {
	names := make([]string, len(streams))
	for i, s := range streams {
		names[i] = s.String()
	}
	return strings.Join(names, separator)
}

// MarshalText is the stream's name.
func (s Stream) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [Parse] does.
func (s *Stream) UnmarshalText(text []byte) (err error) {
	*s, err = Parse(string(text))
	return err
}
