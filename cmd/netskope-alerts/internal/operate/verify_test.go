package operate

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/collectortest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// shown is what verify prints of an audit.
func shown(t *testing.T, c *collector.Collector, v Verify, o audit.Options) (string, audit.Summary) {
	t.Helper()
	var out bytes.Buffer
	if v.Limit == 0 {
		v.Limit = 100
	}
	v.Repair, v.ObjectsKept = o.Repair, o.ObjectsKept
	p := &auditSheet{Verify: &v, Terminal: text.Terminal{Writer: &out, Width: 80}, bucket: c.BucketName}
	p.head()
	a, err := c.Audit(t.Context(), o, p.result)
	if err != nil {
		t.Fatal(err)
	}
	p.sum(a)
	return out.String(), a
}

// TestLostBeforeItsMove (F20): what somebody removes between its entry and its move is said to be
// taken by the feed, or lost, and is brought again if the feed takes nothing; once.
func TestLostBeforeItsMove(t *testing.T) {
	now := time.Now()
	tenant := &netskopetest.Server{}
	tenant.Add(collectortest.Alerts(1, now, 3*time.Hour, time.Hour, 60)...)
	var cloud *gcstest.Server
	lost := ""
	cloud = &gcstest.Server{Fault: func(r gcstest.Request) gcstest.Fault {
		if r.Op == gcstest.MoveObject && lost == "" {
			lost = r.Destination
			cloud.Delete(r.Bucket, r.Object)
		}
		return gcstest.Fault{}
	}}
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=4")
	collectortest.Run(t, c, now)
	before := len(deliveredLines(c, cloud))
	if before == 0 || before >= 60 {
		t.Fatalf("%d of 60 alerts are delivered", before)
	}

	out, sum := shown(t, c, Verify{}, audit.Options{})
	if !sum.Passed() || sum.Gone != 1 {
		t.Errorf("%+v", sum)
	}
	flat := strings.ReplaceAll(strings.Join(strings.Fields(out), " "), `\ `, "")
	for _, want := range []string{"1 object gone", "warn 1 object is not in the feed's folder: taken by the feed, or lost",
		"gs://alerts/" + lost, "netskope-alerts verify --objects-kept --repair --since 20"} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	out, sum = shown(t, c, Verify{}, audit.Options{ObjectsKept: true, Repair: true})
	if !sum.Passed() || sum.Repaired != int64(60-before) {
		t.Errorf("%+v", sum)
	}
	if !regexp.MustCompile(fmt.Sprintf(`repaired: %d alerts?, in\n +gs://alerts/.*_late0001.ndjson\n`, 60-before)).MatchString(out) ||
		!strings.Contains(out, "    repaired _id ") || strings.Contains(out, "    missing _id") {
		t.Errorf("what was repaired is not named:\n%s", out)
	}
	for i, o := range []audit.Options{{}, {ObjectsKept: true, Repair: true}, {Repair: true}} {
		if out, sum = shown(t, c, Verify{}, o); !sum.Passed() || sum.Gone+int(sum.Missing)+int(sum.Duplicated) != 0 {
			t.Errorf("audit %d after the repair: %+v\n%s", i, sum, out)
		}
	}
	lines := deliveredLines(c, cloud)
	for line, n := range lines {
		if n != 1 {
			t.Errorf("delivered %d times: %.80s", n, line)
		}
	}
	if len(lines) != 60 {
		t.Errorf("%d of 60 alerts are delivered", len(lines))
	}
}

// TestStrangersAreSaid (F22): what somebody left in the ledger's folder stops nothing, and is
// warned of.
func TestStrangersAreSaid(t *testing.T) {
	now := time.Now()
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	c := collectortest.Open(t, tenant, cloud)
	for _, name := range []string{"", "note.txt"} {
		cloud.Put(c.BucketName, c.Folders().Ledger+name, nil)
	}
	collectortest.Run(t, c, now)
	out, sum := shown(t, c, Verify{}, audit.Options{})
	flat := strings.Join(strings.Fields(out), " ")
	if !sum.Passed() || len(sum.Strange) != 2 || !strings.Contains(flat, "in the ledger's folder that the collector did "+
		"not make: gs://alerts/"+c.Folders().Ledger) || !strings.Contains(flat, "delete what nobody needs") {
		t.Errorf("%+v\n%s", sum.Strange, out)
	}
}

// TestVerifyFits: nothing that is not one long name goes beyond 80 columns, and no more is
// printed than asked for.
func TestVerifyFits(t *testing.T) {
	at := time.Date(2026, 11, 23, 22, 55, 7, 0, time.UTC)
	var out bytes.Buffer
	p := &auditSheet{Verify: &Verify{Limit: 2}, Terminal: text.Terminal{Writer: &out, Width: 80}, bucket: "alerts"}
	p.head()
	for i := range 9 {
		r := audit.Result{From: at, To: at.Add(59*time.Minute + 53*time.Second), Delivered: 1_234_567, Missing: 999_999,
			Repaired: 7, Duplicated: 123_456_78, Unknown: 999_999, Uncovered: true, Pending: 1, Damaged: 2, Gone: 3,
			Examples: []string{"5f0c1d2e3a4b5c6d7e8f9a0b"}, GoneObjects: []string{"netskope/alerts/x.ndjson"}}
		if i > 4 {
			r.Missing, r.Duplicated, r.Damaged, r.Pending, r.Repaired, r.Examples = 0, 0, 0, 0, 0, nil
		}
		p.result(r)
	}
	p.sum(audit.Summary{From: at, At: at.Add(90 * 24 * time.Hour), Cells: 2160, Delivered: 1e9, Missing: 1e6, Gone: 27,
		Duplicated: 1e6, Unknown: 1e6, Requests: 1e6, Took: time.Hour, Strange: []string{"a", "b", "c", "d", "e"},
		Foreign: []audit.ForeignObject{{Name: "a"}, {Name: "b"}, {Name: "c"}}})
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if words := strings.Fields(line); text.Columns(line) > 80 && len(words) > 1 {
			t.Errorf("%d columns: %s", text.Columns(line), line)
		}
	}
	if n := strings.Count(out.String(), "2026-11-23 22:55:07 "); n != 4+1 { // and the sum's
		t.Errorf("%d cells are printed, want 4:\n%s", n, out.String())
	}
	for _, want := range []string{"and 5 cells more, of them 2 well", "and 1 more that are not in the ledger"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
