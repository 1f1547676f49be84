package netskopetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// record is an alert's JSON in the making. Values are JSON text from the
// start, so that every escape and digit is chosen here and not by an encoder.
type record struct {
	r               *rand.Rand
	id              string
	event, inserted int64
	family          *family
	fields          []field
}

type field struct{ key, value string }

func (rec *record) raw(key, value string)          { rec.fields = append(rec.fields, field{key, value}) }
func (rec *record) text(key, value string)         { rec.raw(key, quote(value)) }
func (rec *record) number(key string, value int64) { rec.raw(key, strconv.FormatInt(value, 10)) }

// oneOf sets a key to one of some JSON texts.
func (rec *record) oneOf(key string, values ...string) { rec.raw(key, rec.choose(values...)) }

func (rec *record) choose(values ...string) string { return values[rec.r.IntN(len(values))] }

// wide sets a key to a random integer that float64 cannot hold.
func (rec *record) wide(key string) string {
	n := strconv.FormatInt(1<<53+rec.r.Int64N(1<<63-1-1<<53)|1, 10)
	rec.raw(key, n)
	return n
}

func (rec *record) omit(key string) {
	rec.fields = slices.DeleteFunc(rec.fields, func(f field) bool { return f.key == key })
}

// print returns the fields as a compact object, ordered by key as Netskope
// prints them; where a key was set twice the later value holds.
func (rec *record) print() []byte {
	slices.SortStableFunc(rec.fields, func(a, b field) int { return cmp.Compare(a.key, b.key) })
	size := 2
	for _, f := range rec.fields {
		size += len(f.key) + len(f.value) + 4
	}
	out := append(make([]byte, 0, size), '{')
	for i, f := range rec.fields {
		if i+1 < len(rec.fields) && rec.fields[i+1].key == f.key {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, f.key...)
		out = append(out, '"', ':')
		out = append(out, f.value...)
	}
	return append(out, '}')
}

// fill sets the fields that all records share, those that all alerts do, then those of the
// family.
func (rec *record) fill() {
	rec.stored()
	if !rec.family.event {
		rec.text("type", "nspolicy")
		rec.text("alert", "yes")
		rec.text("alert_type", rec.family.alertType)
		rec.text("alert_name", rec.choose(
			"Block uploads", "Île-de-France – données personnelles", "Sharing <external> & public", "Watch list 7"))
		rec.traffic()
	}
	for _, group := range rec.family.groups {
		group(rec)
	}
}

// stored is what the tenant adds to every record.
func (rec *record) stored() {
	rec.fields = make([]field, 0, 120)
	r := rec.r
	rec.text("_id", rec.id)
	rec.number("_insertion_epoch_timestamp", rec.inserted)
	rec.number("_creation_timestamp", rec.inserted-min(rec.inserted-rec.event, 1))
	// Milliseconds, unlike the two above.
	rec.number("_ef_received_at", (rec.inserted-2)*1000+r.Int64N(1000))
	rec.number("_raw_event_inserted_at", (rec.inserted-1)*1000+r.Int64N(1000))
	rec.text("_category_id", strconv.Itoa(r.IntN(600)))
	rec.text("_correlation_id", uuid(r))
	rec.text("_event_id", uuid(r))
	rec.text("_forwarded_by", rec.choose("msg-relayer", "service-event-forwarder"))
	rec.text("_gef_src_dp", rec.choose("NL-AAA", "FR-PAR1", "US-SJC1", "IL-TLV1"))
	rec.text("_service_identifier", rec.choose("service-nsproxy", "service-introspection"))
	rec.number("timestamp", rec.event)
}

