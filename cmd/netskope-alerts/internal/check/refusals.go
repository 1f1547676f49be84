package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/gcs"
)

// refusals writes on conditions that do not hold. Storage that obeys them refuses both;
// one that ignores them would let two runs overwrite each other's work.
func (t *trial) refusals(ctx context.Context, broken, proved *[]string) {
	for _, attempt := range []struct {
		what      string
		condition storage.Conditions
	}{
		{"create-only write", storage.Conditions{DoesNotExist: true}},
		{"write on another generation", storage.Conditions{GenerationMatch: neverGeneration}},
	} {
		generation, content, err := t.write(ctx, t.at, attempt.condition)
		if err == nil {
			t.generation, t.content = generation, content
		}
		t.refused(broken, proved, attempt.what, err)
	}
}

// refused notes whether what had to be refused was.
func (t *trial) refused(broken, proved *[]string, what string, err error) {
	switch {
	case conditionFailed(err):
		*proved = append(*proved, what)
	case err == nil:
		*broken = append(*broken, what)
	}
}

// move renames the object in one step, as staged objects are brought into the feed's folder.
func (t *trial) move(ctx context.Context) bool {
	const subject, remedy = "bucket.move", "use a storage that can move objects (Objects: move), " +
		"as storage.googleapis.com: look at STORAGE_EMULATOR_HOST"
	generation, err := t.rename(ctx, t.generation)
	if t.cannotMove(ctx, err) {
		t.fail(subject, remedy, "moving gs://%s/%s fails, and it is there: %s, which answered %d: %s",
			t.config.BucketName, t.at, gcs.CauseMove, gcs.RefusalOf(err).Status, gcs.RefusalOf(err).Said)
		return false
	}
	if !t.step(subject, "storage.objects.delete", "moving", err) {
		return false
	}
	_, missing := t.look(ctx, t.moved) // it may be forbidden to look
	_, stayed := t.holds(ctx, t.name, t.content)
	if stayed || errors.Is(missing, storage.ErrObjectNotExist) {
		t.fail(subject, remedy, "what was moved is not at its new name alone")
		return false
	}
	t.at, t.generation = t.moved, generation
	delete(t.maybe, t.name)
	t.pass(subject, "an object can be moved")
	return true
}

// cannotMove reports whether the error of a move is of an endpoint that does not know it: for that
// they answer as they do for an object that is not there, which it is.
func (t *trial) cannotMove(ctx context.Context, err error) bool {
	refusal := gcs.RefusalOf(err)
	if refusal == nil || refusal.Cause != gcs.CauseOther && refusal.Cause != gcs.CauseProxy {
		return false
	}
	switch refusal.Status {
	case http.StatusNotImplemented, http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusBadRequest:
		_, there := t.holds(ctx, t.name, t.content)
		return there
	}
	return false
}

// rename moves what is at the first name to the second, if nothing is there.
func (t *trial) rename(ctx context.Context, from int64) (generation int64, err error) {
	t.maybe[t.moved] = true
	a, err := within(ctx, func(ctx context.Context) (*storage.ObjectAttrs, error) {
		return t.bucket.Object(t.name).If(storage.Conditions{GenerationMatch: from}).
			Move(ctx, storage.MoveObjectDestination{
				Object: t.moved, Conditions: &storage.Conditions{DoesNotExist: true}})
	})
	if err == nil {
		return a.Generation, nil
	}
	if errors.Is(err, storage.ErrObjectNotExist) || isStatus(err, http.StatusPreconditionFailed) {
		// An answer may have been lost, and the request's repetition have met its work.
		if g, ok := t.holds(ctx, t.moved, t.content); ok && t.at != t.moved {
			return g, nil
		}
	}
	return 0, err
}

// moveAgain makes another object at the first name and moves it to the second, which is
// taken. It has to be refused.
func (t *trial) moveAgain(ctx context.Context) error {
	generation, content, err := t.write(ctx, t.name, storage.Conditions{DoesNotExist: true})
	if err != nil {
		return fmt.Errorf("make another object: %v", err)
	}
	moved, err := t.rename(ctx, generation)
	if err == nil {
		t.generation, t.content = moved, content
	}
	return err
}

// precondition reports whether conditions were obeyed.
func (t *trial) precondition(broken, proved []string) {
	const subject = "bucket.precondition"
	switch {
	case len(broken) > 0:
		t.fail(subject, "use Cloud Storage itself: two runs at once would repeat or lose alerts here",
			"what must not be done is done: %s", strings.Join(broken, ", "))
	case len(proved) == 0:
		t.skip("no condition could be tried out", subject)
	default:
		t.pass(subject, "what must not be done is refused (412): %s", strings.Join(proved, ", "))
	}
}
