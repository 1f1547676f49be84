package netskopetest_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

func TestPageFaultsLoseNothing(t *testing.T) {
	for _, dialect := range []netskopetest.Dialect{netskopetest.Offset, netskopetest.Cursor} {
		for _, f := range []netskopetest.Fault{
			{Kind: netskopetest.ShortPage},
			{Kind: netskopetest.ShortPage, Fraction: 0.01},
			{Kind: netskopetest.EmptyPage},
			{Kind: netskopetest.Shift},
			{Kind: netskopetest.Shift, Count: 7},
		} {
			if dialect == netskopetest.Offset && f.Kind == netskopetest.EmptyPage {
				continue // there it is the end: TestEmptyPage
			}
			c := faulty(t, 3, f, &netskopetest.Server{Dialect: dialect})
			got := c.drain(hour, 20)
			want := 100
			if f.Kind == netskopetest.Shift {
				want += max(1, f.Count)
				// Repeated are the last of the pages before.
				if count := max(1, f.Count); !slices.Equal(got[40-count:40], got[40:40+count]) {
					t.Errorf("dialect %v, %+v: the third page does not begin with the end of the second", dialect, f)
				}
			}
			if len(got) != want {
				t.Errorf("dialect %v, %+v: %d alerts, want %d", dialect, f, len(got), want)
			}
			slices.Sort(got)
			if n := len(slices.Compact(got)); n != 100 {
				t.Errorf("dialect %v, %+v: %d different alerts, want 100", dialect, f, n)
			}
			again := c.drain(hour, 20)
			slices.Sort(again)
			if n := len(slices.Compact(again)); n != 100 {
				t.Errorf("dialect %v, %+v: %d different alerts when started over, want 100", dialect, f, n)
			}
		}
	}
}

// TestShiftLosesNothingForAnotherReader: whoever starts over must not move the offsets of
// one who is half way through.
func TestShiftLosesNothingForAnotherReader(t *testing.T) {
	c := faulty(t, 2, netskopetest.Fault{Kind: netskopetest.Shift, Count: 3}, &netskopetest.Server{})
	var got []string
	for offset := 0; offset < 120; offset += 20 {
		for _, alert := range c.page(hour + "&limit=20&offset=" + strconv.Itoa(offset)).Result {
			got = append(got, string(alert))
		}
		if offset == 20 {
			c.page(hour + "&limit=20")
		}
	}
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != 100 {
		t.Errorf("%d different alerts, want 100", n)
	}
}

func TestShortPage(t *testing.T) {
	c := faulty(t, 1, netskopetest.Fault{Kind: netskopetest.ShortPage}, &netskopetest.Server{})
	if n := len(c.page(hour + "&limit=20").Result); n != 10 {
		t.Errorf("%d alerts, want half of 20", n)
	}
}

func TestEmptyPage(t *testing.T) {
	f := netskopetest.Fault{Kind: netskopetest.EmptyPage}
	c := faulty(t, 1, f, &netskopetest.Server{})
	if got := string(c.get(hour).body); got != `{"ok":1,"result":[]}` {
		t.Errorf("got %.100s", got)
	}
	c = faulty(t, 2, f, &netskopetest.Server{Dialect: netskopetest.Cursor})
	first := c.page(hour + "&limit=60")
	empty := c.page(follow(*first.Operation))
	if len(empty.Result) != 0 || empty.Operation == nil || *empty.Operation == *first.Operation {
		t.Fatalf("%d alerts and operation %v, want none and a new one", len(empty.Result), empty.Operation)
	}
	if rest := c.page(follow(*empty.Operation)); len(rest.Result) != 40 || rest.Operation != nil {
		t.Errorf("%d alerts after the empty page, want 40", len(rest.Result))
	}
}

func TestLostAnswerMovesTheCursor(t *testing.T) {
	f := netskopetest.Fault{Kind: netskopetest.LostAnswer}
	for _, once := range []bool{false, true} {
		c := faulty(t, 2, f, &netskopetest.Server{Dialect: netskopetest.Cursor, CursorOnce: once})
		operation := *c.page(hour + "&limit=60").Operation
		if r := c.get(follow(operation)); !errors.Is(r.err, syscall.ECONNRESET) {
			t.Errorf("%d, %v, want a connection reset", r.status, r.err)
		}
		if stats := c.Stats(); stats.Pages != 2 || stats.Alerts != 100 {
			t.Errorf("counted %+v, want the lost page too", stats)
		}
		r, want := c.get(follow(operation)), http.StatusOK
		if once {
			want = http.StatusBadRequest
		}
		if r.status != want {
			t.Errorf("once %v: asked again %d, want %d", once, r.status, want)
		}

		s := &netskopetest.Server{Dialect: netskopetest.Cursor, CursorOnce: once}
		c = faulty(t, 2, netskopetest.Fault{Kind: netskopetest.Reset}, s)
		operation = *c.page(hour + "&limit=60").Operation
		c.get(follow(operation))
		if n := len(c.page(follow(operation)).Result); n != 40 {
			t.Errorf("once %v: %d alerts after a reset, which moves no cursor; want 40", once, n)
		}
	}
}
