package netskope

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// Request asks the tenant for one page of alerts.
type Request struct {
	Field     alert.TimeField // the time by which alerts are asked for
	From, To  int64           // the range of that time: epoch seconds, asked for as they are
	Limit     int             // alerts
	Offset    int             // alerts of earlier pages; 0 for the first page
	Operation string          // cursor that an earlier page named; empty for none
}

func (p Request) query() url.Values {
	start, end := "insertionstarttime", "insertionendtime"
	if p.Field == alert.EventTime {
		start, end = "starttime", "endtime"
	}
	query := url.Values{"limit": {strconv.Itoa(p.Limit)}}
	query.Set(start, strconv.FormatInt(p.From, 10))
	query.Set(end, strconv.FormatInt(p.To, 10))
	if p.Offset > 0 {
		query.Set("offset", strconv.Itoa(p.Offset))
	}
	if p.Operation != "" {
		query.Set("operation", p.Operation)
	}
	return query
}

// Alert is what a run reads of an alert.
type Alert struct {
	Identity  string    // what tells it from others: its _id, or, if it has none, a digest of its bytes
	HasID     bool      // it has an _id
	Bytes     int       // of its JSON
	Inserted  time.Time // when the tenant stored it, whole seconds UTC; zero if it does not say
	Timestamp time.Time // when it happened, whole seconds UTC; zero if it does not say
}

// Probe sends the request once, as runs send theirs, but neither paced nor repeated, and
// hands the answer's alerts to each as they arrive: also those of an answer that then
// turns out to be an error. next is the cursor of the page that follows, or empty. The
// error is a [*Error].
func (c *Client) Probe(ctx context.Context, r Request, each func(Alert)) (next string, err error) {
	envelope, err := c.request(ctx, r.query(), func(time.Time, *Error) {}, func(a *page.Alert) error {
		each(Alert{Identity: string(alert.Identity(a)), HasID: alert.HasID(a), Bytes: len(a.Line),
			Inserted: moment(a.Inserted), Timestamp: moment(a.Timestamp)})
		return nil
	})
	return cursor(envelope.Operation), err
}

// moment is a raw time of an alert's, or the zero time.
func moment(raw []byte) time.Time {
	seconds, ok := alert.EpochSeconds(raw)
	if !ok {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
