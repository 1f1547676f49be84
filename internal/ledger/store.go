package ledger

import (
	"context"
	"io"

	"netskope-alerts.internal/collector/internal/gcs"
)

// Store is what the ledger needs of a bucket; see the methods of [gcs.Bucket].
type Store interface {
	URI(name string) string
	Put(ctx context.Context, name string, generation int64, content []byte, kind string,
		metadata map[string]string) (gcs.Object, error)
	Look(ctx context.Context, name string) (gcs.Object, error)
	Read(ctx context.Context, name string, generation, most int64) ([]byte, gcs.Object, error)
	List(ctx context.Context, n gcs.Names, each func(gcs.Object) error) error
	Move(ctx context.Context, from string, generation int64, to string) error
	Delete(ctx context.Context, name string, generation int64) error
	Begin(ctx context.Context, name string, labels map[string]string) Upload
}

// Upload is an object that is being written: see [gcs.Writer].
type Upload interface {
	io.Writer
	Commit() (gcs.Object, error)
	Abandon()
}

// inBucket is a bucket as a Store.
type inBucket struct{ *gcs.Bucket }

func (b inBucket) Begin(ctx context.Context, name string, labels map[string]string) Upload {
	return b.Create(ctx, name, labels)
}
