package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/netskope"
)

// Verify lists the tenant's alerts of the past again, window by window, compares them
// with the ledger, and with what lies in the feed's folder, and tells each what it
// found. With Repair it delivers what is missing, in late objects that the ledger
// records; two repairs at once, or one that is killed and repeated, deliver it once.
//
// Only windows that the collector has left behind are audited, and nothing before the
// ledger begins. An error ends it; what was repaired is repaired.
func Verify(ctx context.Context, c Config, bucket *storage.BucketHandle, client *http.Client, o AuditOptions, each func(AuditedWindow)) (Audit, error) {
	a := Audit{From: o.Since, To: o.Until}
	err := a.resume(ctx, c, bucket, client, o, each)
	return a, err
}

// resume audits from where a has come, or from its start.
func (a *Audit) resume(ctx context.Context, c Config, bucket *storage.BucketHandle, client *http.Client, o AuditOptions, each func(AuditedWindow)) error {
	began := time.Now()
	v := &auditor{config: c, bucket: bucket, options: o, keys: map[string][]alert.Key{}, audit: a,
		tenant: netskope.New(c.Netskope(), client, nil), client: client}
	err := v.begin(ctx)
	if err == nil {
		err = v.run(ctx, each)
	}
	a.Took += time.Since(began)
	a.Requests += v.tenant.Counts().Requests
	return err
}

// auditor is one audit under way.
type auditor struct {
	config  Config
	bucket  *storage.BucketHandle
	tenant  *netskope.Client
	client  *http.Client
	options AuditOptions
	ledger  *ledger
	folder  folder
	through time.Time              // where the collector has come
	lates   int                    // number of the last late entry
	keys    map[string][]alert.Key // of entries near the window, by name
	audit   *Audit
}

// begin finds out what can be audited, and reads the ledger and the folder.
func (v *auditor) begin(ctx context.Context) error {
	c, a := v.config, v.audit
	state, err := readState(ctx, v.bucket, c.StateKey)
	if err != nil {
		return err
	}
	if state.Next.IsZero() {
		return fmt.Errorf("read state gs://%s/%s: it is the original function's: there is no ledger yet; let the collector run once", c.Bucket, c.StateKey)
	}
	if err := state.Check(c); err != nil {
		return err
	}
	if v.through = state.Through; a.To.IsZero() || a.To.After(v.through) {
		a.To = v.through
	}
	if a.LedgerFrom, err = ledgerStart(ctx, v.bucket, c.Prefix); err != nil {
		return err
	}
	if a.LedgerFrom.IsZero() {
		return fmt.Errorf("the ledger gs://%s/%s/ is empty: nothing that was delivered so far is known", c.Bucket, ledgerFolder(c.Prefix))
	}
	if a.From.Before(a.LedgerFrom) {
		a.From = a.LedgerFrom
	}
	if a.At.Before(a.From) {
		a.At = a.From
	}
	span := Window{From: a.At, To: a.To}
	if !span.From.Before(span.To) {
		return fmt.Errorf("there is nothing to audit: the ledger begins at %s, the collector has come to %s", a.LedgerFrom.Format(time.RFC3339), v.through.Format(time.RFC3339))
	}
	if v.options.Repair {
		if err := v.fillBegun(ctx); err != nil {
			return err
		}
	}
	if err := v.refresh(ctx); err != nil {
		return err
	}
	if e, ok := v.ledger.covering(a.At); ok {
		a.At = e.From // whole windows
	}
	v.folder, err = listFolder(ctx, v.bucket, c, span, v.ledger, v.lates)
	return err
}

// run audits window after window.
func (v *auditor) run(ctx context.Context, each func(AuditedWindow)) error {
	a := v.audit
	for a.At.Before(a.To) {
		w, ok := v.next(a.At)
		if !ok {
			break
		}
		found, err := v.window(ctx, w)
		if err != nil {
			return err
		}
		a.add(found)
		a.At = w.To
		if each != nil {
			each(found)
		}
	}
	if a.Windows == 0 {
		return fmt.Errorf("there is nothing to audit: no window ends between %s and %s", a.At.Format(time.RFC3339), a.To.Format(time.RFC3339))
	}
	if len(v.folder.foreign) > 0 { // others may have delivered since the ledger was read
		l, err := loadLedger(ctx, v.bucket, Window{From: a.From, To: a.To}, v.config.Prefix)
		if err != nil {
			return err
		}
		v.folder.recognize(l)
	}
	a.Complete = true
	a.Foreign = v.folder.report()
	for _, o := range a.Foreign {
		a.Unknown += o.Unknown
	}
	return nil
}

// next is the window to audit from the moment on: what is left of the one that the
// ledger has of it, or, where it has none, up to an hour of the hole. There is none if
// the last one has not ended by the end of the audit.
func (v *auditor) next(at time.Time) (Window, bool) {
	if e, ok := v.ledger.covering(at); ok {
		return Window{From: at, To: e.To}, !e.To.After(v.audit.To)
	}
	w := Window{From: at, To: at.Truncate(time.Hour).Add(time.Hour)}
	if w.To.After(v.audit.To) {
		w.To = v.audit.To
	}
	return v.ledger.clip(w), true
}

// window audits one window, and repairs it. Where somebody else repairs, too, it looks
// again at what he has left.
func (v *auditor) window(ctx context.Context, w Window) (AuditedWindow, error) {
	for range maxRepairRaces {
		found, err := v.compare(ctx, w)
		if !errors.Is(err, errRepairedMeanwhile) {
			return found, err
		}
		if err := v.refresh(ctx); err != nil {
			return AuditedWindow{}, err
		}
	}
	return AuditedWindow{}, fmt.Errorf("repair window %v: %w, %d times in a row", w, errRepairedMeanwhile, maxRepairRaces)
}

const maxRepairRaces = 10

// errRepairedMeanwhile says that another repair took the number of a late entry.
var errRepairedMeanwhile = errors.New("another repair delivered a late object")

// refresh reads the ledger. The number of the last late entry comes first: one that is
// created afterwards, and may not be in the list, has a number that this audit will want,
// too, and will find taken.
func (v *auditor) refresh(ctx context.Context) (err error) {
	if v.lates, err = lastLate(ctx, v.bucket, v.config.Prefix); err != nil {
		return err
	}
	if v.ledger, err = loadLedger(ctx, v.bucket, Window{From: v.audit.At, To: v.audit.To}, v.config.Prefix); err == nil {
		v.folder.recognize(v.ledger)
	}
	return err
}
