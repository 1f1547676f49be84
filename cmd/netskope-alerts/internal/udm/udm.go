// Package udm previews what Google SecOps makes of a Netskope alert or event:
// [LogType.Map] turns one, in JSON, into one event of the Unified Data Model (UDM), by
// the mapping table of Google's page on the log type and by nothing else.
//
// It is a preview. Google's own parsers are not published and decide alone.
//
// NETSKOPE_ALERT has a table of 114 rows, which says neither which source comes first,
// nor what a value must look like, nor what is in security_result. Where it is silent,
// the table here follows the page's predecessor; where that is silent, too, a choice was
// made. NETSKOPE_ALERT_V2 has a table of 37 rows, made from one sample, and a change log
// that names further fields: both are here, and no field that neither has, although the
// parser certainly reads more. How a field is read that they only name follows
// NETSKOPE_ALERT. [Row.Source] says whose a row is, and [Row.Note] what was chosen.
//
// [LogType.Rows] is the table, row for row in the order of Google's page.
// [LogType.Explain] says for one alert what each row did, [Event.Unmapped] which of its
// fields no row reads. A [Coverage] says of many which rows were used, which of their
// fields no row reads, and what Google would refuse.
//
// The sources, below docs.cloud.google.com/chronicle/docs/: the pages are
// ingestion/default-parsers/netskope-alert, its predecessor netskope-alert-v1, and
// netskope-alert-v2 (2026-03-05), the change logs
// ingestion/parser-list/netskope-alert-changelog and netskope-alert-v2-changelog
// (2026-07-01). Required fields are those of unified-data-model/udm-usage. The schema is
// googleapis/googleapis backstory/udm.proto; see schema.go.
package udm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// An Event is what became of one alert. It holds a copy of the alert's text, not the
// bytes that were given. The zero Event is the event of no alert.
type Event struct {
	logType  LogType
	alert    string // JSON
	id       string
	entries  []entry   // in the order of schema
	outcomes []Outcome // by the index of a row
	findings []Finding
}

// entry is one value of the event.
type entry struct {
	slot uint8 // index in schema
	row  uint8 // index in the table's rows
	src  uint8 // index in the row's from
	text string
}

// LogType is the log type by whose table the event was made.
func (e Event) LogType() LogType { return e.logType }

// ID is the alert's _id (or Id); empty if it has none.
func (e Event) ID() string { return e.id }

// Type is metadata.event_type, such as NETWORK_HTTP.
func (e Event) Type() string {
	if len(e.entries) == 0 {
		return ""
	}
	return e.entries[0].text
}

// Findings are what is wrong with the event; nothing if there is nothing to report.
func (e Event) Findings() []Finding { return e.findings }

// Valid reports whether Google would take the event, as far as the published rules go:
// whether no finding is [Invalid].
func (e Event) Valid() bool {
	for _, f := range e.findings {
		if f.Effect == Invalid {
			return false
		}
	}
	return true
}

// Get returns the values at a UDM path as the table writes it, such as principal.ip.
// A label, or a member of additional, is given by its key:
// security_result.detection_fields[cci], additional.fields[Object].
func (e Event) Get(path string) []string {
	var values []string
	rows := e.logType.table().rows
	for _, en := range e.entries {
		if rows[en.row].target() == path {
			values = append(values, en.text)
		}
	}
	return values
}

func (e Event) has(slot int) bool {
	for _, en := range e.entries {
		if int(en.slot) == slot {
			return true
		}
	}
	return false
}

// Map maps one alert, a JSON object, to its event by the table of the log type. The error says what about the bytes
// is not a JSON object; there is no other. Whatever else is wrong with the alert is
// among the event's findings.
//
// Numbers are never read through a float64: 64-bit ids and 1.10 come out digit for
// digit. Of members with the same name the last one counts. Bytes that are not UTF-8,
// and halves of surrogate pairs, come out as U+FFFD.
func (t LogType) Map(alert []byte) (Event, error) {
	m, err := t.read(alert)
	if err != nil {
		return Event{}, err
	}
	defer m.release()
	m.run()
	return m.event, nil
}

// check returns why alert is not one JSON object.
func check(alert []byte) error {
	if json.Valid(alert) {
		if trimmed := bytes.TrimLeft(alert, " \t\r\n"); trimmed[0] != '{' {
			return fmt.Errorf("map alert: it is JSON, but begins with %q: an alert is an object, {...}", trimmed[0])
		}
		return nil
	}
	if len(bytes.TrimSpace(alert)) == 0 {
		return errors.New("map alert: it is empty")
	}
	var raw json.RawMessage
	err := json.Unmarshal(alert, &raw)
	if at := (*json.SyntaxError)(nil); errors.As(err, &at) {
		return fmt.Errorf("map alert: not valid JSON at byte %d of %d: %w", at.Offset, len(alert), err)
	}
	return fmt.Errorf("map alert: not valid JSON: %w", err)
}
