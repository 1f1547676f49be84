package collector

import (
	"maps"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestReadStatus holds the status against what was really delivered.
func TestReadStatus(t *testing.T) {
	alerts := append(hoursBefore(26, 400), lateAlerts(3)...)
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		s, err := ReadStatus(w.t.Context(), w.config, w.bucket, time.Now())
		if err != nil || !s.Through.IsZero() || !s.LedgerFrom.IsZero() || s.Alerts != 0 || len(s.Hours) != 25 {
			t.Errorf("nothing yet: %+v, %v", s, err)
		}
		w.config.Lookback = 26 * time.Hour
		w.mustRun()
		time.Sleep(3 * time.Hour)
		w.mustRun()
		w.mustAudit(AuditOptions{Repair: true})
		for _, e := range w.entries() {
			for start := range e.Hours {
				if start%3600 != 0 {
					t.Errorf("entry %v counts by %d, which begins no hour", e.window(), start)
				}
			}
		}
		first := w.objects()[0].Name
		for _, o := range w.objects()[5:8] {
			w.cloud.Delete(w.config.Bucket, o.Name)
		}
		if s, err = ReadStatus(w.t.Context(), w.config, w.bucket, time.Now()); err != nil {
			t.Fatal(err)
		}
		state := w.state()
		if s.Through != state.Through || s.Next != state.Next || s.LastEvent.Unix() != state.LastEventTime || s.Saved.After(s.At) || s.At.Sub(s.Saved) > time.Minute ||
			s.Lag != s.At.Sub(s.Through) || s.NextDue != s.Next.Add(w.config.Lag) || first == "" {
			t.Errorf("%+v\nof %+v", s, state)
		}
		want, types := map[time.Time]int64{}, map[string]int64{}
		total := int64(0)
		for _, a := range w.lines {
			if hour := a.Inserted.Truncate(time.Hour); !hour.Before(s.Hours[0].Start) && a.Inserted.Before(s.Through) {
				want[hour]++
				total++
			}
		}
		got := map[time.Time]int64{}
		for i, h := range s.Hours {
			sum := int64(0)
			for name, n := range h.Types {
				sum += n
				types[name] += n
			}
			if sum != h.Alerts || h.Start != s.Hours[0].Start.Add(time.Duration(i)*time.Hour) || h.Complete == s.Through.Before(h.Start.Add(time.Hour)) {
				t.Errorf("hour %+v", h)
			}
			if h.Alerts > 0 {
				got[h.Start] = h.Alerts
			}
		}
		if !maps.Equal(got, want) || s.Alerts != total || s.Late != 3 {
			t.Errorf("%d alerts, want %d; %d late\n%v\n%v", s.Alerts, total, s.Late, got, want)
		}
		sum := int64(0)
		for i, k := range s.Types {
			sum += k.Alerts
			if types[k.Type] != k.Alerts || i > 0 && k.Alerts > s.Types[i-1].Alerts {
				t.Errorf("types %+v", s.Types)
			}
		}
		if sum != total || s.Lateness.P50 == 0 || s.Lateness.Max < s.Lateness.P99 || len(s.Lateness.Buckets) == 0 {
			t.Errorf("%+v", s)
		}
		if s.Objects-s.Present != 3 || s.Bytes == 0 || s.Stored != s.Bytes {
			t.Errorf("%d objects, %d present, %d bytes, %d stored", s.Objects, s.Present, s.Bytes, s.Stored)
		}
	})
}

