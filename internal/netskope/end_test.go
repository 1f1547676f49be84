package netskope

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// row is an alert, and its time.
type row struct {
	id int
	at int64
}

// hider is a tenant that lists its alerts in the order in which it has them.
type hider struct {
	rows      []row
	noOffsets bool // it refuses them
	ceiling   int  // alerts of a range that it serves; 0 is all
	lie       int  // the request that is answered with no more alerts than it shows; 0 is none
	shows     int
	n         int
	log       []string
}

func (b *hider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.n++
	q := r.URL.Query()
	num := func(k string) int { n, _ := strconv.Atoi(q.Get(k)); return n }
	from, to, off, lim := int64(num("insertionstarttime")), int64(num("insertionendtime")), num("offset"), num("limit")
	var set []row
	for _, x := range b.rows {
		if x.at >= from && x.at <= to {
			set = append(set, x)
		}
	}
	refuse := func() {
		b.log = append(b.log, fmt.Sprintf("[%d,%d] off %d lim %d: 400", from, to, off, lim))
		w.WriteHeader(400)
		fmt.Fprint(w, `{"message":"no"}`)
	}
	lies := b.n == b.lie
	if b.noOffsets && off > 0 {
		refuse()
		return
	}
	if b.ceiling > 0 {
		set = set[:min(b.ceiling, len(set))]
	}
	set = set[min(off, len(set)):]
	set = set[:min(lim, len(set))]
	if lies {
		set = set[:min(b.shows, len(set))]
	}
	var out []string
	ids := []string{}
	for _, x := range set {
		out = append(out, fmt.Sprintf(`{"_id":"a%d","_insertion_epoch_timestamp":%d,"timestamp":%d}`, x.id, x.at, x.at))
		ids = append(ids, fmt.Sprintf("%d@%d", x.id, x.at))
	}
	b.log = append(b.log, fmt.Sprintf("[%d,%d] off %d lim %d lie %v: %v", from, to, num("offset"), lim, lies, ids))
	fmt.Fprintf(w, `{"ok":1,"result":[%s]}`, strings.Join(out, ","))
}

func (b *hider) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestNoEndIsBelievedTooSoon holds ranges of which a tenant with a ceiling, or one that lies once, hides a part:
// all of it is handed over, or there is an error.
func TestNoEndIsBelievedTooSoon(t *testing.T) {
	counted := func(n int) (at []int64) {
		for i := range n {
			at = append(at, 1000+int64(i)*2)
		}
		return at
	}
	for _, test := range []struct {
		name string
		page int
		at   []int64 // times of the range's alerts, in the order of the list
		hider
	}{
		{"a ceiling that one half reaches, too", 5, counted(12), hider{ceiling: 8}},
		{"a ceiling in one second", 5, slices.Repeat([]int64{1003}, 9), hider{ceiling: 8}},
		{"a ceiling of a page", 5, counted(12), hider{ceiling: 5}},
		{"no offsets, and a short page", 7, counted(30), hider{noOffsets: true, lie: 1, shows: 4}},
		{"no offsets, and a page short by one", 7, counted(30), hider{noOffsets: true, lie: 1, shows: 6}},
		{"no offsets, and an empty page", 7, counted(30), hider{noOffsets: true, lie: 1}},
		{"times out of order by some seconds, and a short page", 4, []int64{1040, 1035, 1030, 1020, 1010, 1015},
			hider{lie: 2, shows: 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &test.hider
			for i, at := range test.at {
				b.rows = append(b.rows, row{i, at})
			}
			c := New(Settings{Tenant: "http://tenant.test", PageSize: test.page, Field: alert.InsertionTime}, NewPace(0, 1),
				&http.Client{Transport: b}, nil)
			got := 0
			_, err := c.Pages(t.Context(), Range{From: 1000, To: 1200, Most: 1000}, func(*page.Alert, alert.Key) error {
				got++
				return nil
			})
			if err == nil && got != len(test.at) {
				t.Errorf("%d of %d alerts, and no error:\n%s", got, len(test.at), strings.Join(b.log, "\n"))
			}
		})
	}
}
