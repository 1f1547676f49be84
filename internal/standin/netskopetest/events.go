package netskopetest

import (
	"fmt"
	"strconv"
	"time"
)

// Streams are the names of the tenant's streams, as the last part of their paths: alert, and those
// that [Server.Events] may have.
func Streams() []string {
	return []string{"alert", "application", "audit", "infrastructure", "network", "page"}
}

// The lateness of each kind of event is that of the recorded one of its kind.
var (
	tunnelled = lateness(5, 12)      // 7 s: private access
	audited   = lateness(300, 300)   // always 300 s
	measured  = lateness(20, 90)     // a node's report; no recording says how late
	closed    = lateness(1510, 3785) // a page's timestamp is the connection's start
)

// families are the kinds of records of each stream, the commonest first.
func familiesOf(stream string) []family {
	event := func(weight int, late lateBy, groups ...func(*record)) family {
		return family{weight: weight, late: late, groups: groups, event: true}
	}
	switch stream {
	case "", "alert":
		return families
	case "application":
		return []family{
			event(8, inline, (*record).application, (*record).source, (*record).destination, (*record).session),
			event(2, polled, (*record).application, (*record).object, (*record).share),
			event(1, relayed, (*record).application, (*record).source, (*record).login),
		}
	case "audit":
		return []family{event(1, audited, (*record).administration)}
	case "infrastructure":
		return []family{event(1, measured, (*record).metric)}
	case "network":
		return []family{event(1, tunnelled, (*record).tunnel, (*record).source, (*record).destination)}
	case "page":
		return []family{
			event(4, closed, (*record).connection, (*record).source, (*record).destination, (*record).session),
			event(1, relayed, (*record).connection, (*record).bypass, (*record).source, (*record).destination),
		}
	}
	panic(fmt.Sprintf("netskopetest: there is no stream %q", stream))
}

// application is what a person did in a cloud application.
func (rec *record) application() {
	rec.text("type", "nspolicy")
	rec.text("alert", "no")
	rec.traffic()
	rec.number("numbytes", rec.r.Int64N(1<<30))
	rec.raw("object", rec.choose(titles...))
	rec.text("from_user_category", rec.choose("Internal", "External"))
	rec.text("universal_connector", "no")
}

// share is what an API connector met in a SaaS application.
func (rec *record) share() {
	rec.text("access_method", "API Connector")
	rec.text("audit_category", rec.choose("access", "event_change", "acl_change"))
	rec.text("audit_type", rec.choose("view", "edit", "change_document_visibility"))
	rec.text("channel_id", "C"+hex(rec.r, 8))
	rec.text("to_user", rec.person())
	rec.text("workspace", "Exemple & Söhne")
	rec.text("workspace_id", "T"+hex(rec.r, 8))
}

// login is a person at the door of an application.
func (rec *record) login() {
	rec.text("activity", rec.choose("Login Successful", "Login Failed"))
	rec.text("logintype", rec.choose("SAML Sfdc Initiated SSO", "Remote Access 2.0"))
	rec.raw("loginurl", `"https:\/\/sso.example.com\/saml?acs=<1>"`)
	rec.text("oauth", rec.choose("Yes", "No"))
}

// administration is what an administrator did to the tenant.
func (rec *record) administration() {
	r := rec.r
	rec.text("type", "admin_audit_logs")
	rec.text("audit_log_event", rec.choose("Login Successful", "Logout Successful", "Edited policy",
		"Enabled REST API tokens", "Created \"Île-de-France\" profile"))
	rec.raw("supporting_data", fmt.Sprintf(`{"data_type":%s,"data_values":[%q,%q]}`,
		rec.choose(`"user"`, `"policy"`, `"admin"`), rec.address(), rec.person()))
	rec.oneOf("details", `[]`, `[{"modify_type":"Edited","name":"Watch list <7>","type":"Policy"}]`, `null`)
	rec.oneOf("severity_level", `2`, `1`, `"med"`)
	rec.text("organization_unit", "")
	rec.text("ccl", "unknown")
	rec.oneOf("count", `1`, `1.0`)
	admin := rec.person()
	rec.text("user", admin)
	rec.text("ur_normalized", admin)
	rec.wide("appsession_id")
	rec.text("record_type", "audit")
	rec.text("sAMAccountName", "adm"+strconv.Itoa(r.IntN(99)))
}

