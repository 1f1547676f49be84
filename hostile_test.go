package collector

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"regexp"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// oddities are what one simulated day has beside the faults of single requests; each is there on
// most days. They are drawn from the seed.
type oddities struct {
	ahead    time.Duration // the collector's clock, of the tenant's
	stored   time.Duration // the collector's clock, of the storage's
	moves    gcstest.Fault // what moves are refused with, for two hours from movesFrom on
	bucket   gcstest.Fault // what all is refused with, for an hour from bucketFrom on
	sweeps   int           // one of so many staged objects is taken away by a person; 0: none
	undated  bool          // some alerts have a time that says none
	twins    int           // alerts that have the _id of another
	odd      int           // one of so many times is in another form
	movesAt  time.Duration // from dayStart on
	bucketAt time.Duration
}

func drawOddities(seed uint64) oddities {
	r := rand.New(rand.NewPCG(seed, 5))
	return oddities{
		ahead:  pickOne(r, 0, 30*time.Second, 12*time.Minute, -2*time.Minute),
		stored: pickOne(r, 0, 3*time.Minute, -3*time.Minute),
		moves: pickOne(r, gcstest.Fault{}, gcstest.UnknownRoute(404), gcstest.UnknownRoute(501), gcstest.UnknownRoute(405),
			gcstest.Constrained("constraints/gcp.resourceLocations"), gcstest.Held("b/o", "Event-Based"),
			gcstest.Retained("b/o")),
		bucket: pickOne(r, gcstest.Fault{}, gcstest.KeyDisabled(), gcstest.OutsidePerimeter(), gcstest.BillingDisabled(),
			gcstest.Elsewhere(http.StatusProxyAuthRequired, "Squid"), gcstest.ConstrainedAs(403, "constraints/x")),
		sweeps:   pickOne(r, 0, 5, 20),
		undated:  r.IntN(2) == 0,
		twins:    r.IntN(30),
		odd:      2 + r.IntN(4),
		movesAt:  time.Duration(12+r.IntN(6)) * time.Hour,
		bucketAt: time.Duration(1+r.IntN(22)) * time.Hour,
	}
}

