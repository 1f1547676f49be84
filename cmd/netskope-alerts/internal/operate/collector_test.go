package operate

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/collectortest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

var wide = text.Terminal{Width: 1000}

// linesOf are the lines of an object.
func linesOf(o gcstest.Object) []string {
	return strings.Split(strings.TrimSuffix(string(o.Content), "\n"), "\n")
}

// deliveredLines are how often each alert is in the feed's folder, by its line.
func deliveredLines(c *collector.Collector, cloud *gcstest.Server) map[string]int {
	all := map[string]int{}
	for _, o := range cloud.Objects(c.BucketName, c.Folders().Feed) {
		for _, line := range linesOf(o) {
			all[line]++
		}
	}
	return all
}

// TestFind looks every alert up: it must be in that line of that object.
func TestFind(t *testing.T) {
	now := time.Now()
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	tenant.Add(collectortest.Alerts(1, now, 3*time.Hour, time.Hour, 60)...)
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=4")
	collectortest.Run(t, c, now)
	late := collectortest.Alerts(2, now, 3*time.Hour, time.Hour, 3)
	tenant.Add(late...)
	if sum, err := c.Audit(t.Context(), audit.Options{Repair: true}, nil); err != nil || sum.Repaired != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	taken := cloud.Objects(c.BucketName, c.Folders().Feed)[0]
	cloud.Delete(c.BucketName, taken.Name)
	gone, repaired := 0, 0
	for _, alert := range append(collectortest.Alerts(1, now, 3*time.Hour, time.Hour, 60), late...) {
		found, err := c.Ledger().Find(t.Context(), alert.ID, now.Add(-24*time.Hour), now)
		if err != nil || len(found) != 1 || found[0].Quarantined || found[0].Delivered.IsZero() ||
			alert.Inserted.Before(found[0].From) || !alert.Inserted.Before(found[0].To) {
			t.Fatalf("%s: %+v, %v", alert.ID, found, err)
		}
		f := found[0]
		if f.Late {
			repaired++
		}
		o, ok := cloud.Object(c.BucketName, f.Object)
		if ok != f.Present {
			t.Errorf("%+v: present %v", f, ok)
		}
		if !ok {
			o = taken
			gone++
		}
		if o.Name != f.Object || !strings.Contains(linesOf(o)[f.Line-1], alert.ID) {
			t.Errorf("%s is not in line %d of %s", alert.ID, f.Line, f.Object)
		}
		if shown := place(wide, c.BucketName, f); !strings.Contains(shown, f.Object) ||
			strings.Contains(shown, "by a repair") != f.Late || strings.Contains(shown, "no longer there") == f.Present {
			t.Errorf("%+v is shown as %q", f, shown)
		}
	}
	if gone == 0 || repaired != 3 {
		t.Errorf("%d alerts of an object that is gone, %d late", gone, repaired)
	}
	found, err := c.Ledger().Find(t.Context(), "nobody", now.Add(-24*time.Hour), now)
	if err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestNotFound (F14): that the ledger does not have an alert is said of the time of which it knows, and of
// none before it began.
func TestNotFound(t *testing.T) {
	now := time.Now().Truncate(time.Hour)
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	tenant.Add(collectortest.Alerts(1, now, 3*time.Hour, time.Hour, 20)...)
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=4")
	said := func(since time.Time) string {
		var stderr bytes.Buffer
		err := (&Find{ID: "nobody"}).notFound(t.Context(), cli.Streams{Stderr: &stderr}, c, since)
		if err != cli.ExitStatus(cli.ExitMore) {
			t.Error(err)
		}
		return stderr.String()
	}
	const nobody = "nobody is not in the ledger"
	if got := said(now.Add(-time.Hour)); got != nobody+", which is empty: nothing is known\n" {
		t.Errorf("empty: %q", got)
	}
	collectortest.Run(t, c, now)
	begins, err := c.Ledger().Start(t.Context())
	if err != nil || begins.IsZero() {
		t.Fatal(begins, err)
	}
	if got := said(begins.Add(-90 * 24 * time.Hour)); got != nobody+", which begins at "+text.Stamp(begins)+
		": what was\ndelivered before is not known\n" { // broken at 80 columns
		t.Errorf("before the ledger: %q", got)
	}
	if got := said(begins.Add(time.Hour)); got != nobody+" since "+text.Stamp(begins.Add(time.Hour))+"\n" {
		t.Errorf("within the ledger: %q", got)
	}
}

// TestFindInQuarantine finds what was kept out of the feed's folder.
func TestFindInQuarantine(t *testing.T) {
	now := time.Now()
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	moment := now.Add(-time.Hour)
	tenant.Add(netskopetest.Alert{ID: "stray", Event: moment, Inserted: moment,
		JSON: fmt.Appendf(nil, `{"_id":"stray","_insertion_epoch_timestamp":%d,"pad":%q}`,
			moment.Unix(), strings.Repeat("x", alert.MaxLine))})
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=2")
	collectortest.Run(t, c, now)
	found, err := c.Ledger().Find(t.Context(), "stray", now.Add(-24*time.Hour), now)
	if err != nil || len(found) != 1 || !found[0].Quarantined || found[0].Line != 1 || !found[0].Present ||
		!strings.Contains(place(wide, c.BucketName, found[0]), "in quarantine") {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestMove moves the state back and forth.
func TestMove(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	tenant.Add(collectortest.Alerts(1, now, 40*time.Hour, 9*time.Hour, 400)...)
	c := collectortest.Open(t, tenant, cloud)
	plan := func(to time.Time) collector.Move {
		t.Helper()
		m, err := c.PlanMove(t.Context(), now, to)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	apply := func(m collector.Move) {
		t.Helper()
		if p, err := c.Apply(t.Context(), m); err != nil || !p.Through.Equal(m.To) || !p.Began.Equal(m.To) {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	once := func(what string, least int) {
		t.Helper()
		lines := deliveredLines(c, cloud)
		for line, n := range lines {
			if n != 1 {
				t.Errorf("%s: delivered %d times: %.80s", what, n, line)
			}
		}
		if len(lines) < least {
			t.Errorf("%s: %d alerts are delivered, want %d", what, len(lines), least)
		}
	}
	m := plan(ago(20))
	if !m.From.IsZero() || !strings.Contains(moveSentence(m), "no state yet") {
		t.Fatalf("without a state: %+v", m)
	}
	apply(m)
	collectortest.Run(t, c, ago(8))
	once("from where it was moved to", 50)

	// Back: what is delivered is not delivered again, what is not is collected.
	m = plan(ago(35))
	if len(m.Undelivered) != 1 || m.Undelivered[0] != (collector.Span{From: m.To, To: ago(20)}) || m.Delivered < 50 {
		t.Fatalf("%+v", m)
	}
	apply(m)
	collectortest.Run(t, c, ago(8))
	once("back", 200)
	if m = plan(ago(25)); len(m.Undelivered) != 0 || !strings.Contains(moveSentence(m), "nothing will be collected") {
		t.Errorf("%+v: %s", m, moveSentence(m))
	}

	// A run was faster.
	collectortest.Run(t, c, ago(7))
	if _, err := c.Apply(t.Context(), m); err == nil || !strings.Contains(err.Error(), "look again") {
		t.Errorf("the state was moved under a run: %v", err)
	}

	// Forward: what is skipped is a hole, which a repair fills.
	tenant.Add(collectortest.Alerts(2, now, 6*time.Hour, 3*time.Hour, 50)...)
	if m = plan(ago(2)); len(m.Undelivered) != 1 || !strings.Contains(moveSentence(m), "will be skipped") {
		t.Fatalf("%+v", m)
	}
	apply(m)
	collectortest.Run(t, c, now)
	sum, err := c.Audit(t.Context(), audit.Options{Repair: true}, nil)
	if err != nil || sum.Repaired != 50 || !sum.Passed() {
		t.Errorf("%+v, %v", sum, err)
	}
	once("after a repair", 350)
	for name, to := range map[string]time.Time{"future": now.Add(time.Hour), "fraction": ago(5).Add(1),
		"long ago": time.Unix(1, 0)} {
		if _, err := c.PlanMove(t.Context(), now, to); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestHistory reads the states that a bucket with versioning has kept.
func TestHistory(t *testing.T) {
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{Versioning: true}
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=1")
	collectortest.Run(t, c, time.Now())
	cloud.Put(c.BucketName, c.StateKey, fmt.Appendf(nil, `{"last_event_time":%d}`, time.Now().Add(-time.Hour).Unix()))
	cloud.Put(c.BucketName, c.StateKey, []byte("garbage"))
	versions, err := c.History(t.Context())
	if err != nil || len(versions) != 4 || versions[0].Problem == "" || !versions[1].Original {
		t.Fatalf("%+v, %v", versions, err)
	}
	for i, v := range versions[1:] {
		if v.Problem != "" || v.Generation >= versions[i].Generation || v.Saved.IsZero() {
			t.Errorf("%+v after %+v", v, versions[i])
		}
	}
	if _, err := c.ReadCheckpoint(t.Context()); err == nil {
		t.Error("garbage was read")
	}
}

func TestPieces(t *testing.T) {
	span := func(from, to string) collector.Span {
		at := func(text string) time.Time {
			moment, err := time.Parse("02 15:04", text)
			if err != nil {
				t.Fatal(err)
			}
			return moment.AddDate(2026, 10, 0)
		}
		return collector.Span{From: at(from), To: at(to)}
	}
	for _, test := range []struct {
		most time.Duration
		of   collector.Span
		want []collector.Span
	}{
		{6 * time.Hour, span("20 03:00", "20 20:00"), []collector.Span{span("20 03:00", "20 05:55"),
			span("20 05:55", "20 11:55"), span("20 11:55", "20 17:55"), span("20 17:55", "20 20:00")}},
		{6 * time.Hour, span("20 06:00", "20 12:00"), []collector.Span{span("20 06:00", "20 12:00")}},
		{13 * time.Hour, span("20 05:55", "21 05:55"), []collector.Span{span("20 05:55", "20 17:55"),
			span("20 17:55", "21 05:55")}},
		{2 * time.Hour, span("20 04:00", "20 10:00"), []collector.Span{span("20 04:00", "20 05:55"),
			span("20 05:55", "20 07:55"), span("20 07:55", "20 09:55"), span("20 09:55", "20 10:00")}},
		{30 * time.Minute, span("20 07:44", "20 09:00"), []collector.Span{span("20 07:44", "20 07:55"),
			span("20 07:55", "20 08:25"), span("20 08:25", "20 08:55"), span("20 08:55", "20 09:00")}},
		{time.Hour, span("20 04:00", "20 04:30"), []collector.Span{span("20 04:00", "20 04:30")}},
	} {
		got := pieces([]collector.Span{test.of}, test.most)
		if len(got) != len(test.want) {
			t.Errorf("%v in pieces of %v: %v", test.of, test.most, got)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%v in pieces of %v: %v", test.of, test.most, got)
			}
		}
	}
}
