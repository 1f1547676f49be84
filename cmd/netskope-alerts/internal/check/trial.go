package check

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
)

// trial does in the bucket what a run does, with an object of its own beside the feed's
// folder: makes it, reads it, replaces it, moves it, and removes it; each on a
// condition, and also on conditions that must be refused.
type trial struct {
	*checkup
	bucket *storage.BucketHandle
	did    map[string]bool // by permission: it was used, and whether that was allowed
	// versioned says that the bucket keeps what is replaced and deleted.
	versioned bool

	name, moved string           // where the object is made, and where it is moved to
	maybe       map[string]bool  // names under which something may be left
	unsure      map[string]error // names for which a request got no answer
	at          string           // where the object is
	generation  int64            // of the object
	content     []byte           // of the object
}

// neverGeneration is no object's: generations are microseconds of this century.
const neverGeneration = 1

func (t *trial) run(ctx context.Context) {
	t.name = t.config.Folders().Check + "check_" + time.Now().UTC().Format("20060102T150405Z") + "_" + rand.Text()
	t.moved = t.name + "_moved"
	t.maybe, t.unsure = map[string]bool{}, map[string]error{}
	defer t.cleanUp(ctx)
	if !t.create(ctx) {
		t.skipRest("no object could be made", trialSubjects[:len(trialSubjects)-1])
		return
	}
	t.read(ctx)
	t.list(ctx)
	t.replace(ctx)
	var broken, proved []string
	t.refusals(ctx, &broken, &proved)
	if t.move(ctx) {
		err := t.moveAgain(ctx)
		t.refused(&broken, &proved, "move to a name that is taken", err)
		if conditionFailed(err) {
			err = t.erase(ctx, t.name, storage.Conditions{GenerationMatch: neverGeneration})
			t.refused(&broken, &proved, "deletion on another generation", err)
		}
	}
	t.precondition(broken, proved)
	t.remove(ctx)
}

// step notes what a step says about a permission, and reports a failure.
func (t *trial) step(subject, permission, what string, err error) bool {
	if _, tried := t.did[permission]; err == nil && !tried {
		t.did[permission] = true
	} else if lacksPermission(err) {
		t.did[permission] = false
	}
	if err == nil {
		return true
	}
	seen, remedy := t.storageTrouble(err)
	t.fail(subject, remedy, "%s gs://%s/%s fails: %s", what, t.config.BucketName, t.at, seen)
	return false
}

// write puts new content under the name. On a 412 after an answer that was lost, the
// content is there, and that is no error.
func (t *trial) write(ctx context.Context, name string, condition storage.Conditions) (generation int64, content []byte,
	err error) {
	content = fmt.Appendf(nil, "netskope-alerts check %s %s\n", time.Now().UTC().Format(time.RFC3339Nano), rand.Text())
	generation, err = within(ctx, func(ctx context.Context) (int64, error) {
		w := t.bucket.Object(name).If(condition).NewWriter(ctx)
		w.ChunkSize = googleapi.MinUploadChunkSize
		w.ContentType = "text/plain"
		w.CRC32C, w.SendCRC32C = crc32c(content), true
		if _, err := w.Write(content); err != nil {
			return 0, err
		}
		if err := w.Close(); err != nil {
			return 0, err
		}
		return w.Attrs().Generation, nil
	})
	if isStatus(err, http.StatusPreconditionFailed) {
		if g, ok := t.holds(ctx, name, content); ok {
			generation, err = g, nil
		}
	}
	if err == nil || !isRefused(err) {
		t.maybe[name] = true
	}
	if err != nil && !isRefused(err) {
		t.unsure[name] = err
	}
	return generation, content, err
}

func crc32c(content []byte) uint32 {
	return crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
}

// isRefused reports whether the storage has certainly done nothing.
func isRefused(err error) bool {
	var e *googleapi.Error
	return errors.As(err, &e) && (e.Code >= 400 && e.Code < 500 && e.Code != http.StatusRequestTimeout &&
		e.Code != http.StatusTooManyRequests || e.Code == http.StatusNotImplemented)
}

// holds reports whether the object has the content.
func (t *trial) holds(ctx context.Context, name string, content []byte) (generation int64, ok bool) {
	a, err := t.look(ctx, name)
	if err != nil || a.CRC32C != crc32c(content) || a.Size != int64(len(content)) {
		return 0, false
	}
	return a.Generation, true
}

func (t *trial) look(ctx context.Context, name string) (*storage.ObjectAttrs, error) {
	return within(ctx, t.bucket.Object(name).Attrs)
}

func (t *trial) create(ctx context.Context) bool {
	t.at = t.name
	generation, content, err := t.write(ctx, t.name, storage.Conditions{DoesNotExist: true})
	if !t.step("bucket.create", "storage.objects.create", "making", err) {
		return false
	}
	t.generation, t.content = generation, content
	t.pass("bucket.create", "an object can be made")
	return true
}

func (t *trial) read(ctx context.Context) {
	got, err := within(ctx, func(ctx context.Context) ([]byte, error) {
		r, err := t.bucket.Object(t.at).NewReader(ctx)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(io.LimitReader(r, 1<<10))
	})
	if !t.step("bucket.read", "storage.objects.get", "reading", err) {
		return
	}
	if !bytes.Equal(got, t.content) {
		t.fail("bucket.read", "find out what stands between this machine and Cloud Storage",
			"what is read is not what was written")
		return
	}
	t.pass("bucket.read", "what was written can be read")
}

func (t *trial) list(ctx context.Context) {
	found, err := within(ctx, func(ctx context.Context) (bool, error) {
		_, err := t.bucket.Objects(ctx, &storage.Query{Prefix: t.at}).Next()
		if errors.Is(err, iterator.Done) {
			return false, nil
		}
		return err == nil, err
	})
	if !t.step("bucket.list", "storage.objects.list", "listing", err) {
		return
	}
	if !found {
		t.fail("bucket.list", "find out what stands between this machine and Cloud Storage",
			"a listing lacks the object that was just made")
		return
	}
	t.pass("bucket.list", "objects can be listed")
}

// replace overwrites the object as a state is overwritten.
func (t *trial) replace(ctx context.Context) {
	generation, content, err := t.write(ctx, t.at, storage.Conditions{GenerationMatch: t.generation})
	if t.step("bucket.overwrite", "storage.objects.delete", "overwriting", err) {
		t.generation, t.content = generation, content
		t.pass("bucket.overwrite", "an object can be replaced")
	}
}
