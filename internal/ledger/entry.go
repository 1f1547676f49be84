package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/stream"
	"netskope-alerts.internal/collector/internal/tally"
)

// Entry is what the ledger says of one cell: that it was delivered, and then where its
// alerts went, how many they are, and who they are; or that it is split. Creating it is what
// decides: before, nothing of the cell is delivered; afterwards all of it is, exactly as the
// entry says, as soon as somebody has moved its staged objects to their places. So two
// workers that saw different alerts of one cell cannot both deliver, and an object that the
// feed has taken away is not delivered a second time.
//
// An entry is an object of its own outside the feed's folder, created and never
// overwritten. Its content is the keys of its alerts, 16 bytes each, in the order of the
// lines, the quarantined last; the rest is its metadata, so that a list of the ledger tells
// all but the keys.
type Entry struct {
	Cell cell.Cell `json:"-"`
	// Late numbers the entries of what repairs brought later; 0 is the cell's own.
	Late int `json:"-"`

	From      time.Time       `json:"from"` // of the cell, UTC; for people, as is To
	To        time.Time       `json:"to"`
	Tenant    string          `json:"tenant"`
	Stream    stream.Stream   `json:"stream,omitempty"` // left out of alerts' entries
	TimeField alert.TimeField `json:"time_field"`
	Collector string          `json:"collector"` // version that wrote it

	// Split says that nothing was delivered here: see the cells below.
	Split bool `json:"split,omitempty"`

	// Position is where the live collector was when it made the entry; zero of others.
	Position

	Objects    []Placed `json:"objects,omitempty"`    // in the feed's folder; none if nothing was delivered there
	Quarantine *Placed  `json:"quarantine,omitempty"` // beside it

	Alerts      int64 `json:"alerts"` // lines of Objects
	Quarantined int64 `json:"quarantined,omitempty"`
	Undated     int64 `json:"undated,omitempty"`
	Clashes     int64 `json:"clashes,omitempty"` // alerts with the _id of another one, but other bytes
	Bytes       int64 `json:"bytes"`             // of the lines of Objects, before compression
	Newest      int64 `json:"newest,omitempty"`  // newest alert timestamp, epoch seconds; 0 if none
	tally.Tally

	// Created is when the entry was made, UTC.
	Created time.Time `json:"-"`

	generation int64
	settled    bool // its objects are not staged any more
}

// Position is how far a live collector has come: every alert from Began to Through is
// delivered. UTC.
type Position struct {
	Began   time.Time `json:"began,omitzero"`
	Moved   time.Time `json:"moved,omitzero"` // when an operator moved it there; zero if none did
	Through time.Time `json:"through,omitzero"`
}

// Placed is an object that is, or was, to be moved to its place.
type Placed struct {
	Name       string `json:"name"`
	Staged     string `json:"staged"` // where it was when the entry was created
	Generation int64  `json:"generation"`
	Size       int64  `json:"size"` // bytes, as stored
	CRC32C     uint32 `json:"crc32c"`
	Lines      int64  `json:"lines"`
}

// Owner is whose a ledger is. A ledger of another tenant, stream or time field is refused: what
// it has delivered says nothing of this one's alerts. Who opens one without a tenant may look at
// anybody's, and make no entry.
type Owner struct {
	Tenant    string // scheme and host
	Stream    stream.Stream
	TimeField alert.TimeField
	Collector string // version
}

// ErrForeign says that the ledger is of another tenant, stream or time field.
var ErrForeign = errors.New("the ledger is another's")

const (
	// member is the metadata key that holds an entry. All metadata of an object may have
	// 8 KiB (Cloud Storage: quotas and limits, "custom metadata").
	member      = "netskope-ledger"
	maxMetadata = 7500
	keyBytes    = int64(len(alert.Key{}))
	maxKeyBytes = 1 << 28 // 16 million alerts in one cell
)

// metadata is the entry as an object's metadata. Numbers that nothing is decided by are
// left out where they would not fit.
func (e Entry) metadata() (map[string]string, error) {
	for _, lessen := range []func(){func() {}, e.FoldTypes, func() { e.Tally = tally.Tally{} }} {
		lessen()
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode ledger entry: %w", err)
		}
		if len(text) <= maxMetadata {
			return map[string]string{member: string(text)}, nil
		}
	}
	return nil, errors.New("encode ledger entry: the names of its objects are too long; set a shorter GCS_PREFIX")
}

