package udm

import (
	"slices"
	"strconv"
	"strings"
)

// Rule names what a finding is about.
type Rule string

// The rules.
const (
	RuleRequired Rule = "required"  // a field that the event type must have
	RuleEnum     Rule = "enum"      // no member of the field's enum
	RuleType     Rule = "type"      // not of the field's type
	RuleIP       Rule = "ip"        // not an IPv4 or IPv6 address
	RuleEmail    Rule = "email"     // not the form of an e-mail address
	RuleHash     Rule = "hash"      // not as many hexadecimal digits as the hash has
	RuleRange    Rule = "range"     // a coordinate that is not on the globe
	RuleTime     Rule = "timestamp" // no time, or none that can be read
	RuleID       Rule = "id"        // no _id to find the event by
)

// Effect is what a finding means for the event.
type Effect uint8

// The effects, from harmless to fatal.
const (
	Kept    Effect = iota // the value is in the event nevertheless
	Dropped               // the value is not in the event
	Demoted               // the event is of a weaker type
	Invalid               // Google would refuse the event

	effects = iota
)

func (e Effect) String() string { return [...]string{"kept", "left out", "demoted", "invalid"}[e] }

// A Finding is something wrong with an event.
type Finding struct {
	// Alert is the alert's _id; empty if it has none.
	Alert string
	// Path is the UDM field, as in [Row.Path], with the key of a label in brackets.
	Path string
	// Field is the alert's field, or the fields that would have supplied what is missing.
	Field string
	// Rule is what was violated, Effect what follows.
	Rule   Rule
	Effect Effect
	// Why is the rest of a sentence that begins with the field.
	Why string
	// Value is what the field holds, at most 80 bytes of it.
	Value string
}

// String is the finding in one line.
func (f Finding) String() string {
	s := f.Alert + ": " + f.Path + " from " + f.Field + ": " + f.Why
	if f.Value != "" {
		s += ": " + strconv.Quote(f.Value)
	}
	return s + " (" + string(f.Rule) + ", " + f.Effect.String() + ")"
}

var timeSlot = slotOf("metadata.event_timestamp")

// validate checks the event against the schema. It looks at what was put there, not at
// how: a transformation that put a wrong value is found, too.
func (m *mapping) validate() {
	e := &m.event
	for i, en := range e.entries {
		f := &schema[en.slot]
		rule, why := f.violated(en.text)
		if rule == "" {
			continue
		}
		r := &m.table.rows[en.row]
		found := Finding{Path: r.target(), Rule: rule, Effect: Kept, Why: why, Value: shorten(en.text, 80)}
		if i > 0 && len(r.from) > 0 {
			found.Field = r.from[en.src]
		}
		if rule == RuleType || rule == RuleEnum || rule == RuleTime {
			found.Effect = Invalid
		}
		m.find(found)
	}
	if !e.has(timeSlot) {
		m.find(Finding{Path: "metadata.event_timestamp", Field: m.table.sources("metadata.event_timestamp"),
			Rule: RuleTime, Effect: Invalid,
			Why: "there is no time, and the UDM usage guide requires one"})
	}
	if e.id == "" {
		m.find(Finding{Path: "metadata.product_log_id", Field: m.table.sources("metadata.product_log_id"),
			Rule: RuleID, Effect: Kept,
			Why: "there is no id, and the event cannot be traced to its alert"})
	}
}

// violated returns the rule that a value of the field breaks, and why, or nothing.
func (f *field) violated(s string) (Rule, string) {
	switch f.form {
	case formEnum:
		if !slices.Contains(f.enum, s) {
			return RuleEnum, "is no member of the enum"
		}
	case formUint64:
		if n, err := strconv.ParseUint(s, 10, 64); err != nil || strconv.FormatUint(n, 10) != s {
			return RuleType, "is not an unsigned 64-bit integer"
		}
	case formPort:
		if _, err := strconv.ParseUint(s, 10, 16); err != nil {
			return RuleType, "is not a port"
		}
	case formLatitude, formLongitude:
		limit := 90.0
		if f.form == formLongitude {
			limit = 180
		}
		if x, err := strconv.ParseFloat(s, 64); err != nil {
			return RuleType, "is not a number"
		} else if x < -limit || x > limit {
			return RuleRange, "is not on the globe"
		}
	case formTime:
		if !strings.HasSuffix(s, "Z") {
			return RuleTime, "is not in UTC"
		}
	case formIP:
		if !isIP(s) {
			return RuleIP, "is not an IP address"
		}
	case formEmail:
		if strings.Count(s, "@") != 1 || strings.ContainsAny(s, " \t\r\n,;<>\"") {
			return RuleEmail, "does not look like one e-mail address"
		}
	case formMD5:
		if !isHex(s, 32) {
			return RuleHash, "is not 32 hexadecimal digits"
		}
	case formSHA256:
		if !isHex(s, 64) {
			return RuleHash, "is not 64 hexadecimal digits"
		}
	}
	return "", ""
}