// traffic is what somebody did with an application, and where.
func (rec *record) traffic() {
	access := rec.choose("Client", "Secure Forwarder", "Client")
	activity := rec.choose("Browse", "Upload", "Download", "Post")
	if rec.family.connector {
		access, activity = "API Connector", rec.choose("Introspection Scan", "Login Successful", "Edit")
	}
	rec.text("access_method", access)
	rec.text("activity", activity)
	rec.text("acked", rec.choose("false", "false", "true"))
	rec.text("action", rec.choose("alert", "block", "useralert", "anomaly_detection"))
	app := rec.choose("Example Drive", "Example Mail", "Example Meetings", "Sample CRM", "Beispiel-Büro")
	rec.text("app", app)
	rec.text("appcategory", rec.choose("Collaboration", "Cloud Storage", "Webmail"))
	// The same key in several types, as recorded.
	rec.oneOf("category", `"Collaboration"`, `"Cloud Storage"`, `"Webmail"`, `12`)
	rec.oneOf("cci", `92`, `91`, `55`, `""`)
	rec.oneOf("ccl", `"excellent"`, `"medium"`, `"poor"`, `"unknown"`)
	rec.oneOf("count", `1`, `1`, `1`, `3`, `1.10`)
	rec.oneOf("instance", `"example.com"`, `"example.net"`, `null`)
	rec.text("instance_id", rec.choose("example.com", "example.net"))
	rec.oneOf("organization_unit", `""`, `"example.com\/Vertrieb\/Köln"`, `"example.com/Sales"`)
	rec.oneOf("other_categories", `[]`, `["Technology","Collaboration"]`, `[{"id":564,"name":"Technology"},{"id":8,"name":"Collaboration"}]`, `"Technology"`)
	rec.oneOf("site", quote(app), quote(app), quote(app), `40113`)
	rec.text("traffic_type", rec.choose("CloudApp", "Web"))
	user := rec.person()
	rec.text("user", user)
	rec.text("userkey", user)
	rec.text("ur_normalized", user)
	rec.text("netskope_pop", rec.choose("NL-AAA", "FR-PAR1", "US-SJC1"))
	rec.text("device", rec.choose("Windows Device", "Mac Device", "Other"))
	rec.text("os", rec.choose("Windows 11", "macOS", "unknown"))
	rec.text("browser", rec.choose("Native", "Firefox", "unknown"))
	rec.text("severity", rec.choose("Low", "Medium", "High", "unknown"))
	rec.text("policy", rec.choose("Block uploads", "Gdrive \"PII\"", "Watch list 7"))
	rec.wide("request_id")
}

// person returns an address in a domain reserved for examples.
func (rec *record) person() string {
	name := rec.choose("anna.beispiel", "jean.exemple", "sam.sample", "maria.ejemplo", "taro.rei", "o'neil+x")
	return fmt.Sprintf("%s%d@%s", name, rec.r.IntN(200), rec.choose("example.com", "example.net", "example.org"))
}

// address returns an address of the blocks reserved for documentation.
func (rec *record) address() string {
	if rec.r.IntN(12) == 0 {
		return fmt.Sprintf("2001:db8:%x::%x", rec.r.IntN(1<<16), 1+rec.r.IntN(1<<16-1))
	}
	return rec.choose("192.0.2.", "198.51.100.", "203.0.113.") + strconv.Itoa(1+rec.r.IntN(254))
}

func (rec *record) place(side string) {
	p := places[rec.r.IntN(len(places))]
	rec.text(side+"_country", p.country)
	rec.raw(side+"_location", p.location)
	rec.raw(side+"_region", p.region)
	rec.raw(side+"_timezone", p.timezone)
	rec.oneOf(side+"_latitude", p.latitude, p.latitude, `48`, `""`)
	rec.oneOf(side+"_longitude", p.longitude, p.longitude, `2`, `""`)
	rec.oneOf(side+"_zipcode", `"N/A"`, `"75001"`, `75001`, `"N\/A"`)
	rec.text(side+"ip", rec.address())
}

// places are JSON texts; the digits of the coordinates are those that a
// double goes through badly.
var places = []struct{ country, location, region, timezone, latitude, longitude string }{
	{"FR", `"Paris"`, `"Île-de-France"`, `"Europe\/Paris"`, `48.10`, `2.350`},
	{"DE", `"M\u00fcnchen"`, `"Bavaria"`, `"Europe/Berlin"`, `48.137199999999999`, `11.5755`},
	{"US", `"Mountain View"`, `"California"`, `"America\/Los_Angeles"`, `37.405990600599999`, `-122.0785140991`},
	{"JP", `"東京"`, `"東京都"`, `"Asia/Tokyo"`, `35.68950`, `139.69171142578125`},
	{"IS", `"Reykjavík"`, `"N/A"`, `"Atlantic/Reykjavik"`, `64.0`, `-2.1e1`},
}

func (rec *record) source() { rec.place("src") }

// destination is not always resolved.
func (rec *record) destination() {
	if rec.r.IntN(4) > 0 {
		rec.place("dst")
	}
}

func hex(r *rand.Rand, n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	var bits uint64
	for i := range b {
		if i%16 == 0 {
			bits = r.Uint64()
		}
		b[i] = digits[bits&15]
		bits >>= 4
	}
	return string(b)
}

func uuid(r *rand.Rand) string {
	h := hex(r, 32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// clock prints a time as src_time does.
func clock(second int64) string { return time.Unix(second, 0).UTC().Format(time.ANSIC) }