// metric is what a node of the customer's own infrastructure measured of itself.
func (rec *record) metric() {
	rec.text("type", "infrastructure")
	rec.text("record_type", "infrastructure")
	rec.text("hostname", "appliance-"+hex(rec.r, 7))
	rec.text("serial", "FF"+hex(rec.r, 14))
	rec.text("metric_name", rec.choose("CPU_15min", "Memory_used", "Log_Process-5b"))
	rec.text("metric_type", rec.choose("gauge", "count", "boolean"))
	rec.text("package_version", "126.0.2.hotfix-appliance-46")
	rec.oneOf("metric_value", `"31.7696267853"`, `31.76962678530`, `1.10e2`)
	rec.wide("count_metric_value")
	rec.oneOf("boolean_metric_value", `"1"`, `true`)
	rec.oneOf("metric_true_count", `"1"`, `2`)
}

// tunnel is a session of private access.
func (rec *record) tunnel() {
	r := rec.r
	rec.text("type", "network")
	rec.text("record_type", "network")
	rec.text("access_method", "Client")
	rec.text("action", rec.choose("allow", "block"))
	rec.raw("app", rec.choose(`"[Intranet \/ Köln]"`, `"Example ERP"`))
	rec.text("appcategory", "Private Applications")
	rec.text("network_session_id", strconv.FormatUint(1<<63|r.Uint64()>>1, 10)) // beyond 63 bits, in quotes as recorded
	rec.text("dsthost", rec.choose("erp.example.com", "git.example.net"))
	rec.oneOf("dstport", `443`, `22`, `3389`)
	rec.number("srcport", 1024+r.Int64N(60_000))
	rec.text("ip_protocol", rec.choose("TCP", "UDP"))
	rec.text("protocol_port", "TCP:443")
	rec.number("client_bytes", r.Int64N(1<<32))
	rec.number("server_bytes", r.Int64N(1<<40))
	rec.number("client_packets", r.Int64N(1<<16))
	rec.number("server_packets", r.Int64N(1<<16))
	rec.number("numbytes", r.Int64N(1<<40))
	rec.text("flow_status", rec.choose("active", "closed"))
	rec.text("start_time", time.Unix(rec.event, 0).UTC().Format("2006-01-02T15:04:05")+"+0000")
	rec.text("end_time", time.Unix(rec.event+5, 0).UTC().Format("2006-01-02 15:04:05"))
	rec.number("session_duration", 5000)
	rec.oneOf("num_sessions", `1`, `"1"`)
	rec.text("publisher_cn", hex(r, 16))
	rec.text("publisher_name", rec.choose("PUB-01", "Nethub <US> - 782"))
	rec.text("publisher_ip", rec.address())
	rec.text("tunnel_id", strconv.Itoa(r.IntN(1<<29)))
	rec.text("tunnel_type", "NPA")
	rec.number("tunnel_up_time", r.Int64N(300_000))
	rec.text("traffic_type", "PrivateApp")
	rec.text("device", "Windows Device")
	rec.text("hostname", "DESKTOP-"+hex(r, 7))
	rec.text("os", "Windows 11")
	rec.text("organization_unit", `example.com/Vertrieb/Köln`)
	rec.text("policy", "Private apps")
	user := rec.person()
	for _, key := range []string{"user", "userkey", "ur_normalized"} {
		rec.text(key, user)
	}
}

// connection is a page that somebody looked at: the connection from its beginning to its end.
func (rec *record) connection() {
	r := rec.r
	rec.text("type", "page")
	rec.text("record_type", "page")
	rec.traffic()
	rec.number("conn_starttime", rec.event)
	duration := r.Int64N(900)
	rec.number("conn_duration", duration)
	rec.number("conn_endtime", rec.event+duration)
	rec.number("http_transaction_count", r.Int64N(400))
	rec.number("req_cnt", r.Int64N(400))
	rec.number("resp_cnt", r.Int64N(400))
	rec.number("resp_content_len", r.Int64N(1<<30))
	rec.text("resp_content_type", "text/html; charset=utf-8")
	rec.number("client_bytes", r.Int64N(1<<24))
	rec.number("server_bytes", r.Int64N(1<<32))
	rec.number("numbytes", r.Int64N(1<<32))
	rec.text("ssl_decrypt_policy", rec.choose("yes", "no"))
	rec.text("dynamic_classification", rec.choose("yes", "no"))
	rec.text("user_generated", "yes")
	rec.text("page", "files.example.net")
	rec.oneOf("risk_score", `93`, `""`)
}

// bypass is a connection that was not looked into.
func (rec *record) bypass() {
	rec.text("type", "connection")
	rec.text("bypass_traffic", "yes")
	rec.text("bypass_reason", "Steering Exception - Default tenant config")
	rec.text("action", "bypass")
	rec.wide("connection_id")
}