// TestFind looks every alert up: it must be in that line of that object.
func TestFind(t *testing.T) {
	simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(3)...), func(w *world) {
		withGaps(w)
		w.mustAudit(AuditOptions{Repair: true})
		w.cloud.Delete(w.config.Bucket, w.objects()[0].Name)
		gone, late := 0, 0
		span := Window{From: dayStart.Add(-24 * time.Hour), To: dayStart.Add(24 * time.Hour)}
		for line, alert := range w.lines {
			if alert.Inserted.Before(w.began) {
				continue
			}
			found, err := Find(w.t.Context(), w.config, w.bucket, alert.ID, span)
			if err != nil || len(found) != 1 || !found[0].Window.contains(alert.Inserted.Unix()) || found[0].Quarantined || found[0].Delivered.IsZero() {
				t.Fatalf("%s: %+v, %v", alert.ID, found, err)
			}
			f := found[0]
			if f.Late {
				late++
			}
			o, ok := w.cloud.Object(w.config.Bucket, f.Object)
			if ok != f.Present {
				t.Errorf("%+v: present %v", f, ok)
			}
			if !ok {
				gone++
				continue
			}
			if lines := w.content(o); lines[f.Line-1] != line {
				t.Errorf("%s is not in line %d of %s", alert.ID, f.Line, f.Object)
			}
		}
		if gone == 0 || late != 3 {
			t.Errorf("%d alerts of an object that is gone, %d late", gone, late)
		}
		if found, err := Find(w.t.Context(), w.config, w.bucket, "nobody", span); err != nil || len(found) != 0 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// TestFindInQuarantine finds what was kept out of the feed's folder.
func TestFindInQuarantine(t *testing.T) {
	alerts := []netskopetest.Alert{
		storedAt(time.Hour, `{"_id":"plain","_insertion_epoch_timestamp":NOW,"timestamp":NOW}`),
		storedAt(time.Hour, `{"_id":"stray","_insertion_epoch_timestamp":1700000000,"timestamp":NOW}`),
	}
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.cloud.Visible = nil
		w.config.Lookback = 2 * time.Hour
		w.mustRun()
		found, err := Find(w.t.Context(), w.config, w.bucket, "stray", past(24, -1))
		if err != nil || len(found) != 1 || !found[0].Quarantined || found[0].Line != 1 || !found[0].Present {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// TestMove moves the state back and forth.
func TestMove(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		w.config.Lookback = 3 * time.Hour
		plan := func(to time.Time) (Move, error) { return PlanMove(w.t.Context(), w.config, w.bucket, time.Now(), to) }
		m, err := plan(dayStart.Add(-5 * time.Hour))
		if err != nil || !m.From.IsZero() {
			t.Fatalf("without a state: %+v, %v", m, err)
		}
		if _, err := m.Apply(w.t.Context(), w.config, w.bucket); err != nil {
			t.Fatal(err)
		}
		w.mustRun()
		began := dayStart.Add(-5 * time.Hour)
		w.backfilled(began)

		// Back: what is delivered is not delivered again, what is not is collected.
		if m, err = plan(dayStart.Add(-20 * time.Hour)); err != nil || len(m.Undelivered) != 1 || m.Undelivered[0] != (Window{From: m.To, To: began}) || m.Delivered < 50 {
			t.Fatalf("%+v, %v", m, err)
		}
		if _, err := m.Apply(w.t.Context(), w.config, w.bucket); err != nil {
			t.Fatal(err)
		}
		w.mustRun()
		w.backfilled(dayStart.Add(-20 * time.Hour))
		if again, err := plan(dayStart.Add(-10 * time.Hour)); err != nil || len(again.Undelivered) != 0 {
			t.Errorf("%+v, %v", again, err)
		}

		// A run was faster.
		time.Sleep(time.Hour)
		if m, err = plan(dayStart.Add(-10 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		w.mustRun()
		before := w.state()
		if _, err := m.Apply(w.t.Context(), w.config, w.bucket); err == nil || w.state().generation != before.generation {
			t.Errorf("the state was moved under a run: %v", err)
		}

		// Forward: what is skipped is a hole, which a repair fills.
		time.Sleep(6 * time.Hour)
		w.tenant.Add(netskopetest.Generate(9, dayStart.Add(2*time.Hour), dayStart.Add(6*time.Hour), 50)...)
		if m, err = plan(dayStart.Add(6 * time.Hour)); err != nil || len(m.Undelivered) != 1 {
			t.Fatalf("%+v, %v", m, err)
		}
		w.cloud.Visible = nil
		if _, err := m.Apply(w.t.Context(), w.config, w.bucket); err != nil {
			t.Fatal(err)
		}
		w.mustRun()
		if a := w.mustAudit(AuditOptions{Repair: true}); a.Repaired < 40 || !a.Passed() {
			t.Errorf("%+v", a)
		}

		for name, to := range map[string]time.Time{"future": time.Now().Add(time.Hour), "fraction": dayStart.Add(-time.Hour + 1), "long ago": time.Unix(1, 0)} {
			if _, err := plan(to); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

// TestHistory reads the states that a bucket with versioning has kept.
func TestHistory(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(3, 40), func(w *world) {
		w.config.Lookback = time.Hour
		w.cloud.Versioning = true
		w.mustRun()
		w.cloud.Visible = nil
		w.cloud.Put(w.config.Bucket, w.config.StateKey, []byte("garbage"))
		versions, err := History(w.t.Context(), w.config, w.bucket)
		if err != nil || len(versions) < 3 || versions[0].Problem == "" {
			t.Fatalf("%+v, %v", versions, err)
		}
		for i, v := range versions[1:] {
			if v.Problem != "" || v.Generation >= versions[i].Generation || i > 0 && v.Through.After(versions[i].Through) || v.Saved.IsZero() {
				t.Errorf("%+v after %+v", v, versions[i])
			}
		}
		if _, err := ReadCheckpoint(w.t.Context(), w.config, w.bucket); err == nil {
			t.Error("garbage was read")
		}
	})
}
