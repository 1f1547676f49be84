package audit

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/page"
)

// folder is what lies in the feed's folder, as far as it may concern an audited span,
// and in the staging folder.
type folder struct {
	placed  map[string]gcs.Object // those of the ledger, by name
	staged  map[string]int64      // generations, by name
	decided map[string]bool       // names of objects that the ledger had decided before the lists were made
	foreign []*foreignObject
	at      map[alert.ID][]place // where the foreign objects' alerts are

	mu sync.Mutex // of foreign and at, once they are made
}

type place struct {
	*foreignObject
	line int
}

// foreignObject is one that the ledger does not know. The feed reads it all the same, so
// its alerts are delivered.
type foreignObject struct {
	ForeignObject
	listedLines []bool // by the tenant; or delivered by an entry of the ledger, too
}

// listFolder lists the staging folder and, of the feed's, the days of the span and what lies in no
// day's folder; and reads the objects that the ledger does not know: those named by a cell that
// overlaps the span, and those that are named otherwise and were created since it began.
func listFolder(ctx context.Context, bucket *gcs.Bucket, folders layout.Folders, states []string,
	span ledger.Span, entries []ledger.Entry) (*folder, error) {
	f := &folder{placed: map[string]gcs.Object{}, staged: map[string]int64{}, decided: map[string]bool{},
		at: map[alert.ID][]place{}}
	for _, e := range entries {
		for _, p := range e.Objects {
			f.decided[p.Name] = true
		}
	}
	// First: what is moved between the two lists must not be missed by both.
	if err := bucket.List(ctx, gcs.Names{Prefix: folders.Staging}, func(o gcs.Object) error {
		f.staged[o.Name] = o.Generation
		return nil
	}); err != nil {
		return f, err
	}
	var foreign []gcs.Object
	sort := func(o gcs.Object) error {
		from, to, _, named := folders.ParseAlerts(o.Name)
		switch {
		case f.decided[o.Name]:
			f.placed[o.Name] = o
		case slices.Contains(states, o.Name), o.Size == 0,
			named && !(from.Before(span.To) && span.From.Before(to)), !named && o.Created.Before(span.From):
		default:
			foreign = append(foreign, o)
		}
		return nil
	}
	lists := []gcs.Names{{Prefix: folders.Feed, From: folders.AlertsFrom(span.From), To: folders.AlertsTo(span.To)}}
	if err := bucket.List(ctx, gcs.Names{Prefix: folders.Feed, Flat: true}, func(o gcs.Object) error {
		switch isFolder := strings.HasSuffix(o.Name, "/"); {
		case isFolder && !folders.IsDays(o.Name):
			lists = append(lists, gcs.Names{Prefix: o.Name})
		case !isFolder:
			return sort(o)
		}
		return nil
	}); err != nil {
		return f, err
	}
	for _, names := range lists {
		if err := bucket.List(ctx, names, sort); err != nil {
			return f, err
		}
	}
	for _, o := range foreign {
		keys, err := readObject(ctx, bucket, o)
		if err != nil {
			return f, err
		}
		object := &foreignObject{ForeignObject{Name: o.Name, Alerts: int64(len(keys))}, make([]bool, len(keys))}
		f.foreign = append(f.foreign, object)
		for i, key := range keys {
			f.at[key.ID()] = append(f.at[key.ID()], place{object, i})
		}
	}
	return f, nil
}

// recognize drops from the foreign objects those that the ledger knows by now, because others
// have delivered during the audit, and sums up the rest.
func (a *Auditor) recognize(ctx context.Context, s *Summary) error {
	s.Foreign = nil
	if len(a.folder.foreign) == 0 {
		return nil
	}
	if err := a.Ledger.Load(ctx, s.From, s.To); err != nil {
		return err
	}
	for _, e := range a.Ledger.All() {
		a.folder.recognize(e)
	}
	for _, o := range a.folder.foreign {
		for _, listed := range o.listedLines {
			if !listed {
				o.Unknown++
			}
		}
		s.Foreign = append(s.Foreign, o.ForeignObject)
		s.Unknown += o.Unknown
	}
	return nil
}

// list notes that the tenant lists the alert, and reports whether a foreign object holds it.
func (f *folder) list(key alert.Key) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.at[key.ID()] {
		p.listedLines[p.line] = true
	}
	return len(f.at[key.ID()]) > 0
}

// duplicate notes that the ledger delivers the alert, and returns how often foreign objects
// hold it, too.
func (f *folder) duplicate(key alert.Key) (n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.at[key.ID()] {
		p.listedLines[p.line] = true
		p.Duplicated++
		n++
	}
	return n
}

// recognize drops the entry's objects from the foreign ones: it was made while the lists were.
func (f *folder) recognize(e ledger.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range e.Objects {
		i := slices.IndexFunc(f.foreign, func(o *foreignObject) bool { return o.Name == p.Name })
		if i < 0 {
			continue
		}
		dropped := f.foreign[i]
		f.foreign = slices.Delete(f.foreign, i, i+1)
		for id, places := range f.at {
			f.at[id] = slices.DeleteFunc(places, func(p place) bool { return p.foreignObject == dropped })
		}
	}
}

// examine looks whether what the entry delivers is at its place.
func (f *folder) examine(e ledger.Entry, r *Result) {
	objects := e.Objects
	if e.Quarantine != nil {
		objects = append([]ledger.Placed{*e.Quarantine}, objects...)
	}
	for _, p := range objects {
		o, there := f.placed[p.Name]
		switch {
		case f.staged[p.Staged] == p.Generation && !there:
			r.Pending++
		case there && (o.Size != p.Size || o.CRC32C != p.CRC32C):
			r.Damaged++
		}
	}
}

// gone reports whether the object is neither staged nor at its place: the feed has taken it, or
// it is lost.
func (f *folder) gone(p ledger.Placed) bool {
	_, there := f.placed[p.Name]
	return f.decided[p.Name] && !there && f.staged[p.Staged] != p.Generation
}

// readObject returns the keys of the object's alerts, line by line. An object that is gone
// meanwhile has none.
func readObject(ctx context.Context, bucket *gcs.Bucket, o gcs.Object) ([]alert.Key, error) {
	failed := func(err error) ([]alert.Key, error) {
		return nil, fmt.Errorf("read alerts of %s: %w", bucket.URI(o.Name), err)
	}
	r, err := bucket.Handle().Object(o.Name).Generation(o.Generation).NewReader(ctx)
	if errors.Is(err, gcs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return failed(err)
	}
	defer r.Close()
	var content io.Reader = r
	if strings.HasSuffix(o.Name, layout.GzipSuffix) {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return failed(err)
		}
		content = unzipped
	}
	var keys []alert.Key
	body := io.MultiReader(strings.NewReader(`{"result":[`), commaLines{bufio.NewReader(content)}, strings.NewReader(`]}`))
	if _, err := new(page.Reader).Read(body, func(raw *page.Alert) error {
		keys = append(keys, alert.KeyOf(raw))
		return nil
	}); err != nil {
		return failed(fmt.Errorf("it is no NDJSON; move it out of the feed's folder: %w", err))
	}
	return keys, nil
}

// commaLines turns NDJSON into the elements of a JSON array: the newlines between lines,
// which JSON itself can have only between its tokens, become commas, and the last one a
// space.
type commaLines struct{ r *bufio.Reader }

func (c commaLines) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			p[i] = ','
			if _, end := c.r.Peek(1); i == n-1 && end == io.EOF {
				p[i] = ' '
			}
		}
	}
	return n, err
}
