package gcstest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// allOf lists every generation, noncurrent ones with a tilde, by the names that
// known gives the generations.
func allOf(t *testing.T, c *storage.Client, q storage.Query, known map[int64]string) []string {
	t.Helper()
	q.Versions = true
	var got []string
	for it := c.Bucket(bucket).Objects(t.Context(), &q); ; {
		o, err := it.Next()
		if err == iterator.Done {
			return got
		}
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		got = append(got, label(o, known))
	}
}

func label(o *storage.ObjectAttrs, known map[int64]string) string {
	switch {
	case o.Prefix != "":
		return o.Prefix
	case o.Deleted.IsZero():
		return known[o.Generation]
	}
	return "~" + known[o.Generation]
}

// https://cloud.google.com/storage/docs/object-versioning: what is replaced,
// deleted or moved away without its generation being named stays as noncurrent.
func TestVersioningKeepsWhatIsReplaced(t *testing.T) {
	everyServer(t, func(*testing.T) *gcstest.Server { return &gcstest.Server{Versioning: true, Now: clock()} },
		func(t *testing.T, s *gcstest.Server, c *storage.Client) {
			known := make(map[int64]string)
			put := func(name, body string) *storage.ObjectAttrs {
				o := mustWrite(t, c.Bucket(bucket).Object(name), []byte(body))
				known[o.Generation] = name + "=" + body
				return o
			}
			want := func(want ...string) {
				t.Helper()
				if got := allOf(t, c, storage.Query{}, known); !slices.Equal(got, want) {
					t.Errorf("generations %q; want %q", got, want)
				}
			}
			a1 := put("a", "1")
			a2 := put("a", "2")
			put("b", "1")
			want("~a=1", "a=2", "b=1")
			if got := list(t, c, nil); !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("live %q", got)
			}

			a := c.Bucket(bucket).Object("a")
			if err := a.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			want("~a=1", "~a=2", "b=1")
			if got := list(t, c, nil); !slices.Equal(got, []string{"b"}) {
				t.Errorf("live %q; want b", got)
			}
			if _, err := a.Attrs(t.Context()); !errors.Is(err, storage.ErrObjectNotExist) {
				t.Errorf("deleted object: %v; want ErrObjectNotExist", err)
			}
			wantCode(t, a.Delete(t.Context()), 404)

			for _, o := range []struct {
				attrs *storage.ObjectAttrs
				body  string
			}{{a1, "1"}, {a2, "2"}} {
				old := a.Generation(o.attrs.Generation)
				if got, err := read(t, old); err != nil || string(got) != o.body {
					t.Errorf("generation of %s reads as %q, %v", o.body, got, err)
				}
				attrs, err := old.Attrs(t.Context())
				if err != nil || attrs.Deleted.Before(attrs.Created) || attrs.Deleted.IsZero() || attrs.Metageneration != 1 {
					t.Errorf("generation of %s is %+v, %v", o.body, attrs, err)
				}
			}

			moved, err := move(t, c.Bucket(bucket).Object("b"), "a", &create)
			if err != nil {
				t.Fatal(err)
			}
			known[moved.Generation] = "a=b"
			want("~a=1", "~a=2", "a=b", "~b=1")
			put("c", "1")
			if moved, err = move(t, c.Bucket(bucket).Object("c"), "a", nil); err != nil {
				t.Fatal(err)
			}
			known[moved.Generation] = "a=c"
			want("~a=1", "~a=2", "~a=b", "a=c", "~b=1", "~c=1")

			// By generation a version goes for good, noncurrent or live.
			if err := a.Generation(a2.Generation).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			want("~a=1", "~a=b", "a=c", "~b=1", "~c=1")
			if err := a.Generation(moved.Generation).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			want("~a=1", "~a=b", "~b=1", "~c=1")
			wantCode(t, a.Generation(moved.Generation).Delete(t.Context()), 404)
			if _, err := read(t, a.Generation(moved.Generation)); !errors.Is(err, storage.ErrObjectNotExist) {
				t.Errorf("generation that is gone: %v; want ErrObjectNotExist", err)
			}

			// Conditions ask for the live object: there is none.
			wantCode(t, write(t, a.If(storage.Conditions{GenerationMatch: a1.Generation}), nil), 412)
			if _, err := writeAttrs(t, a.If(create), []byte("x")); err != nil {
				t.Errorf("creation over noncurrent generations: %v", err)
			}
		})
}

func TestWithoutVersioningNothingIsKept(t *testing.T) {
	s := &gcstest.Server{}
	c := emulator(t, s)
	a1 := s.Put(bucket, "a", nil)
	a2 := s.Put(bucket, "a", nil)
	s.Put(bucket, "b", nil)
	s.Delete(bucket, "b")
	got, want := allOf(t, c, storage.Query{}, map[int64]string{a2.Generation: "a"}), []string{"a"}
	if !slices.Equal(got, want) {
		t.Errorf("generations %q; want %q", got, want)
	}
	if got := s.Versions(bucket, "a"); len(got) != 1 || got[0].Generation != a2.Generation {
		t.Errorf("versions %+v", got)
	}
	_, err := c.Bucket(bucket).Object("a").Generation(a1.Generation).Attrs(t.Context())
	if !errors.Is(err, storage.ErrObjectNotExist) {
		t.Errorf("replaced generation: %v; want ErrObjectNotExist", err)
	}
}

