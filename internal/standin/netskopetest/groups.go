package netskopetest

import (
	"fmt"
	"strconv"
	"time"
)

// The groups below are the fields that alerts of some families carry. Keys,
// types and the look of the values follow recorded alerts; every person,
// domain and address is of those reserved for examples.

// session is traffic seen inline, from a client on a device.
func (rec *record) session() {
	r := rec.r
	rec.text("_appsession_start", "yes")
	rec.text("_category_name", "Collaboration")
	rec.raw("_category_tags", rec.choose(`[10001,564,8]`, `[564]`, `[]`))
	rec.oneOf("_session_begin", `"1"`, `1`, `"0"`)
	// The wall clock of the device, written as if it were UTC.
	rec.number("_src_epoch_now", rec.event+10800)
	rec.wide("browser_session_id")
	rec.wide("connection_id")
	rec.text("device_classification", rec.choose("unmanaged", "managed"))
	domain := rec.choose("files.example.net", "mail.example.org", "config.meetings.example.com")
	rec.text("domain", domain)
	rec.text("page", domain)
	rec.oneOf("dstport", `443`, `443`, `8443`)
	rec.oneOf("port", `"443"`, `"443"`, `"8443"`)
	rec.text("hostname", "DESKTOP-"+hex(r, 7))
	transaction := rec.wide("transaction_id")
	rec.raw("incident_id", transaction)
	rec.text("managed_app", rec.choose("no", "yes"))
	rec.text("nsdeviceuid", uuid(r))
	rec.text("os_version", rec.choose("Windows 11", "14.5", "10.0"))
	rec.oneOf("policy_id", `"`+hex(r, 32)+` 2026-01-07 09:12:44.120338"`, strconv.Itoa(r.IntN(9999)))
	rec.text("protocol", rec.choose("HTTPS/1.1", "HTTPS/2"))
	path := rec.choose(`\/config\/v1\/sync?build=26.1&lang=fr`, `/s/Rapport%20n%C2%B01?x=1&y=<2>`, `/`)
	rec.raw("url", `"`+domain+path+`"`)
	rec.text("userip", rec.address())
	rec.wide("app_session_id")
	if r.IntN(3) == 0 {
		rec.client()
	}
}

