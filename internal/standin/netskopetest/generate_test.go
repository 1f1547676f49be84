package netskopetest_test

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

var (
	dayStart = time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	dayEnd   = dayStart.AddDate(0, 0, 1)
)

func TestGenerateIsDeterministic(t *testing.T) {
	a := netskopetest.Generate(5, dayStart, dayEnd, 500)
	b := netskopetest.Generate(5, dayStart, dayEnd, 500)
	same := func(x, y netskopetest.Alert) bool {
		return x.ID == y.ID && x.Event.Equal(y.Event) && x.Inserted.Equal(y.Inserted) &&
			x.Visible.Equal(y.Visible) && bytes.Equal(x.JSON, y.JSON)
	}
	if !slices.EqualFunc(a, b, same) {
		t.Error("two runs with one seed differ")
	}
	c := netskopetest.Generate(6, dayStart, dayEnd, 500)
	if slices.ContainsFunc(c, func(x netskopetest.Alert) bool { return x.ID == a[0].ID }) || same(a[0], c[0]) {
		t.Error("two seeds gave the same alert")
	}
}

// keysOf returns the top-level keys in their order, repetitions included.
func keysOf(t *testing.T, record []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(record))
	var keys []string
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func TestGeneratedRecords(t *testing.T) {
	alerts := netskopetest.Generate(7, dayStart, dayEnd, 1000)
	ids := make(map[string]bool)
	hexID := regexp.MustCompile(`^[0-9a-f]{24}$`)
	total, keys := 0, 0
	types := make(map[string]int)
	for _, a := range alerts {
		if !json.Valid(a.JSON) || bytes.ContainsAny(a.JSON, "\n\r\t") {
			t.Fatalf("not one line of JSON: %s", a.JSON)
		}
		var r struct {
			ID       string `json:"_id"`
			Inserted int64  `json:"_insertion_epoch_timestamp"`
			Created  int64  `json:"_creation_timestamp"`
			Received int64  `json:"_ef_received_at"`
			Event    int64  `json:"timestamp"`
			Type     string `json:"alert_type"`
		}
		if err := json.Unmarshal(a.JSON, &r); err != nil {
			t.Fatal(err)
		}
		if r.ID != a.ID || !hexID.MatchString(r.ID) || ids[r.ID] {
			t.Errorf("_id %q of alert %q is malformed or not unique", r.ID, a.ID)
		}
		ids[r.ID] = true
		if r.Inserted != a.Inserted.Unix() || r.Event != a.Event.Unix() || a.Event.Nanosecond()+a.Inserted.Nanosecond() != 0 {
			t.Errorf("%s: times %d and %d in the record, %v and %v beside it", a.ID, r.Event, r.Inserted, a.Event, a.Inserted)
		}
		if r.Created < r.Event || r.Created > r.Inserted || r.Received/1000 < r.Event || r.Received/1000 > r.Inserted {
			t.Errorf("%s: happened %d, received %d ms, created %d, inserted %d",
				a.ID, r.Event, r.Received, r.Created, r.Inserted)
		}
		types[r.Type]++
		k := keysOf(t, a.JSON)
		if !slices.IsSorted(k) || len(slices.Compact(slices.Clone(k))) != len(k) {
			t.Errorf("%s: keys out of order or repeated: %q", a.ID, k)
		}
		// Recorded: 46 to 90 keys, 1,647 to 3,116 bytes.
		if len(k) < 46 || len(k) > 110 || len(a.JSON) < 1024 || len(a.JSON) > 4096 {
			t.Errorf("%s (%s): %d keys, %d bytes", a.ID, r.Type, len(k), len(a.JSON))
		}
		total, keys = total+len(a.JSON), keys+len(k)
	}
	mean := total / len(alerts)
	t.Logf("mean %d bytes, %d keys; types %v", mean, keys/len(alerts), types)
	if mean < 2000 || mean > 2500 {
		t.Errorf("mean size %d bytes", mean)
	}
	for _, name := range []string{
		"policy", "DLP", "dlp", "Malware", "malware", "malsite", "uba", "anomaly", "watchlist", "quarantine", "Remediation",
		"Security Assessment", "Compromised Credential", "ctep", "ips", "c2", "Legal Hold", "Device", "Content", "DNS", "",
	} {
		if types[name] == 0 {
			t.Errorf("no alert of type %q", name)
		}
		delete(types, name)
	}
	if len(types) != 0 {
		t.Errorf("types nobody has seen: %v", types)
	}
}