func TestVersions(t *testing.T) {
	dir := t.TempDir()
	s := &gcstest.Server{Versioning: true, Dir: dir, Now: clock()}
	c := emulator(t, s)
	one, two := s.Put(bucket, "a", []byte("1")), s.Put(bucket, "a", []byte("2"))
	s.Delete(bucket, "a")
	three := s.Put(bucket, "a", []byte("3"))
	got := s.Versions(bucket, "a")
	if len(got) != 3 || got[0].Generation != one.Generation || got[1].Generation != two.Generation ||
		got[2].Generation != three.Generation {
		t.Fatalf("versions %+v", got)
	}
	if !got[0].Deleted.Equal(two.Created) || !got[1].Deleted.After(two.Created) ||
		!got[1].Deleted.Before(three.Created) || !got[2].Deleted.IsZero() {
		t.Errorf("deleted at %v, %v, %v", got[0].Deleted, got[1].Deleted, got[2].Deleted)
	}
	if all := s.Objects(bucket, ""); len(all) != 1 || all[0].Generation != three.Generation {
		t.Errorf("live objects %+v", all)
	}

	// Metadata of one generation, live or not.
	a := c.Bucket(bucket).Object("a")
	for _, o := range []gcstest.Object{one, three} {
		typed := storage.ObjectAttrsToUpdate{ContentType: fmt.Sprintf("x/%d", o.Generation)}
		attrs, err := a.Generation(o.Generation).Update(t.Context(), typed)
		if err != nil || attrs.Generation != o.Generation || attrs.Metageneration != 2 {
			t.Errorf("update: %+v, %v", attrs, err)
		}
	}
	after := s.Versions(bucket, "a")
	for i, o := range []gcstest.Object{one, two, three} {
		want := fmt.Sprintf("x/%d", o.Generation)
		if o.Generation == two.Generation {
			want = ""
		}
		if after[i].ContentType != want || after[i].Deleted != got[i].Deleted {
			t.Errorf("generation %d is %+v", o.Generation, after[i])
		}
	}

	// The directory holds the live object, whatever happens to the others.
	if err := a.Generation(one.Generation).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := files(t, dir); len(all) != 1 || all["a"] != "3" {
		t.Errorf("files %q", all)
	}
	if err := a.Generation(three.Generation).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := files(t, dir); len(all) != 0 {
		t.Errorf("files %q; want none", all)
	}
}

// Everything that selects works on generations, too: in the order of names, and
// then of generations, and from page to page whatever a page ends with.
// https://cloud.google.com/storage/docs/json_api/v1/objects/list
func TestListVersions(t *testing.T) {
	s := &gcstest.Server{Versioning: true}
	known := make(map[int64]string)
	for _, name := range []string{"b/1", "a", "b/1", "b/2", "a", "c", "b/1", "a.b"} {
		o := s.Put(bucket, name, nil)
		known[o.Generation] = fmt.Sprint(name, "#", len(s.Versions(bucket, name)))
	}
	s.Delete(bucket, "c")
	s.Delete(bucket, "b/2")
	c := emulator(t, s)
	for _, q := range []struct {
		query storage.Query
		want  []string
	}{
		{storage.Query{}, []string{"~a#1", "a#2", "a.b#1", "~b/1#1", "~b/1#2", "b/1#3", "~b/2#1", "~c#1"}},
		{storage.Query{Prefix: "b/"}, []string{"~b/1#1", "~b/1#2", "b/1#3", "~b/2#1"}},
		{storage.Query{Prefix: "b/", Delimiter: "/"}, []string{"~b/1#1", "~b/1#2", "b/1#3", "~b/2#1"}},
		{storage.Query{Delimiter: "/"}, []string{"~a#1", "a#2", "a.b#1", "b/", "~c#1"}},
		{storage.Query{Delimiter: "/", StartOffset: "b/2"}, []string{"b/", "~c#1"}},
		{storage.Query{StartOffset: "a.", EndOffset: "b/2"}, []string{"a.b#1", "~b/1#1", "~b/1#2", "b/1#3"}},
	} {
		q.query.Versions = true
		for size := 1; size < 10; size++ {
			pager := iterator.NewPager(c.Bucket(bucket).Objects(t.Context(), &q.query), size, "")
			var got []string
			for more := true; more; {
				var page []*storage.ObjectAttrs
				token, err := pager.NextPage(&page)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) > size || len(page) < size && token != "" {
					t.Errorf("%+v: a page of %d; asked for %d", q.query, len(page), size)
				}
				var items, prefixes []string
				for _, o := range page {
					if o.Prefix == "" {
						items = append(items, label(o, known))
					} else {
						prefixes = append(prefixes, o.Prefix)
					}
				}
				got = append(append(got, items...), prefixes...)
				more = token != ""
			}
			// A prefix comes behind the items of its page.
			if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(q.want))) {
				t.Errorf("%+v in pages of %d: %q; want %q", q.query, size, got, q.want)
			}
		}
		if got := allOf(t, c, q.query, known); q.query.Delimiter == "" && !slices.Equal(got, q.want) {
			t.Errorf("%+v lists %q; want %q", q.query, got, q.want)
		}
	}
}

// An object that is overwritten between two pages is not listed twice.
func TestListGoesOnAfterAnOverwrite(t *testing.T) {
	for _, versioning := range []bool{false, true} {
		s := &gcstest.Server{Versioning: versioning}
		for _, name := range []string{"a", "b", "c"} {
			s.Put(bucket, name, nil)
		}
		c := emulator(t, s)
		var page []*storage.ObjectAttrs
		pager := iterator.NewPager(c.Bucket(bucket).Objects(t.Context(), nil), 2, "")
		if _, err := pager.NextPage(&page); err != nil {
			t.Fatal(err)
		}
		s.Put(bucket, "b", nil)
		if _, err := pager.NextPage(&page); err != nil {
			t.Fatal(err)
		}
		if len(page) != 3 || page[2].Name != "c" {
			t.Errorf("versioning %v: two pages have %d objects; want a, b and c", versioning, len(page))
		}
	}
}
