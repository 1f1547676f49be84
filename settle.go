package collector

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/storage"
)

// placed is an object that is, or was, to be moved to its place.
type placed struct {
	Name       string `json:"name"`
	Staged     string `json:"staged"` // where it was when the entry was created
	Generation int64  `json:"generation"`
	Size       int64  `json:"size"` // bytes, as stored
	CRC32C     uint32 `json:"crc32c"`
}

// settle moves what the entry delivers to its place, the quarantine's first, unless that
// has been done. Whoever finds an entry may settle it, as often as he likes.
//
// It needs storage.objects.get, storage.objects.delete and storage.objects.create.
func (e *entry) settle(ctx context.Context, bucket *storage.BucketHandle) error {
	for _, p := range []*placed{e.Quarantine, e.Object} {
		if p == nil {
			continue
		}
		if err := p.move(ctx, bucket); err != nil {
			return fmt.Errorf("move gs://%[1]s/%[2]s to gs://%[1]s/%[3]s: %[4]w", bucket.BucketName(), p.Staged, p.Name, err)
		}
	}
	return nil
}

// move is atomic: at no time is the object at both places, or at none. So an object that
// is no longer where it was staged is, or has been, at its place (Cloud Storage, JSON
// API, "Objects: move").
func (p *placed) move(ctx context.Context, bucket *storage.BucketHandle) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	staged := bucket.Object(p.Staged)
	_, err := staged.If(storage.Conditions{GenerationMatch: p.Generation}).
		Move(ctx, storage.MoveObjectDestination{Object: p.Name, Conditions: &storage.Conditions{DoesNotExist: true}})
	if isPreconditionFailed(err) { // of a place that is taken: by this object, or by another?
		if _, err := staged.Generation(p.Generation).Attrs(ctx); err == nil {
			return errors.New("an object of that name is there already, and the ledger does not know it; move it out of the feed's folder, and the next run goes on. If an earlier version of this collector made it, delete the staged object instead")
		} else if !errors.Is(err, storage.ErrObjectNotExist) {
			return because(ctx, err)
		}
		return nil
	}
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil
	}
	return because(ctx, err)
}

// same reports whether both deliver the same staged objects, as an entry does that was
// created although the answer was lost.
func (e *entry) same(other entry) bool {
	return e.Object.same(other.Object) && e.Quarantine.same(other.Quarantine)
}

func (p *placed) same(other *placed) bool {
	return p == other || p != nil && other != nil && p.Staged == other.Staged && p.Generation == other.Generation
}

// discard deletes what was staged and will not be delivered. What it cannot delete
// stays where nothing reads it.
func (e *entry) discard(ctx context.Context, bucket *storage.BucketHandle) {
	for _, p := range []*placed{e.Quarantine, e.Object} {
		if p != nil {
			_ = bucket.Object(p.Staged).If(storage.Conditions{GenerationMatch: p.Generation}).Delete(ctx)
		}
	}
}
