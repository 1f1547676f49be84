package gcstest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

func move(
	t *testing.T, o *storage.ObjectHandle, destination string, conditions *storage.Conditions,
) (*storage.ObjectAttrs, error) {
	t.Helper()
	return o.Move(t.Context(), storage.MoveObjectDestination{Object: destination, Conditions: conditions})
}

// generation is a precondition.
func generation(o gcstest.Object) storage.Conditions {
	return storage.Conditions{GenerationMatch: o.Generation}
}

// wantNames checks which objects there are.
func wantNames(t *testing.T, s *gcstest.Server, want ...string) {
	t.Helper()
	var got []string
	for _, o := range s.Objects(bucket, "") {
		got = append(got, o.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("objects %q; want %q", got, want)
	}
}

// What a move keeps and what it makes new:
// https://cloud.google.com/storage/docs/json_api/v1/objects/move.
func TestMove(t *testing.T) {
	everyServer(t, func(*testing.T) *gcstest.Server { return &gcstest.Server{Now: clock()} },
		func(t *testing.T, s *gcstest.Server, c *storage.Client) {
			body := noise(600_000)
			o := c.Bucket(bucket).Object("staging/ü &?%2F+.gz")
			mustWrite(t, o, body, func(w *storage.Writer) {
				w.ContentType, w.CacheControl, w.Metadata = "application/x-ndjson", "no-store", map[string]string{"k": "v"}
			})
			before, err := o.Update(t.Context(), storage.ObjectAttrsToUpdate{ContentLanguage: "de"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := move(t, o.If(storage.Conditions{GenerationMatch: before.Generation, MetagenerationMatch: 2}),
				"feed/é/a.gz", &storage.Conditions{DoesNotExist: true})
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != "feed/é/a.gz" || got.Generation <= before.Generation || got.Metageneration != 1 ||
				!got.Created.After(before.Updated) || !got.Updated.Equal(got.Created) {
				t.Errorf("moved to %+v from %+v", got, before)
			}
			if got.Size != before.Size || got.CRC32C != before.CRC32C || got.ContentType != before.ContentType ||
				got.CacheControl != before.CacheControl || got.ContentLanguage != "de" ||
				!maps.Equal(got.Metadata, before.Metadata) {
				t.Errorf("moved as %+v; want the metadata of %+v", got, before)
			}
			wantNames(t, s, "feed/é/a.gz")
			wantContent(t, s, c.Bucket(bucket).Object("feed/é/a.gz"), body)
			if _, err := o.Attrs(t.Context()); !errors.Is(err, storage.ErrObjectNotExist) {
				t.Errorf("source: %v; want ErrObjectNotExist", err)
			}
			_, err = move(t, o, "elsewhere", nil)
			if !errors.Is(err, storage.ErrObjectNotExist) {
				t.Errorf("move of nothing: %v; want ErrObjectNotExist", err)
			}
		})
}

func TestMoveConditions(t *testing.T) {
	s := &gcstest.Server{Now: clock()}
	c := emulator(t, s)
	a, b := s.Put(bucket, "a", []byte("new")), s.Put(bucket, "b", []byte("old"))
	source := c.Bucket(bucket).Object("a")
	for _, m := range []struct {
		name                string
		source, destination *storage.Conditions
	}{
		{"source's generation is another", &storage.Conditions{GenerationMatch: b.Generation}, nil},
		{"source's generation is the excluded one", &storage.Conditions{GenerationNotMatch: a.Generation}, nil},
		{"source exists", &storage.Conditions{DoesNotExist: true}, nil},
		{"source's metageneration is another", &storage.Conditions{MetagenerationMatch: 2}, nil},
		{"source's metageneration is the excluded one", &storage.Conditions{MetagenerationNotMatch: 1}, nil},
		{"destination exists", nil, &storage.Conditions{DoesNotExist: true}},
		{"destination's generation is another", nil, &storage.Conditions{GenerationMatch: a.Generation}},
		{"destination's generation is the excluded one", nil, &storage.Conditions{GenerationNotMatch: b.Generation}},
		{"destination's metageneration is another", nil, &storage.Conditions{MetagenerationMatch: 2}},
		{"destination's metageneration is the excluded one", nil, &storage.Conditions{MetagenerationNotMatch: 1}},
	} {
		from := source
		if m.source != nil {
			from = source.If(*m.source)
		}
		_, err := move(t, from, "b", m.destination)
		var apiErr *googleapi.Error
		if !errors.As(err, &apiErr) || apiErr.Code != 412 || apiErr.Errors[0].Reason != "conditionNotMet" {
			t.Errorf("%s: %v; want 412", m.name, err)
		}
	}
	for _, none := range []storage.Conditions{
		{GenerationMatch: 5}, {GenerationNotMatch: 5}, {MetagenerationMatch: 1}, {MetagenerationNotMatch: 5},
	} {
		if _, err := move(t, source, "c", &none); err == nil {
			t.Errorf("%+v holds for an object that is not there", none)
		}
	}
	if got := s.Objects(bucket, ""); len(got) != 2 ||
		got[0].Generation != a.Generation || got[1].Generation != b.Generation {
		t.Errorf("refused moves left %+v", got)
	}
	attrs, err := move(t, source.If(storage.Conditions{GenerationNotMatch: b.Generation, MetagenerationNotMatch: 2}), "b",
		&storage.Conditions{GenerationMatch: b.Generation, MetagenerationMatch: 1})
	if err != nil || attrs.Generation <= b.Generation {
		t.Errorf("move onto an object: %+v, %v", attrs, err)
	}
	wantNames(t, s, "b")
	wantContent(t, s, c.Bucket(bucket).Object("b"), []byte("new"))
}

func TestMoveIsRefused(t *testing.T) {
	s := &gcstest.Server{}
	s.Put(bucket, "a", nil)
	c := overPipe(t, s)
	const a = "/storage/v1/b/alerts/o/a"
	for _, r := range []struct {
		method, path string
		code         int
	}{
		{"POST", a + "/moveTo/o/a", 400},
		{"POST", a + "/moveTo/o/", 400},
		{"POST", a + "/moveTo/o/%0A", 400},
		{"POST", a + "/moveTo/o/b?ifGenerationMatch=1&ifGenerationNotMatch=1", 400},
		{"POST", a + "/moveTo/o/b?ifSourceMetagenerationMatch=1&ifSourceMetagenerationNotMatch=2", 400},
		{"POST", a + "/moveTo/o/b?ifSourceGenerationMatch=x", 400},
		{"POST", "/storage/v1/b/alerts/o//moveTo/o/b", 400},
		{"POST", a + "/moveTo/o/b?sourceGeneration=1", 501},
		{"POST", a + "/moveTo/o/b/c", 501},
		{"POST", a + "/moveTo/b/other/o/b", 501},
		{"GET", a + "/moveTo/o/b", 501},
		{"DELETE", a + "?ifSourceGenerationMatch=1", 501},
	} {
		if resp := send(t, c, r.method, r.path, ""); resp.code != r.code {
			t.Errorf("%s %s: %d %s; want %d", r.method, r.path, resp.code, resp.body, r.code)
		}
	}
	wantNames(t, s, "a")
}

// The client repeats a move whenever it might not have been heard, with
// preconditions or without, and then is told that the source is gone if it was.
func TestFaultsOfMove(t *testing.T) {
	for _, f := range []struct {
		name     string
		fault    gcstest.Fault
		code     int // 0 for success
		requests int
	}{
		{"reset before", gcstest.Fault{Reset: true}, 0, 2},
		{"503", gcstest.Fault{Status: 503}, 0, 2},
		{"429", gcstest.Fault{Status: 429, RetryAfter: "1"}, 0, 2},
		{"403", gcstest.Fault{Status: 403}, 403, 1},
		{"lost by reset", gcstest.Fault{Lost: gcstest.LostByReset}, 404, 2},
		{"lost as 503", gcstest.Fault{Lost: gcstest.LostAs503}, 404, 2},
		{"lost by orderly close", gcstest.Fault{Lost: gcstest.LostByClose}, 404, 2},
		{"late", gcstest.Fault{Delay: 5 * time.Minute}, 0, 1},
		{"torn media", gcstest.Fault{TornBytes: 1}, 0, 1},
	} {
		for _, conditional := range []bool{false, true} {
			s := &gcstest.Server{Fault: on(gcstest.MoveObject, 1, f.fault)}
			inBubble(t, s, func(t *testing.T, c *storage.Client) {
				start := time.Now()
				a := s.Put(bucket, "a", []byte("x"))
				o, destination := c.Bucket(bucket).Object("a"), (*storage.Conditions)(nil)
				if conditional {
					o, destination = o.If(generation(a)), &create
				}
				_, err := move(t, o, "b", destination)
				if f.code != 0 {
					wantCode(t, err, f.code)
				} else if err != nil {
					t.Errorf("%s: %v", f.name, err)
				}
				if n := s.Requests(gcstest.MoveObject); n != f.requests {
					t.Errorf("%s: %d requests; want %d", f.name, n, f.requests)
				}
				if waited := time.Since(start); waited < f.fault.Delay {
					t.Errorf("%s: moved after %v", f.name, waited)
				}
				if f.code == 403 {
					wantNames(t, s, "a")
				} else {
					wantNames(t, s, "b")
				}
			})
		}
	}
	s := &gcstest.Server{Fault: on(gcstest.MoveObject, 1, gcstest.Fault{Lost: gcstest.LostByReset})}
	a := s.Put(bucket, "a", nil)
	_, err := move(t, emulator(t, s).Bucket(bucket).Object("a").If(generation(a)), "b", &create)
	if !errors.Is(err, storage.ErrObjectNotExist) {
		t.Errorf("lost by a reset over TCP: %v; want ErrObjectNotExist", err)
	}
}

// A delayed move comes later although its sender has given up, if it is detached.
func TestDelayedMove(t *testing.T) {
	for _, detached := range []bool{false, true} {
		s := &gcstest.Server{Fault: on(gcstest.MoveObject, 1, gcstest.Fault{Delay: time.Hour, Detached: detached})}
		inBubble(t, s, func(t *testing.T, c *storage.Client) {
			a := s.Put(bucket, "a", nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := c.Bucket(bucket).Object("a").If(generation(a)).Move(ctx, storage.MoveObjectDestination{Object: "b"})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("move: %v; want the context's end", err)
			}
			wantNames(t, s, "a")
			time.Sleep(time.Hour)
			if _, moved := s.Object(bucket, "b"); moved != detached {
				t.Errorf("detached %v: moved %v", detached, moved)
			}
		})
	}
}

func TestMoveIsVisibleAndNamed(t *testing.T) {
	var seen []gcstest.Object
	var asked []gcstest.Request
	s := &gcstest.Server{}
	s.Visible = func(o gcstest.Object) {
		if o.Name == "b" {
			wantNames(t, s, "b")
		}
		seen = append(seen, o)
	}
	s.Fault = func(r gcstest.Request) gcstest.Fault {
		asked = append(asked, r)
		return gcstest.Fault{}
	}
	c := emulator(t, s)
	s.Put(bucket, "a", []byte("x"))
	if _, err := move(t, c.Bucket(bucket).Object("a"), "b", nil); err != nil {
		t.Fatal(err)
	}
	_, err := move(t, c.Bucket(bucket).Object("a"), "b", nil)
	wantCode(t, err, 404)
	if len(seen) != 2 || seen[1].Name != "b" || string(seen[1].Content) != "x" {
		t.Errorf("visible: %+v", seen)
	}
	want := gcstest.Request{N: 1, Op: gcstest.MoveObject, Bucket: bucket, Object: "a", Destination: "b", Write: true}
	if len(asked) != 2 || asked[0] != want {
		t.Errorf("requests %+v; want %+v first", asked, want)
	}
}

// Of moves of one object, one wins; of moves to one name that must be free, too.
// The clock is slow, so that they meet.
func TestOneMoveWins(t *testing.T) {
	for _, shared := range []struct {
		source, destination bool
		loser               int
	}{{true, false, 404}, {false, true, 412}} {
		s := &gcstest.Server{Now: func() time.Time {
			time.Sleep(time.Millisecond)
			return time.Now()
		}}
		c := emulator(t, s)
		var group sync.WaitGroup
		var won, lost atomic.Int32
		for i := range 16 {
			source, destination := "from/"+string(rune('a'+i)), "to/"+string(rune('a'+i))
			if shared.source {
				source = "from"
			}
			if shared.destination {
				destination = "to"
			}
			if i == 0 || !shared.source {
				s.Put(bucket, source, nil)
			}
			group.Go(func() {
				_, err := move(t, c.Bucket(bucket).Object(source), destination, &create)
				var apiErr *googleapi.Error
				switch {
				case err == nil:
					won.Add(1)
				case errors.As(err, &apiErr) && apiErr.Code == shared.loser:
					lost.Add(1)
				default:
					t.Errorf("move %d: %v", i, err)
				}
			})
		}
		group.Wait()
		if won.Load() != 1 || lost.Load() != 15 {
			t.Errorf("%d moves won and %d lost; want 1 and 15", won.Load(), lost.Load())
		}
		if n := len(s.Objects(bucket, "to")); n != 1 {
			t.Errorf("%d objects at the destination", n)
		}
	}
}

func TestDirFollowsAMove(t *testing.T) {
	dir := t.TempDir()
	s := &gcstest.Server{Dir: dir}
	c := emulator(t, s)
	s.Put(bucket, "staging/a", []byte("new"))
	s.Put(bucket, "feed/a", []byte("old"))
	o := c.Bucket(bucket).Object("staging/a")
	if _, err := move(t, o, "feed/b/c", nil); err != nil {
		t.Fatal(err)
	}
	s.Put(bucket, "staging/a", []byte("newer"))
	if _, err := move(t, o, "feed/a", nil); err != nil {
		t.Fatal(err)
	}
	s.Put(bucket, "x", []byte("x"))
	hc := overPipe(t, s)
	for destination, code := range map[string]int{"..%2Fup": 501, "a%2F%2Fb": 501, "feed": 500, "feed%2Fa%2Fb": 500} {
		if resp := send(t, hc, "POST", "/storage/v1/b/alerts/o/x/moveTo/o/"+destination, ""); resp.code != code {
			t.Errorf("move to %s: %d %s; want %d", destination, resp.code, resp.body, code)
		}
	}
	want := map[string]string{"feed/a": "newer", "feed/b/c": "new", "x": "x"}
	if got := files(t, dir); !maps.Equal(got, want) {
		t.Errorf("files %q; want %q", got, want)
	}
	wantNames(t, s, "feed/a", "feed/b/c", "x")
}
