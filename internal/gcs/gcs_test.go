package gcs

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/pipenet"
)

const bucket = "alerts-bucket"

// simulate runs test in a bubble, with a real client and a Cloud Storage that has faults.
func simulate(t *testing.T, fault func(gcstest.Request) gcstest.Fault, test func(*testing.T, *Bucket,
	*gcstest.Server)) {
	t.Helper()
	cloud := &gcstest.Server{Fault: fault}
	simulateOn(t, cloud, func(t *testing.T, b *Bucket) { test(t, b, cloud) })
}

// simulateOn runs test in a bubble, with a real client of the Cloud Storage.
func simulateOn(t *testing.T, cloud *gcstest.Server, test func(*testing.T, *Bucket)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, err := NewClient(t.Context(), option.WithEndpoint("http://storage.test/storage/v1/"),
			option.WithoutAuthentication(), option.WithHTTPClient(&http.Client{Transport: serve(t, cloud)}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		test(t, Through(client, bucket))
	})
}

// serve puts a handler behind a transport, inside the bubble.
func serve(t *testing.T, handler http.Handler) http.RoundTripper {
	listener := &pipenet.Listener{}
	var answers sync.WaitGroup // time stands still once the test is over: wait for the slow ones
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers.Add(1)
		defer answers.Done()
		handler.ServeHTTP(w, r)
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	transport := &http.Transport{DialContext: listener.DialContext}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
		synctest.Wait() // no more begin
		answers.Wait()
	})
	return transport
}

// first is a fault of the first request of the operation.
func first(op gcstest.Op, f gcstest.Fault) func(gcstest.Request) gcstest.Fault {
	done := false
	return func(r gcstest.Request) gcstest.Fault {
		if done || r.Op != op {
			return gcstest.Fault{}
		}
		done = true
		return f
	}
}

// always is a fault of all requests.
func always(f gcstest.Fault) func(gcstest.Request) gcstest.Fault {
	return func(gcstest.Request) gcstest.Fault { return f }
}

func TestPut(t *testing.T) {
	simulate(t, nil, func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
		put := func(generation int64, content string) (Object, error) {
			return b.Put(t.Context(), "a/b", generation, []byte(content), "text/plain", map[string]string{"k": content})
		}
		if _, err := put(7, "zero"); !errors.Is(err, ErrChanged) {
			t.Errorf("one that is not there: %v", err)
		}
		one, err := put(0, "one")
		if err != nil || one.Name != "a/b" || one.Size != 3 || one.Metadata["k"] != "one" || one.Generation == 0 {
			t.Fatalf("%+v, %v", one, err)
		}
		if looked, err := b.Look(t.Context(), "a/b"); err != nil || fmt.Sprint(looked) != fmt.Sprint(one) {
			t.Errorf("got  %+v, %v\nwant %+v", looked, err, one)
		}
		if _, err := put(0, "two"); !errors.Is(err, ErrChanged) ||
			!strings.Contains(err.Error(), "gs://alerts-bucket/a/b") {
			t.Errorf("one that is there: %v", err)
		}
		two, err := put(one.Generation, "two")
		if err != nil || two.Generation <= one.Generation {
			t.Errorf("%+v, %v", two, err)
		}
		if _, err := put(one.Generation, "three"); !errors.Is(err, ErrChanged) {
			t.Errorf("of an old generation: %v", err)
		}
		if _, err := put(0, ""); !errors.Is(err, ErrChanged) {
			t.Errorf("nothing, over something: %v", err)
		}
		content, o, err := b.Read(t.Context(), "a/b", 0, 3)
		if err != nil || string(content) != "two" || o.Generation != two.Generation || o.CRC32C != two.CRC32C {
			t.Errorf("%q, %+v, %v", content, o, err)
		}
		if _, _, err := b.Read(t.Context(), "a/b", two.Generation, 2); err == nil ||
			!strings.Contains(err.Error(), "2 bytes") {
			t.Errorf("longer than asked for: %v", err)
		}
		if _, _, err := b.Read(t.Context(), "a/b", one.Generation, 3); !errors.Is(err, ErrNotExist) {
			t.Errorf("an old generation: %v", err)
		}
		if got := cloud.Objects(bucket, ""); len(got) != 1 || got[0].ContentType != "text/plain" {
			t.Errorf("%+v", got)
		}
	})
}

