package pubsubtest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/pubsub/v1"

	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

func text(s string) *pubsub.PubsubMessage {
	return &pubsub.PubsubMessage{Data: base64.StdEncoding.EncodeToString([]byte(s))}
}

func request(messages ...*pubsub.PubsubMessage) *pubsub.PublishRequest {
	return &pubsub.PublishRequest{Messages: messages}
}

func TestPublish(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.UTC)
	s := &pubsubtest.Server{Now: func() time.Time { return at }}
	c := client(t, s)
	attributes := map[string]string{"from": "10", "to": "20"}
	first, err := c.Projects.Topics.Publish(topic, request(text("a"), &pubsub.PubsubMessage{Attributes: attributes})).Do()
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Projects.Topics.Publish(topic, request(text("c\xff\x00"))).Do()
	if err != nil {
		t.Fatal(err)
	}
	ids := append(first.MessageIds, second.MessageIds...)
	got := s.Messages()
	if len(ids) != 3 || len(got) != 3 || ids[0] == ids[1] || ids[1] == ids[2] || ids[0] == ids[2] {
		t.Fatalf("ids %q of %d messages", ids, len(got))
	}
	for i, want := range []string{"a", "", "c\xff\x00"} {
		if m := got[i]; m.ID != ids[i] || string(m.Data) != want ||
			!m.Published.Equal(at.Truncate(time.Millisecond)) || m.Acknowledged || len(m.Pushes) > 0 {
			t.Errorf("message %d: %+v", i, m)
		}
	}
	if !maps.Equal(got[1].Attributes, attributes) {
		t.Errorf("attributes %v", got[1].Attributes)
	}
	found, err := c.Projects.Topics.Get(topic).Do()
	if err != nil || found.Name != topic {
		t.Errorf("get: %+v, %v", found, err)
	}
	id := s.Publish([]byte("d"), nil)
	if m := s.Messages()[3]; m.ID != id || string(m.Data) != "d" || slices.Contains(ids, id) {
		t.Errorf("Publish: %q, %+v", id, m)
	}
}

func TestPublishRefusals(t *testing.T) {
	many := func(n int, key string) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprintf(key, i)] = strings.Repeat("v", 1024)
		}
		return m
	}
	with := func(attributes map[string]string) *pubsub.PubsubMessage {
		return &pubsub.PubsubMessage{Attributes: attributes}
	}
	var full []*pubsub.PubsubMessage // just over 10 MB in few bytes of JSON
	for range 98 {
		full = append(full, with(many(100, "k%03d")))
	}
	for _, test := range []struct {
		name    string
		topic   string
		request *pubsub.PublishRequest
		code    int
		message string
	}{
		{"the most messages", topic, request(slices.Repeat([]*pubsub.PubsubMessage{text("x")}, 1000)...), 200, ""},
		{"one too many", topic, request(slices.Repeat([]*pubsub.PubsubMessage{text("x")}, 1001)...), 400, "You passed 1001"},
		{"none", topic, request(), 400, "message_count is too small"},
		{"empty message", topic, request(text("a"), text("")), 400, "messages in the publish request is empty"},
		{"the most attributes", topic, request(with(many(100, strings.Repeat("k", 253)+"%03d"))), 200, ""},
		{"one attribute too many", topic, request(with(many(101, "k%d"))), 400, "You passed 101"},
		{"long key", topic, request(with(map[string]string{strings.Repeat("ü", 128) + "k": "v"})), 400,
			"The length is 257"},
		{"long value", topic, request(with(map[string]string{"k": strings.Repeat("v", 1025)})), 400,
			`The attribute "k" in the request has a value that is too long. The length is 1025`},
		{"reserved key", topic, request(with(map[string]string{"googclient": "v"})), 400, "not allowed"},
		{"the largest payload", topic, request(text(strings.Repeat("x", 7_864_200))), 200, ""},
		{"payload too large", topic, request(text(strings.Repeat("x", 7_864_400))), 400,
			"Request payload size exceeds the limit: 10485760 bytes."},
		{"request too large", topic, request(full...), 400, "request_size is too large"},
		{"just not too large", topic, request(full[:97]...), 200, ""},
		{"no base64", topic, request(&pubsub.PubsubMessage{Data: "%"}), 400, "Base64"},
		{"url-safe base64", topic, request(&pubsub.PubsubMessage{Data: "-_8"}), 200, ""},
		{"ID set", topic, request(&pubsub.PubsubMessage{Data: "eA==", MessageId: "1"}), 400, "must not be populated"},
		{"time set", topic, request(&pubsub.PubsubMessage{Data: "eA==", PublishTime: "2026-11-23T10:00:00Z"}), 400,
			"must not be populated"},
		{"ordering key", topic, request(&pubsub.PubsubMessage{Data: "eA==", OrderingKey: "k"}), 501, "ordering keys"},
		{"another topic", "projects/project/topics/other", request(text("x")), 404, "Resource not found (resource=other)."},
		{"another project", "projects/other/topics/topic", request(text("x")), 404, "Resource not found (resource=topic)."},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &pubsubtest.Server{}
			answer, err := client(t, s).Projects.Topics.Publish(test.topic, test.request).Do()
			if test.code == http.StatusOK {
				if n := len(test.request.Messages); err != nil || len(answer.MessageIds) != n || len(s.Messages()) != n {
					t.Fatalf("%d messages, %v", len(s.Messages()), err)
				}
				return
			}
			var e *googleapi.Error
			if !errors.As(err, &e) || e.Code != test.code || !strings.Contains(e.Message, test.message) {
				t.Errorf("got %v, want %d with %q", err, test.code, test.message)
			}
			if n := len(s.Messages()); n > 0 {
				t.Errorf("%d messages are published", n)
			}
		})
	}
}

