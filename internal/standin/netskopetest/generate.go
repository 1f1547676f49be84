package netskopetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Alert is one alert of a tenant and the three moments of its life, in UTC.
type Alert struct {
	// ID is the record's _id; empty when the record has none.
	ID string
	// Event is when it happened: timestamp in the record, whole seconds.
	Event time.Time
	// Inserted is its insertion time: _insertion_epoch_timestamp, whole seconds.
	Inserted time.Time
	// Visible is from when on queries find it, be it hours after Inserted. Zero:
	// from the beginning.
	Visible time.Time
	// JSON is the record as the tenant prints it.
	JSON []byte
}

// Profile describes a set of alerts, or of another stream's records, to generate. The same Profile always
// gives the same alerts, byte for byte.
type Profile struct {
	// Seed of the pseudo-random choices. Zero is a seed like any other.
	Seed uint64
	// Stream is what the records are of: one of [Streams]. Zero: alert.
	Stream string
	// From and To bound the insertion times: From inclusive, To exclusive,
	// with at least one whole second between them. Event times are earlier by
	// up to 27 hours. There is no default.
	From, To time.Time
	// N is the number of alerts. Zero: none.
	N int
	// Burst is how many of the N have the same second as event time and the
	// same second as insertion time. Zero: a twentieth of N; negative: none.
	Burst int
	// Peak is a moment of any day at whose time of day most alerts come; a seventh as many come
	// twelve hours later. Shifted by the same time as From and To, it gives the same alerts at
	// other times. Zero: 15:00 UTC.
	Peak time.Time
	// VisibleWithin is the longest time from Inserted to Visible; most take
	// a few seconds, one in fifty any time up to it. For single alerts set
	// Alert.Visible. Zero: 30 seconds; negative: visible when inserted.
	VisibleWithin time.Duration
	// WithoutID and WithoutInserted are the shares, 0 to 1, of alerts whose
	// record lacks _id or _insertion_epoch_timestamp. Zero: none.
	WithoutID, WithoutInserted float64
}

// Generate makes n alerts inserted from (inclusive) to (exclusive), of the
// [Profile] that is otherwise zero.
func Generate(seed uint64, from, to time.Time, n int) []Alert {
	return Profile{Seed: seed, From: from, To: to, N: n}.Alerts()
}

// Alerts makes the alerts of the profile, ordered by Inserted: records of the
// sparse shape of data/alert, 1 to 4 KB each, in every alert_type that has
// been seen, with the lateness, the types and the escapes that have been
// measured in recorded ones. It panics when no whole second lies in [From, To).
func (p Profile) Alerts() []Alert {
	first, last := wholeSeconds(p.From, p.To)
	r := rand.New(rand.NewPCG(p.Seed, 0x6e65747368616c65))
	burst := p.Burst
	if burst == 0 {
		burst = p.N / 20
	}
	burst = min(max(burst, 0), p.N)
	peak := int64(15 * 3600)
	if !p.Peak.IsZero() {
		peak = p.Peak.Unix()
	}
	seconds := make([]int64, p.N-burst)
	for i := range seconds {
		seconds[i] = diurnal(r, first, last, peak)
	}
	slices.Sort(seconds)
	storm := diurnal(r, first, last, peak)
	// The burst comes before the other alerts of its second.
	at, _ := slices.BinarySearch(seconds, storm)
	alerts := make([]Alert, 0, p.N)
	kinds, outbreak := familiesOf(p.Stream), &stormFamily
	if kinds[0].event {
		outbreak = &kinds[0]
	}
	for i := range p.N {
		switch {
		case i < at:
			alerts = append(alerts, p.alert(r, seconds[i], pick(r, kinds)))
		case i < at+burst:
			alerts = append(alerts, p.alert(r, storm, outbreak))
		default:
			alerts = append(alerts, p.alert(r, seconds[i-burst], pick(r, kinds)))
		}
	}
	return alerts
}

// wholeSeconds returns the first and last epoch second in [from, to), and
// panics when there is none.
func wholeSeconds(from, to time.Time) (first, last int64) {
	first = from.Add(time.Second - 1).Unix()
	last = to.Add(-1).Unix()
	if last < first {
		panic(fmt.Sprintf("netskopetest: no whole second in [%v, %v)", from, to))
	}
	return first, last
}

// diurnal draws a second from a density that is highest at the time of day of peak and a
// seventh of that twelve hours from it.
func diurnal(r *rand.Rand, first, last, peak int64) int64 {
	for {
		second := first + r.Int64N(last-first+1)
		phase := 2 * math.Pi * float64((second-peak)%86400) / 86400
		if r.Float64() < 0.15+0.85*(1+math.Cos(phase))/2 {
			return second
		}
	}
}

