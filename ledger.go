package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/tally"
)

// entry is what the ledger says of one delivered window, or of one late object: where
// its alerts went, how many they are, and who they are. Creating it is what decides a
// window: before, nothing of the window is delivered; afterwards all of it is, exactly as
// the entry says, as soon as somebody has moved its staged objects to their places. So
// two runs that saw different alerts of one window cannot both deliver, and an object
// that the feed has taken away is not delivered a second time.
//
// An entry is an object of its own outside the feed's folder, created and never
// overwritten. Its content is the keys of its alerts, 16 bytes each, in the order of
// the lines, the quarantined last; the rest is its metadata, so that a list of the
// ledger tells all but the keys.
type entry struct {
	From      time.Time `json:"from"` // UTC
	To        time.Time `json:"to"`
	Collector string    `json:"collector"` // version that wrote it
	TimeField TimeField `json:"time_field"`

	// Split says that nothing was delivered: the window was too much for one run,
	// and its parts have entries of their own.
	Split bool `json:"split,omitempty"`
	// Late numbers the entries of objects that a repair delivered; 0 is the window's
	// own.
	Late int `json:"late,omitempty"`

	Object     *placed `json:"object,omitempty"`     // in the feed's folder; nil if nothing was delivered there
	Quarantine *placed `json:"quarantine,omitempty"` // beside it

	Alerts      int64 `json:"alerts"` // lines of Object
	Quarantined int64 `json:"quarantined,omitempty"`
	Undated     int64 `json:"undated,omitempty"`
	Bytes       int64 `json:"bytes"`            // of Object's lines, before compression
	Newest      int64 `json:"newest,omitempty"` // newest alert timestamp, epoch seconds; 0 if none
	tally.Tally

	name       string
	generation int64
	created    time.Time
}

// splitMark is the entry that takes a window's name without delivering it.
func splitMark(w Window) entry { return entry{From: w.From, To: w.To, Split: true} }

const (
	ledgerSuffix = ".ids"
	// ledgerMember is the metadata key that holds an entry. All metadata of an object
	// may have 8 KiB (Cloud Storage: quotas and limits, "custom metadata").
	ledgerMember   = "netskope-ledger"
	maxMetadata    = 7500
	lateFolder     = "/late/"
	ledgerChunk    = 1 << 20
	maxLedgerBytes = 1 << 30 // 64 million alerts in one window
)

func (e *entry) window() Window { return Window{From: e.From, To: e.To} }

// undated reports whether the entry has alerts that a neighbour's request may meet again.
func (e *entry) undated() bool { return e.Undated > 0 }

// ledgerFolder is where the entries of the objects of a feed's folder are.
func ledgerFolder(prefix string) string { return prefix + ".ledger" }

func stagingFolder(prefix string) string { return prefix + ".staging" }

func quarantineFolder(prefix string) string { return prefix + ".quarantine" }

// windowEntry is the name of the window's own entry.
func windowEntry(prefix string, w Window) string {
	return w.objectName(ledgerFolder(prefix), "window", ledgerSuffix)
}

// lateEntry is the name of the nth late entry. The number alone is the name, so that
// of two repairs at once only one can create it, and the other looks again.
func lateEntry(prefix string, n int) string {
	return fmt.Sprintf("%s%s%08d%s", ledgerFolder(prefix), lateFolder, n, ledgerSuffix)
}

// createEntry writes the entry unless one of its name exists, which it returns then.
// What it returns is durable.
//
// It needs storage.objects.create and storage.objects.get.
func createEntry(ctx context.Context, bucket *storage.BucketHandle, name string, e entry, keys []alert.Key) (found entry, created bool, err error) {
	e.Collector, e.name = Version, name
	metadata, err := e.metadata()
	if err != nil {
		return entry{}, false, err
	}
	content := make([]byte, 0, len(keys)*len(alert.Key{}))
	for _, key := range keys {
		content = append(content, key[:]...)
	}
	o, err := put(ctx, bucket.Object(name).If(storage.Conditions{DoesNotExist: true}), content, storage.ObjectAttrs{
		ContentType: "application/octet-stream", Metadata: metadata}, ledgerChunk)
	switch {
	case isPreconditionFailed(err):
		found, err = readEntry(ctx, bucket, name)
		return found, false, err
	case err != nil:
		return entry{}, false, fmt.Errorf("write ledger entry gs://%s/%s: %w", bucket.BucketName(), name, err)
	}
	e.generation, e.created = o.Generation, o.Created
	return e, true, nil
}

// metadata is the entry as an object's metadata. Numbers that nothing is decided by are
// left out where they would not fit.
func (e entry) metadata() (map[string]string, error) {
	for _, lessen := range []func(){func() {}, e.FoldTypes, func() { e.Tally = tally.Tally{} }} {
		lessen()
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode ledger entry: %w", err)
		}
		if len(text) <= maxMetadata {
			return map[string]string{ledgerMember: string(text)}, nil
		}
	}
	return nil, fmt.Errorf("encode ledger entry %s: the names of its objects are too long; set a shorter GCS_PREFIX", e.name)
}

func readEntry(ctx context.Context, bucket *storage.BucketHandle, name string) (entry, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	attributes, err := bucket.Object(name).Attrs(ctx)
	if err != nil {
		return entry{}, fmt.Errorf("read ledger entry gs://%s/%s: %w", bucket.BucketName(), name, because(ctx, err))
	}
	return parseEntry(attributes)
}

