package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/storage"
)

// State is the collector's whole memory. Its invariant: every alert before Through
// is in the bucket, once; the next window is [Through, Next), and no object of a
// later window exists.
//
// It moves forward only, one window at a time, after that window's object is
// durable:
//
//	load ──▶ window [Through, Next) ──▶ object created ──▶ state saved ──▶ …
//	                      │                   │                 └─ lost the race: load again
//	                      │                   └─ died here: the window is repeated, its object found
//	                      └─ died or failed here: the window is repeated, nothing was visible
type State struct {
	Through time.Time `json:"through"` // UTC, whole seconds
	Next    time.Time `json:"next"`    // UTC, whole seconds, after Through
	Object  string    `json:"object"`  // name of the next window's object

	// LastEventTime is the newest alert timestamp delivered, in seconds since the
	// epoch; 0 before the first alert. Nothing is decided by it: it is for people, and
	// for the original function, should somebody go back to it.
	LastEventTime int64 `json:"last_event_time,omitempty"`

	// Tenant and TimeField say what Through is a time of. A run that is configured
	// otherwise is refused, because it would skip what the other never asked for.
	Tenant    string    `json:"tenant"`
	TimeField TimeField `json:"time_field"`

	// Seam holds the identities of the delivered alerts that have no time of their
	// own and that the next window's request, which is asked wide, answers with again.
	Seam []string `json:"seam,omitempty"`

	generation int64 // of the object that held this state; 0 where none did
}

// errStateMoved says that another run saved a state first.
var errStateMoved = errors.New("the state was saved by another run")

const (
	// earliestAlert, in epoch seconds, is September 2001, before any alert.
	earliestAlert = 1e9
	// originalOverlap is how far before its mark the original function asked again.
	originalOverlap = 2 * time.Minute
	// maxStateBytes bounds what is read; a state with 10,000 seam identities has half a megabyte.
	maxStateBytes = 8 << 20
	// clockTolerance is how far the clocks of two instances may differ.
	clockTolerance = 10 * time.Minute
	// stateTimeout bounds one load or save with its retries: the storage client
	// would otherwise retry until the run's end.
	stateTimeout = time.Minute
)

func (s State) window() Window { return Window{From: s.Through, To: s.Next} }

// choose makes w the next window.
func (s State) choose(w Window, c Config) State {
	s.Through, s.Next, s.Object = w.From, w.To, w.alertsObject(c)
	return s
}

// loadState reads the state, adopts the original function's, or begins a new one.
// A state that had to be begun or adopted is saved before any window is worked on,
// so that two first runs at once agree where to begin. Only an object that does not
// exist counts as missing: a state that is unreadable, forbidden or malformed is an
// error, and the run ends.
//
// It needs storage.objects.get and storage.objects.list on the bucket (without the
// latter, Cloud Storage answers 403 for a missing object), and what [saveState] needs.
func loadState(ctx context.Context, bucket *storage.BucketHandle, c Config, now time.Time) (State, error) {
	for range 3 {
		s, err := readState(ctx, bucket, c.StateKey)
		if err == nil && s.generation != 0 && !s.Next.IsZero() {
			return s, s.check(c)
		}
		switch {
		case err == nil: // the original's, kept at STATE_KEY
		case errors.Is(err, storage.ErrObjectNotExist):
			if s, err = beginState(ctx, bucket, c, now); err != nil {
				return State{}, err
			}
		default:
			return State{}, err
		}
		s.Tenant, s.TimeField = c.Tenant, c.TimeField
		s = s.choose(Window{From: s.Through, To: s.Through.Truncate(c.Window).Add(c.Window)}, c)
		s, err = saveState(ctx, bucket, c.StateKey, s)
		if !errors.Is(err, errStateMoved) {
			return s, err
		}
	}
	return State{}, fmt.Errorf("begin state gs://%s/%s: %w, three times in a row", c.Bucket, c.StateKey, errStateMoved)
}

// beginState is the state where STATE_KEY holds none.
func beginState(ctx context.Context, bucket *storage.BucketHandle, c Config, now time.Time) (State, error) {
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
	return State{Through: horizon(now, c).Add(-c.Lookback).Truncate(c.Window)}, nil
}

func readState(ctx context.Context, bucket *storage.BucketHandle, key string) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	r, err := bucket.Object(key).NewReader(ctx)
	if err != nil {
		return State{}, fmt.Errorf("read state gs://%s/%s: %w", bucket.BucketName(), key, err)
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, maxStateBytes+1))
	if err != nil {
		return State{}, fmt.Errorf("read state gs://%s/%s: %w", bucket.BucketName(), key, err)
	}
	s, err := parseState(content, time.Now())
	if err != nil {
		return State{}, fmt.Errorf("parse state gs://%s/%s: %w; nothing was collected: restore an earlier version of the object, or delete it to begin anew LOOKBACK_HOURS back", bucket.BucketName(), key, err)
	}
	s.generation = r.Attrs.Generation
	return s, nil
}

