package udm

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
)

// The transformations of the table. Each takes the value that the row found; lists and
// objects are what most of them cannot take.
var (
	// decided rows are those of metadata.event_type, see types.go; group rows those of
	// an object whose parts are rows.
	decided = how{name: "event type"}
	group   = how{name: "object"}

	asText       = scalarHow("string", func(m *mapping, s string) verdict { return m.put(s) })
	asUint64     = scalarHow("unsigned 64-bit integer", putUint64)
	asPort       = scalarHow("port", putPort)
	asNumber     = scalarHow("number", putNumber)
	asTime       = scalarHow("time, epoch or RFC 3339", putTime)
	asEmail      = scalarHow("string, if it is an e-mail address", putEmail)
	asHost       = scalarHow("string, if it is no IP address", putHost)
	asHex32      = scalarHow("32 hexadecimal digits", putHex32)
	asPlatform   = scalarHow("search for windows, mac, linux: WINDOWS, MAC, LINUX", putPlatform)
	asEmails     = how{"each e-mail address of the list, or between commas", putEmails}
	asIP         = how{"IP address, or a list of them", putIPs}
	withheld     = scalarHow("parsed by Google, withheld", func(m *mapping, s string) verdict { return m.withhold("") })
	withheldText = scalarHow("string, withheld", func(m *mapping, s string) verdict { return m.withhold(s) })

	asApplicationProtocol = scalarHow("up to the slash, upper case, if the enum has it", putApplicationProtocol)
	asIPProtocol          = scalarHow("name or IANA number, if the enum has it", putIPProtocol)
	asAction              = scalarHow("alert, bypass: QUARANTINE; allow: ALLOW; block: BLOCK", putAction)
	asAlertState          = scalarHow("yes: ALERTING; no: NOT_ALERTING", putAlertState)
	asSeverity            = scalarHow("upper case, if the enum has it; UNKNOWN: UNKNOWN_SEVERITY", putSeverity)
	asCCLSeverity         = scalarHow("poor, low: LOW; medium: MEDIUM; high, excellent: HIGH", putCCLSeverity)
	asSourceTime          = scalarHow("local time, in the zone of src_timezone", putSourceTime)
	asJoined              = how{"the list's values, with commas between them", putJoined}
	asConfidence          = scalarHow("poor, low: LOW_; medium: MEDIUM_; high, excellent: HIGH_CONFIDENCE",
		putConfidence)
)

func scalarHow(name string, do func(*mapping, string) verdict) how {
	return how{name, func(m *mapping, _ *row, v value) verdict {
		if v.kind == list || v.kind == object {
			return m.leaveOut(RuleType, "is "+v.kind.String()+", not one value")
		}
		return do(m, v.scalar())
	}}
}

// the is the transformation of a constant.
func the(literal string) how {
	return how{"the constant " + literal, func(m *mapping, _ *row, _ value) verdict { return m.put(literal) }}
}

func theWithheld(literal string) how {
	return how{"the constant " + literal + ", withheld",
		func(m *mapping, _ *row, _ value) verdict { return m.withhold(literal) }}
}

// withhold notes what Google would set where the published schema has no field.
func (m *mapping) withhold(s string) verdict {
	if s != "" {
		m.result = append(m.result, s)
	}
	return verdict{Withheld, "the published schema reserves this field"}
}

func putUint64(m *mapping, s string) verdict {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return m.leaveOut(RuleType, "is not an integer from 0 to 18446744073709551615")
	}
	return m.put(strconv.FormatUint(n, 10))
}

func putPort(m *mapping, s string) verdict {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return m.leaveOut(RuleType, "is not an integer from 0 to 65535")
	}
	return m.put(strconv.FormatUint(n, 10))
}

// putNumber keeps the digits as they are.
func putNumber(m *mapping, s string) verdict {
	if c := s[0]; c != '-' && (c < '0' || c > '9') || !json.Valid([]byte(s)) {
		return m.leaveOut(RuleType, "is not a number")
	}
	if _, err := strconv.ParseFloat(s, 64); err != nil {
		return m.leaveOut(RuleType, "is beyond what a double holds")
	}
	return m.put(s)
}

func putTime(m *mapping, s string) verdict {
	t, ok := alert.Moment(s)
	if !ok {
		return m.leaveOut(RuleTime, "is neither epoch seconds nor RFC 3339")
	}
	if t.Year() > 9999 {
		return m.leaveOut(RuleTime, "is outside the years 1 to 9999")
	}
	return m.put(t.Format(time.RFC3339Nano))
}

