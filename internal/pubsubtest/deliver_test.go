package pubsubtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/api/pubsub/v1"

	"netskope-alerts.internal/collector/internal/pubsubtest"
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
			if holdOpen && (finished != 3 || broken != 0 || e.max != 2) || !holdOpen && (finished != 1 || broken != 2 || e.max != 1) {
				t.Errorf("HoldOpen %v: %d finished, %d broken off, %d at once", holdOpen, finished, broken, e.max)
			}
			m := s.Messages()[0]
			if p := m.Pushes[0]; p.Err == nil || p.Status != 0 || p.Ended.Sub(p.Began) != time.Minute || m.Delivered() != 1 || !m.Acknowledged {
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
		if got := e.times(); !slices.Equal(got, []int{70}) || len(m.Pushes) != 4 || m.Delivered() != 1 || m.Pushes[0].Err == nil || !m.Acknowledged {
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

// TestRealClientsInABubble has everything in simulated time: the REST client publishes
// and the pushes arrive over connections of their own.
func TestRealClientsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.respond = func(w http.ResponseWriter, _ *http.Request, _ string) {
			if len(e.arrivals()) < 3 {
				time.Sleep(time.Hour)
			}
		}
		s := &pubsubtest.Server{Endpoint: "http://function.test/", Transport: overPipe(t, e), AckDeadline: 600 * time.Second}
		t.Cleanup(s.Close)
		c, err := pubsub.NewService(t.Context(), option.WithEndpoint("http://pubsub.test/"), option.WithoutAuthentication(),
			option.WithHTTPClient(&http.Client{Transport: overPipe(t, s)}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Projects.Topics.Publish(topic, request(text("x"))).Do(); err != nil {
			t.Fatal(err)
		}
		quiet(t, s)
		if got := e.times(); !slices.Equal(got, []int{0, 610, 1230}) {
			t.Errorf("pushed at %v", got)
		}
		time.Sleep(time.Hour) // the endpoint's
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{Concurrency: 2}
		e := inBubble(t, s)
		e.respond = func(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() }
		for range 3 {
			s.Publish([]byte("x"), nil)
		}
		time.Sleep(time.Second)
		waited := make(chan error)
		go func() { waited <- s.WaitAcknowledged(context.Background()) }()
		synctest.Wait()
		s.Close()
		s.Close()
		if err := <-waited; err == nil || !strings.Contains(err.Error(), "3 of 3 messages are not acknowledged") {
			t.Errorf("waiting ends with %v", err)
		}
		time.Sleep(24 * time.Hour)
		if n := len(e.arrivals()); n != 2 || e.now != 0 {
			t.Errorf("%d pushes, of which %d run on", n, e.now)
		}
		if m := s.Messages()[0]; m.Acknowledged || m.Pushes[0].Ended.IsZero() {
			t.Errorf("%+v", m)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{}
		defer s.Close()
		if err := s.WaitQuiet(t.Context()); err != nil {
			t.Errorf("an empty topic: %v", err)
		}
		s.Publish([]byte("x"), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.WaitQuiet(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 pushes") {
			t.Errorf("got %v", err)
		}
		if err := s.WaitAcknowledged(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