func TestMoveAndDelete(t *testing.T) {
	simulate(t, nil, func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
		a, taken := cloud.Put(bucket, "a", []byte("a")), cloud.Put(bucket, "taken", []byte("t"))
		for _, test := range []struct {
			what string
			err  error
			want error
		}{
			{"look at nothing", second(b.Look(t.Context(), "x")), ErrNotExist},
			{"delete nothing", b.Delete(t.Context(), "x", 1), ErrNotExist},
			{"delete another generation", b.Delete(t.Context(), "a", a.Generation+1), ErrChanged},
			{"move nothing", b.Move(t.Context(), "x", 1, "y"), ErrNotExist},
			{"move another generation", b.Move(t.Context(), "a", a.Generation+1, "b"), ErrChanged},
			{"move to what is taken", b.Move(t.Context(), "a", a.Generation, "taken"), ErrChanged},
			{"move", b.Move(t.Context(), "a", a.Generation, "b"), nil},
			{"delete", b.Delete(t.Context(), "taken", taken.Generation), nil},
		} {
			if !errors.Is(test.err, test.want) || test.want == nil && test.err != nil {
				t.Errorf("%s: %v, want %v", test.what, test.err, test.want)
			}
		}
		if err := b.Move(t.Context(), "a", a.Generation, "b"); !errors.Is(err, ErrNotExist) &&
			!errors.Is(err, ErrChanged) {
			t.Errorf("move again: %v", err)
		}
		if got := cloud.Objects(bucket, ""); len(got) != 1 || got[0].Name != "b" || string(got[0].Content) != "a" {
			t.Errorf("%+v", got)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// operations are one of each.
var operations = map[string]func(context.Context, *Bucket) error{
	"look": func(ctx context.Context, b *Bucket) error { return second(b.Look(ctx, "a")) },
	"read": func(ctx context.Context, b *Bucket) error {
		_, _, err := b.Read(ctx, "a", 0, 10)
		return err
	},
	"put":    func(ctx context.Context, b *Bucket) error { return second(b.Put(ctx, "p", 0, []byte("p"), "", nil)) },
	"move":   func(ctx context.Context, b *Bucket) error { return b.Move(ctx, "a", 1, "b") },
	"delete": func(ctx context.Context, b *Bucket) error { return b.Delete(ctx, "a", 1) },
	"list":   func(ctx context.Context, b *Bucket) error { return b.List(ctx, Names{}, ignore) },
	"versions": func(ctx context.Context, b *Bucket) error {
		return b.Versions(ctx, "a", ignore)
	},
	"commit": func(ctx context.Context, b *Bucket) error {
		w := b.Create(ctx, "w", nil)
		defer w.Abandon()
		if _, err := w.Write([]byte("line\n")); err != nil {
			return err
		}
		return second(w.Commit())
	},
	"write": func(ctx context.Context, b *Bucket) error {
		w := b.Create(ctx, "w", nil)
		defer w.Abandon()
		for range 100 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
		return errors.New("all was taken")
	},
}

func ignore(Object) error { return nil }

// TestOutage: a storage that answers nothing, or only that it cannot, is an outage within two
// minutes, and not the caller's own deadline.
func TestOutage(t *testing.T) {
	for name, fault := range map[string]gcstest.Fault{
		"silent": {Delay: time.Hour},
		"503":    {Status: http.StatusServiceUnavailable},
		"resets": {Reset: true},
	} {
		for what, do := range operations {
			simulate(t, always(fault), func(t *testing.T, b *Bucket, _ *gcstest.Server) {
				ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
				defer cancel()
				began := time.Now()
				err := do(ctx, b)
				if !errors.Is(err, ErrOutage) || errors.Is(err, context.DeadlineExceeded) ||
					errors.Is(err, context.Canceled) {
					t.Errorf("%s, %s: %v", name, what, err)
				}
				if took := time.Since(began); took < 50*time.Second || took > 2*time.Minute || ctx.Err() != nil {
					t.Errorf("%s, %s: it took %v", name, what, took)
				}
			})
		}
	}
}

// TestCallersDeadline: the caller's own end is no outage.
func TestCallersDeadline(t *testing.T) {
	for what, do := range operations {
		for _, fault := range []gcstest.Fault{{Delay: time.Hour}, {Status: http.StatusServiceUnavailable}} {
			callersDeadline(t, what, do, fault)
		}
	}
}

func callersDeadline(t *testing.T, what string, do func(context.Context, *Bucket) error, fault gcstest.Fault) {
	t.Helper()
	simulate(t, always(fault), func(t *testing.T, b *Bucket, _ *gcstest.Server) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		err := do(ctx, b)
		if errors.Is(err, ErrOutage) || !errors.Is(err, context.DeadlineExceeded) ||
			time.Since(began) != 20*time.Second {
			t.Errorf("%s: after %v: %v", what, time.Since(began), err)
		}
	})
}

// TestLostAnswers: an operation whose first answer is lost is repeated.
func TestLostAnswers(t *testing.T) {
	for _, lost := range []gcstest.Lost{gcstest.LostByReset, gcstest.LostByClose, gcstest.LostAs503} {
		fault := gcstest.Fault{Lost: lost}
		simulate(t, first(gcstest.Insert, fault), func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
			// Whether it is the caller's own object that is there, only the caller can know.
			if _, err := b.Put(t.Context(), "p", 0, []byte("p"), "", nil); err != nil && !errors.Is(err, ErrChanged) {
				t.Errorf("%v: put: %v", lost, err)
			}
			if got := cloud.Objects(bucket, ""); len(got) != 1 || string(got[0].Content) != "p" {
				t.Errorf("%v: %+v", lost, got)
			}
		})
		for _, op := range []gcstest.Op{gcstest.Insert, gcstest.StartUpload, gcstest.UploadChunk,
			gcstest.FinishUpload} {
			for _, name := range []string{"lines.ndjson", "lines.ndjson.gz"} {
				simulate(t, first(op, fault), func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
					size := 100
					if op != gcstest.Insert {
						size = 9 << 20
					}
					wantWritten(t, b, cloud, name, size)
				})
			}
		}
		simulate(t, first(gcstest.MoveObject, fault), func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
			a := cloud.Put(bucket, "a", []byte("a"))
			err := b.Move(t.Context(), "a", a.Generation, "b")
			if err != nil && !errors.Is(err, ErrNotExist) && !errors.Is(err, ErrChanged) {
				t.Errorf("%v: move: %v", lost, err)
			}
			if got := cloud.Objects(bucket, ""); len(got) != 1 || got[0].Name != "b" {
				t.Errorf("%v: %+v", lost, got)
			}
		})
	}
}

