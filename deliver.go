package collector

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// delivery puts alerts of one window into the bucket: those that the feed can take into
// one object in its folder, the others into one beside that folder, each with the
// reason. An object is begun with its first line, so an empty window makes none.
//
// Both are written to a folder of their own first, under names that nobody else has.
// Then the ledger's entry is created, which decides that these objects and no others are
// the window's, and then they are moved to their places. Whoever dies in between leaves
// an entry that anybody can settle, or objects that nobody will ever deliver.
type delivery struct {
	ctx      context.Context
	bucket   *storage.BucketHandle
	config   Config
	window   Window
	entry    string // name of the ledger's entry
	late     int    // see entry.Late
	object   string // name in the feed's folder
	isolated string // name beside it
	staging  string // folder and unique part of the staged names

	alerts, quarantine *object
	keys, isolatedKeys []alert.Key
}

// newDelivery delivers the state's next window.
func newDelivery(ctx context.Context, bucket *storage.BucketHandle, c Config, s State) *delivery {
	d := startDelivery(ctx, bucket, c, s.prefix(), s.window())
	d.entry, d.object = windowEntry(s.prefix(), s.window()), s.Object
	d.isolated = s.window().objectName(quarantineFolder(s.prefix()), "quarantine", ".ndjson")
	return d
}

// newLateDelivery delivers what was missing of a window, as the nth late object.
func newLateDelivery(ctx context.Context, bucket *storage.BucketHandle, c Config, w Window, n int) *delivery {
	d := startDelivery(ctx, bucket, c, c.Prefix, w)
	d.entry, d.late = lateEntry(c.Prefix, n), n
	d.object = w.objectName(c.Prefix, "late", fmt.Sprintf("_%d%s", n, c.suffix()))
	d.isolated = w.objectName(quarantineFolder(c.Prefix), "quarantine", fmt.Sprintf("_%d.ndjson", n))
	return d
}

func startDelivery(ctx context.Context, bucket *storage.BucketHandle, c Config, prefix string, w Window) *delivery {
	return &delivery{ctx: ctx, bucket: bucket, config: c, window: w, staging: w.objectName(stagingFolder(prefix), rand.Text(), "_")}
}

// keep appends the alert to the feed's object, or, for a reason, to the quarantine's.
func (d *delivery) keep(a *page.Alert, key alert.Key, reason string) error {
	if reason != "" {
		d.isolatedKeys = append(d.isolatedKeys, key)
		return d.isolate(a, reason)
	}
	d.keys = append(d.keys, key)
	if d.alerts == nil {
		d.alerts = d.stage(d.object)
	}
	if _, err := d.alerts.Write(a.Line); err != nil {
		return err
	}
	_, err := d.alerts.Write(newline)
	return err
}

var newline = []byte("\n")

// stage begins an object that is to be moved to name.
func (d *delivery) stage(name string) *object {
	return create(d.ctx, d.bucket, d.staging+baseName(name), map[string]string{
		"netskope-window":     d.window.String(),
		"netskope-time-field": string(d.config.TimeField),
		"netskope-collector":  Version,
	})
}

// isolate writes the alert, whole, with what is wrong with it.
func (d *delivery) isolate(a *page.Alert, reason string) error {
	if d.quarantine == nil {
		d.quarantine = d.stage(d.isolated)
	}
	quoted, err := json.Marshal(reason)
	if err != nil {
		return fmt.Errorf("encode reason: %w", err)
	}
	head := fmt.Appendf(nil, `{"reason":%s,"window":{"from":"%s","to":"%s"},"alert":`, quoted,
		d.window.From.Format(time.RFC3339), d.window.To.Format(time.RFC3339))
	for _, part := range [][]byte{head, a.Line, []byte("}\n")} {
		if _, err := d.quarantine.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// commit delivers what was kept, unless the entry exists: then it drops it, sees to it
// that what that entry says is delivered, and returns that one, and false.
func (d *delivery) commit(f *fetched) (e entry, created bool, err error) {
	defer d.abandon()
	if e, err = d.complete(f); err != nil {
		return e, false, err
	}
	found, created, err := createEntry(d.ctx, d.bucket, d.entry, e, append(d.keys, d.isolatedKeys...))
	if err != nil {
		return e, false, err // it may have been created: what it names must stay
	}
	if !created && !found.same(e) {
		e.discard(d.ctx, d.bucket)
	} else if e.Object != nil || e.Quarantine != nil {
		created = true // by a request whose answer was lost
	}
	return found, created, found.settle(d.ctx, d.bucket)
}

// complete makes the staged objects durable and describes them.
func (d *delivery) complete(f *fetched) (entry, error) {
	e := entry{From: d.window.From, To: d.window.To, TimeField: d.config.TimeField, Late: d.late,
		Alerts: int64(len(d.keys)), Quarantined: int64(len(d.isolatedKeys)), Undated: f.unsure, Newest: f.newest, Tally: f.counter.Tally()}
	for _, part := range []struct {
		object *object
		name   string
		placed **placed
	}{{d.quarantine, d.isolated, &e.Quarantine}, {d.alerts, d.object, &e.Object}} {
		if part.object == nil {
			continue
		}
		staged, err := part.object.commit()
		if err != nil {
			return e, err
		}
		*part.placed = &placed{Name: part.name, Staged: staged.Name, Generation: staged.Generation, Size: staged.Size, CRC32C: staged.CRC32C}
	}
	if d.alerts != nil {
		e.Bytes = d.alerts.bytes
	}
	return e, nil
}

// abandon leaves nothing of what is not complete.
func (d *delivery) abandon() {
	for _, o := range []*object{d.quarantine, d.alerts} {
		if o != nil {
			o.abandon()
		}
	}
}
