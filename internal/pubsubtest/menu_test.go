package pubsubtest_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/pubsub/v1"

	"netskope-alerts.internal/collector/internal/pubsubtest"
)

func body(text string) io.Reader { return strings.NewReader(text) }

var trouble = pubsubtest.Menu{
	Refused: 0.2, AnswerLost: 0.2, Delayed: 0.2, Unreachable: 0.1, Unheard: 0.1, Twins: 0.1, Again: 0.1,
}

// simulate publishes n messages with a publisher that repeats until it gets an answer,
// lets the menu loose, and returns the topic's messages and the endpoint.
func simulate(t *testing.T, s *pubsubtest.Server, n int) (messages []pubsubtest.Message, e *endpoint) {
	synctest.Test(t, func(t *testing.T) {
		e = inBubble(t, s)
		e.respond = func(w http.ResponseWriter, _ *http.Request, _ string) { time.Sleep(time.Second) }
		c, err := pubsub.NewService(t.Context(), option.WithEndpoint("http://pubsub.test/"), option.WithoutAuthentication(),
			option.WithHTTPClient(&http.Client{Transport: overPipe(t, s)}))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			for {
				_, err := c.Projects.Topics.Publish(topic, request(text(fmt.Sprint(i)))).Do()
				if err == nil {
					break
				}
				if e := new(googleapi.Error); errors.As(err, &e) && e.Code < 429 {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
		}
		quiet(t, s)
		acknowledged(t, s)
		messages = s.Messages()
	})
	return messages, e
}

// TestTrouble: whatever goes wrong, every message arrives, and what the Server says of
// it is what the endpoint saw.
func TestTrouble(t *testing.T) {
	const n = 400
	seed := newSeed(t)
	messages, e := simulate(t, &pubsubtest.Server{Seed: seed, Menu: trouble, Shuffle: true}, n)
	arrived, seen := map[string]int{}, map[string]bool{}
	for _, a := range e.arrivals() {
		arrived[a.id]++
		seen[a.data] = true
	}
	delayed, repeated, unreached, late := 0, 0, 0, 0
	for _, m := range messages {
		if !m.Acknowledged || m.Expired || arrived[m.ID] != m.Delivered() {
			t.Errorf("%d arrivals of %+v", arrived[m.ID], m)
		}
		if m.Pushes[0].Began.Sub(m.Published) > 2*time.Second {
			delayed++
		}
		if m.Delivered() > 1 {
			repeated++
		}
		if m.Delivered() < len(m.Pushes) {
			unreached++
		}
		first, last := m.Pushes[0], m.Pushes[len(m.Pushes)-1]
		if last.Began.Sub(first.Began) > 30*time.Minute {
			late++
		}
	}
	if len(seen) != n || len(arrived) != len(messages) {
		t.Errorf("of %d messages %d arrived, under %d of %d IDs", n, len(seen), len(arrived), len(messages))
	}
	// Of 400 messages about a fifth, and so on: none at all cannot be chance.
	for what, count := range map[string]int{
		"published twice": len(messages) - n, "delayed": delayed, "delivered twice": repeated, "not reached": unreached, "delivered again late": late,
	} {
		if count < 5 || count > n/2 {
			t.Errorf("%d of %d are %s", count, n, what)
		}
	}
}

// TestSameSeedSameTrouble: a found problem can be repeated.
func TestSameSeedSameTrouble(t *testing.T) {
	seed := newSeed(t)
	history := func(seed uint64) map[string][]string {
		messages, _ := simulate(t, &pubsubtest.Server{Seed: seed, Menu: trouble, Concurrency: 1000}, 100)
		h := map[string][]string{}
		for _, m := range messages {
			for _, p := range m.Pushes {
				h[m.ID] = append(h[m.ID], fmt.Sprint(p.Began.Sub(m.Published).Round(time.Second), p.Status, p.Acknowledged))
			}
			slices.Sort(h[m.ID]) // twins have no order
		}
		return h
	}
	first := history(seed)
	if second := history(seed); !maps.EqualFunc(first, second, slices.Equal) {
		t.Error("the same seed makes another trouble")
	}
	if other := history(seed + 1); maps.EqualFunc(first, other, slices.Equal) {
		t.Error("another seed makes the same trouble")
	}
}

func TestNoMenuNoTrouble(t *testing.T) {
	messages, e := simulate(t, &pubsubtest.Server{Seed: newSeed(t)}, 100)
	if len(messages) != 100 || len(e.arrivals()) != 100 {
		t.Errorf("%d messages, %d arrivals", len(messages), len(e.arrivals()))
	}
}