// wantWritten writes an object, of lines that cannot be compressed, and wants it back.
func wantWritten(t *testing.T, b *Bucket, cloud *gcstest.Server, name string, size int) {
	t.Helper()
	content := make([]byte, size)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(content)
	w := b.Create(t.Context(), name, map[string]string{"label": "x"})
	for line := range slices.Chunk(content, 1000) {
		if _, err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if got := cloud.Objects(bucket, ""); len(got) != 0 {
		t.Errorf("visible before it was committed: %s", got[0].Name)
	}
	o, err := w.Commit()
	if err != nil {
		t.Fatalf("commit %s: %v", name, err)
	}
	w.Abandon() // changes nothing any more
	got, ok := cloud.Object(bucket, name)
	if !ok || got.Generation != o.Generation || int64(len(got.Content)) != o.Size || o.Metadata["label"] != "x" {
		t.Fatalf("%s: %v, committed %+v", name, ok, o)
	}
	stored := got.Content
	if strings.HasSuffix(name, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(stored))
		if err != nil {
			t.Fatal(err)
		}
		if stored, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(stored, content) {
		t.Errorf("%s: other content, of %d bytes", name, len(stored))
	}
}

// TestAbandoned: nothing of it ever becomes visible, however much was written.
func TestAbandoned(t *testing.T) {
	for _, size := range []int{0, 100, LineBuffer + 1, WriterChunk + 1, 3 * WriterChunk} {
		for _, name := range []string{"lines.ndjson", "lines.ndjson.gz"} {
			simulate(t, nil, func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
				w := b.Create(t.Context(), name, nil)
				content := make([]byte, size)
				_, _ = rand.NewChaCha8([32]byte{}).Read(content)
				if _, err := w.Write(content); err != nil {
					t.Fatal(err)
				}
				w.Abandon()
				if _, err := w.Commit(); err == nil && size > LineBuffer {
					t.Error("it was committed all the same")
				}
				time.Sleep(time.Hour)
				if got := cloud.Objects(bucket, ""); len(got) != 0 {
					t.Errorf("%s of %d bytes is visible, with %d", name, size, len(got[0].Content))
				}
			})
		}
	}
}

