package udm

import "slices"

// alertV2Rows are the rows of NETSKOPE_ALERT_V2, as alertRows writes them: what stands on
// Google's page, what its change log adds, and what is chosen here, each by itself.
var alertV2Rows = slices.Concat(alertV2Page, alertV2Changes, alertV2Chosen)

// alertV2Page is the table of Google's page "Collect Netskope alert logs v2" in its order,
// each pair of a field and its UDM field a row. It was made from what the parser did with one
// sample: it lists what that sample has.
var alertV2Page = []row{
	{n: 1, log: "_id", how: asText, path: "metadata.product_log_id"},
	{n: 2, log: "type", how: asText, path: "metadata.product_event_type"},
	{n: 3, log: "N/A", how: the("NETSKOPE_ALERT_V2"), path: "metadata.vendor_name"},
	{n: 4, log: "N/A", how: the("NETSKOPE_ALERT_V2"), path: "metadata.product_name"},
	{n: 5, log: "timestamp", how: asTime, path: "metadata.event_timestamp", rank: 1, note: "B1"},
	{n: 6, log: "N/A", from: of("hostname", "srcip"), how: decided, path: "metadata.event_type", note: "B2"},
	{n: 7, log: "access_method", how: asText, path: "extensions.auth.auth_details"},
	{n: 8, log: "action", how: asAction, path: "security_result.action", note: "B3"},
	{n: 9, log: "action", how: asText, path: "security_result.action_details"},
	{n: 10, log: "app", how: asText, path: "target.application"},
	{n: 11, log: "appcategory", how: asText, path: "security_result.category_details"},
	{n: 12, log: "browser", how: asText, path: "network.http.user_agent"},
	{n: 13, log: "browser_session_id", how: asText, path: "network.session_id"},
	{n: 14, log: "browser_version", how: withheldText, path: "network.http.parsed_user_agent.browser_version",
		note: "B4"},
	{n: 15, log: "ccl", how: asText, path: "security_result.confidence_details"},
	{n: 16, log: "device", how: asText, path: "principal.resource.resource_subtype"},
	{n: 17, log: "device", how: the("DEVICE"), path: "principal.resource.type", note: "B6"},
	{n: 18, log: "dst_country", how: asText, path: "target.location.country_or_region"},
	{n: 19, log: "dst_region", how: asText, path: "target.location.name"},
	{n: 20, log: "dst_latitude", how: asNumber, path: "target.location.region_coordinates.latitude"},
	{n: 21, log: "dst_longitude", how: asNumber, path: "target.location.region_coordinates.longitude"},
	{n: 22, log: "dstip", how: asIP, path: "target.ip"},
	{n: 23, log: "dstip", how: asIP, path: "target.asset.ip"},
	{n: 24, log: "object_type", how: asText, path: "additional.fields", key: "object_type"},
	{n: 25, log: "site", how: asText, path: "additional.fields", key: "site"},
	{n: 26, log: "organization_unit", how: asText, path: "principal.administrative_domain"},
	{n: 27, log: "os", how: asPlatform, path: "principal.platform", note: "B7"},
	{n: 28, log: "policy", how: asText, path: "security_result.summary"},
	{n: 29, log: "src_country", how: asText, path: "principal.location.country_or_region"},
	{n: 30, log: "src_region", how: asText, path: "principal.location.name"},
	{n: 31, log: "src_latitude", how: asNumber, path: "principal.location.region_coordinates.latitude"},
	{n: 32, log: "src_longitude", how: asNumber, path: "principal.location.region_coordinates.longitude"},
	{n: 33, log: "srcip", how: asIP, path: "principal.ip"},
	{n: 34, log: "srcip", how: asIP, path: "principal.asset.ip"},
	{n: 35, log: "ur_normalized", how: asText, path: "principal.user.email_addresses", rank: 1, note: "B8"},
	{n: 36, log: "user", how: asText, path: "principal.user.email_addresses", rank: 2, note: "B8"},
	{n: 37, log: "url", how: asText, path: "target.url"},
}

