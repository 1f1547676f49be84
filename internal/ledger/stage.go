package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/page"
)

// delivery puts alerts of one cell into the bucket: those that the feed can take into
// objects in its folder, the others into one beside that folder, each with the reason. An
// object is begun with its first line, so an empty cell makes none.
//
// All are written to a folder of their own first, under names that nobody else has. Whoever
// dies afterwards leaves an entry that anybody can finish, or objects that nobody will ever
// deliver.
type delivery struct {
	ctx    context.Context
	ledger *Ledger
	entry  Entry
	unique string // part of the staged names

	alerts, quarantine *staged
	keys, isolatedKeys []byte
}

// staged is an object that is being written.
type staged struct {
	Upload
	placed Placed // all that is known of it so far
	bytes  int64
}

func (d *delivery) stage(name, part string) *staged {
	l, c := d.ledger, d.entry.Cell
	if strings.HasSuffix(name, layout.GzipSuffix) {
		part += layout.GzipSuffix
	}
	at := l.folders.Staged(c, d.entry.Late, d.unique, part)
	return &staged{placed: Placed{Name: name, Staged: at}, Upload: l.store.Begin(d.ctx, at, map[string]string{
		"netskope-cell":       c.String(),
		"netskope-time-field": string(l.owner.TimeField),
		"netskope-collector":  l.owner.Collector,
	})}
}

// line appends what is written to one line of the object.
func (s *staged) line(parts ...[]byte) error {
	for _, part := range parts {
		if _, err := s.Write(part); err != nil {
			return err
		}
		s.bytes += int64(len(part))
	}
	s.placed.Lines++
	return nil
}

func (s *staged) commit() (Placed, error) {
	o, err := s.Commit()
	s.placed.Generation, s.placed.Size, s.placed.CRC32C = o.Generation, o.Size, o.CRC32C
	return s.placed, err
}

var newline = []byte("\n")

// keep is the delivery's Keep.
func (d *delivery) keep(a *page.Alert, key alert.Key, reason string) error {
	if reason != "" {
		return d.isolate(a, key, reason)
	}
	if d.alerts != nil && d.alerts.bytes+int64(len(a.Line)) >= d.ledger.part {
		if err := d.completePart(); err != nil {
			return err
		}
	}
	if d.alerts == nil {
		part := len(d.entry.Objects) + 1
		name := d.ledger.folders.Alerts(d.entry.Cell, d.entry.Late, part, d.ledger.suffix)
		d.alerts = d.stage(name, "part"+strconv.Itoa(part))
	}
	d.keys = append(d.keys, key[:]...)
	return d.alerts.line(a.Line, newline)
}

// isolate writes the alert, whole, with what is wrong with it.
func (d *delivery) isolate(a *page.Alert, key alert.Key, reason string) error {
	if d.quarantine == nil {
		d.quarantine = d.stage(d.ledger.folders.Isolated(d.entry.Cell, d.entry.Late), "quarantine")
	}
	quoted, err := json.Marshal(reason)
	if err != nil {
		return fmt.Errorf("encode reason: %w", err)
	}
	head := fmt.Appendf(nil, `{"reason":%s,"span":{"from":"%s","to":"%s"},"alert":`, quoted,
		d.entry.Cell.From().Format(time.RFC3339), d.entry.Cell.To().Format(time.RFC3339))
	d.isolatedKeys = append(d.isolatedKeys, key[:]...)
	return d.quarantine.line(head, a.Line, []byte("}\n"))
}

// completePart makes an object of alerts durable and describes it.
func (d *delivery) completePart() error {
	p, err := d.alerts.commit()
	if err != nil {
		return err
	}
	d.entry.Objects = append(d.entry.Objects, p)
	d.entry.Alerts += p.Lines
	d.entry.Bytes += d.alerts.bytes
	d.alerts = nil
	return nil
}

// complete makes all staged objects durable and describes them.
func (d *delivery) complete() error {
	if d.quarantine != nil {
		p, err := d.quarantine.commit()
		if err != nil {
			return err
		}
		d.entry.Quarantine, d.entry.Quarantined = &p, p.Lines
	}
	if d.alerts == nil {
		return nil
	}
	return d.completePart()
}

// abandon leaves nothing of what is not complete.
func (d *delivery) abandon() {
	for _, s := range []*staged{d.quarantine, d.alerts} {
		if s != nil {
			s.Abandon()
		}
	}
}

// discard deletes what was staged and will not be delivered. What it cannot delete is swept
// a day later.
func (d *delivery) discard(ctx context.Context) {
	for _, p := range d.entry.placed() {
		_ = d.ledger.store.Delete(ctx, p.Staged, p.Generation)
	}
}