// What the records must hold because recorded ones do and collectors stumble
// over it.
func TestGeneratedTraps(t *testing.T) {
	var all bytes.Buffer
	for _, a := range netskopetest.Generate(8, dayStart, dayEnd, 700) {
		all.Write(a.JSON)
	}
	for _, trap := range []string{
		"Île-de-France", `\/`, "\u2028", `\ud83d.png`, `\udc00 `, `\ud83c\udf89`, `<\/li>\n`, `&amp;`, `<`,
		`1.10`, `-2.1e1`, `48.10`, `1.10e-2`,
		`"cci":92`, `"cci":""`, `"instance":null`, `"instance":"`, `"count":1`, `"count":1.10`,
		`"dst_latitude":48,`, `"dst_latitude":""`, `"severity_level":3`, `"severity_level":"med"`,
		`"other_categories":[]`, `"other_categories":[{`, `"other_categories":["`, `"other_categories":"`,
		`"category":12`, `"category":"`, `"dst_zipcode":75001`, `"dst_zipcode":"75001"`,
		`"port":"443"`, `"dstport":443`, `"file_cls_encrypted":true`, `"file_cls_encrypted":"no"`,
		`"site":40113`, `"_session_begin":"1"`, `"_session_begin":1`,
		`"anomalyData":{"_t"`, `"histo":[{`, `"custom_attr":{`, `"compliance_standards":[{`,
		`"iaas_asset_tags":[{`, `"malsite_category":["`,
		`"dlp_match_info":[{`, `"profile_hits":[{`, `"2001:db8:`,
	} {
		if !strings.Contains(all.String(), trap) {
			t.Errorf("nowhere %s", trap)
		}
	}
	for _, key := range []string{
		"app_session_id", "browser_session_id", "connection_id", "dlp_incident_id", "dlp_parent_id", "incident_id",
		"request_id", "signature_id", "transaction_id",
	} {
		values := regexp.MustCompile(`"`+key+`":(\d+)`).FindAllStringSubmatch(all.String(), -1)
		if len(values) == 0 {
			t.Errorf("nowhere %s", key)
		}
		changed := 0
		for _, v := range values {
			n, err := strconv.ParseInt(v[1], 10, 64)
			if err != nil || n <= 1<<53 {
				t.Errorf("%s is %s", key, v[1])
			}
			if float64(n) >= math.MaxInt64 || int64(float64(n)) != n {
				changed++
			}
		}
		if changed < len(values)*9/10 {
			t.Errorf("%s: float64 changes only %d of %d", key, changed, len(values))
		}
	}
	for _, address := range regexp.MustCompile(`\d+\.\d+\.\d+\.\d+`).FindAllString(all.String(), -1) {
		if !strings.HasPrefix(address, "192.0.2.") && !strings.HasPrefix(address, "198.51.100.") &&
			!strings.HasPrefix(address, "203.0.113.") {
			t.Errorf("%s is not reserved for documentation", address)
		}
	}
	for _, m := range regexp.MustCompile(`@([\w.-]+)`).FindAllStringSubmatch(all.String(), -1) {
		if !regexp.MustCompile(`^example\.(com|net|org)$`).MatchString(m[1]) {
			t.Errorf("%s is not reserved for examples", m[0])
		}
	}
}

func TestGeneratedTimes(t *testing.T) {
	alerts := netskopetest.Generate(9, dayStart, dayEnd, 4000)
	bySecond := make(map[[2]int64]int)
	byHour := make([]int, 24)
	late := make([]time.Duration, 0, len(alerts))
	for i, a := range alerts {
		if a.Inserted.Before(dayStart) || !a.Inserted.Before(dayEnd) {
			t.Errorf("inserted at %v", a.Inserted)
		}
		if i > 0 && a.Inserted.Before(alerts[i-1].Inserted) {
			t.Error("not ordered by insertion time")
		}
		if d := a.Visible.Sub(a.Inserted); d < 0 || d > 30*time.Second {
			t.Errorf("visible %v after insertion", d)
		}
		bySecond[[2]int64{a.Event.Unix(), a.Inserted.Unix()}]++
		late = append(late, a.Inserted.Sub(a.Event))
	}
	burst := 0
	for key, n := range bySecond {
		if n > burst {
			burst = n
		}
		if n < 50 {
			byHour[time.Unix(key[1], 0).UTC().Hour()] += n
		}
	}
	if burst < 200 || burst > 203 {
		t.Errorf("%d alerts in the busiest second, want a twentieth of 4000", burst)
	}
	if night, day := byHour[2]+byHour[3], byHour[14]+byHour[15]; day < 3*night {
		t.Errorf("%d alerts at night and %d by day", night, day)
	}
	// Measured on recorded alerts: 3 s, 8 s, 300 s, 1,111 s, 14,002 s, 97,754 s.
	slices.Sort(late)
	share := func(from, to time.Duration) float64 {
		n := 0
		for _, d := range late {
			if d >= from && d < to {
				n++
			}
		}
		return float64(n) / float64(len(late))
	}
	for _, test := range []struct{ from, to, low, high string }{
		{"0s", "1m", "0.6", "0.9"},
		{"4m", "6m1s", "0.02", "0.1"},
		{"15m", "23m", "0.05", "0.15"},
		{"3h", "4h30m", "0.03", "0.12"},
		{"22h", "27h10m", "0.02", "0.07"},
		{"27h10m", "1000h", "0", "0"},
	} {
		from, _ := time.ParseDuration(test.from)
		to, _ := time.ParseDuration(test.to)
		low, _ := strconv.ParseFloat(test.low, 64)
		high, _ := strconv.ParseFloat(test.high, 64)
		if got := share(from, to); got < low || got > high {
			t.Errorf("%.3f of the alerts are %s to %s late, want %s to %s", got, test.from, test.to, test.low, test.high)
		}
	}
	if p50 := late[len(late)/2]; p50 > 10*time.Second {
		t.Errorf("half of the alerts are later than %v", p50)
	}
}

