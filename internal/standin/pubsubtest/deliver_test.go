package pubsubtest_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

func always(status int) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(status) }
}

func TestBackoffDoubles(t *testing.T) {
	for _, test := range []struct {
		min, max time.Duration
		want     []int
	}{
		{0, 0, []int{0, 10, 30, 70, 150, 310, 630, 1230, 1830, 2430}},
		{time.Second, 5 * time.Second, []int{0, 1, 3, 7, 12, 17, 22}},
		{time.Minute, time.Second, []int{0, 1, 2, 3}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &pubsubtest.Server{MinBackoff: test.min, MaxBackoff: test.max}
			e := inBubble(t, s)
			e.respond = func(w http.ResponseWriter, _ *http.Request, _ string) {
				if len(e.arrivals()) < len(test.want) {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}
			s.Publish([]byte("x"), nil)
			quiet(t, s)
			if got := e.times(); !slices.Equal(got, test.want) {
				t.Errorf("pushed at %v, want %v", got, test.want)
			}
			if m := s.Messages()[0]; !m.Acknowledged || m.Delivered() != len(test.want) {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{}
		e := inBubble(t, s)
		e.respond = always(500)
		s.Publish([]byte("x"), nil)
		acknowledged(t, s)
		m := s.Messages()[0]
		last := e.arrivals()[len(e.arrivals())-1].after
		if m.Acknowledged || !m.Expired || last > 24*time.Hour || last < 24*time.Hour-600*time.Second {
			t.Errorf("last push after %v: acknowledged %v, expired %v", last, m.Acknowledged, m.Expired)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{Retention: time.Hour}
		e := inBubble(t, s)
		s.SetEndpoint("")
		s.Publish([]byte("early"), nil)
		time.Sleep(time.Hour + time.Second)
		s.Publish([]byte("late"), nil)
		s.SetEndpoint("http://function.test/")
		quiet(t, s)
		acknowledged(t, s)
		if got := e.data(); !slices.Equal(got, []string{"late"}) || !s.Messages()[0].Expired || s.Messages()[1].Expired {
			t.Errorf("after an hour without an endpoint %q arrive", got)
		}
	})
}

// TestDeadline: an answer that comes too late is none. Whether the endpoint notices
// is HoldOpen's choice.
func TestDeadline(t *testing.T) {
	for _, holdOpen := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := &pubsubtest.Server{AckDeadline: time.Minute, HoldOpen: holdOpen, Concurrency: 1}
			e := inBubble(t, s)
			var mu sync.Mutex
			finished, broken := 0, 0
			e.respond = func(_ http.ResponseWriter, r *http.Request, _ string) {
				work := 90 * time.Second
				if len(e.arrivals()) > 2 {
					work = 30 * time.Second
				}
				select {
				case <-time.After(work):
					mu.Lock()
					finished++
					mu.Unlock()
				case <-r.Context().Done():
					mu.Lock()
					broken++
					mu.Unlock()
				}
			}
			s.Publish([]byte("x"), nil)
			quiet(t, s)
			// A minute and 10 s of backoff, a minute and 20 s.
			if got := e.times(); !slices.Equal(got, []int{0, 70, 150}) {
				t.Errorf("pushed at %v", got)
			}
			if holdOpen && (finished != 3 || broken != 0 || e.max != 2) ||
				!holdOpen && (finished != 1 || broken != 2 || e.max != 1) {
				t.Errorf("HoldOpen %v: %d finished, %d broken off, %d at once", holdOpen, finished, broken, e.max)
			}
			m := s.Messages()[0]
			if p := m.Pushes[0]; p.Err == nil || p.Status != 0 || p.Ended.Sub(p.Began) != time.Minute ||
				m.Delivered() != 1 || !m.Acknowledged {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestConcurrency(t *testing.T) {
	for limit, want := range map[int]int{0: 8, 1: 1, 3: 3, 100: 20} {
		synctest.Test(t, func(t *testing.T) {
			s := &pubsubtest.Server{Concurrency: limit}
			e := inBubble(t, s)
			e.respond = func(http.ResponseWriter, *http.Request, string) { time.Sleep(time.Second) }
			for i := range 20 {
				s.Publish([]byte(fmt.Sprint(i)), nil)
			}
			quiet(t, s)
			if e.max != want || len(e.arrivals()) != 20 {
				t.Errorf("Concurrency %d: %d at once, %d pushes", limit, e.max, len(e.arrivals()))
			}
			if took := time.Since(e.began); took != time.Duration((20+want-1)/want)*time.Second {
				t.Errorf("Concurrency %d: took %v", limit, took)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	order := func(s *pubsubtest.Server) (got []string) {
		synctest.Test(t, func(t *testing.T) {
			s.Concurrency = 1
			e := inBubble(t, s)
			s.SetEndpoint("")
			for i := range 20 {
				s.Publish([]byte(fmt.Sprintf("%02d", i)), nil)
			}
			s.SetEndpoint("http://function.test/")
			quiet(t, s)
			got = e.data()
		})
		return got
	}
	plain, first, same, other := order(&pubsubtest.Server{Seed: 1}), order(&pubsubtest.Server{Seed: 1, Shuffle: true}),
		order(&pubsubtest.Server{Seed: 1, Shuffle: true}), order(&pubsubtest.Server{Seed: 2, Shuffle: true})
	if !slices.IsSorted(plain) || len(plain) != 20 {
		t.Errorf("without Shuffle: %v", plain)
	}
	if slices.IsSorted(first) || !slices.Equal(first, same) || slices.Equal(first, other) {
		t.Errorf("with Shuffle: %v, again %v, of another seed %v", first, same, other)
	}
	if slices.Sort(first); !slices.Equal(first, plain) {
		t.Errorf("Shuffle delivers %v", first)
	}
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{}
		e := inBubble(t, s)
		s.SetDown(true)
		s.Publish([]byte("x"), nil)
		time.Sleep(time.Minute)
		s.SetDown(false)
		quiet(t, s)
		m := s.Messages()[0]
		if got := e.times(); !slices.Equal(got, []int{70}) || len(m.Pushes) != 4 || m.Delivered() != 1 ||
			m.Pushes[0].Err == nil || !m.Acknowledged {
			t.Errorf("arrived at %v: %+v", got, m)
		}
	})
}

func TestSetEndpointMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{}
		e := inBubble(t, s)
		var hosts []string
		e.respond = func(w http.ResponseWriter, r *http.Request, _ string) {
			hosts = append(hosts, r.URL.Host)
			if r.URL.Host != "new.test" {
				w.WriteHeader(500)
			}
		}
		s.Publish([]byte("x"), nil)
		time.Sleep(time.Minute)
		s.SetEndpoint("http://new.test/")
		quiet(t, s)
		if !slices.Equal(hosts, []string{"function.test", "function.test", "function.test", "new.test"}) {
			t.Errorf("pushed to %v", hosts)
		}
	})
}
