package pubsubtest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

func TestPublishFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault pubsubtest.PublishFault
		code  int // 0: no answer
		made  int
	}{
		{"403", pubsubtest.PermissionDenied(), 403, 0},
		{"429", pubsubtest.Exhausted(), 429, 0},
		{"503", pubsubtest.Unavailable(), 503, 0},
		{"reset", pubsubtest.PublishFault{Reset: true}, 0, 0},
		{"lost by reset", pubsubtest.PublishFault{Lost: pubsubtest.LostByReset}, 0, 1},
		{"lost by close", pubsubtest.PublishFault{Lost: pubsubtest.LostByClose}, 0, 1},
		{"lost as 503", pubsubtest.PublishFault{Lost: pubsubtest.LostAs503}, 503, 1},
		{"lost as 504", pubsubtest.PublishFault{Lost: pubsubtest.LostAs504}, 504, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked []pubsubtest.PublishRequest
			s := &pubsubtest.Server{PublishFault: func(r pubsubtest.PublishRequest) pubsubtest.PublishFault {
				asked = append(asked, r)
				if r.N == 1 {
					return test.fault
				}
				return pubsubtest.PublishFault{}
			}}
			publish := client(t, s).Projects.Topics.Publish(topic, request(text("a")))
			_, err := publish.Do()
			var e *googleapi.Error
			if answered := errors.As(err, &e); err == nil || answered != (test.code != 0) || answered && e.Code != test.code {
				t.Errorf("got %v, want code %d", err, test.code)
			}
			if n := len(s.Messages()); n != test.made {
				t.Errorf("%d messages are published, want %d", n, test.made)
			}
			// The publisher repeats: under a new ID if the first was made.
			again, err := publish.Do()
			got := s.Messages()
			if err != nil || len(got) != test.made+1 || got[test.made].ID != again.MessageIds[0] {
				t.Errorf("repeated: %d messages, %v", len(got), err)
			}
			if len(asked) != 2 || asked[1].N != 2 || string(asked[0].Messages[0].Data) != "a" {
				t.Errorf("asked about %+v", asked)
			}
		})
	}
	s := &pubsubtest.Server{PublishFault: func(pubsubtest.PublishRequest) pubsubtest.PublishFault {
		return pubsubtest.PublishFault{Status: 429, RetryAfter: "7"}
	}}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/v1/"+topic+":publish", strings.NewReader(`{"messages":[{"data":"eA=="}]}`))
	s.ServeHTTP(w, r)
	if w.Code != 429 || w.Header().Get("Retry-After") != "7" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestPublishToAClosedTopic(t *testing.T) {
	s := &pubsubtest.Server{}
	c := client(t, s)
	s.Close()
	_, err := c.Projects.Topics.Publish(topic, request(text("a"))).Do()
	var e *googleapi.Error
	if !errors.As(err, &e) || e.Code != 503 || len(s.Messages()) > 0 {
		t.Errorf("got %v", err)
	}
}

func TestPublishDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{PublishFault: func(pubsubtest.PublishRequest) pubsubtest.PublishFault {
			return pubsubtest.PublishFault{Delay: time.Minute}
		}}
		inBubble(t, s)
		c := &http.Client{Transport: overPipe(t, s), Timeout: time.Second}
		message := body(`{"messages":[{"data":"eA=="}]}`)
		if _, err := c.Post("http://pubsub.test/v1/"+topic+":publish", "application/json", message); err == nil {
			t.Error("answered within a second")
		}
		if n := len(s.Messages()); n != 0 {
			t.Errorf("%d messages before the delay has passed", n)
		}
		time.Sleep(time.Minute)
		// The publisher has given up; the message is published all the same.
		if n := len(s.Messages()); n != 1 {
			t.Errorf("%d messages", n)
		}
	})
}
