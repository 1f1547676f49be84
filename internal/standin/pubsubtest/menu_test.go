package pubsubtest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/pubsub/v1"

	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
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
		"published twice": len(messages) - n, "delayed": delayed, "delivered twice": repeated,
		"not reached": unreached, "delivered again late": late,
	} {
		if count < 5 || count > n/2 {
			t.Errorf("%d of %d are %s", count, n, what)
		}
	}
}

// TestSameSeedSameTrouble: a found problem can be repeated.
func TestSameSeedSameTrouble(t *testing.T) {
	seed := newSeed(t)
	history := func(seed uint64) [][]string {
		messages, _ := simulate(t, &pubsubtest.Server{Seed: seed, Menu: trouble, Concurrency: 1000}, 100)
		all := make([][]string, len(messages))
		for i, m := range messages {
			for _, p := range m.Pushes {
				all[i] = append(all[i], fmt.Sprint(p.Began.Sub(m.Published).Round(time.Second), p.Status, p.Acknowledged))
			}
			slices.Sort(all[i]) // twins have no order
		}
		return all
	}
	first := history(seed)
	if second := history(seed); !slices.EqualFunc(first, second, slices.Equal) {
		t.Error("the same seed makes another trouble")
	}
	if other := history(seed + 1); slices.EqualFunc(first, other, slices.Equal) {
		t.Error("another seed makes the same trouble")
	}
}

// TestMenuAlways has one trouble at a time befall everything.
func TestMenuAlways(t *testing.T) {
	for _, test := range []struct {
		name     string
		menu     pubsubtest.Menu
		n        int           // deliveries of each message
		from, to time.Duration // after the first message was published
	}{
		{"delayed", pubsubtest.Menu{Delayed: 1, MaxDelay: time.Hour}, 1, 1, time.Hour},
		{"delayed by default", pubsubtest.Menu{Delayed: 1}, 1, 1, time.Minute},
		{"twins", pubsubtest.Menu{Twins: 1}, 2, 0, 0},
		{"again", pubsubtest.Menu{Again: 1, MaxAgain: time.Hour}, 2, 0, time.Hour},
		{"again by default", pubsubtest.Menu{Again: 1}, 2, 0, 6 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &pubsubtest.Server{Seed: newSeed(t), Menu: test.menu, Concurrency: 100}
				e := inBubble(t, s)
				for range 50 {
					s.Publish([]byte("x"), nil)
				}
				quiet(t, s)
				latest := time.Duration(0)
				for _, a := range e.arrivals() {
					latest = max(latest, a.after)
					if a.after < test.from || a.after > test.to {
						t.Errorf("pushed after %v, want %v to %v", a.after, test.from, test.to)
					}
				}
				if latest < test.to/2 { // of 50 drawn none in the upper half: one in 10^15
					t.Errorf("the last after %v, want up to %v", latest, test.to)
				}
				for _, m := range s.Messages() {
					if m.Delivered() != test.n {
						t.Errorf("delivered %d times, want %d", m.Delivered(), test.n)
					}
				}
			})
		})
	}
	statuses := map[int]int{}
	s := &pubsubtest.Server{Seed: newSeed(t), Menu: pubsubtest.Menu{Refused: 1}}
	for range 100 {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("POST", "/v1/"+topic+":publish", body(`{"messages":[{"data":"eA=="}]}`)))
		statuses[w.Code]++
	}
	if statuses[429] < 20 || statuses[503] < 20 || statuses[429]+statuses[503] != 100 || len(s.Messages()) > 0 {
		t.Errorf("refused: %v", statuses)
	}
}

func TestNoMenuNoTrouble(t *testing.T) {
	messages, e := simulate(t, &pubsubtest.Server{Seed: newSeed(t)}, 100)
	if len(messages) != 100 || len(e.arrivals()) != 100 {
		t.Errorf("%d messages, %d arrivals", len(messages), len(e.arrivals()))
	}
}
