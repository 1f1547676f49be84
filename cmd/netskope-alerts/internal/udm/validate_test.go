package udm

import (
	"slices"
	"strings"
	"testing"
)

// TestFindings: one alert per rule, with everything that a finding names.
func TestFindings(t *testing.T) {
	for _, test := range []struct {
		fields string
		want   string // path, field, rule, effect, value
	}{
		{`"srcip":"10.0.0.256"`, `principal.asset.ip|srcip|ip|left out|10.0.0.256`},
		{`"dstip":"fe80::1%eth0"`, `target.ip|dstip|ip|left out|fe80::1%eth0`},
		{`"dst_ip":["192.0.2.1","x"]`, `target.ip|dst_ip|ip|left out|["192.0.2.1","x"]`},
		{`"srcport":65536`, `principal.port|srcport|type|left out|65536`},
		{`"dstport":-1`, `target.port|dstport|type|left out|-1`},
		{`"file_size":18446744073709551616`, `target.file.size|file_size|type|left out|18446744073709551616`},
		{`"client_bytes":1.5`, `network.sent_bytes|client_bytes|type|left out|1.5`},
		{`"server_bytes":"many"`, `network.received_bytes|server_bytes|type|left out|many`},
		{`"src_latitude":"N/A"`, `principal.location.region_latitude|src_latitude|type|left out|N/A`},
		{`"srclongitude":1e999`, `principal.location.region_coordinates.longitude|srclongitude|type|left out|1e999`},
		{`"srclatitude":" 1"`, `principal.location.region_coordinates.latitude|srclatitude|type|left out| 1`},
		{`"src_latitude":90.1`, `principal.location.region_latitude|src_latitude|range|kept|90.1`},
		{`"dstlongitude":-181`, `target.location.region_coordinates.longitude|dstlongitude|range|kept|-181`},
		{`"app":["a"]`, `target.application|app|type|left out|["a"]`},
		{`"user":{"name":"a"}`, `principal.user.userid|user|type|left out|{"name":"a"}`},
		{`"protocol":"TCP"`, `network.application_protocol|protocol|enum|left out|TCP`},
		{`"ip_protocol":"udplite"`, `network.ip_protocol|ip_protocol|enum|left out|udplite`},
		{`"action":"useralert"`, `security_result.action|action|enum|left out|useralert`},
		{`"severity":"Severe"`, `security_result.severity|severity|enum|left out|Severe`},
		{`"ccl":"superb"`, `security_result.confidence|ccl|enum|left out|superb`},
		{`"ja3":"xyz"`, `network.tls.client.ja3|ja3|hash|left out|xyz`},
		{`"md5":"d41d8cd98f00b204e9800998ecf8427"`, `target.file.md5|md5|hash|kept|d41d8cd98f00b204e9800998ecf8427`},
		{`"sha256":"00112233445566778899aabbccddeeff"`,
			`target.file.sha256|sha256|hash|kept|00112233445566778899aabbccddeeff`},
		{`"from_user":"a@b@example.com"`, `network.email.from|from_user|email|kept|a@b@example.com`},
		{`"shared_with":"Anna <anna@example.com>"`, `network.email.to|shared_with|email|kept|Anna <anna@example.com>`},
		{`"count":[1]`, `additional.fields[count]|count|type|left out|[1]`},
	} {
		event := mapText(t, `{"_id":"i1","timestamp":1,`+test.fields+`}`)
		var got []string
		for _, f := range event.Findings() {
			if f.Alert != "i1" || f.Why == "" {
				t.Errorf("%s: %+v", test.fields, f)
			}
			got = append(got, strings.Join(of(f.Path, f.Field, string(f.Rule), f.Effect.String(), f.Value), "|"))
		}
		if !slices.Contains(got, test.want) {
			t.Errorf("%s: %q, want %s", test.fields, got, test.want)
		}
		if !event.Valid() {
			t.Errorf("%s: the event is invalid", test.fields)
		}
	}
}

