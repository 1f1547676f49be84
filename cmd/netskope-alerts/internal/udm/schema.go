package udm

import "slices"

// form is what a value at a UDM path must look like.
type form uint8

const (
	formString    form = iota
	formUint64         // decimal digits, up to 2^64-1
	formPort           // int32 in the schema, 0 to 65535 by meaning
	formLatitude       // double or float, -90 to 90
	formLongitude      // double or float, -180 to 180
	formTime           // RFC 3339
	formIP
	formEmail
	formMD5
	formSHA256
	formEnum
	formLabel  // {"key": row.key, "value": value}
	formMember // a member of a google.protobuf.Struct, named row.key
)

// field is one UDM field that the table writes.
type field struct {
	path     string
	form     form
	repeated bool
	enum     []string
}

// schema lists the fields that the table writes, in the order in which an event prints
// them, with the types of googleapis/googleapis backstory/udm.proto at commit
// 4493e83746ba55f9b207860af4967b2924461c09 (Apache-2.0). google.golang.org/genproto,
// which that file names as its Go package, does not publish it (seen of
// v0.0.0-20261026165753-2ffab32bce7e).
//
// parsed_user_agent is not in it: message Http reserves its number. The table's five
// rows for it are evaluated but withheld from the event.
var schema = []field{
	{path: "metadata.event_type", form: formEnum, enum: eventTypes},
	{path: "metadata.event_timestamp", form: formTime},
	{path: "metadata.vendor_name"},
	{path: "metadata.product_name"},
	{path: "metadata.product_event_type"},
	{path: "metadata.product_log_id"},
	{path: "additional.fields", form: formMember, repeated: true}, // in JSON the Struct is the object "additional"
	{path: "principal.hostname"},
	{path: "principal.asset.hostname"},
	{path: "principal.asset.ip", form: formIP, repeated: true},
	{path: "principal.ip", form: formIP, repeated: true},
	{path: "principal.port", form: formPort},
	{path: "principal.administrative_domain"},
	{path: "principal.platform", form: formEnum, enum: platforms},
	{path: "principal.platform_version"},
	{path: "principal.location.city"},
	{path: "principal.location.country_or_region"},
	{path: "principal.location.name"},
	{path: "principal.location.region_latitude", form: formLatitude},   // float, deprecated in the schema
	{path: "principal.location.region_longitude", form: formLongitude}, // float, deprecated in the schema
	{path: "principal.location.region_coordinates.latitude", form: formLatitude},
	{path: "principal.location.region_coordinates.longitude", form: formLongitude},
	{path: "principal.resource.type"}, // deprecated in the schema for the enum resource_type
	{path: "principal.resource.resource_subtype"},
	{path: "principal.resource.attribute.labels", form: formLabel, repeated: true},
	{path: "principal.user.userid"},
	{path: "principal.user.email_addresses", form: formEmail, repeated: true},
	{path: "target.application"},
	{path: "target.hostname"},
	{path: "target.asset.hostname"},
	{path: "target.asset.ip", form: formIP, repeated: true},
	{path: "target.ip", form: formIP, repeated: true},
	{path: "target.port", form: formPort},
	{path: "target.url"},
	{path: "target.location.city"},
	{path: "target.location.country_or_region"},
	{path: "target.location.name"},
	{path: "target.location.region_coordinates.latitude", form: formLatitude},
	{path: "target.location.region_coordinates.longitude", form: formLongitude},
	{path: "target.file.full_path"},
	{path: "target.file.md5", form: formMD5},
	{path: "target.file.sha256", form: formSHA256},
	{path: "target.file.size", form: formUint64},
	{path: "target.file.mime_type"},
	{path: "target.resource.attribute.labels", form: formLabel, repeated: true},
	{path: "target.user.userid"},
	{path: "target.user.email_addresses", form: formEmail, repeated: true},
	{path: "network.application_protocol", form: formEnum, enum: applicationProtocols},
	{path: "network.ip_protocol", form: formEnum, enum: ipProtocols},
	{path: "network.sent_bytes", form: formUint64},
	{path: "network.received_bytes", form: formUint64},
	{path: "network.session_id"},
	{path: "network.email.from", form: formEmail},
	{path: "network.email.to", form: formEmail, repeated: true},
	{path: "network.http.user_agent"},
	{path: "network.http.referral_url"},
	{path: "network.tls.client.ja3", form: formMD5},
	{path: "network.tls.server.ja3s", form: formMD5},
	{path: "observer.hostname"},
	{path: "security_result.action", form: formEnum, repeated: true, enum: actions},
	{path: "security_result.action_details"},
	{path: "security_result.alert_state", form: formEnum, enum: alertStates},
	{path: "security_result.category_details", repeated: true},
	{path: "security_result.description"},
	{path: "security_result.summary"},
	{path: "security_result.rule_name"},
	{path: "security_result.rule_type"},
	{path: "security_result.threat_id"},
	{path: "security_result.threat_name"},
	{path: "security_result.severity", form: formEnum, enum: severities},
	{path: "security_result.severity_details"},
	{path: "security_result.confidence", form: formEnum, enum: confidences},
	{path: "security_result.confidence_details"},
	{path: "security_result.detection_fields", form: formLabel, repeated: true},
	{path: "extensions.auth.type", form: formEnum, enum: authTypes},
	{path: "extensions.auth.auth_details"},
}

