package udm

import (
	"slices"
	"strings"
	"testing"
)

func mapText(t testing.TB, alert string) Event {
	t.Helper()
	event, err := NetskopeAlert.Map([]byte(alert))
	if err != nil {
		t.Fatalf("%s: %v", alert, err)
	}
	return event
}

func TestEventType(t *testing.T) {
	for _, test := range []struct {
		alert, want string
		lacking     []string // the UDM fields for whose want a stronger type was not taken
	}{
		{`{}`, "GENERIC_EVENT", nil},
		{`{"activity":"Login Successful","user":"anna"}`, "USER_LOGIN", nil},
		{`{"activity":"Login Attempt","to_user":"a@example.com"}`, "USER_LOGIN", nil},
		{`{"activity":"Login Failed"}`, "GENERIC_EVENT", []string{"target.user"}},
		{`{"activity":"Login Failed","hostname":"h"}`, "STATUS_UPDATE", []string{"target.user"}},
		{`{"activity":"login failed","user":"anna"}`, "USER_UNCATEGORIZED", nil},
		{`{"activity":"Introspection Scan","shared_with":"nobody"}`, "EMAIL_UNCATEGORIZED", nil},
		{`{"activity":"Introspection Scan","shared_with":[]}`, "GENERIC_EVENT", nil},
		{`{"hostname":"h","domain":"d","protocol":"HTTPS/1.1","url":"d/"}`, "NETWORK_HTTP", nil},
		{`{"srcip":"192.0.2.1","dstip":"192.0.2.2","protocol":"http","url":"d/"}`, "NETWORK_HTTP", nil},
		{`{"hostname":"h","domain":"d","protocol":"HTTPS/1.1"}`, "NETWORK_CONNECTION", []string{"target.url"}},
		{`{"hostname":"h","domain":"d","protocol":"SSH","url":"d/"}`, "NETWORK_CONNECTION", nil},
		{`{"hostname":"h","domain":"d","url":"d/"}`, "NETWORK_CONNECTION", nil},
		{`{"hostname":"h","dstip":"not an address","protocol":"HTTP"}`, "STATUS_UPDATE", nil},
		{`{"Protocol":"HTTP","hostname":"h"}`, "STATUS_UPDATE", []string{"target.hostname or target.ip", "target.url"}},
		{`{"Protocol":"HTTP","domain":"d","user":"anna"}`, "USER_UNCATEGORIZED",
			[]string{"principal.hostname or principal.ip", "target.url"}},
		{`{"Protocol":"HTTP","protocol":"HTTP","hostname":"h","domain":"d"}`, "NETWORK_CONNECTION",
			[]string{"target.url"}},
		{`{"instance_id":"i","user":"anna"}`, "STATUS_UPDATE", nil},
		{`{"matched_username":"a@example.com"}`, "USER_UNCATEGORIZED", nil},
	} {
		event := mapText(t, test.alert)
		var lacking []string
		for _, f := range event.Findings() {
			if f.Effect == Demoted {
				if f.Rule != RuleRequired || f.Field == "" {
					t.Errorf("%s: %s", test.alert, f)
				}
				lacking = append(lacking, f.Path)
			}
		}
		if event.Type() != test.want || !slices.Equal(lacking, test.lacking) {
			t.Errorf("%s: %s, lacking %q; want %s, %q", test.alert, event.Type(), lacking, test.want, test.lacking)
		}
		if got := dig(t, event.JSON(), "metadata.event_type"); got[0] != test.want {
			t.Errorf("%s: JSON has %s, want %s", test.alert, got[0], test.want)
		}
	}
}

// TestOneRowDecides: of the rows of metadata.event_type exactly one is Set.
func TestOneRowDecides(t *testing.T) {
	for name, alert := range alerts(t) {
		steps, err := NetskopeAlert.Explain(alert)
		if err != nil {
			t.Fatal(err)
		}
		var set []string
		for _, s := range steps {
			if s.Row.Path == "metadata.event_type" && s.Outcome == Set {
				set = append(set, s.Row.Name)
			}
		}
		if len(set) != 1 {
			t.Errorf("%s: rows %q decided", name, set)
		}
	}
}

// TestNeeds holds the required fields against the list of Google's guide, typed from
// there and not from types.go: an event of a type is mapped, then loses its sources
// one after the other.
func TestNeeds(t *testing.T) {
	for _, test := range []struct {
		eventType string
		sources   []string // each needed
	}{
		{"USER_LOGIN", of(`"activity":"Login Failed"`, `"user":"anna"`)},
		{"NETWORK_HTTP", of(`"protocol":"HTTP"`, `"hostname":"h"`, `"domain":"d"`, `"url":"d/"`)},
		{"NETWORK_CONNECTION", of(`"srcip":"192.0.2.1"`, `"dstip":"192.0.2.2"`)},
		{"STATUS_UPDATE", of(`"hostname":"h"`)},
		{"USER_UNCATEGORIZED", of(`"user":"anna"`)},
	} {
		if got := mapText(t, "{"+strings.Join(test.sources, ",")+"}").Type(); got != test.eventType {
			t.Errorf("%s: is %s", test.eventType, got)
		}
		for i, source := range test.sources {
			rest := slices.Delete(slices.Clone(test.sources), i, i+1)
			if got := mapText(t, "{"+strings.Join(rest, ",")+"}").Type(); got == test.eventType {
				t.Errorf("%s: is so without %s, too", test.eventType, source)
			}
		}
	}
}
