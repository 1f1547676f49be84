package udm

import (
	"fmt"
	"strings"
)

// row is one row of the table.
type row struct {
	n, part int        // number in the original; part of 74, or an addition if n is 0
	log     string     // log field as the original prints it
	from    []string   // the alert's fields, the first that has a value counts; log if nil
	how     how        // transformation
	path    string     // UDM path
	rank    int        // among the rows of a path: 1 is read first
	when    *condition // nil is always
	key     string     // of a label, or the member of additional
	skip    []string   // texts that count as no value, in lower case
	note    string     // key of the table's notes

	slot   int   // index of path in schema; -1 for a group or a path that is withheld
	fields []int // indexes of from
}

// how is a transformation.
type how struct {
	name string
	do   func(*mapping, *row, value) verdict
}

// condition says on which alerts a row works at all.
type condition struct {
	text string
	ok   func(*mapping) bool
}

func of(names ...string) []string { return names }

// name is the row's number: 17, or 74.3 for a part, or +1 for an addition.
func (r *row) name() string {
	switch {
	case r.n == 0:
		return fmt.Sprintf("+%d", r.part)
	case r.part > 0:
		return fmt.Sprintf("%d.%d", r.n, r.part)
	}
	return fmt.Sprint(r.n)
}

func (r *row) target() string {
	if r.key != "" {
		return r.path + "[" + r.key + "]"
	}
	return r.path
}

// A Row is one row of the mapping table, for printing.
type Row struct {
	// Name is the original's row number, 1 to 114. Parts of row 74, whose content the
	// original does not spell out, are 74.1 and so on; +1 to +3 are not in the original.
	Name string
	// Log is the log field as the original prints it, N/A for a constant. Some are
	// variables of Google's parser.
	Log string
	// From are the alert's fields that the row reads; the first that has a value counts.
	From []string
	// How is the transformation.
	How string
	// Path is the UDM path, as the original prints it.
	Path string
	// Key is the key of a label, or the member of additional.
	Key string
	// Rank says which of a path's rows goes first, from 1 on; 0 where there is one, or
	// where all are kept.
	Rank int
	// When is the condition under which the row works; empty is always.
	When string
	// Skip are values that count as none, in any case.
	Skip []string
	// Note says what is ambiguous about the row and what was chosen: A1 to A14 and a
	// sentence, or nothing.
	Note string
}

// conditions of the table.
var (
	isLogin = condition{"activity is Login Failed, Login Successful or Login Attempt", func(m *mapping) bool {
		switch m.get("activity").scalar() {
		case "Login Failed", "Login Successful", "Login Attempt":
			return true
		}
		return false
	}}
	isWindows = condition{"os contains windows", func(m *mapping) bool {
		return platformOf(m.get("os").scalar()) == "WINDOWS"
	}}
	hasDevice = condition{"device or Device is there", func(m *mapping) bool {
		return m.get("device").kind != absent || m.get("Device").kind != absent
	}}
	hasBrowserVersion = condition{"browser_version or browserversion is there", func(m *mapping) bool {
		return m.get("browser_version").kind != absent || m.get("browserversion").kind != absent
	}}
	isOneUser = condition{"to_user is one address", func(m *mapping) bool {
		v := m.get("to_user")
		return v.kind == text && !strings.Contains(v.raw, ",")
	}}
	areSeveralUsers = condition{"to_user is a list, or separated by commas", func(m *mapping) bool {
		v := m.get("to_user")
		return v.kind == list || v.kind == text && strings.Contains(v.raw, ",")
	}}
	isAlertOrBypass = condition{"action is alert or bypass", func(m *mapping) bool {
		return actionOf(m.get("action").scalar()) == "QUARANTINE"
	}}
	isDLP = condition{"alert_type is DLP", func(m *mapping) bool {
		return strings.EqualFold(m.get("alert_type").scalar(), "DLP")
	}}
	isOddSeverity = condition{"severity is no member of the enum", func(m *mapping) bool {
		return severityOf(m.get("severity").scalar()) == ""
	}}
)
