package lint

import (
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
)

// rule names what lint found.
type rule string

// The rules, in the order of a summary.
const (
	ruleEmptyFolder  rule = "empty-folder"
	ruleForeign      rule = "foreign"
	ruleEncoding     rule = "content-encoding"
	ruleGzipName     rule = "gzip-name"
	ruleGzipTorn     rule = "gzip-torn"
	ruleGzipDamaged  rule = "gzip-damaged"
	ruleGzipTrailing rule = "gzip-trailing"
	ruleObjectSize   rule = "object-size"
	ruleLineSize     rule = "line-size"
	ruleBOM          rule = "bom"
	ruleEmptyLine    rule = "empty-line"
	ruleNUL          rule = "nul"
	ruleCR           rule = "carriage-return"
	ruleUTF8         rule = "utf-8"
	ruleJSON         rule = "json"
	ruleObject       rule = "not-object"
	ruleNoAlert      rule = "no-alert"
	ruleDuplicate    rule = "duplicate-id"
	ruleNewline      rule = "no-newline"
)

// flawRules are the rules that a flaw of an object breaks.
var flawRules = map[ndjson.FlawKind]rule{
	ndjson.Misnamed: ruleGzipName, ndjson.Torn: ruleGzipTorn, ndjson.Damaged: ruleGzipDamaged,
	ndjson.Trailing: ruleGzipTrailing,
}

// remedies say what to do about a finding. The sources are Google's pages "Use the Feed
// Management UI" (docs.cloud.google.com/chronicle/docs/administration/feed-management,
// 2026-04-14: line and file sizes, delimiters, compression, empty folder names) and, for
// Content-Encoding, "Transcoding of gzip-compressed files" (docs.cloud.google.com/storage/docs/transcoding).
// What a feed makes of a byte order mark, an empty line, NUL, a broken gzip member or an
// object with a Content-Encoding, Google does not say.
var remedies = append(formRemedies(), []remedy{
	{ruleEmptyFolder, "copy it to a name without //, without a slash at its begin, and delete this one: " +
		"Cloud Storage feeds do not work with empty folder names"},
	{ruleForeign,
		"move it out of the feed's folder: the feed takes every object below it for alerts, and may delete it"},
	{ruleEncoding, "clear it: gcloud storage objects update OBJECT --clear-content-encoding; " +
		"Cloud Storage unpacks such objects on the way, so that a reader meets other bytes than the name says"},
	{ruleGzipName, "copy it to a name that ends in .gz exactly if the content is gzip: a feed unpacks by the name"},
	{ruleGzipTorn, "upload it again, whole: a feed reports a corrupt file as FILE_FAILED"},
	{ruleGzipDamaged, "upload it again: a feed reports a corrupt file as FILE_FAILED"},
	{ruleGzipTrailing, "upload it again without what lies behind the gzip content"},
	{ruleObjectSize, "split it at a line: a feed takes JSON of 2 GB, and unpacks 10 GB, at most"},
	{ruleLineSize, "move the line out of the feed's folder, as the collector does with quarantine: " +
		"one over 4 MB fails the whole feed with MaxLogLineSize4MBExceeded"},
	{ruleBOM, "delete the first three bytes: to a JSON parser they are an error"},
	{ruleEmptyLine, "delete the line: it would be a log without content"},
	{ruleNUL, "delete the bytes, or write \\u0000 inside strings: JSON has no NUL"},
	{ruleCR, "write lines that end in \\n alone: a feed takes \\r\\n, too, but the collector writes none: " +
		"find out who wrote or changed the object"},
	{ruleUTF8, "write the text as UTF-8: JSON is nothing else (RFC 8259, 8.1)"},
	{ruleJSON, "write one JSON object, whole, on each line: " +
		"a line is a log, and the parser makes no event of a part of JSON"},
	{ruleObject, "write each alert as an object, {...}, without an array around them: " +
		"a line is a log, and the log type's parser reads objects"},
	{ruleNoAlert, "look at what wrote it, and take it out: it has none of the members by which an alert is known " +
		"(_id, timestamp, _insertion_epoch_timestamp, alert_type)"},
	{ruleDuplicate, "find out who delivered it twice: netskope-alerts find ID, and netskope-alerts verify; " +
		"SecOps does not remove duplicates"},
	{ruleNewline, "end the last line with a newline: it looks cut off, and what is appended would be glued to it"},
}...)

type remedy struct {
	rule rule
	do   string
}

// formRemedies are those of a content that is something else than lines of JSON: where one is
// met, nothing further is looked at.
func formRemedies() []remedy {
	all := make([]remedy, len(ndjson.Forms))
	for i, form := range ndjson.Forms {
		all[i] = remedy{rule(form.Name), form.Do}
	}
	return all
}

func remedyOf(of rule) string {
	for _, r := range remedies {
		if r.rule == of {
			return r.do
		}
	}
	return ""
}
