package netskope

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// crowd is a tenant that answers after a while, and says of requests beyond some at the same
// time that they are too many.
type crowd struct {
	mu            sync.Mutex
	takes         int // at the same time; 0 is any number
	flying, peak  int
	sent          []time.Time
	refused       int
	retryAfter    time.Duration
	takesFrom     time.Duration // from when on it takes any number
	began         time.Time
	answeredAfter time.Duration
}

// ask sends one request through the pace, again until it is answered.
func (c *crowd) ask(ctx context.Context, p *Pace) error {
	for {
		if err := p.enter(ctx); err != nil {
			return err
		}
		c.mu.Lock()
		sent := time.Now()
		c.sent = append(c.sent, sent)
		c.flying++
		c.peak = max(c.peak, c.flying)
		var refusal *Error
		if c.takes > 0 && c.flying > c.takes && time.Since(c.began) < c.takesFrom {
			refusal = &Error{Status: http.StatusTooManyRequests, After: c.retryAfter}
			c.refused++
		}
		c.mu.Unlock()
		time.Sleep(c.answeredAfter)
		c.mu.Lock()
		c.flying--
		c.mu.Unlock()
		p.leave(sent, refusal)
		if refusal == nil {
			return nil
		}
	}
}

// TestPace: requests are sent evenly, no more of them at a time than may be, and a slow tenant
// does not set the pace as long as there are places.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := &crowd{answeredAfter: 2 * time.Second}, NewPace(4, 12)
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				if err := c.ask(t.Context(), p); err != nil {
					t.Error(err)
				}
			})
		}
		began := time.Now()
		all.Wait()
		if took, want := time.Since(began), 39*250*time.Millisecond+2*time.Second; took != want {
			t.Errorf("40 requests took %v, want %v", took, want)
		}
		if c.peak > 9 { // 8, and one that is sent in the moment in which another is answered
			t.Errorf("%d in flight at 4 requests a second that take 2 s each", c.peak)
		}
		for i, sent := range c.sent[1:] {
			if gap := sent.Sub(c.sent[i]); gap < 250*time.Millisecond {
				t.Errorf("request %d was sent %v after the one before", i+1, gap)
			}
		}
	})
}

// TestPaceMakesWay: after answers that say that requests are too many, fewer are in flight, as
// long as that lasts, and then as many again.
func TestPaceMakesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{
			answeredAfter: time.Second, takes: 3, retryAfter: 5 * time.Second,
			takesFrom: time.Minute, began: time.Now(),
		}
		p := NewPace(0, 12)
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				for range 200 {
					if err := c.ask(t.Context(), p); err != nil {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(58 * time.Second)
		c.mu.Lock()
		refused, asked := c.refused, len(c.sent)
		c.peak = 0
		c.mu.Unlock()
		// 9 of the first 12, some of the next 6, and then one too many now and then.
		if share := float64(refused) / float64(asked); share > 0.25 {
			t.Errorf("%d of %d requests were refused: the pace does not make way", refused, asked)
		}
		all.Wait()
		if c.peak != 12 {
			t.Errorf("%d in flight at most once the tenant takes any number, want 12", c.peak)
		}
	})
}

// TestEndpointIsLeftAlone: while an endpoint wants to be left alone, nobody asks it; others of the tenant are asked.
func TestEndpointIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, pace := time.Now(), NewPace(0, 12)
		endpoint := func(first bool) (client *Client, asked *[]time.Duration) {
			asked = new([]time.Duration)
			var mu sync.Mutex
			return New(Settings{Tenant: "http://tenant.test", PageSize: 10}, pace, &http.Client{Transport: answers(
				func(*http.Request) *http.Response {
					mu.Lock()
					defer mu.Unlock()
					*asked = append(*asked, time.Since(began))
					if first && len(*asked) == 1 {
						return &http.Response{
							StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"5"}}, Body: http.NoBody,
						}
					}
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"ok":1,"result":[]}`))}
				})}, nil), asked
		}
		limited, asked := endpoint(true)
		other, askedOther := endpoint(false)
		var all sync.WaitGroup
		for i := range 4 {
			for _, client := range []*Client{limited, other} {
				all.Go(func() {
					time.Sleep(time.Duration(i) * time.Second)
					keep := func(*page.Alert, alert.Key) error { return nil }
					_, err := client.Pages(t.Context(), Range{From: 1, To: 100, Most: 10}, keep)
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		for _, at := range (*asked)[1:] {
			if at < 5*time.Second {
				t.Errorf("asked after %v, of which it wanted 5 s for itself", at)
			}
		}
		if len(*asked) != 9 || len(*askedOther) != 8 || (*askedOther)[7] > 3*time.Second {
			t.Errorf("asked at %v, the other at %v", *asked, *askedOther)
		}
	})
}

type answers func(*http.Request) *http.Response

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// TestPaceGivesPlacesBack: whoever gives up waiting takes no place with him.
func TestPaceGivesPlacesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(1, 2)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			for range 3 {
				if p.enter(ctx) == nil {
					p.leave(time.Now(), nil)
				}
			}
			cancel()
		}
		time.Sleep(time.Minute)
		for range 2 {
			if err := p.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if free := len(p.places); free != 0 {
			t.Errorf("%d places are free of 2, with 2 requests in flight", free)
		}
	})
}

// TestOrder: what is left of a range of which the list goes by time, and how much it may hold.
func TestOrder(t *testing.T) {
	r := Range{From: 1000, To: 2000}
	for name, test := range map[string]struct {
		times    []int64
		broken   bool
		tail     Range
		estimate int
	}{
		"down":     {times: []int64{2000, 1990, 1990, 1900}, tail: Range{From: 1000, To: 1930}, estimate: 40},
		"up":       {times: []int64{1000, 1000, 1100}, tail: Range{From: 1070, To: 2000}, estimate: 30},
		"a second": {times: []int64{1500, 1500}, tail: Range{From: 1000, To: 1530}, estimate: 4},
		"both":     {times: []int64{1500, 1600, 1550}, broken: true},
		"undated":  {times: []int64{1500, -1}, broken: true},
	} {
		var o order
		for _, at := range test.times {
			o.follow(at, at >= 0)
		}
		if o.broken != test.broken {
			t.Errorf("%s: broken %v", name, o.broken)
		}
		if test.broken {
			continue
		}
		if got := o.tail(r); got.From != test.tail.From || got.To != test.tail.To {
			t.Errorf("%s: tail %+v, want %+v", name, got, test.tail)
		}
		if got := o.estimate(r, len(test.times)); got != test.estimate {
			t.Errorf("%s: estimate %d, want %d", name, got, test.estimate)
		}
	}
}