// alertV2Changes are the fields that the parser's change log names and the page does not.
// Its entry of 2025-08-03 is left out: it is about incidents, which no stream has.
var alertV2Changes = []row{
	{part: 1, since: "2025-08-06", log: "TSS-scan", how: asText, path: "additional.fields", key: "TSS-scan",
		note: "B9"},
	{part: 2, since: "2025-08-06", log: "file_id", how: asText, path: "additional.fields", key: "file_id", note: "B9"},
	{part: 3, since: "2025-08-06", log: "ml_detection", how: asText, path: "additional.fields", key: "ml_detection",
		note: "B9"},
	{part: 4, since: "2025-08-06", log: "scanner_result", how: asText, path: "additional.fields",
		key: "scanner_result", note: "B9"},
	{part: 5, since: "2025-08-06", log: "title", how: asText, path: "additional.fields", key: "title", note: "B9"},
	{part: 6, since: "2025-08-06", log: "tss_mode", how: asText, path: "additional.fields", key: "tss_mode",
		note: "B9"},
	{part: 7, since: "2025-08-06", log: "device_classification", how: asText,
		path: "principal.resource.attribute.labels", key: "device_classification", note: "B9"},
	{part: 8, since: "2025-08-06", log: "detection_engine", how: asText, path: "security_result.detection_fields",
		key: "detection_engine", note: "B9"},
	{part: 9, since: "2025-08-06", log: "malware_profile", how: asText, path: "security_result.detection_fields",
		key: "malware_profile", note: "B9"},
	{part: 10, since: "2025-08-06", log: "malware_type", how: asText, path: "security_result.detection_fields",
		key: "malware_type", note: "B9"},
	{part: 11, since: "2025-08-06", log: "severity_id", how: asText, path: "security_result.detection_fields",
		key: "severity_id", note: "B9"},
	{part: 12, since: "2025-08-06", log: "src_time", also: of("src_timezone"), how: asSourceTime,
		path: "metadata.event_timestamp", rank: 2, note: "B1"},
	{part: 13, since: "2026-06-04", log: "ccl", how: asCCLSeverity, path: "security_result.severity", note: "B5"},
	{part: 14, since: "2026-06-29", log: "supporting_data.data_values", how: asJoined, path: "additional.fields",
		key: "data_values", when: &beginsWithNoIP, note: "B10"},
	{part: 15, since: "2026-07-01", log: "domain", how: asText, path: "target.hostname", rank: 1, note: "B12"},
	{part: 16, since: "2026-07-01", log: "domain", how: asText, path: "target.asset.hostname", rank: 1, note: "B12"},
	{part: 17, since: "2026-07-01", log: "dom", how: asText, path: "target.hostname", rank: 2, note: "B12"},
	{part: 18, since: "2026-07-01", log: "dom", how: asText, path: "target.asset.hostname", rank: 2, note: "B12"},
	{part: 19, since: "2026-07-01", log: "hostname", how: asText, path: "principal.hostname", note: "B11"},
	{part: 20, since: "2026-07-01", log: "hostname", how: asText, path: "principal.asset.hostname", note: "B11"},
}

// alertV2Chosen are the event types that an event needs where the page has none for it.
var alertV2Chosen = []row{
	{part: 1, log: "protocol", how: decided, path: "metadata.event_type", note: "B2"},
	{part: 2, log: "N/A", from: of("hostname", "srcip"), how: decided, path: "metadata.event_type", note: "B2"},
	{part: 3, log: "N/A", from: of("ur_normalized", "user"), how: decided, path: "metadata.event_type", note: "B2"},
	{part: 4, log: "N/A", how: decided, path: "metadata.event_type", note: "B2"},
}

// alertV2Claims are the ways to an event type, as alertClaims are.
var alertV2Claims = []claim{
	{"+1", "NETWORK_HTTP", "principal and target have a machine, protocol begins with HTTP", isHTTPBetweenMachines},
	{"6", "NETWORK_CONNECTION", "principal and target have a machine", isBetweenMachines},
	{"+2", "STATUS_UPDATE", "the principal has a machine", isOfMachine},
	{"+3", "USER_UNCATEGORIZED", "the principal has a user", isOfUser},
	{"+4", "GENERIC_EVENT", "no other fits", always},
}

// alertV2Notes explains the notes of alertV2Rows: where the page is silent, and the choice.
var alertV2Notes = map[string]string{
	"B1": "timestamp: the page's sample has epoch seconds. From 1e11 on milliseconds, from 1e14 on microseconds, " +
		"and RFC 3339 are read, too. The change log adds src_time in the zone of src_timezone, of which it names " +
		"four, without saying which goes first: timestamp does. " +
		"With neither there is no event_timestamp, and a finding; Google's parser then takes the time of parsing",
	"B2": "event type: the page has one, NETWORK_CONNECTION for principal and target with addresses and another " +
		"protocol than HTTP. A host name counts as an address here. The rest is as for NETSKOPE_ALERT: HTTP between " +
		"two machines (+1), one machine (+2), a user (+3), none (+4). " +
		"Logins and mail have no row, although the page's introduction mentions logins",
	"B3": "action: the page has alert, which becomes QUARANTINE. bypass, allow and block are read as for " +
		"NETSKOPE_ALERT. What is none of them is left out, with a finding; action_details has it as it is",
	"B4": "browser_version: the published schema reserves the field: withheld from the event, shown by Explain",
	"B5": "severity: the change log derives it from ccl, and takes high and excellent together; the members are " +
		"chosen as those of confidence for NETSKOPE_ALERT: HIGH, MEDIUM, and LOW for low and poor. " +
		"ccl rates the application, not the alert; the alert's own severity is in no row",
	"B6": "resource type: DEVICE whenever there is a device",
	"B7": "platform: the page's sample has Windows. mac and linux are searched for as for NETSKOPE_ALERT",
	"B8": "user: 'as it is', so that a user that is no e-mail address is in email_addresses, with a finding; " +
		"what both fields hold is there once",
	"B9": "keys: the change log names fields, not the keys of labels and of additional: the fields' names are taken",
	"B10": "supporting_data.data_values, of audit events: the values with commas between them. " +
		"Where the first is an IP address the change log leaves the list out, without saying where it goes",
	"B11": "hostname: no row of the page has it; the change log calls it the principal's, and since then it is no " +
		"longer the target's",
	"B12": "target host: domain, then dom; of the two the change log does not say which goes first",
}
