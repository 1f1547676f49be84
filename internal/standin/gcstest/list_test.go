package gcstest_test

import (
	"fmt"
	"slices"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// list returns names, and prefixes as the client gives them: after the items of
// the same page.
func list(t *testing.T, c *storage.Client, q *storage.Query) []string {
	t.Helper()
	var names []string
	for it := c.Bucket(bucket).Objects(t.Context(), q); ; {
		o, err := it.Next()
		if err == iterator.Done {
			return names
		}
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		names = append(names, o.Prefix+o.Name)
	}
}

// https://cloud.google.com/storage/docs/json_api/v1/objects/list: names in the
// order of their UTF-8 bytes; startOffset inclusive, endOffset exclusive; names
// with the delimiter after the prefix are folded into prefixes.
func TestListSelects(t *testing.T) {
	s := &gcstest.Server{}
	for _, name := range []string{"é", "z", "a/2", "a/1", "a/b/1", "a/b/2", "a", "a/", "b/1", "B"} {
		s.Put(bucket, name, nil)
	}
	c := emulator(t, s)
	for _, q := range []struct {
		query storage.Query
		want  []string
	}{
		{storage.Query{}, []string{"B", "a", "a/", "a/1", "a/2", "a/b/1", "a/b/2", "b/1", "z", "é"}},
		{storage.Query{Prefix: "a/"}, []string{"a/", "a/1", "a/2", "a/b/1", "a/b/2"}},
		{storage.Query{Prefix: "a/", Delimiter: "/"}, []string{"a/", "a/1", "a/2", "a/b/"}},
		{storage.Query{Delimiter: "/"}, []string{"B", "a", "z", "é", "a/", "b/"}},
		{storage.Query{Delimiter: "b/"}, []string{"B", "a", "a/", "a/1", "a/2", "z", "é", "a/b/", "b/"}},
		{storage.Query{StartOffset: "a/2", EndOffset: "b/1"}, []string{"a/2", "a/b/1", "a/b/2"}},
		{storage.Query{StartOffset: "a/b/2", Prefix: "a/", Delimiter: "/"}, []string{"a/b/"}},
		{storage.Query{Prefix: "zz"}, nil},
	} {
		if got := list(t, c, &q.query); !slices.Equal(got, q.want) {
			t.Errorf("%+v lists %q; want %q", q.query, got, q.want)
		}
	}
}

// Pages hold at most maxResults items and prefixes together, 1000 by default,
// and go on where the last one ended.
func TestListPages(t *testing.T) {
	s := &gcstest.Server{}
	var want []string
	for i := range 1100 {
		name := fmt.Sprintf("%04d", i)
		want = append(want, name)
		s.Put(bucket, name, nil)
	}
	c := emulator(t, s)
	if got := list(t, c, nil); !slices.Equal(got, want) {
		t.Errorf("listed %d names; want %d", len(got), len(want))
	}
	if got := s.Requests(gcstest.ListObjects); got != 2 {
		t.Errorf("1100 names took %d pages; want 2", got)
	}
	for i := range 5 {
		for j := range 3 {
			s.Put(bucket, fmt.Sprintf("dir%d/%d", i, j), nil)
		}
	}
	for size := 1; size < 9; size++ {
		query := &storage.Query{Delimiter: "/", StartOffset: "1098"}
		pager := iterator.NewPager(c.Bucket(bucket).Objects(t.Context(), query), size, "")
		var got []string
		for {
			var page []*storage.ObjectAttrs
			token, err := pager.NextPage(&page)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > size {
				t.Errorf("a page of %d; asked for %d", len(page), size)
			}
			for _, o := range page {
				got = append(got, o.Prefix+o.Name)
			}
			if token == "" {
				break
			}
		}
		if want := []string{"1098", "1099", "dir0/", "dir1/", "dir2/", "dir3/", "dir4/"}; !slices.Equal(got, want) {
			t.Errorf("pages of %d list %q; want %q", size, got, want)
		}
	}
}

// A page's token stays good when the name it stands for is deleted.
func TestListGoesOnAfterADeletion(t *testing.T) {
	s := &gcstest.Server{}
	for _, name := range []string{"a", "b", "c", "d"} {
		s.Put(bucket, name, nil)
	}
	c := emulator(t, s)
	var page []*storage.ObjectAttrs
	token, err := iterator.NewPager(c.Bucket(bucket).Objects(t.Context(), nil), 2, "").NextPage(&page)
	if err != nil || len(page) != 2 {
		t.Fatalf("first page of %d, %v", len(page), err)
	}
	s.Delete(bucket, "b")
	page = nil
	if _, err = iterator.NewPager(c.Bucket(bucket).Objects(t.Context(), nil), 5, token).NextPage(&page); err != nil {
		t.Fatal(err)
	}
	if len(page) != 2 || page[0].Name != "c" || page[1].Name != "d" {
		t.Errorf("second page has %d objects; want c and d", len(page))
	}
}
