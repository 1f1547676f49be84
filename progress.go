package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/message"
)

// progress is how far an audit that a message asked for has come: a run of the function
// may have too little time for all of it.
type progress struct {
	Asked  time.Duration `json:"asked"` // how far back, nanoseconds
	Repair bool          `json:"repair"`
	Now    time.Time     `json:"now"` // the first message's time
	Audit  Audit         `json:"audit"`

	generation int64
}

// progressEvery is how many windows are audited between two savings.
const progressEvery = 50

func progressKey(c Config) string { return c.Folders().Audits + "progress.json" }

// verifyBudgeted audits, within the budget, what a message asks for. An audit that was
// not complete is gone on with, whatever the new message asks for: that comes when it is
// delivered again. The same message delivered again after its audit was completed
// changes nothing.
func verifyBudgeted(ctx context.Context, c Config, bucket *storage.BucketHandle, client *http.Client, now time.Time, asked message.Request) (Audit, error) {
	p, err := readProgress(ctx, bucket, c)
	if err != nil {
		return Audit{}, err
	}
	mine := p.generation != 0 && p.Now.Equal(now) && p.Asked == asked.Verify && p.Repair == asked.Repair
	switch {
	case mine && p.Audit.Complete:
		return p.Audit, nil
	case p.generation == 0 || p.Audit.Complete:
		p = progress{Asked: asked.Verify, Repair: asked.Repair, Now: now.UTC(), generation: p.generation,
			Audit: Audit{From: now.Add(-asked.Verify).UTC().Truncate(time.Second)}}
		mine = true
	}
	budgeted, cancel := context.WithTimeout(ctx, c.Budget)
	defer cancel()
	windows := 0
	var saveErr error
	err = p.Audit.resume(budgeted, c, bucket, client, AuditOptions{Repair: p.Repair}, func(AuditedWindow) {
		if windows++; windows%progressEvery == 0 && saveErr == nil {
			if p, saveErr = p.save(ctx, bucket, c); saveErr != nil {
				cancel() // somebody else audits, or nothing can be saved
			}
		}
	})
	spent := saveErr == nil && errors.Is(budgeted.Err(), context.DeadlineExceeded) && errors.Is(err, context.DeadlineExceeded)
	switch {
	case saveErr != nil:
		return p.Audit, saveErr
	case err != nil && !spent:
		return p.Audit, err
	case spent && windows == 0:
		return p.Audit, fmt.Errorf("%w: no window could be audited in it: %w", errBudgetSpent, err)
	}
	if _, err := p.save(ctx, bucket, c); err != nil {
		return p.Audit, err
	}
	if !mine && p.Audit.Complete {
		p.Audit.Complete = false // the other message's; this one has not been worked on
	}
	return p.Audit, nil
}

func readProgress(ctx context.Context, bucket *storage.BucketHandle, c Config) (progress, error) {
	var p progress
	if err := readJSON(ctx, bucket, progressKey(c), &p, &p.generation); err != nil {
		return p, fmt.Errorf("read progress of the audit: %w; if it is damaged, delete it, and the audit begins anew", err)
	}
	return p, nil
}

// save replaces what p was read from, and no other.
func (p progress) save(ctx context.Context, bucket *storage.BucketHandle, c Config) (progress, error) {
	content, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return p, fmt.Errorf("encode progress of the audit: %w", err)
	}
	o, err := put(ctx, bucket.Object(progressKey(c)).If(unchanged(p.generation)), append(content, '\n'), storage.ObjectAttrs{ContentType: "application/json"}, stateChunk)
	if isPreconditionFailed(err) {
		err = errors.New("another audit saved its own: one at a time")
	}
	if err != nil {
		return p, fmt.Errorf("save progress of the audit gs://%s/%s: %w", c.Bucket, progressKey(c), err)
	}
	p.generation = o.Generation
	return p, nil
}