// parse reads an entry from what a list, or a look, tells of its object.
func (l *Ledger) parse(o gcs.Object) (Entry, error) {
	failed := func(format string, arguments ...any) (Entry, error) {
		return Entry{}, fmt.Errorf("parse ledger entry %s: "+format, append([]any{l.store.URI(o.Name)}, arguments...)...)
	}
	c, late, ok := l.folders.ParseEntry(o.Name)
	text, has := o.Metadata[member]
	if !ok || !has {
		return failed("it has no metadata %s: something else wrote it; move it away", member)
	}
	var e Entry
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return failed("%w", err)
	}
	e.Cell, e.Late = c, late
	e.From, e.To, e.Began, e.Moved, e.Through = e.From.UTC(), e.To.UTC(), e.Began.UTC(), e.Moved.UTC(), e.Through.UTC()
	e.generation, e.Created = o.Generation, o.Created
	lines := int64(0)
	for _, p := range e.Objects {
		if p.Lines < 0 || p.Lines > maxKeyBytes {
			return failed("it contradicts itself: metadata %.300s", text)
		}
		lines += p.Lines
	}
	if !e.From.Equal(c.From()) || !e.To.Equal(c.To()) || e.Alerts != lines ||
		e.Quarantined < 0 || e.Quarantined > maxKeyBytes || e.Quarantined > 0 && e.Quarantine == nil ||
		o.Size != (e.Alerts+e.Quarantined)*keyBytes || e.Split && (o.Size+int64(late) > 0 || len(e.placed()) > 0) {
		return failed("it contradicts itself: %d bytes of keys, metadata %.300s", o.Size, text)
	}
	if e.Stream != l.owner.Stream {
		return Entry{}, fmt.Errorf("%w: %s is of the stream %v, but this run collects %v: "+
			"give each its own GCS_PREFIX, EVENTS_PREFIX and STATE_KEY", ErrForeign, l.store.URI(o.Name), e.Stream,
			l.owner.Stream)
	}
	if l.owner.Tenant != "" && (e.Tenant != l.owner.Tenant || e.TimeField != l.owner.TimeField) {
		return Entry{}, fmt.Errorf("%w: %s was made with NETSKOPE_TENANT=%s and TIME_FIELD=%s, but this run has %s and %s: "+
			"give each its own GCS_PREFIX and STATE_KEY", ErrForeign, l.store.URI(o.Name), e.Tenant, e.TimeField,
			l.owner.Tenant, l.owner.TimeField)
	}
	return e, nil
}

// Keys are those of the entry's alerts, in the order of its lines.
func (l *Ledger) Keys(ctx context.Context, e Entry) ([]alert.Key, error) {
	n := e.Alerts + e.Quarantined
	if n == 0 {
		return nil, nil
	}
	name := l.folders.Entry(e.Cell, e.Late)
	content, _, err := l.store.Read(ctx, name, e.generation, maxKeyBytes)
	if err != nil {
		return nil, fmt.Errorf("read keys of a ledger entry: %w", err)
	}
	if int64(len(content)) != n*keyBytes {
		return nil, fmt.Errorf("read ledger entry %s: it has %d bytes for %d alerts", l.store.URI(name), len(content), n)
	}
	keys := make([]alert.Key, n)
	for i := range keys {
		copy(keys[i][:], content[int64(i)*keyBytes:])
	}
	return keys, nil
}

// same reports whether both deliver the same staged objects, as an entry does that was
// created although the answer was lost.
func (e Entry) same(other Entry) bool {
	mine, others := e.placed(), other.placed()
	if len(mine) != len(others) {
		return false
	}
	for i := range mine {
		if mine[i].Staged != others[i].Staged || mine[i].Generation != others[i].Generation {
			return false
		}
	}
	return true
}

// placed are the entry's objects in the order in which they are moved: the quarantine's
// first, so that no alert reaches the feed while one beside it may still be lost from sight.
func (e Entry) placed() []Placed {
	if e.Quarantine == nil {
		return e.Objects
	}
	return append([]Placed{*e.Quarantine}, e.Objects...)
}