// TestNoFindings: values that are odd, but in order.
func TestNoFindings(t *testing.T) {
	for _, fields := range of(`"md5":"Not available"`, `"ja3s":"NotAvailable"`, `"ja3":"not available"`,
		`"browser":"unknown"`, `"file_type":"UNKNOWN"`, `"os":"unknown"`,
		`"user":"anna"`, `"shared_with":"anyone"`, `"srcip":""`, `"srcip":[]`, `"app":null`, `"user":{}`,
		`"protocol":"HTTPS/1.1"`, `"ip_protocol":"6"`,
		`"severity":"unknown"`, `"ccl":"unknown"`, `"dsthost":"192.0.2.1"`, `"srcport":0`, `"file_size":0`,
		`"src_latitude":-90`, `"src_longitude":180`,
		`"hostname":"h","Host":["shadowed"]`, `"severity":"High","malware_severity":"shadowed"`) {
		event := mapText(t, `{"_id":"i1","timestamp":1,`+fields+`}`)
		if found := event.Findings(); len(found) > 0 {
			t.Errorf("%s: %v", fields, found)
		}
	}
}

func TestTime(t *testing.T) {
	for raw, want := range map[string]string{
		`1793448000`:                  "2026-10-31T12:00:00Z",
		`"1793448000"`:                "2026-10-31T12:00:00Z",
		`1793448000.250`:              "2026-10-31T12:00:00.25Z",
		`1793448000123`:               "2026-10-31T12:00:00.123Z",
		`1793448000123456`:            "2026-10-31T12:00:00.123456Z",
		`99999999999`:                 "5138-11-16T09:46:39Z",
		`100000000000`:                "1973-03-03T09:46:40Z",
		`99999999999999`:              "5138-11-16T09:46:39.999Z",
		`100000000000000`:             "1973-03-03T09:46:40Z",
		`0`:                           "",
		`1793448000123456789`:         "2026-10-31T12:00:00.123456789Z",
		`"2026-10-31T14:00:00+02:00"`: "2026-10-31T12:00:00Z",
		`"2026-10-31 12:00:00"`:       "2026-10-31T12:00:00Z",
		`"2026-10-31T12:00:00"`:       "2026-10-31T12:00:00Z",
		`"2026-10-31T12:00:00+0000"`:  "2026-10-31T12:00:00Z",
		`"Sat Oct 31 12:00:00 2026"`:  "2026-10-31T12:00:00Z",
		`"yesterday"`:                 "",
		`100000000000000000`:          "1973-03-03T09:46:40Z",
		`-1`:                          "",
		`1.7e9`:                       "2023-11-14T22:13:20Z",
		`"17.1x"`:                     "",
		`"0000-12-31T00:00:00Z"`:      "",
		`true`:                        "",
		`null`:                        "",
	} {
		event := mapText(t, `{"_id":"i","timestamp":`+raw+`}`)
		got := strings.Join(event.Get("metadata.event_timestamp"), " ")
		if got != want || event.Valid() != (want != "") {
			t.Errorf("%s: %q, valid %t; want %q", raw, got, event.Valid(), want)
		}
	}
}

func TestMissingIDIsFound(t *testing.T) {
	event := mapText(t, `{"timestamp":1}`)
	if f := event.Findings(); len(f) != 1 || f[0].Rule != RuleID || f[0].Alert != "" || !event.Valid() {
		t.Errorf("findings %v", f)
	}
	if id := mapText(t, `{"_id":9007199254740993}`).ID(); id != "9007199254740993" {
		t.Errorf("id %s", id)
	}
	if id := mapText(t, `{"_id":"","Id":"b"}`).ID(); id != "b" {
		t.Errorf("id %s", id)
	}
}

// TestViolated tries the schema's forms on values that no transformation lets through.
func TestViolated(t *testing.T) {
	for _, test := range []struct {
		path, bad string
		rule      Rule
	}{
		{"metadata.event_type", "NETWORK", RuleEnum},
		{"principal.platform", "windows", RuleEnum},
		{"target.file.size", "01", RuleType},
		{"target.file.size", "18446744073709551616", RuleType},
		{"target.port", "65536", RuleType},
		{"principal.location.region_latitude", "north", RuleType},
		{"metadata.event_timestamp", "2026-10-31T14:00:00+02:00", RuleTime},
		{"target.ip", "x", RuleIP},
		{"network.email.to", "a", RuleEmail},
	} {
		f := &schema[slotOf(test.path)]
		if rule, why := f.violated(test.bad); rule != test.rule || why == "" {
			t.Errorf("%s %q: %q %q, want %s", test.path, test.bad, rule, why, test.rule)
		}
	}
}
