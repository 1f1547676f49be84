package udm

import (
	"fmt"
	"strings"
)

// LogType is a log type of Google SecOps: it decides which parser, and here which table,
// maps an alert or event. The zero value is the one that a new feed takes.
type LogType uint8

// The log types that take what Netskope's REST API v2 sends.
const (
	// NetskopeAlertV2 takes alerts and events of every kind; its parser is still developed.
	NetskopeAlertV2 LogType = iota
	// NetskopeAlert is the older one, for alerts, unchanged since 2024-08-14.
	NetskopeAlert
)

// names are what Google calls the log types.
var names = [...]string{NetskopeAlertV2: "NETSKOPE_ALERT_V2", NetskopeAlert: "NETSKOPE_ALERT"}

var tables = [...]*table{
	NetskopeAlertV2: newTable(alertV2Rows, alertV2Notes, alertV2Claims),
	NetskopeAlert:   newTable(alertRows, alertNotes, alertClaims),
}

func (t LogType) table() *table { return tables[t] }

// String is Google's name of the log type.
func (t LogType) String() string { return names[t] }

// UnmarshalText reads Google's name of a log type, in any case.
func (t *LogType) UnmarshalText(text []byte) error {
	for i, name := range names {
		if strings.EqualFold(name, string(text)) {
			*t = LogType(i)
			return nil
		}
	}
	return fmt.Errorf("%q: want %s", text, strings.Join(names[:], " or "))
}

// LogTypes are all of them, that of a new feed first.
func LogTypes() []LogType { return []LogType{NetskopeAlertV2, NetskopeAlert} }

// Rows are the rows of the log type's table, those of Google's page first and in its
// order, then what was added.
func (t LogType) Rows() []Row { return t.table().public() }

// Map is [LogType.Map] of the log type that a new feed takes.
func Map(alert []byte) (Event, error) { return NetskopeAlertV2.Map(alert) }

// Explain is [LogType.Explain] of the log type that a new feed takes.
func Explain(alert []byte) ([]Step, error) { return NetskopeAlertV2.Explain(alert) }