func pickOne[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

var insertedDigits = regexp.MustCompile(`("_insertion_epoch_timestamp" *: *)([0-9]+)`)

// estrange gives some of the alerts times in other forms, and some a twin: another alert with the
// same _id and the same times.
func (o oddities) estrange(seed uint64, alerts []netskopetest.Alert) []netskopetest.Alert {
	r := rand.New(rand.NewPCG(seed, 6))
	for i := range alerts {
		if r.IntN(o.odd) > 0 {
			continue
		}
		second := alerts[i].Inserted.Unix()
		iso := alerts[i].Inserted.UTC().Format("2006-01-02T15:04:05")
		forms := []string{fmt.Sprint(second, "000"), fmt.Sprint(second, "000000"), fmt.Sprint(second, "000000000"),
			fmt.Sprint(second, ".5"), `"` + iso + `Z"`, `"` + iso + `"`, `"` + iso + `.25Z"`, fmt.Sprintf(`"%d"`, second)}
		if o.undated {
			forms = append(forms, "0", "-1", `"N/A"`)
		}
		alerts[i].JSON = insertedDigits.ReplaceAll(alerts[i].JSON, []byte("${1}"+pickOne(r, forms...)))
	}
	for range o.twins {
		twin := alerts[r.IntN(len(alerts))]
		end := bytes.LastIndexByte(twin.JSON, '}')
		twin.JSON = fmt.Appendf(nil, `%s,"twin":%d}`, twin.JSON[:end], len(alerts))
		alerts = append(alerts, twin)
	}
	return alerts
}

// suffer has the world's tenant and storage be as odd as they are.
func (o oddities) suffer(w *world) {
	if o.ahead != 0 {
		w.tenant.DateSkew = -o.ahead
		w.tenant.Now = func() time.Time { return time.Now().Add(-o.ahead) }
	}
	w.cloud.Now = func() time.Time { return time.Now().Add(-o.stored) }
}

// refuse adds to the faults of the storage what it refuses for hours, and who takes staged objects
// away before they are moved.
func (o oddities) refuse(
	w *world, seed uint64, menu func(gcstest.Request) gcstest.Fault,
) func(gcstest.Request) gcstest.Fault {
	r := rand.New(rand.NewPCG(seed, 7))
	within := func(from, length time.Duration) bool {
		since := time.Since(dayStart.Add(from))
		return since >= 0 && since < length
	}
	return func(q gcstest.Request) gcstest.Fault {
		switch {
		case o.moves.Status != 0 && q.Op == gcstest.MoveObject && within(o.movesAt, 2*time.Hour):
			return o.moves
		case o.bucket.Status != 0 && within(o.bucketAt, time.Hour):
			return o.bucket
		case o.sweeps > 0 && q.Op == gcstest.MoveObject && r.IntN(o.sweeps) == 0:
			if _, staged := w.cloud.Object(q.Bucket, q.Object); staged {
				w.swept[q.Destination] = true
			}
			w.cloud.Delete(q.Bucket, q.Object)
		}
		return menu(q)
	}
}

// spoil adds to the faults of the tenant's refusals of single requests and, where it pages by
// cursors, several empty pages in a row.
func (w *world) spoil(
	seed uint64, menu func(netskopetest.Request) netskopetest.Fault,
) func(netskopetest.Request) netskopetest.Fault {
	r := rand.New(rand.NewPCG(seed, 8))
	empties := 0
	return func(q netskopetest.Request) netskopetest.Fault {
		switch n := r.IntN(120); {
		case n < 2:
			status := pickOne(r, 400, 403, 404, 410, 422)
			return netskopetest.Fault{Kind: netskopetest.Answer, Status: status, Body: `{"message":"not this one"}`}
		case n < 5 && w.tenant.Dialect == netskopetest.Cursor:
			empties = 2 + r.IntN(3)
		}
		if empties > 0 && !q.First {
			empties--
			return netskopetest.Fault{Kind: netskopetest.EmptyPage}
		}
		return menu(q)
	}
}

// namedGone are the lines, by what the ledger says of them, of the objects that runs have named as
// neither staged nor in their places, or that were swept under the hands of a run that died: nobody
// else looks for these.
func (w *world) namedGone() map[alert.Key]bool {
	w.t.Helper()
	named := map[alert.Key]bool{}
	for _, e := range w.entries() {
		keys, err := w.Ledger().Keys(context.Background(), e)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, p := range e.Objects {
			if w.gone[p.Name] || w.swept[p.Name] {
				for _, key := range keys[:p.Lines] {
					named[key] = true
				}
			}
			keys = keys[p.Lines:]
		}
	}
	return named
}

func keyOf(one netskopetest.Alert, line string) alert.Key {
	id := alert.IDOf([]byte(one.ID))
	sum := crc32.Checksum([]byte(line), crc32.MakeTable(crc32.Castagnoli))
	return alert.Key(append(id[:], byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)))
}

// regain repairs what was swept, where the feed leaves objects where they are; and holds that what
// runs have named is gone in truth.
func (w *world) regain() {
	w.t.Helper()
	if w.feed != nil {
		return // nobody could tell what it took from what is lost: that runs have named it has to do
	}
	for name := range w.gone {
		if _, ok := w.cloud.Object(w.BucketName, name); ok {
			w.t.Errorf("%s is named as gone, and is there", name)
		}
	}
	if len(w.gone)+len(w.swept) == 0 {
		return
	}
	if s := w.mustAudit(audit.Options{Since: w.began, Repair: true, ObjectsKept: true}); !s.Passed() {
		w.t.Errorf("%+v", s)
	}
	w.gone, w.swept = map[string]bool{}, map[string]bool{}
}
