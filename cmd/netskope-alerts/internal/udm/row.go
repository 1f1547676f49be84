package udm

import (
	"fmt"
	"strings"
)

// row is one row of the table.
type row struct {
	n, part int        // number in the original; part of 74, or an addition if n is 0
	since   string     // date of the change log that adds it
	log     string     // log field as the original prints it
	from    []string   // the alert's fields, the first that has a value counts; log if nil
	also    []string   // fields that how looks at besides
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

// name is the row's number: 17, or 74.3 for a part, L2 for the change log's, or +1 for an
// addition.
func (r *row) name() string {
	switch {
	case r.since != "":
		return fmt.Sprintf("L%d", r.part)
	case r.n == 0:
		return fmt.Sprintf("+%d", r.part)
	case r.part > 0:
		return fmt.Sprintf("%d.%d", r.n, r.part)
	}
	return fmt.Sprint(r.n)
}

// source is what the row is taken from.
func (r *row) source() string {
	switch {
	case r.since != "":
		return "change log of " + r.since
	case r.n == 0:
		return "chosen here"
	case r.part > 0:
		return "predecessor of the page"
	}
	return "page"
}

func (r *row) target() string {
	if r.key != "" {
		return r.path + "[" + r.key + "]"
	}
	return r.path
}

// A Row is one row of the mapping table, for printing.
type Row struct {
	// Name is the row's number in the table of Google's page. Of NETSKOPE_ALERT, the parts
	// of row 74, whose content the page does not spell out, are 74.1 and so on. L1 and so on
	// are the change log's, +1 and so on are in neither.
	Name string
	// Source says what the row is taken from: the page, the page before it, the parser's
	// change log and its date, or that it is chosen here.
	Source string
	// Log is the log field as the original prints it, N/A for a constant. Some are
	// variables of Google's parser.
	Log string
	// From are the alert's fields that the row reads; the first that has a value counts. A
	// dot leads to a member of an object.
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
	// Note says what is ambiguous about the row and what was chosen: A1 and so on, of
	// NETSKOPE_ALERT_V2 B1 and so on, and a sentence, or nothing.
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
	beginsWithNoIP = condition{"the first value is no IP address", func(m *mapping) bool {
		v := m.get("supporting_data.data_values")
		if v.kind != list {
			return !isIP(v.scalar())
		}
		values := scalars(v)
		return len(values) == 0 || !isIP(values[0])
	}}
	isOddSeverity = condition{"severity is no member of the enum", func(m *mapping) bool {
		return severityOf(m.get("severity").scalar()) == ""
	}}
)