func (p Profile) alert(r *rand.Rand, inserted int64, f *family) Alert {
	event := inserted - f.late(r)
	rec := record{r: r, id: hex(r, 24), event: event, inserted: inserted, family: f}
	rec.fill()
	a := Alert{ID: rec.id, Event: time.Unix(event, 0).UTC(), Inserted: time.Unix(inserted, 0).UTC()}
	a.Visible = a.Inserted.Add(p.pipeline(r))
	if r.Float64() < p.WithoutID {
		rec.omit("_id")
		a.ID = ""
	}
	if r.Float64() < p.WithoutInserted {
		rec.omit("_insertion_epoch_timestamp")
	}
	a.JSON = rec.print()
	return a
}

// pipeline draws the time from insertion to visibility.
func (p Profile) pipeline(r *rand.Rand) time.Duration {
	limit := p.VisibleWithin
	if limit == 0 {
		limit = 30 * time.Second
	}
	if limit < 0 {
		return 0
	}
	d := time.Second + time.Duration(r.ExpFloat64()*float64(2*time.Second))
	if r.IntN(50) == 0 {
		d = time.Duration(r.Float64() * float64(limit))
	}
	return min(d, limit).Truncate(time.Millisecond)
}

// family is a kind of record: which values of alert_type it has, how often,
// how late it arrives, and which groups of fields it adds to the common ones.
type family struct {
	alertType string
	weight    int
	late      lateBy
	groups    []func(*record)
	connector bool // found by an API connector and not in the traffic
	event     bool // no alert: it has the fields of all records, and its groups'
}

// lateBy draws Inserted - Event, in seconds.
type lateBy func(*rand.Rand) int64

// The lateness of each family is that of the recorded alert of its kind.
var (
	inline    = lateness(2, 8)         // 3 s: policy alert of a client
	scanned   = lateness(5, 20)        // 8 s: DLP by API connector
	relayed   = lateness(240, 360)     // 300 s: audit, bypassed connections
	modelled  = lateness(900, 1320)    // 1,111 s: UBA
	polled    = lateness(10800, 16000) // 14,002 s: polled from a SaaS vendor
	assessed  = lateness(80000, 97754) // 97,754 s: Security Assessment
	suspected = lateness(2, 40)        // threat verdicts that need a sandbox now and then
)

func lateness(low, high int64) lateBy {
	return func(r *rand.Rand) int64 { return low + min(int64(r.ExpFloat64()*float64(high-low)/3), high-low) }
}

var (
	web  = []func(*record){(*record).source, (*record).destination, (*record).session}
	file = []func(*record){(*record).destination, (*record).object}
	none = []func(*record){(*record).source}
)

func with(base []func(*record), more ...func(*record)) []func(*record) {
	return append(slices.Clone(base), more...)
}

// stormFamily is an outbreak: one rule fires for everyone in the same second.
var stormFamily = family{
	alertType: "policy", groups: web,
	late: func(*rand.Rand) int64 { return 4 },
}

// families has every alert_type that was seen in recorded data, the two
// spellings of DLP and malware and the empty one included.
var families = []family{
	{"policy", 380, inline, web, false, false},
	{"DLP", 90, scanned, with(file, (*record).leak), true, false},
	{"dlp", 40, inline, with(web, (*record).leak), false, false},
	{"malsite", 90, inline, with(web, (*record).site), false, false},
	{"Malware", 30, scanned, with(file, (*record).source, (*record).infection), true, false},
	{"malware", 30, suspected, with(web, (*record).infection), false, false},
	{"uba", 60, modelled, with(none, (*record).anomaly), true, false},
	{"anomaly", 40, modelled, with(none, (*record).anomaly), true, false},
	{"Security Assessment", 40, assessed, with(none, (*record).posture), true, false},
	{"quarantine", 20, polled, with(file, (*record).source), true, false},
	{"Remediation", 15, polled, with(file, (*record).source), true, false},
	{"Legal Hold", 15, polled, with(file, (*record).source), true, false},
	{"watchlist", 20, polled, with(file, (*record).source), true, false},
	{"Compromised Credential", 15, relayed, with(none, (*record).breach), true, false},
	{"ctep", 25, inline, with(web, (*record).intrusion), false, false},
	{"ips", 20, inline, with(web, (*record).intrusion), false, false},
	{"c2", 15, inline, with(web, (*record).intrusion), false, false},
	{"DNS", 15, inline, with(web, (*record).intrusion), false, false},
	{"Device", 15, relayed, with(none, (*record).endpoint, (*record).object), false, false},
	{"Content", 15, relayed, with(none, (*record).endpoint, (*record).object), false, false},
	{"", 10, inline, web, false, false},
}

func pick(r *rand.Rand, from []family) *family {
	total := 0
	for i := range from {
		total += from[i].weight
	}
	n := r.IntN(total)
	for i := range from {
		if n -= from[i].weight; n < 0 {
			return &from[i]
		}
	}
	panic("unreachable")
}