// TestSlowUpload: an upload may take as long as it takes, as long as chunk after chunk is
// taken.
func TestSlowUpload(t *testing.T) {
	slow := func(r gcstest.Request) (f gcstest.Fault) {
		if r.Op == gcstest.UploadChunk || r.Op == gcstest.FinishUpload {
			f.Delay = 40 * time.Second
		}
		return f
	}
	simulate(t, slow, func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
		wantWritten(t, b, cloud, "lines.ndjson", 4*WriterChunk+1)
	})
}

// fill puts n objects into the bucket.
func fill(cloud *gcstest.Server, n int) {
	for i := range n {
		cloud.Put(bucket, fmt.Sprintf("a/%05d", i), nil)
	}
}

// TestList: a list may take as long as it takes.
func TestList(t *testing.T) {
	slow := func(r gcstest.Request) (f gcstest.Fault) {
		if r.Op == gcstest.ListObjects {
			f.Delay = 40 * time.Second
		}
		return f
	}
	simulate(t, slow, func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
		fill(cloud, 4500)
		cloud.Put(bucket, "b/0", nil)
		began := time.Now()
		for _, test := range []struct {
			names       Names
			first, last string
			n           int
		}{
			{Names{Prefix: "a/"}, "a/00000", "a/04499", 4500},
			{Names{}, "a/00000", "b/0", 4501},
			{Names{Prefix: "a/", From: "a/00010", To: "a/00020"}, "a/00010", "a/00019", 10},
			{Names{Prefix: "a/", From: "a/04490"}, "a/04490", "a/04499", 10},
			{Names{Prefix: "a/", To: "a/00001"}, "a/00000", "a/00000", 1},
		} {
			var names []string
			err := b.List(t.Context(), test.names, func(o Object) error {
				names = append(names, o.Name)
				return nil
			})
			if err != nil || len(names) != test.n || names[0] != test.first || names[test.n-1] != test.last ||
				!slices.IsSorted(names) {
				t.Errorf("%+v: %d names, %v", test.names, len(names), err)
			}
		}
		if took := time.Since(began); took < 6*time.Minute {
			t.Errorf("it took %v: the test shows nothing", took)
		}
		n := 0
		if err := b.List(t.Context(), Names{}, func(Object) error { n++; return Enough }); err != nil || n != 1 {
			t.Errorf("enough: %d, %v", n, err)
		}
		failed := errors.New("failed")
		if err := b.List(t.Context(), Names{}, func(Object) error { return failed }); err != failed {
			t.Errorf("got %v", err)
		}
		if err := b.List(t.Context(), Names{Prefix: "c"}, func(Object) error { return failed }); err != nil {
			t.Errorf("an empty list: %v", err)
		}
	})
}

// TestListStandsStill: a list that has begun well may stand still later.
func TestListStandsStill(t *testing.T) {
	lists := 0
	stuck := func(r gcstest.Request) (f gcstest.Fault) {
		if lists++; lists > 2 {
			f.Delay = time.Hour
		}
		return f
	}
	simulate(t, stuck, func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
		fill(cloud, 4500)
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
		defer cancel()
		n := 0
		began := time.Now()
		err := b.List(ctx, Names{}, func(Object) error { n++; return nil })
		if !errors.Is(err, ErrOutage) || errors.Is(err, context.DeadlineExceeded) || n != 2000 ||
			time.Since(began) != patience {
			t.Errorf("%d objects, after %v: %v", n, time.Since(began), err)
		}
	})
}

func TestVersions(t *testing.T) {
	cloud := &gcstest.Server{Versioning: true}
	simulateOn(t, cloud, func(t *testing.T, b *Bucket) {
		for range 3 {
			cloud.Put(bucket, "state", nil)
			cloud.Put(bucket, "state.json", nil)
		}
		n := 0
		if err := b.Versions(t.Context(), "state", func(o Object) error { n++; return nil }); err != nil || n != 3 {
			t.Errorf("%d, %v", n, err)
		}
	})
}
