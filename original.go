package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/storage"
)

// originalOverlap is how far before its mark the original function asked again.
const originalOverlap = 2 * time.Minute

// BeginState is the state from which the first run, if it came now, would begin where
// STATE_KEY holds none: the original function's, with LastEventTime set, if there is one,
// else LOOKBACK_HOURS back. Only Through is set besides. It changes nothing.
//
// An original's state that cannot be read, or is in truth this collector's, is an error.
// It needs storage.objects.get and storage.objects.list.
func BeginState(ctx context.Context, c Config, bucket *storage.BucketHandle, now time.Time) (State, error) {
	if c.OriginalStateKey() != c.StateKey {
		s, err := readState(ctx, bucket, c.OriginalStateKey())
		switch {
		case err == nil && !s.Next.IsZero():
			return State{}, fmt.Errorf("adopt state gs://%s/%s: it is this collector's own; set STATE_KEY to it, or move it to %s", c.Bucket, c.OriginalStateKey(), c.StateKey)
		case err == nil:
			s.generation = 0 // of another object
			return s, nil
		case !errors.Is(err, storage.ErrObjectNotExist):
			return State{}, fmt.Errorf("adopt the original function's state: %w", err)
		}
	}
	return State{Through: c.Horizon(now).Add(-c.Lookback).Truncate(c.Window)}, nil
}

// parseOriginal reads the original function's state; ok says that it is one.
func parseOriginal(content []byte, now time.Time) (s State, ok bool, err error) {
	var original struct {
		LastEventTime json.RawMessage `json:"last_event_time"`
	}
	if err := decodeStrictly(content, &original); err != nil || original.LastEventTime == nil {
		return State{}, false, nil
	}
	t, err := originalTime(original.LastEventTime)
	if err != nil {
		return State{}, true, err
	}
	if t.After(now.Add(clockTolerance)) {
		return State{}, true, fmt.Errorf("last_event_time %s is in the future", t.Format(time.RFC3339))
	}
	return State{Through: t.Add(-originalOverlap).Truncate(time.Second), LastEventTime: t.Unix()}, true, nil
}

// originalTime reads the original's last_event_time: epoch seconds as a number or a
// string (from 10^11 on it can only be milliseconds), or an ISO 8601 time, without
// a zone UTC.
func originalTime(raw json.RawMessage) (time.Time, error) {
	text := string(raw)
	if err := json.Unmarshal(raw, &text); err != nil && len(raw) > 0 && raw[0] == '"' {
		return time.Time{}, fmt.Errorf("last_event_time is not a string: %w", err)
	}
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if n >= 1e11 {
			n /= 1000
		}
		if !(n >= earliestAlert && n < 1e11) {
			return time.Time{}, fmt.Errorf("last_event_time %.40s is not a time of an alert", text)
		}
		whole, fraction := math.Modf(n)
		return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil && t.Unix() >= earliestAlert {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("last_event_time %.40q is neither epoch seconds nor an ISO 8601 time", text)
}
