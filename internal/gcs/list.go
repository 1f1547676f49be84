package gcs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// Names are those that a list is to hold: all that begin with Prefix, from From on and
// before To, in the order of their bytes. From and To may be empty.
type Names struct {
	Prefix, From, To string
	// AtOnce is how many are asked for with one request; 0 is as many as the storage gives.
	AtOnce int
	// Flat leaves out what lies in folders below Prefix, and has an object for each of these
	// folders, of which there is nothing but its name, with a slash at its end.
	Flat bool
}

// List hands the objects to each, in the order of their names. It may take as long as it
// takes, but not stand still.
//
// It needs storage.objects.list.
func (b *Bucket) List(ctx context.Context, n Names, each func(Object) error) error {
	q := storage.Query{Prefix: n.Prefix, StartOffset: n.From, EndOffset: n.To}
	if n.Flat {
		q.Delimiter = "/"
	}
	return b.list(ctx, q, n.AtOnce, each)
}

// Versions hands each version of the one object to each, in no promised order, as far as the
// bucket keeps them.
//
// It needs storage.objects.list.
func (b *Bucket) Versions(ctx context.Context, name string, each func(Object) error) error {
	return b.list(ctx, storage.Query{Prefix: name, Versions: true}, 0, func(o Object) error {
		if o.Name != name {
			return nil
		}
		return each(o)
	})
}

func (b *Bucket) list(ctx context.Context, q storage.Query, atOnce int, each func(Object) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(patience, func() { cancel(ErrOutage) })
	defer watch.Stop()
	arrived := b.watched(ctx)
	defer arrived()
	failed := func(err error) error { return fmt.Errorf("list %s: %w", b.URI(q.Prefix), because(ctx, err)) }
	if err := q.SetAttrSelection([]string{"Name", "Generation", "Created", "Size", "CRC32C", "Metadata"}); err != nil {
		return failed(err)
	}
	objects := b.handle.Objects(ctx, &q)
	objects.PageInfo().MaxSize = atOnce
	for {
		o, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return failed(err)
		}
		watch.Reset(patience)
		arrived()
		switch err := each(objectOf(o)); {
		case errors.Is(err, Enough):
			return nil
		case err != nil:
			return err
		}
	}
}