// slotOf is the index of a path in schema, or -1.
func slotOf(path string) int {
	return slices.IndexFunc(schema, func(f field) bool { return f.path == path })
}

// The members of the enums that are written here. Of Metadata.EventType only those
// that the table assigns.
var (
	eventTypes = []string{"GENERIC_EVENT", "USER_LOGIN", "USER_UNCATEGORIZED", "EMAIL_UNCATEGORIZED",
		"NETWORK_HTTP", "NETWORK_CONNECTION", "STATUS_UPDATE"}
	platforms = []string{"UNKNOWN_PLATFORM", "WINDOWS", "MAC", "LINUX", "GCP", "AWS", "AZURE", "IOS", "ANDROID",
		"CHROME_OS"}
	authTypes = []string{"AUTHTYPE_UNSPECIFIED", "MACHINE", "SSO", "VPN", "PHYSICAL", "TACACS"}
	actions   = []string{"UNKNOWN_ACTION", "ALLOW", "BLOCK", "ALLOW_WITH_MODIFICATION", "QUARANTINE", "FAIL",
		"CHALLENGE"}
	severities  = []string{"UNKNOWN_SEVERITY", "INFORMATIONAL", "ERROR", "NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	confidences = []string{"UNKNOWN_CONFIDENCE", "LOW_CONFIDENCE", "MEDIUM_CONFIDENCE", "HIGH_CONFIDENCE"}
	alertStates = []string{"UNSPECIFIED", "NOT_ALERTING", "ALERTING"}
	ipProtocols = []string{"UNKNOWN_IP_PROTOCOL", "ICMP", "IGMP", "TCP", "UDP", "IP6IN4", "GRE", "ESP", "ICMP6",
		"EIGRP", "ETHERIP", "PIM", "VRRP", "SCTP"}
	// ipProtocolNumbers are the schema's numbers of ipProtocols, which are IANA's.
	ipProtocolNumbers = []string{"0", "1", "2", "6", "17", "41", "47", "50", "58", "88", "97", "103", "112", "132"}

	applicationProtocols = []string{"UNKNOWN_APPLICATION_PROTOCOL", "AFP", "APPC", "AMQP", "ATOM", "BEEP", "BITCOIN",
		"BIT_TORRENT", "CFDP", "CIP", "COAP", "COTP", "DCERPC", "DDS", "DEVICE_NET", "DHCP", "DICOM", "DNP3", "DNS",
		"E_DONKEY", "ENRP", "FAST_TRACK", "FINGER", "FREENET", "FTAM", "GOOSE", "GOPHER", "GRPC", "HL7", "H323", "HTTP",
		"HTTPS", "IEC104", "IRCP", "KADEMLIA", "KRB5", "LDAP", "LPD", "MIME", "MMS", "MODBUS", "MQTT", "NETCONF", "NFS",
		"NIS", "NNTP", "NTCIP", "NTP", "OSCAR", "PNRP", "PTP", "QUIC", "RDP", "RELP", "RIP", "RLOGIN", "RPC", "RTMP",
		"RTP", "RTPS", "RTSP", "SAP", "SDP", "SIP", "SLP", "SMB", "SMTP", "SNMP", "SNTP", "SSH", "SSMS", "STYX", "SV",
		"TCAP", "TDS", "TOR", "TSP", "VTP", "WHOIS", "WEB_DAV", "X400", "X500", "XMPP", "FTP"}
)
