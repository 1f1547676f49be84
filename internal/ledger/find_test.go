package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
)

// slowStore is a bucket of ledger entries, each request to which takes its time. It says how
// many there were at once.
type slowStore struct {
	Store
	latency time.Duration
	objects []gcs.Object // sorted by name
	keys    map[string][]byte

	mu                     sync.Mutex
	flying, most, requests int
	read                   []string
}

func (s *slowStore) request(name string) {
	s.mu.Lock()
	s.requests++
	s.flying++
	s.most = max(s.most, s.flying)
	if name != "" {
		s.read = append(s.read, name)
	}
	s.mu.Unlock()
	time.Sleep(s.latency)
	s.mu.Lock()
	s.flying--
	s.mu.Unlock()
}

func (s *slowStore) URI(name string) string { return "gs://test/" + name }

func (s *slowStore) List(_ context.Context, n gcs.Names, each func(gcs.Object) error) error {
	i, _ := slices.BinarySearchFunc(s.objects, max(n.From, n.Prefix), func(o gcs.Object, name string) int {
		return strings.Compare(o.Name, name)
	})
	for shown := 0; i < len(s.objects) && (n.To == "" || s.objects[i].Name < n.To); i++ {
		if shown%1000 == 0 {
			s.request("")
		}
		shown++
		if err := each(s.objects[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *slowStore) Read(_ context.Context, name string, _, _ int64) ([]byte, gcs.Object, error) {
	s.request(name)
	return s.keys[name], gcs.Object{}, nil
}

func (s *slowStore) Look(_ context.Context, name string) (gcs.Object, error) {
	s.request("")
	return gcs.Object{Name: name}, nil
}

// quarter is a ledger of 90 days in cells of five minutes, one alert in each, the nth of which is
// "alert-n". Alert 0 is delivered again, by a repair of the same cell.
func quarter(t *testing.T, from time.Time) *slowStore {
	t.Helper()
	s := &slowStore{keys: map[string][]byte{}}
	n := 90*24*12 - 1
	for at := from; n >= 0; at = at.Add(5 * time.Minute) {
		s.add(t, cell.At(cell.Minutes, at), 0, fmt.Sprint("alert-", n))
		n--
	}
	s.add(t, cell.At(cell.Minutes, from.Add(90*24*time.Hour-time.Minute)), 1, "alert-0")
	slices.SortFunc(s.objects, func(a, b gcs.Object) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// add makes an entry of one alert.
func (s *slowStore) add(t *testing.T, c cell.Cell, late int, id string) {
	t.Helper()
	e := Entry{Cell: c, Late: late, From: c.From(), To: c.To(), Tenant: testOwner.Tenant, TimeField: testOwner.TimeField,
		Alerts: 1, Objects: []Placed{{Name: fmt.Sprintf("feed/%v-%d", c, late), Lines: 1}}}
	content, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, keyBytes)
	of := alert.IDOf([]byte(id))
	copy(key, of[:])
	name := folders.Entry(c, late)
	s.keys[name] = key
	metadata := map[string]string{member: string(content)}
	s.objects = append(s.objects, gcs.Object{Name: name, Size: keyBytes, Metadata: metadata})
}

// again is the same bucket, of which nothing has been asked yet, and a ledger in it.
func (s *slowStore) again() (*Ledger, *slowStore) {
	s = &slowStore{latency: 60 * time.Millisecond, objects: s.objects, keys: maps.Clone(s.keys)}
	return open(s, folders, testOwner, ".ndjson"), s
}

// TestSearchTakesSeconds (F21): 90 days of five-minute cells, at 60 ms a request; what is new is
// found at once, and not more than a hundred or so requests are under way at a time.
func TestSearchTakesSeconds(t *testing.T) {
	from := time.Date(2026, 8, 25, 23, 55, 0, 0, time.UTC)
	to := from.Add(90 * 24 * time.Hour)
	full := quarter(t, from)
	for _, test := range []struct {
		identity     string
		all          bool
		found, reads int // at most
		within       time.Duration
	}{
		{"alert-0", false, 2, 3 * findReaders, time.Second},
		{"alert-0", true, 2, 90*24*12 + 1, 20 * time.Second},
		{"alert-20000", false, 1, 20000 + 3*findReaders, 20 * time.Second},
		{"nobody", false, 0, 90*24*12 + 1, 20 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, s := full.again()
			began, told := time.Now(), 0
			found, err := l.Search(t.Context(), Search{Identity: test.identity, From: from, To: to, All: test.all,
				Progress: func(read, of int) {
					if told++; read != told || of != len(s.objects) {
						t.Errorf("told of %d of %d after %d", read, of, told)
					}
				}})
			took := time.Since(began)
			if err != nil || len(found) != test.found {
				t.Errorf("%+v: %+v, %v", test, found, err)
			}
			if took > test.within || s.most > findReaders || s.most < findReaders || len(s.read) > test.reads {
				t.Errorf("%+v: took %v, %d requests at once, %d entries read", test, took, s.most, len(s.read))
			}
		})
	}
}

// TestSearchEndsWithAnError: what cannot be read is no alert that is not there.
func TestSearchEndsWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Date(2026, 8, 25, 23, 55, 0, 0, time.UTC)
		l, s := quarter(t, from).again()
		delete(s.keys, s.objects[40].Name)
		_, err := l.Search(t.Context(), Search{Identity: "nobody", From: from, To: from.Add(24 * time.Hour)})
		if err == nil || !strings.Contains(err.Error(), "0 bytes for 1 alerts") {
			t.Error(err)
		}
	})
}

// TestLookedAtOnly: a ledger without a tenant shows anybody's entries, and makes none.
func TestLookedAtOnly(t *testing.T) {
	from := time.Date(2026, 8, 25, 23, 55, 0, 0, time.UTC)
	s := quarter(t, from)
	l := open(s, folders, Owner{Collector: "test"}, ".ndjson")
	if found, err := l.Find(t.Context(), "alert-25919", from, from.Add(time.Hour)); err != nil || len(found) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	if err := l.MarkSplit(t.Context(), cell.At(cell.Hour, from.Add(-24*time.Hour))); err == nil ||
		!strings.Contains(err.Error(), "to be looked at only") {
		t.Errorf("an entry without a tenant was made: %v", err)
	}
}

// TestSearchEndsWithTheCell: what was delivered again in the same cell is found with it, however
// many repairs the cell has seen.
func TestSearchEndsWithTheCell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Date(2026, 8, 25, 23, 55, 0, 0, time.UTC)
		s := &slowStore{keys: map[string][]byte{}}
		for late := range 3 * findReaders {
			id := "other"
			if late%(3*findReaders-1) == 0 {
				id = "twice"
			}
			s.add(t, cell.At(cell.Minutes, from), late, id)
		}
		slices.SortFunc(s.objects, func(a, b gcs.Object) int { return strings.Compare(a.Name, b.Name) })
		l, _ := s.again()
		found, err := l.Search(t.Context(), Search{Identity: "twice", From: from, To: from.Add(time.Hour)})
		if err != nil || len(found) != 2 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
