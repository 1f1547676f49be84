package collector

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// folder is what lies in the feed's folder, as far as it may concern an audited span,
// and in the staging folder.
type folder struct {
	placed  map[string]*storage.ObjectAttrs // those of the ledger, by name
	staged  map[string]bool                 // by name
	foreign []*foreignObject
	lates   int // number of the last late entry then; what later ones deliver is not in the lists
}

// foreignObject is one that the ledger does not know. The feed reads it all the same, so
// its alerts are delivered.
type foreignObject struct {
	ForeignObject
	keys   []alert.Key
	listed []bool // by the tenant; or delivered by an entry of the ledger, too
}

// listFolder lists both folders, and reads the objects that the ledger does not know: those
// named by a window that overlaps the span, and those that are named otherwise and were
// created since it began.
func listFolder(ctx context.Context, bucket *storage.BucketHandle, c Config, span Window, l *ledger, lates int) (folder, error) {
	f := folder{placed: map[string]*storage.ObjectAttrs{}, staged: map[string]bool{}, lates: lates}
	// First: what is moved between the two lists must not be missed by both.
	if err := eachObject(ctx, bucket, storage.Query{Prefix: c.Folders().Staging}, func(o *storage.ObjectAttrs) error {
		f.staged[o.Name] = true
		return nil
	}); err != nil {
		return f, err
	}
	ours := map[string]bool{}
	for _, e := range l.entries {
		if e.Object != nil {
			ours[e.Object.Name] = true
		}
	}
	var foreign []*storage.ObjectAttrs
	if err := eachObject(ctx, bucket, storage.Query{Prefix: c.Folders().Feed}, func(o *storage.ObjectAttrs) error {
		w, _, named := nameParts(o.Name, "alerts")
		if !named {
			w, _, named = nameParts(o.Name, "late")
		}
		switch {
		case ours[o.Name]:
			f.placed[o.Name] = o
		case o.Name == c.StateKey, o.Name == c.OriginalStateKey(), o.Size == 0,
			named && !w.overlaps(span), !named && o.Created.Before(span.From):
		default:
			foreign = append(foreign, o)
		}
		return nil
	}); err != nil {
		return f, err
	}
	for _, o := range foreign {
		keys, err := readObject(ctx, bucket, o)
		if err != nil {
			return f, err
		}
		f.foreign = append(f.foreign, &foreignObject{ForeignObject: ForeignObject{Name: o.Name, Alerts: int64(len(keys))}, keys: keys, listed: make([]bool, len(keys))})
	}
	return f, nil
}

// recognize drops from the foreign objects those that the ledger knows by now.
func (f *folder) recognize(l *ledger) {
	f.foreign = slices.DeleteFunc(f.foreign, func(o *foreignObject) bool {
		return slices.ContainsFunc(l.entries, func(e entry) bool { return e.Object != nil && e.Object.Name == o.Name })
	})
}

// readObject returns the keys of the object's alerts, line by line. An object that is gone
// meanwhile has none.
func readObject(ctx context.Context, bucket *storage.BucketHandle, o *storage.ObjectAttrs) ([]alert.Key, error) {
	failed := func(err error) ([]alert.Key, error) {
		return nil, fmt.Errorf("read alerts of gs://%s/%s: %w", bucket.BucketName(), o.Name, err)
	}
	r, err := bucket.Object(o.Name).Generation(o.Generation).NewReader(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil, nil
	}
	if err != nil {
		return failed(err)
	}
	defer r.Close()
	var content io.Reader = r
	if strings.HasSuffix(o.Name, gzipSuffix) {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return failed(err)
		}
		content = unzipped
	}
	var keys []alert.Key
	body := io.MultiReader(strings.NewReader(`{"result":[`), commaLines{bufio.NewReader(content)}, strings.NewReader(`]}`))
	if _, err := new(page.Reader).Read(body, func(a *page.Alert) error {
		keys = append(keys, alert.KeyOf(alert.Identity(a)))
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

// report sums up the objects that the ledger does not know.
func (f *folder) report() []ForeignObject {
	var objects []ForeignObject
	for _, o := range f.foreign {
		for _, listed := range o.listed {
			if !listed {
				o.Unknown++
			}
		}
		objects = append(objects, o.ForeignObject)
	}
	return objects
}

// intact reports whether an object is what the ledger says.
func (p *placed) intact(o *storage.ObjectAttrs) bool { return o.Size == p.Size && o.CRC32C == p.CRC32C }