// parseState reads a state of ours or, with Next left zero, of the original function.
// now is the clock's, not the trigger's: a state ahead of it would have the
// collector wait in silence.
func parseState(content []byte, now time.Time) (State, error) {
	if len(content) > maxStateBytes {
		return State{}, fmt.Errorf("it is longer than %d bytes", maxStateBytes)
	}
	var original struct {
		LastEventTime json.RawMessage `json:"last_event_time"`
	}
	if err := decodeStrictly(content, &original); err == nil && original.LastEventTime != nil {
		t, err := originalTime(original.LastEventTime)
		if err != nil {
			return State{}, err
		}
		if t.After(now.Add(clockTolerance)) {
			return State{}, fmt.Errorf("last_event_time %s is in the future", t.Format(time.RFC3339))
		}
		return State{Through: t.Add(-originalOverlap).Truncate(time.Second), LastEventTime: t.Unix()}, nil
	}
	var s State
	if err := decodeStrictly(content, &s); err != nil {
		return State{}, err
	}
	s.Through, s.Next = s.Through.UTC(), s.Next.UTC()
	switch w := s.window(); {
	case s.Through.IsZero() || s.Next.IsZero():
		return State{}, errors.New("through and next must both be set")
	case s.Through.Unix() < 0 || s.Through.Nanosecond() != 0 || s.Next.Nanosecond() != 0:
		return State{}, fmt.Errorf("window %v is not in whole seconds since 1970", w)
	case !s.Next.After(s.Through):
		return State{}, fmt.Errorf("next %s is not after through %s", s.Next.Format(time.RFC3339), s.Through.Format(time.RFC3339))
	case s.Next.Sub(s.Through) > 2*maxWindow:
		return State{}, fmt.Errorf("window %v is longer than %s", w, shortDuration(2*maxWindow))
	case !strings.HasSuffix(strings.TrimSuffix(s.Object, gzipSuffix), w.objectName("", "alerts", ".ndjson")):
		return State{}, fmt.Errorf("object %.200q is not named by the window %v", s.Object, w)
	case s.Through.After(now.Add(clockTolerance)):
		return State{}, fmt.Errorf("through %s is in the future", s.Through.Format(time.RFC3339))
	}
	return s, nil
}

// decodeStrictly takes one JSON object with known members. An unknown member may be
// a later version's, with a meaning that this one would destroy.
func decodeStrictly(content []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON object")
	}
	return nil
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

// check refuses a state that was made for other questions than this run's.
func (s State) check(c Config) error {
	what, had, has := "NETSKOPE_TENANT", s.Tenant, c.Tenant
	if had == has {
		what, had, has = "TIME_FIELD", string(s.TimeField), string(c.TimeField)
	}
	if had == has {
		return nil
	}
	return fmt.Errorf("state gs://%s/%s was made with %s=%s, but this run has %s: give each its own STATE_KEY and GCS_PREFIX; or, if the change is meant, edit the object", c.Bucket, c.StateKey, what, had, has)
}

// saveState replaces the state that s was loaded from, and no other: if the object
// has changed since, or exists where none did, it returns [errStateMoved] and the
// bucket keeps what it has. On any other error, too, either the old or the new state
// is there, whole.
//
// It needs storage.objects.create and, to replace, storage.objects.delete.
func saveState(ctx context.Context, bucket *storage.BucketHandle, key string, s State) (State, error) {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return State{}, fmt.Errorf("encode state: %w", err)
	}
	content = append(content, '\n')
	condition := storage.Conditions{DoesNotExist: true}
	if s.generation != 0 {
		condition = storage.Conditions{GenerationMatch: s.generation}
	}
	// Cancelling after Close has no effect; before it, it abandons the write.
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	w := bucket.Object(key).If(condition).NewWriter(ctx)
	w.ChunkSize = stateChunk
	w.ContentType = "application/json"
	w.CRC32C, w.SendCRC32C = checksum(content), true
	if _, err := w.Write(content); err != nil {
		return State{}, fmt.Errorf("save state gs://%s/%s: %w", bucket.BucketName(), key, err)
	}
	switch err := w.Close(); {
	case isPreconditionFailed(err):
		return State{}, errStateMoved
	case err != nil:
		return State{}, fmt.Errorf("save state gs://%s/%s: %w", bucket.BucketName(), key, err)
	}
	s.generation = w.Attrs().Generation
	return s, nil
}
