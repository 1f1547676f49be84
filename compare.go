package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// compare lists the tenant's alerts of the window against what is delivered of it. Where
// another repair got in between, it returns errRepairedMeanwhile.
func (v *auditor) compare(ctx context.Context, w Window) (found AuditedWindow, err error) {
	found.Window = w
	_, covered := v.ledger.covering(w.From)
	found.Uncovered = !covered
	known, err := v.delivered(ctx, &found)
	if err != nil {
		return found, err
	}
	var d *delivery
	if v.options.Repair && covered {
		d = newLateDelivery(ctx, v.bucket, v.config, w, v.lates+1)
		defer d.abandon()
	}
	// At the end of the last window an alert without a time of its own may be the next one's,
	// which the collector has still to fetch.
	edge := w.widened().To.After(v.through)
	f, err := fetch(ctx, v.tenant, w, v.config.TimeField, known, func(a *page.Alert, key alert.Key, reason string) error {
		if _, dated := alert.Time(a, v.config.TimeField); edge && !dated {
			return nil
		}
		found.Missing++
		if len(found.Examples) < maxExamples {
			found.Examples = append(found.Examples, string(alert.Identity(a)))
		}
		if d == nil {
			return nil
		}
		return d.keep(a, key, reason)
	})
	if err != nil {
		return found, err
	}
	v.notListed(&found, known)
	switch {
	case found.Missing == 0 || !v.options.Repair:
		return found, nil
	case !covered:
		found.Repaired, err = v.fill(ctx, w)
		return found, err
	}
	e, created, err := d.commit(f)
	if err != nil {
		return found, fmt.Errorf("repair window %v: %w", w, err)
	}
	if !created {
		return found, errRepairedMeanwhile
	}
	v.lates = e.Late
	v.ledger.entries = append(v.ledger.entries, e)
	found.Repaired = found.Missing
	return found, nil
}

// fill collects a hole in the ledger as a backfill does, so that it cannot collide with
// one. If one has a part of the hole, the hole is left to it.
func (v *auditor) fill(ctx context.Context, hole Window) (alerts int64, err error) {
	for {
		r, err := backfill(ctx, v.config, v.bucket, v.client, time.Now(), hole, true, nil)
		alerts += r.Alerts
		if errors.Is(err, errSpanTaken) {
			return alerts, nil
		}
		if err != nil {
			return alerts, fmt.Errorf("repair hole %v: %w", hole, err)
		}
		if r.CaughtUp {
			return alerts, nil
		}
	}
}

// fillBegun goes on with the holes that audits before this one were filling when they died.
func (v *auditor) fillBegun(ctx context.Context) error {
	r, err := readRegistry(ctx, v.config, v.bucket)
	if err != nil {
		return err
	}
	for _, span := range r.Unfinished {
		if span.Repair {
			if _, err := v.fill(ctx, span.window()); err != nil {
				return err
			}
		}
	}
	return nil
}

// delivered adds to found what the ledger and the folder say of the window, and returns
// the alerts that are delivered and that a request for it may meet.
func (v *auditor) delivered(ctx context.Context, found *AuditedWindow) (alert.Set, error) {
	w := found.Window
	known, owned := alert.Set{}, alert.Set{}
	for i := range v.ledger.entries {
		e := &v.ledger.entries[i]
		if e.Split || !e.window().overlaps(w.widened()) {
			continue
		}
		keys, err := v.readKeys(ctx, e)
		if err != nil {
			return nil, err
		}
		own := w.contains(e.From.Unix())
		if own {
			found.Delivered += int64(len(keys))
			if err := v.examine(ctx, e, found); err != nil {
				return nil, err
			}
		}
		if v.lost(e) {
			keys = keys[e.Alerts:]
		}
		for _, key := range keys {
			if _, again := known[key]; again && own {
				found.Duplicated++
			}
			known[key] = 0
			if own {
				owned[key] = 0
			}
		}
	}
	for _, o := range v.folder.foreign {
		for i, key := range o.keys {
			if _, also := owned[key]; also {
				o.listed[i] = true
				o.Duplicated++
				found.Duplicated++
			}
			known[key] = 0
		}
	}
	v.forget(w)
	return known, nil
}

// readKeys reads an entry's keys once for the windows near it.
func (v *auditor) readKeys(ctx context.Context, e *entry) ([]alert.Key, error) {
	if keys, ok := v.keys[e.name]; ok {
		return keys, nil
	}
	keys, err := e.readKeys(ctx, v.bucket)
	if err == nil {
		v.keys[e.name] = keys
	}
	return keys, err
}

// forget drops the keys that no window after w needs.
func (v *auditor) forget(w Window) {
	for _, e := range v.ledger.entries {
		if e.To.Before(w.widened().From) {
			delete(v.keys, e.name)
		}
	}
}

// examine looks whether what the entry delivers is at its place, and, to repair, moves
// there what is not.
func (v *auditor) examine(ctx context.Context, e *entry, found *AuditedWindow) error {
	for _, p := range []*placed{e.Quarantine, e.Object} {
		if p == nil {
			continue
		}
		if v.folder.staged[p.Staged] && v.folder.placed[p.Name] == nil {
			if !v.options.Repair {
				found.Pending++
				continue
			}
			if err := e.settle(ctx, v.bucket); err != nil {
				return err
			}
			v.folder.placed[p.Name] = &storage.ObjectAttrs{Size: p.Size, CRC32C: p.CRC32C}
		}
	}
	switch {
	case v.gone(e):
		found.Gone++
	case e.Object != nil && v.folder.placed[e.Object.Name] != nil && !e.Object.intact(v.folder.placed[e.Object.Name]):
		found.Damaged++
	}
	return nil
}

// gone reports whether the entry's object was at its place and is not any more.
func (v *auditor) gone(e *entry) bool {
	return e.Object != nil && e.Late <= v.folder.lates && v.folder.placed[e.Object.Name] == nil && !v.folder.staged[e.Object.Staged]
}

// lost reports whether the entry's object is gone although nothing takes it away.
func (v *auditor) lost(e *entry) bool { return v.options.ObjectsKept && v.gone(e) }

// notListed counts the window's delivered alerts with which the tenant did not answer.
func (v *auditor) notListed(found *AuditedWindow, known alert.Set) {
	w := found.Window
	for i := range v.ledger.entries {
		e := &v.ledger.entries[i]
		if e.Split || !w.contains(e.From.Unix()) || e.To.After(w.To) {
			continue
		}
		for _, key := range v.keys[e.name] {
			if page, ok := known[key]; ok && page == 0 {
				found.Unknown++
			}
		}
	}
	for _, o := range v.folder.foreign {
		for i, key := range o.keys {
			o.listed[i] = o.listed[i] || known[key] > 0
		}
	}
}