// TestErrorForm holds the JSON against what users of the service have quoted:
// https://github.com/apache/beam/issues/23022.
func TestErrorForm(t *testing.T) {
	for _, test := range []struct {
		method, path, body string
		code               int
		status             string
	}{
		{"POST", "/v1/" + topic + ":publish", `{"messages":[`, 400, "INVALID_ARGUMENT"},
		{"POST", "/v1/" + topic + ":publish", `{"messages":[{"data":"eA=="}]} {}`, 400, "INVALID_ARGUMENT"},
		{"POST", "/v1/" + topic + ":publish", `{"messages":[{"body":"eA=="}]}`, 400, "INVALID_ARGUMENT"},
		{"POST", "/v1/" + topic + "s:publish", `{"messages":[{"data":"eA=="}]}`, 404, "NOT_FOUND"},
		{"GET", "/v1/" + topic + "s", "", 404, "NOT_FOUND"},
		{"GET", "/v1/" + topic + ":publish", "", 501, "UNIMPLEMENTED"},
		{"PUT", "/v1/" + topic, "", 501, "UNIMPLEMENTED"},
		{"GET", "/v1/" + topic + ":", "", 501, "UNIMPLEMENTED"},
		{"GET", "/v1/projects/project/topics", "", 501, "UNIMPLEMENTED"},
		{"GET", "/v2/" + topic, "", 501, "UNIMPLEMENTED"},
		{"POST", "/v1/projects/project/subscriptions/s:pull", "{}", 501, "UNIMPLEMENTED"},
	} {
		s := &pubsubtest.Server{}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(test.method, test.path, strings.NewReader(test.body)))
		var body struct {
			Error struct {
				Code            int
				Message, Status string
				Errors          []struct{ Message, Domain, Reason string }
			}
		}
		err := json.Unmarshal(w.Body.Bytes(), &body)
		e := body.Error
		if err != nil || w.Code != test.code || e.Code != test.code || e.Status != test.status || e.Message == "" ||
			len(e.Errors) != 1 || e.Errors[0].Message != e.Message || e.Errors[0].Reason == "" {
			t.Errorf("%s %s: %d %s, %v; want %d %s", test.method, test.path, w.Code, w.Body, err, test.code, test.status)
		}
	}
}

func FuzzPublish(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"data":"eA==","attributes":{"k":"v"}}]}`, `{"messages":[{"data":"eA"},{"attributes":{"":"v"}}]}`,
		`{"messages":null}`, `{"messages":[null]}`, `[]`, `{"messages":[{"data":"e\u0000"}]}`,
		`{"messages":[{"orderingKey":"a"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &pubsubtest.Server{}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("POST", "/v1/"+topic+":publish", bytes.NewReader(body)))
		var answer struct {
			MessageIDs []string `json:"messageIds"`
			Error      *struct{ Code int }
		}
		if err := json.NewDecoder(w.Body).Decode(&answer); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		made := s.Messages()
		switch {
		case w.Code == 200 && (len(made) == 0 || len(answer.MessageIDs) != len(made)):
			t.Errorf("200 with %d ids for %d messages", len(answer.MessageIDs), len(made))
		case w.Code != 200 && (len(made) > 0 || answer.Error == nil || answer.Error.Code != w.Code):
			t.Errorf("%d, and %d messages", w.Code, len(made))
		}
		for _, m := range made {
			if len(m.Data) == 0 && len(m.Attributes) == 0 {
				t.Error("an empty message is published")
			}
		}
	})
}