// parseEntry reads an entry from what a list, or a look, tells of its object.
func parseEntry(o *storage.ObjectAttrs) (entry, error) {
	var e entry
	text, ok := o.Metadata[ledgerMember]
	if !ok {
		return e, fmt.Errorf("read ledger entry gs://%s/%s: it has no metadata %s: something else wrote it; move it away", o.Bucket, o.Name, ledgerMember)
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return e, fmt.Errorf("parse ledger entry gs://%s/%s: %w", o.Bucket, o.Name, err)
	}
	e.From, e.To = e.From.UTC(), e.To.UTC()
	e.name, e.generation, e.created = o.Name, o.Generation, o.Created.UTC()
	if !e.From.Before(e.To) || e.Alerts < 0 || e.Quarantined < 0 || max(e.Alerts, e.Quarantined) > maxLedgerBytes ||
		o.Size != (e.Alerts+e.Quarantined)*int64(len(alert.Key{})) ||
		e.Alerts > 0 && e.Object == nil || e.Quarantined > 0 && e.Quarantine == nil {
		return e, fmt.Errorf("parse ledger entry gs://%s/%s: it contradicts itself: %d bytes of keys, metadata %.300s", o.Bucket, o.Name, o.Size, text)
	}
	return e, nil
}

// readKeys returns the keys of the entry's alerts, in the order of its lines.
func (e *entry) readKeys(ctx context.Context, bucket *storage.BucketHandle) ([]alert.Key, error) {
	n := e.Alerts + e.Quarantined
	if n == 0 {
		return nil, nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	failed := func(err error) ([]alert.Key, error) {
		return nil, fmt.Errorf("read ledger entry gs://%s/%s: %w", bucket.BucketName(), e.name, because(ctx, err))
	}
	r, err := bucket.Object(e.name).Generation(e.generation).NewReader(ctx)
	if err != nil {
		return failed(err)
	}
	defer r.Close()
	if r.Attrs.Size > maxLedgerBytes {
		return failed(fmt.Errorf("it has %d bytes", r.Attrs.Size))
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return failed(err)
	}
	if int64(len(content)) != n*int64(len(alert.Key{})) {
		return failed(fmt.Errorf("it has %d bytes for %d alerts", len(content), n))
	}
	keys := make([]alert.Key, n)
	for i := range keys {
		copy(keys[i][:], content[i*len(alert.Key{}):])
	}
	return keys, nil
}

// listLedger returns the entries whose windows overlap w, late ones and marks of splits
// included, by From.
//
// It needs storage.objects.list.
func listLedger(ctx context.Context, bucket *storage.BucketHandle, prefix string, w Window) ([]entry, error) {
	folder := ledgerFolder(prefix)
	const day = "/2006/01/02"
	entries, err := listEntries(ctx, bucket, storage.Query{Prefix: folder + "/",
		StartOffset: folder + w.From.Add(-2*maxWindow).UTC().Format(day), EndOffset: folder + w.To.AddDate(0, 0, 1).UTC().Format(day)})
	if err != nil {
		return nil, err
	}
	late, err := listEntries(ctx, bucket, storage.Query{Prefix: folder + lateFolder})
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(append(entries, late...), func(e entry) bool { return !e.window().overlaps(w) })
	slices.SortFunc(entries, compareEntries)
	return entries, nil
}

// compareEntries orders entries by time, those of a window before the late ones of it.
func compareEntries(a, b entry) int {
	if c := a.From.Compare(b.From); c != 0 {
		return c
	}
	if a.Late != b.Late {
		return a.Late - b.Late
	}
	return a.To.Compare(b.To)
}

func listEntries(ctx context.Context, bucket *storage.BucketHandle, q storage.Query) ([]entry, error) {
	var entries []entry
	err := eachObject(ctx, bucket, q, func(o *storage.ObjectAttrs) error {
		if !strings.HasSuffix(o.Name, ledgerSuffix) {
			return nil
		}
		e, err := parseEntry(o)
		entries = append(entries, e)
		return err
	})
	return entries, err
}

// ledgerStart is the start of the oldest window in the ledger, or zero if there is none.
func ledgerStart(ctx context.Context, bucket *storage.BucketHandle, prefix string) (start time.Time, err error) {
	folder := ledgerFolder(prefix)
	err = eachObject(ctx, bucket, storage.Query{Prefix: folder + "/", EndOffset: folder + lateFolder}, func(o *storage.ObjectAttrs) error {
		w, _, ok := nameParts(o.Name, "window")
		if !ok {
			return fmt.Errorf("list ledger: gs://%s/%s is not named by a window: something else wrote it; move it away", o.Bucket, o.Name)
		}
		start = w.From
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return start, err
}

// lastLate is the number of the last late entry, or 0 if there is none.
func lastLate(ctx context.Context, bucket *storage.BucketHandle, prefix string) (int, error) {
	last := 0
	err := eachObject(ctx, bucket, storage.Query{Prefix: ledgerFolder(prefix) + lateFolder}, func(o *storage.ObjectAttrs) error {
		if n, err := strconv.Atoi(strings.TrimSuffix(baseName(o.Name), ledgerSuffix)); err == nil {
			last = max(last, n)
		}
		return nil
	})
	return last, err
}