// sourceZones are the time zones that the change log names.
var sourceZones = of("America/Chicago", "America/Los_Angeles", "America/New_York", "Europe/London")

func putSourceTime(m *mapping, s string) verdict {
	name := m.get("src_timezone").scalar()
	if !slices.Contains(sourceZones, name) {
		return m.leaveOut(RuleTime, "has no src_timezone of the four that the change log names")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return m.leaveOut(RuleTime, "is of "+name+", of which this machine does not know the rules")
	}
	t, err := time.ParseInLocation(time.ANSIC, s, zone)
	if err != nil {
		return m.leaveOut(RuleTime, "is not like Mon Jan 2 15:04:05 2006")
	}
	return m.put(t.UTC().Format(time.RFC3339Nano))
}

// putJoined puts a list where one text is wanted.
func putJoined(m *mapping, _ *row, v value) verdict {
	switch v.kind {
	case object:
		return m.leaveOut(RuleType, "is an object, not a list")
	case list:
		return m.put(strings.Join(scalars(v), ", "))
	}
	return m.put(v.scalar())
}

// scalars are the texts, numbers and booleans of a list.
func scalars(v value) (texts []string) {
	elements(v.raw, func(raw string) {
		if el := valueOf(raw); el.kind == text || el.kind == number || el.kind == boolean {
			texts = append(texts, el.scalar())
		}
	})
	return texts
}

// isEmail is Google's ^.+@.+$.
func isEmail(s string) bool {
	at := strings.IndexByte(s, '@')
	return at >= 0 && strings.LastIndexByte(s, '@') > 0 && at < len(s)-1
}

func putEmail(m *mapping, s string) verdict {
	if !isEmail(s) {
		return verdict{Skipped, "is no e-mail address"}
	}
	return m.put(s)
}

func putEmails(m *mapping, _ *row, v value) verdict {
	best := verdict{Skipped, "has no e-mail address"}
	each(v, func(s string) {
		if s = strings.TrimSpace(s); isEmail(s) {
			if got := m.put(s); got.outcome > best.outcome {
				best = got
			}
		}
	})
	return best
}

// each calls yield for the scalars of a list, or the parts of a text between commas.
func each(v value, yield func(string)) {
	switch v.kind {
	case list:
		elements(v.raw, func(raw string) {
			if el := valueOf(raw); el.kind == text || el.kind == number {
				yield(el.scalar())
			}
		})
	case text:
		for s := range strings.SplitSeq(v.scalar(), ",") {
			yield(s)
		}
	}
}

func isIP(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Zone() == ""
}

func putIPs(m *mapping, _ *row, v value) verdict {
	best, bad := verdict{Skipped, "has no IP address"}, false
	try := func(s string) {
		if !isIP(s) {
			bad = true
		} else if got := m.put(s); got.outcome > best.outcome {
			best = got
		}
	}
	if v.kind == list {
		each(v, try)
	} else {
		try(v.scalar())
	}
	if bad {
		if left := m.leaveOut(RuleIP, "is not an IP address"); best.outcome == Skipped {
			return left
		}
	}
	return best
}

func putHost(m *mapping, s string) verdict {
	if isIP(s) {
		return verdict{Skipped, "is an IP address"}
	}
	return m.put(s)
}

func isHex(s string, n int) bool {
	for _, c := range []byte(s) {
		if c-'0' > 9 && (c|0x20)-'a' > 5 {
			return false
		}
	}
	return len(s) == n
}

func putHex32(m *mapping, s string) verdict {
	if !isHex(s, 32) {
		return m.leaveOut(RuleHash, "is not 32 hexadecimal digits")
	}
	return m.put(s)
}

func putApplicationProtocol(m *mapping, s string) verdict {
	name, _, _ := strings.Cut(s, "/")
	name = strings.ToUpper(strings.TrimSpace(name))
	if !slices.Contains(applicationProtocols, name) {
		return m.leaveOut(RuleEnum, "has no member in ApplicationProtocol")
	}
	return m.put(name)
}

func putIPProtocol(m *mapping, s string) verdict {
	name := strings.ToUpper(s)
	if i := slices.Index(ipProtocolNumbers, s); i >= 0 {
		name = ipProtocols[i]
	}
	if !slices.Contains(ipProtocols, name) {
		return m.leaveOut(RuleEnum, "has no member in IpProtocol")
	}
	return m.put(name)
}
