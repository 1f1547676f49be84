package pubsubtest_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/api/pubsub/v1"

	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

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
