package netskopetest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

var hour = window(true, noon.Add(-time.Hour-time.Second), noon)

func follow(operation string) string { return "operation=" + url.QueryEscape(operation) }

// cursorTenant holds 100 small alerts in the hour before noon.
func cursorTenant(t *testing.T, s *netskopetest.Server) *tenant {
	s.Dialect = netskopetest.Cursor
	c := serve(t, s)
	c.Add(netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 100, 256)...)
	return c
}

func TestCursorEnvelope(t *testing.T) {
	c := cursorTenant(t, &netskopetest.Server{WaitTime: `"5"`})
	first := c.page(hour + "&limit=60")
	if first.Operation == nil || string(first.WaitTime) != `"5"` {
		t.Fatalf("operation %v, wait_time %s on the first page", first.Operation, first.WaitTime)
	}
	for _, r := range "+/=& %" {
		if !strings.ContainsRune(*first.Operation, r) {
			t.Errorf("operation %q lacks %q", *first.Operation, r)
		}
	}
	last := c.page(follow(*first.Operation) + "&limit=60")
	if last.Operation != nil || last.WaitTime != nil || len(last.Result) != 40 {
		t.Errorf("last page: operation %v, wait_time %s, %d alerts", last.Operation, last.WaitTime, len(last.Result))
	}
	if all := c.page(hour + "&limit=100"); all.Operation != nil {
		t.Error("an operation although no page remains")
	}
	if e := cursorTenant(t, &netskopetest.Server{}).page(hour + "&limit=60"); string(e.WaitTime) != "0" {
		t.Errorf("wait_time %s, want 0", e.WaitTime)
	}
}

func TestCursorMustBeEncodedOnce(t *testing.T) {
	c := cursorTenant(t, &netskopetest.Server{})
	operation := *c.page(hour + "&limit=10").Operation
	for name, query := range map[string]string{
		"not encoded":   "operation=" + strings.ReplaceAll(operation, " ", "%20"),
		"encoded twice": "operation=" + url.QueryEscape(url.QueryEscape(operation)),
		"only & and = ": "operation=" + strings.NewReplacer(" ", "%20", "&", "%26", "=", "%3D").Replace(operation),
		"empty":         "operation=",
	} {
		if r := c.get(query); r.status != http.StatusBadRequest || r.envelope(t).Message == "" {
			t.Errorf("%s: %d %s, want 400", name, r.status, r.body)
		}
	}
	if n := len(c.page(follow(operation)).Result); n != 10 {
		t.Errorf("%d alerts, want the 10 of the first request's limit", n)
	}
}

func TestCursorIsBoundToItsQuery(t *testing.T) {
	c := cursorTenant(t, &netskopetest.Server{})
	operation := *c.page(hour + "&limit=10").Operation
	if n := len(c.page(hour + "&" + follow(operation)).Result); n != 10 {
		t.Errorf("%d alerts with the times repeated", n)
	}
	other := window(true, noon.Add(-time.Hour), noon)
	if r := c.get(other + "&" + follow(operation)); r.status != http.StatusBadRequest {
		t.Errorf("with the times of another query: %d", r.status)
	}
	if r := c.get(hour + "&offset=10"); r.status != http.StatusBadRequest {
		t.Errorf("with an offset: %d", r.status)
	}
}

func TestCursorKeepsItsResultSet(t *testing.T) {
	c := cursorTenant(t, &netskopetest.Server{})
	ids := c.page(hour + "&limit=50").ids(t)
	operation := *c.page(hour + "&limit=50").Operation
	c.Add(netskopetest.Uniform(2, noon.Add(-time.Hour), noon, 100, 256)...)
	ids = append(ids, c.page(follow(operation)+"&limit=50").ids(t)...)
	var want []string
	for _, a := range c.Alerts()[:100] {
		want = append(want, a.ID)
	}
	wantSameIDs(t, ids, want)
}

func TestCursorRepeats(t *testing.T) {
	c := cursorTenant(t, &netskopetest.Server{})
	operation := *c.page(hour + "&limit=10").Operation
	a, b := c.page(follow(operation)), c.page(follow(operation))
	if !slices.Equal(a.ids(t), b.ids(t)) || *a.Operation != *b.Operation {
		t.Error("the same operation gave two different pages")
	}

	c = cursorTenant(t, &netskopetest.Server{CursorOnce: true})
	operation = *c.page(hour + "&limit=10").Operation
	c.page(follow(operation))
	if r := c.get(follow(operation)); r.status != http.StatusBadRequest {
		t.Errorf("a cursor that answers once answered twice: %d", r.status)
	}
	if got := c.drain(hour, 10); len(got) != 100 {
		t.Errorf("%d alerts by cursors that answer once, want 100", len(got))
	}
}

func TestOldCursorsAreForgotten(t *testing.T) {
	c := cursorTenant(t, &netskopetest.Server{})
	first := *c.page(hour + "&limit=10").Operation
	for range 63 {
		c.page(hour + "&limit=10")
	}
	c.page(follow(first))
	c.page(hour + "&limit=10")
	if r := c.get(follow(first)); r.status != http.StatusBadRequest {
		t.Errorf("the cursor of the 65th query back: %d, want 400", r.status)
	}
}

func TestExpireCursor(t *testing.T) {
	for _, status := range []int{0, http.StatusNotFound} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := &netskopetest.Server{}
			s.Fault = func(r netskopetest.Request) netskopetest.Fault {
				if r.N == 3 {
					return netskopetest.Fault{Kind: netskopetest.ExpireCursor, Status: status}
				}
				return netskopetest.Fault{}
			}
			c := cursorTenant(t, s)
			first := *c.page(hour + "&limit=10").Operation
			second := *c.page(follow(first)).Operation
			want := max(status, http.StatusBadRequest)
			if r := c.get(follow(second)); r.status != want || r.envelope(t).Message == "" {
				t.Errorf("%d %s, want %d", r.status, r.body, want)
			}
			for _, operation := range []string{first, second} {
				if r := c.get(follow(operation)); r.status != http.StatusBadRequest {
					t.Errorf("after the expiry: %d", r.status)
				}
			}
			if got := c.drain(hour, 10); len(got) != 100 {
				t.Errorf("starting over gave %d alerts, want 100", len(got))
			}
		})
	}
}