func TestProfileOptions(t *testing.T) {
	base := netskopetest.Profile{Seed: 10, From: dayStart, To: dayEnd, N: 400}

	p := base
	p.WithoutID, p.WithoutInserted, p.VisibleWithin, p.Burst = 0.25, 0.5, -1, -1
	noID, noInserted := 0, 0
	for _, a := range p.Alerts() {
		if !json.Valid(a.JSON) {
			t.Fatalf("invalid: %s", a.JSON)
		}
		if has := bytes.Contains(a.JSON, []byte(`"_id":`)); has != (a.ID != "") {
			t.Errorf("ID %q, the record has one: %v", a.ID, has)
		} else if !has {
			noID++
		}
		if !bytes.Contains(a.JSON, []byte(`"_insertion_epoch_timestamp":`)) {
			noInserted++
		}
		if !a.Visible.Equal(a.Inserted) {
			t.Errorf("visible %v after insertion", a.Visible.Sub(a.Inserted))
		}
	}
	if noID < 60 || noID > 140 || noInserted < 150 || noInserted > 250 {
		t.Errorf("%d without _id, %d without insertion time", noID, noInserted)
	}

	p = base
	p.VisibleWithin, p.Burst = 20*time.Minute, 300
	latest, busiest := time.Duration(0), make(map[time.Time]int)
	for _, a := range p.Alerts() {
		latest = max(latest, a.Visible.Sub(a.Inserted))
		busiest[a.Event]++
	}
	if latest < time.Minute || latest > 20*time.Minute {
		t.Errorf("the last alert is visible %v after insertion", latest)
	}
	n := 0
	for _, count := range busiest {
		n = max(n, count)
	}
	if n < 300 || n > 303 {
		t.Errorf("%d alerts in the busiest second, want 300", n)
	}

	p = base
	p.N = 0
	if got := p.Alerts(); len(got) != 0 {
		t.Errorf("%d alerts, want none", len(got))
	}
	p.To = p.From
	defer func() {
		if recover() == nil {
			t.Error("an empty range did not panic")
		}
	}()
	p.Alerts()
}

// A profile whose moments are all shifted gives the same alerts, but for their times.
func TestProfileShifts(t *testing.T) {
	base := netskopetest.Profile{Seed: 11, From: dayStart, To: dayEnd, N: 2000, Peak: dayStart.Add(3 * time.Hour)}
	shifted := base
	const by = 1000*time.Hour + 7*time.Minute
	shifted.From, shifted.To, shifted.Peak = base.From.Add(by), base.To.Add(by), base.Peak.Add(by)
	other := shifted.Alerts()
	for i, a := range base.Alerts() {
		b := other[i]
		if a.ID != b.ID || len(a.JSON) != len(b.JSON) || !a.Inserted.Add(by).Equal(b.Inserted) ||
			!a.Event.Add(by).Equal(b.Event) || !a.Visible.Add(by).Equal(b.Visible) {
			t.Fatalf("alert %d: %+v became %+v", i, a, b)
		}
	}
	near := 0
	for _, a := range base.Alerts() {
		if a.Inserted.Sub(base.Peak).Abs() < 4*time.Hour {
			near++
		}
	}
	if near < 800 {
		t.Errorf("only %d of 2,000 alerts are near the peak", near)
	}
}
