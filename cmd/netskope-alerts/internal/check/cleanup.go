package check

import (
	"context"
	"errors"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// remove deletes the object on its generation.
func (t *trial) remove(ctx context.Context) {
	err := unlessGone(t.erase(ctx, t.at, storage.Conditions{GenerationMatch: t.generation}))
	if t.step("bucket.delete", "storage.objects.delete", "deleting", err) {
		t.pass("bucket.delete", "an object can be deleted")
	}
}

// erase deletes what is there under the name.
func (t *trial) erase(ctx context.Context, name string, conditions ...storage.Conditions) error {
	_, err := within(ctx, func(ctx context.Context) (any, error) {
		o := t.bucket.Object(name).Retryer(storage.WithPolicy(storage.RetryAlways))
		for _, condition := range conditions {
			o = o.If(condition)
		}
		return nil, o.Delete(ctx)
	})
	if err == nil {
		delete(t.maybe, name)
	}
	return err
}

// unlessGone is the error, unless it says that there is no object to delete.
func unlessGone(err error) error {
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil
	}
	return err
}

// cleanPatience bounds the removal of what the trial made.
const cleanPatience = time.Minute

// cleanUp removes what the trial made, also when the check has been given up.
func (t *trial) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanPatience)
	defer cancel()
	var left []string
	var why error
	// A move that is done late finds nothing, because its source is removed first.
	for _, name := range []string{t.name, t.moved} {
		err := error(nil)
		if t.maybe[name] {
			err = t.insist(ctx, name)
		}
		if err == nil {
			err = t.unsure[name] // a request that got no answer may yet be done
		}
		if err != nil {
			left, why = append(left, "gs://"+t.config.BucketName+"/"+name), err
		}
	}
	if t.versioned && why == nil {
		if why = t.eraseVersions(ctx); why != nil {
			left = []string{"earlier versions of gs://" + t.config.BucketName + "/" + t.name}
		}
	}
	if why == nil {
		t.pass("bucket.cleanup", "nothing of the check is left")
		return
	}
	seen, _ := t.storageTrouble(why)
	t.warn("bucket.cleanup", "delete it: gcloud storage rm --all-versions gs://"+t.config.BucketName+"/"+t.name+"*",
		"may be left of the check: %s (%s)", strings.Join(left, ", "), seen)
}

// insist deletes the object, looks whether it is gone, and tries again if it is not.
func (t *trial) insist(ctx context.Context, name string) error {
	var err error
	for range 3 {
		err = unlessGone(t.erase(ctx, name))
		_, looked := t.look(ctx, name)
		if errors.Is(looked, storage.ErrObjectNotExist) || err == nil && looked != nil {
			return nil // in the second case it may be forbidden to look
		}
	}
	if err == nil {
		err = errors.New("it was deleted, but is still there")
	}
	return err
}

// eraseVersions deletes what a bucket with versioning has kept of the trial's objects.
func (t *trial) eraseVersions(ctx context.Context) error {
	_, err := within(ctx, func(ctx context.Context) (any, error) {
		versions := t.bucket.Objects(ctx, &storage.Query{Prefix: t.name, Versions: true})
		for {
			a, err := versions.Next()
			if errors.Is(err, iterator.Done) {
				return nil, nil
			}
			if err == nil {
				err = t.bucket.Object(a.Name).Generation(a.Generation).Delete(ctx)
			}
			if err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
				return nil, err
			}
		}
	})
	return err
}