// client is what only some clients report; the sparse shape leaves it out for
// the others.
func (rec *record) client() {
	r := rec.r
	rec.number("_content_version", rec.inserted-60000)
	rec.text("_nshostname", fmt.Sprintf("dppool%d-%d-egress", r.IntN(9), r.IntN(9)))
	rec.text("_skip_geoip_lookup", "yes")
	rec.text("appsuite", rec.choose("Example Suite", ""))
	rec.text("ja3", hex(r, 32))
	rec.text("ja3s", rec.choose("NotAvailable", hex(r, 32)))
	rec.text("managementID", "")
	rec.text("notify_template", "block_page.html")
	rec.text("page_site", "Example Drive")
	rec.text("src_time", clock(rec.event+10800))
	rec.text("telemetry_app", "")
	rec.text("useragent", rec.choose("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "ExampleSync/26.1"))
}

// titles are the JSON texts that break collectors: a line separator as it is,
// an emoji cut in half, solidi escaped and not, quotes and markup.
var titles = []string{
	`"Rapport n°1 – Île-de-France.xlsx"`,
	"\"Quartal \u2028 2026.docx\"",
	`"party \ud83d.png"`,
	`"\udc00 rest of an emoji"`,
	`"party \ud83c\udf89.png"`,
	`"a\/b\/c <script>alert(\"&amp;\")<\/script>.html"`,
	`"two\nlines\tand \\n"`,
	`"報告書.pdf"`,
	`"budget.csv"`, `"notes.txt"`, `"plan.docx"`, `"invoice 17.pdf"`,
}

// object is a file that an API connector or the software on a device looked at.
func (rec *record) object() {
	r := rec.r
	title := rec.choose(titles...)
	for _, key := range []string{"object", "title", "suppression_key"} {
		rec.raw(key, title)
	}
	rec.text("object_id", hex(r, 44))
	rec.text("object_type", "File")
	rec.text("file_lang", rec.choose("ENGLISH", "FRENCH", "Unknown"))
	rec.raw("file_path", `"ORPHAN\/`+title[1:])
	rec.number("file_size", r.Int64N(1<<32))
	mime := rec.choose(`"application\/vnd.oasis.opendocument.spreadsheet"`, `"application/pdf"`, `"text\/plain"`)
	rec.raw("file_type", mime)
	rec.raw("mime_type", mime)
	rec.oneOf("file_cls_encrypted", `true`, `false`, `"no"`)
	rec.text("md5", hex(r, 32))
	rec.text("sha256", hex(r, 64))
	rec.number("modified", rec.event-r.Int64N(86400))
	rec.text("owner", rec.person())
	rec.text("exposure", rec.choose("anyone_with_link", "internally_shared", "private"))
	rec.text("from_user", rec.person())
	rec.text("shared_with", rec.person()+","+rec.person())
	rec.text("scan_type", rec.choose("Ongoing", "Retroactive"))
	rec.number("internal_collaborator_count", r.Int64N(30))
	rec.number("total_collaborator_count", r.Int64N(60))
	rec.number("outer_doc_type", r.Int64N(400))
	rec.text("true_obj_category", rec.choose("Spreadsheet", "Word Processor", "Image"))
	rec.text("true_obj_type", rec.choose("OpenDocument Spreadsheet", "PDF 1.7", "Plain text"))
	rec.text("user_id", rec.person())
	rec.raw("url", `"https:\/\/files.example.net\/open?id=`+hex(r, 44)+`&usp=drive"`)
	rec.text("src_timezone", "N/A")
}

// leak is a DLP finding.
func (rec *record) leak() {
	r := rec.r
	rec.raw("dlp_file", rec.choose(titles...))
	incident := rec.wide("dlp_incident_id")
	rec.raw("dlp_parent_id", incident)
	rec.text("dlp_is_unique_count", "true")
	rec.text("dlp_profile", "Best practice PII <fr> & <de>")
	rec.text("dlp_rule", "Name-near-IBAN")
	rec.number("dlp_rule_count", r.Int64N(99))
	rec.number("dlp_unique_count", r.Int64N(99))
	rec.text("dlp_rule_severity", rec.choose("Low", "Medium", "High"))
	rec.raw("dlp_match_info", `[{"dlp_action":"alert","dlp_profile_name":"PII","dlp_rules":[{"dlp_rule_name":"Name-near-IBAN","dlp_rule_score":1.10,"dlp_incident_rule_count":`+
		strconv.Itoa(r.IntN(99))+`}]}]`)
}

// site is a visit to a malicious site.
func (rec *record) site() {
	rec.raw("malsite_category", rec.choose(`["Phishing"]`, `["Malware Distribution","Botnets"]`))
	rec.text("malsite_id", hex(rec.r, 32))
	rec.text("malsite_ip_host", rec.address())
	rec.number("malsite_first_seen", rec.event-86400*30)
	rec.text("malsite_reputation", "10")
	rec.text("malicious", "yes")
	rec.oneOf("severity_level", `1`, `3`, `"med"`)
	rec.number("severity_level_id", 3)
	rec.text("threat_match_field", "domain")
	rec.text("threat_source_id", "1")
}

// infection is malware in a file.
func (rec *record) infection() {
	r := rec.r
	rec.text("malware_id", hex(r, 32))
	rec.text("malware_name", rec.choose("Test.File.EICAR", "Gen:Example.Trojan.7"))
	rec.text("malware_type", rec.choose("Virus", "Trojan"))
	rec.text("malware_profile", "Default Malware Scan")
	rec.text("malware_severity", "high")
	rec.text("detection_engine", "Example AV")
	rec.text("detection_type", "Malware")
	rec.text("local_md5", hex(r, 32))
	rec.text("local_sha256", hex(r, 64))
	rec.oneOf("severity_level", `"high"`, `3`)
	rec.raw("file_name", rec.choose(titles...))
	rec.text("tss_mode", "inline")
}

// intrusion is a signature that matched in the traffic.
func (rec *record) intrusion() {
	rec.wide("signature_id")
	rec.text("signature_name", rec.choose("Example beacon over DNS", "CVE-0000-0000 attempt"))
	rec.text("threat_type", rec.choose("c2", "exploit", "dga"))
	rec.oneOf("severity_level", `"crit"`, `1`)
	rec.text("direction", rec.choose("client-to-server", "server-to-client"))
	rec.text("cve", "CVE-0000-0000")
	id := strconv.Itoa(rec.r.IntN(99999))
	rec.raw("profile_hits", `[{"profile":"IPS <default>","rules":[{"id":`+id+`,"score":0.90}]}]`)
}

// endpoint is an alert raised on a device.
func (rec *record) endpoint() {
	rec.text("hostname", "DESKTOP-"+hex(rec.r, 7))
	rec.text("nsdeviceuid", uuid(rec.r))
	rec.text("device_sn", hex(rec.r, 12))
	rec.text("device_type", rec.choose("USB Storage", "Printer"))
	rec.text("product_id", "0x"+hex(rec.r, 4))
	rec.text("vendor_id", "0x"+hex(rec.r, 4))
}

// anomaly is a verdict of a behavioural model.
func (rec *record) anomaly() {
	r := rec.r
	rec.text("alert_id", hex(r, 24))
	rec.text("anomaly_type", rec.choose("user_shared_credentials", "proximity", "rare_event"))
	rec.raw("anomalyData", fmt.Sprintf(`{"_t":"CategoricalModeling","binCount":6,"convergenceFactor":0.9863013699,`+
		`"featureValue":%q,"histo":[{"bin":%q,"count":205},{"bin":%q,"count":30},{"bin":%q,"count":1.0}],"modelId":%q,`+
		`"observationCount":0,"percentileThresholdCount":6,"probability":1.10e-2,"sampleCount":%d,"scope":"User"}`,
		rec.address(), rec.address(), rec.address(), rec.address(), hex(r, 24), r.IntN(999)))
	rec.text("createdTime", time.Unix(rec.event, 0).UTC().Format("2006-01-02 15:04:05")+".321000")
	rec.text("event_type", "alert")
	rec.number("score", r.Int64N(100))
	rec.number("src_geoip_src", 2)
	rec.number("windowId", rec.event/86400*86400*1000)
	rec.raw("custom_attr", `{"department":"Ventes & Marketing","manager":null}`)
}

// breach is a password found in a published leak.
func (rec *record) breach() {
	rec.text("breach_id", hex(rec.r, 32))
	rec.number("breach_date", rec.event-86400*200)
	rec.text("breach_description", "Usernames & hashes of <example.org> were published.\nReset the password.")
	rec.text("breach_score", "50")
	rec.text("breach_media_references", "")
	rec.text("breach_target_references", "https://breaches.example.org/2026?id=7&lang=en")
	rec.text("email_source", "watchlist")
	rec.text("matched_username", rec.person())
	rec.text("external_email", "no")
	rec.text("password_type", "hash")
}

// posture is a rule of a Security Assessment that a cloud resource broke.
func (rec *record) posture() {
	r := rec.r
	rec.text("account_id", strconv.Itoa(100000000000+r.IntN(899999999999)))
	rec.text("account_name", "Example Production")
	rec.text("asset_id", hex(r, 32))
	rec.text("asset_object_id", "i-"+hex(r, 17))
	rec.raw("compliance_standards", `[{"control":"1.1","description":"Avoid the use of the \"root\" account","id":601,"section":"IAM","standard":"CIS","version":"1.2.0"},{"control":"2.4.10","id":1299,"standard":"ISO","version":"2013"}]`)
	rec.raw("iaas_asset_tags", `[{"name":"Name","value":"web & app"},{"name":"team","value":"équipe-7"}]`)
	rec.text("iaas_remediated", "no")
	rec.text("region_id", "eu-west-3")
	rec.text("region_name", "EU (Paris)")
	rec.text("resource_category", "Compute")
	rec.text("resource_group", "")
	rec.text("sa_profile_name", "CIS Foundations")
	rec.number("sa_profile_id", r.Int64N(99))
	rec.text("sa_rule_name", "Logging: no object logging on public buckets")
	rec.number("sa_rule_id", r.Int64N(999))
	rec.text("sa_rule_severity", rec.choose("Critical", "High"))
	rec.raw("sa_rule_remediation", `"<ol>\n<li>Sign in &amp; open the console at <a href=\"https:\/\/console.example.com\/\">https://console.example.com/<\/a>.<\/li>\n<li>Choose <b>Buckets<\/b> > <b>Properties<\/b>.<\/li>\n<li>Under 'Object-level logging' choose a trail, then <i>Save<\/i>.<\/li>\n<li>Repeat for each region.<\/li>\n<\/ol>\r\n<p>D\u00e9lai conseill\u00e9 : 1 jour ou moins.<\/p>"`)
	rec.text("scan_id", strconv.Itoa(r.IntN(1<<20)))
}
