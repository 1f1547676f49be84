package udm

import "strings"

// claim is one way to an event type.
type claim struct {
	row       string // the row of the table that makes it
	eventType string
	when      string
	ok        func(*mapping) bool
}

// alertClaims lists the ways in order: the first that holds, and whose event has what its
// type needs, decides. One that holds but whose event lacks something is reported; the
// event is then of the next type that is left, GENERIC_EVENT at worst.
var alertClaims = []claim{
	{"17", "USER_LOGIN", isLogin.text, isLogin.ok},
	{"17", "EMAIL_UNCATEGORIZED", "activity is Introspection Scan, with shared_with or from_user",
		func(m *mapping) bool {
			return m.get("activity").scalar() == "Introspection Scan" &&
				(m.get("shared_with").kind != absent || m.get("from_user").kind != absent)
		}},
	{"16", "NETWORK_HTTP", "Protocol begins with HTTP", func(m *mapping) bool { return isHTTP(m.get("Protocol")) }},
	{"18", "NETWORK_HTTP", "principal and target have a machine, protocol begins with HTTP", isHTTPBetweenMachines},
	{"18", "NETWORK_CONNECTION", "principal and target have a machine", isBetweenMachines},
	{"+2", "STATUS_UPDATE", "the principal has a machine", isOfMachine},
	{"+3", "USER_UNCATEGORIZED", "the principal has a user", isOfUser},
	{"107", "GENERIC_EVENT", "no other fits", always},
}

func isBetweenMachines(m *mapping) bool {
	return principalMachine.met(&m.event) && targetMachine.met(&m.event)
}

func isHTTPBetweenMachines(m *mapping) bool { return isBetweenMachines(m) && isHTTP(m.get("protocol")) }
func isOfMachine(m *mapping) bool           { return principalMachine.met(&m.event) }
func isOfUser(m *mapping) bool              { return principalUser.met(&m.event) }
func always(*mapping) bool                  { return true }

func isHTTP(protocol value) bool {
	s := protocol.scalar()
	return len(s) >= 4 && strings.EqualFold(s[:4], "HTTP")
}

// need is something that an event of a type must have: one of some fields.
type need struct {
	path  string // as a finding names it
	any   []string
	slots []int // of any
}

func needOf(path string, any ...string) *need {
	n := &need{path: path, any: any}
	for _, path := range any {
		n.slots = append(n.slots, slotOf(path))
	}
	return n
}

func (n *need) met(e *Event) bool {
	for _, slot := range n.slots {
		if e.has(slot) {
			return true
		}
	}
	return false
}

var (
	principalMachine = needOf("principal.hostname or principal.ip", "principal.hostname", "principal.ip")
	targetMachine    = needOf("target.hostname or target.ip", "target.hostname", "target.ip")
	principalUser    = needOf("principal.user", "principal.user.userid", "principal.user.email_addresses")
	targetUser       = needOf("target.user", "target.user.userid", "target.user.email_addresses")
	targetURL        = needOf("target.url", "target.url")
	authType         = needOf("extensions.auth.type", "extensions.auth.type")
)

// needs are the fields that an event of a type must have, as Google's UDM usage guide
// lists them by event type (docs.cloud.google.com/chronicle/docs/unified-data-model/udm-usage,
// 2026-06-03). For STATUS_UPDATE, and for USER_UNCATEGORIZED, of which the guide asks
// for a target user that no row supplies, it is what Netskope's own plugin checks
// (netskopeoss/ta_cloud_exchange_plugins, chronicle_cls). For the other two neither
// asks for anything.
var needs = map[string][]*need{
	"USER_LOGIN":         {targetUser, authType},
	"NETWORK_HTTP":       {principalMachine, targetMachine, targetURL},
	"NETWORK_CONNECTION": {principalMachine, targetMachine},
	"STATUS_UPDATE":      {principalMachine},
	"USER_UNCATEGORIZED": {principalUser},
}

// decide chooses the event type and gives the rows of metadata.event_type their
// outcomes.
func (m *mapping) decide() {
	e := &m.event
	chosen := ""
	var missed []*need
	failed := map[string]string{} // by the type
	for _, c := range m.table.claims {
		i := m.table.typeRows[c.row]
		held := c.ok(m)
		if held && chosen == "" && failed[c.eventType] == "" {
			var lacking []string
			for _, n := range needs[c.eventType] {
				if !n.met(e) {
					lacking = append(lacking, n.path)
					missed = append(missed, n)
				}
			}
			if lacking == nil {
				chosen = c.eventType
				e.entries[0] = entry{row: uint8(i), text: chosen}
				e.outcomes[i] = Set
				m.note(i, verdict{Set, c.when}, chosen)
				continue
			}
			failed[c.eventType] = strings.Join(lacking, ", ")
			for _, n := range missed[len(missed)-len(lacking):] {
				m.find(Finding{Path: n.path, Field: m.table.sources(n.any...), Rule: RuleRequired, Effect: Demoted,
					Why: c.eventType + " needs it; the next type that fits is taken instead"})
			}
		}
		m.undecided(i, c, held, failed[c.eventType])
	}
}

// undecided notes the outcome of a row whose claim did not decide, unless another
// claim of the row did.
func (m *mapping) undecided(i int, c claim, held bool, lacking string) {
	m.begin(i)
	var v verdict
	switch {
	case len(m.r.fields) > 0 && m.v.kind == absent:
		v = verdict{Absent, "not in the alert"}
	case held && lacking != "":
		v = verdict{LeftOut, c.eventType + " needs " + lacking}
	case held:
		v = verdict{Shadowed, "another row of this path went first"}
	default:
		v = verdict{Unmet, "only when " + c.when}
	}
	if v.outcome >= m.event.outcomes[i] {
		m.event.outcomes[i] = v.outcome
		m.note(i, v, "")
	}
}

func (m *mapping) note(i int, v verdict, result string) {
	m.begin(i)
	if result != "" {
		m.result = append(m.result, result)
	}
	m.end(v)
}
