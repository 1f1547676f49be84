package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/page"
)

// delivery puts one window's alerts into the bucket: those that the feed can take
// into one object in its folder, the others into one beside that folder, each with the
// reason. An object is begun with its first line, so an empty window makes none.
type delivery struct {
	ctx    context.Context
	bucket *storage.BucketHandle
	config Config
	window Window
	name   string // of the object in the feed's folder
	labels map[string]string

	alerts, quarantine *object
	quarantined        int64
}

func newDelivery(ctx context.Context, bucket *storage.BucketHandle, c Config, s State) *delivery {
	return &delivery{ctx: ctx, bucket: bucket, config: c, window: s.window(), name: s.Object, labels: map[string]string{
		"netskope-window":     s.window().String(),
		"netskope-time-field": string(c.TimeField),
		"netskope-collector":  Version,
	}}
}

// keep appends the alert to the feed's object, or, for a reason, to the quarantine's.
func (d *delivery) keep(a *page.Alert, reason string) error {
	if reason != "" {
		return d.isolate(a, reason)
	}
	if d.alerts == nil {
		d.alerts = create(d.ctx, d.bucket, d.name, d.labels)
	}
	if _, err := d.alerts.Write(a.Line); err != nil {
		return err
	}
	_, err := d.alerts.Write(newline)
	return err
}

var newline = []byte("\n")

// isolate writes the alert, whole, with what is wrong with it.
func (d *delivery) isolate(a *page.Alert, reason string) error {
	if d.quarantine == nil {
		name := d.window.objectName(d.config.Prefix+".quarantine", "quarantine", ".ndjson")
		d.quarantine = create(d.ctx, d.bucket, name, d.labels)
	}
	d.quarantined++
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

// commit makes the objects visible, the quarantine's first: whoever finds the feed's
// object of a window may rely on the whole window being there.
func (d *delivery) commit() error {
	for _, o := range []*object{d.quarantine, d.alerts} {
		if o == nil {
			continue
		}
		if err := o.commit(); err != nil {
			d.abandon()
			return err
		}
	}
	return nil
}

// abandon leaves nothing visible of what is not committed.
func (d *delivery) abandon() {
	for _, o := range []*object{d.quarantine, d.alerts} {
		if o != nil {
			o.abandon()
		}
	}
}
