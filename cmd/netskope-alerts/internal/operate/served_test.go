package operate

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"netskope-alerts.internal/collector/internal/message"
)

// service is what serve serves, with the events that came.
func service(t *testing.T, loopback bool) (address string, came *[]cloudevents.Event) {
	t.Helper()
	came = &[]cloudevents.Event{}
	handler, err := served(t.Context(), loopback, func(_ context.Context, e cloudevents.Event) error {
		*came = append(*came, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, came
}

func post(t *testing.T, address, host, body string, header map[string]string) (status int, said string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	if host != "" {
		request.Host = host
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(content)
}

const push = `{"message":{"data":"e30="}}`

// TestServeRefusesPages: no page of another site starts a run, whatever it sends, nor one whose
// own name resolves to this machine.
func TestServeRefusesPages(t *testing.T) {
	const port = "127.0.0.1:8080"
	for _, test := range []struct {
		loopback bool
		host     string
		header   map[string]string
		status   int
		said     string
	}{
		{true, "", nil, http.StatusOK, ""},
		{true, "", map[string]string{"Content-Type": "text/plain"}, http.StatusOK, ""},
		{true, "", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden, "a page of another site"},
		{true, "", map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden, "a page of another site"},
		{true, "", map[string]string{"Origin": "https://evil.example", "Content-Type": "text/plain"},
			http.StatusForbidden,
			"a page of another site"},
		{true, "", map[string]string{"Origin": "null"}, http.StatusForbidden, "a page of another site"},
		{true, "evil.example:8080", nil, http.StatusForbidden, `the host "evil.example:8080"`},
		{true, "evil.example:8080", map[string]string{"Origin": "http://evil.example:8080"}, http.StatusForbidden,
			"--host"},
		{true, "localhost", nil, http.StatusOK, ""}, {true, "[::1]:8080", nil, http.StatusOK, ""}, {true, port, nil,
			http.StatusOK, ""},
		{false, "collector.internal:8080", nil, http.StatusOK, ""},
		{false, "collector.internal", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden,
			"another site"},
	} {
		address, came := service(t, test.loopback)
		status, said := post(t, address, test.host, push, test.header)
		if status != test.status || !strings.Contains(said, test.said) ||
			(len(*came) == 1) != (status == http.StatusOK) {
			t.Errorf("%+v: %d %s, %d events", test, status, said, len(*came))
		}
	}
}

// TestServeTakesEveryShape: an event is understood in every form in which the framework takes it.
func TestServeTakesEveryShape(t *testing.T) {
	const published, topic = "2026-11-23T12:00:00Z", "//pubsub.googleapis.com/projects/p/topics/t"
	const kind = "google.cloud.pubsub.topic.v1.messagePublished"
	text := fmt.Sprintf(`{"message":{"data":%q,"messageId":"7","publishTime":%q},"subscription":"projects/p/subscriptions/s"}`,
		base64.StdEncoding.EncodeToString([]byte(`{"verify":"48h"}`)), published)
	emulators := strings.NewReplacer("messageId", "message_id", "publishTime", "publish_time").Replace(text)
	structured := fmt.Sprintf(`{"specversion":"1.0","id":"7","type":%q,"source":%q,"time":%q,`+
		`"datacontenttype":"application/json","data":%s}`, kind, topic, published, text)
	json := map[string]string{"Content-Type": "application/json"}
	for _, test := range []struct {
		name, path, body string
		header           map[string]string
	}{
		{"binary", "/", text, map[string]string{"Content-Type": "application/json", "Ce-Specversion": "1.0",
			"Ce-Id":   "7",
			"Ce-Time": published, "Ce-Type": kind, "Ce-Source": topic}},
		{"structured", "/", structured,
			map[string]string{"Content-Type": "application/cloudevents+json; charset=utf-8"}},
		{"push", "/projects/p/topics/t", text, json},
		{"push of the emulator", "/projects/p/topics/t", emulators, json},
	} {
		address, came := service(t, true)
		if status, said := post(t, address+test.path, "", test.body, test.header); status != http.StatusOK ||
			len(*came) != 1 {
			t.Errorf("%s: %d %s, %d events", test.name, status, said, len(*came))
			continue
		}
		e := (*came)[0]
		asked, err := message.Read(e)
		if err != nil || asked.Verify.Hours() != 48 || e.ID() != "7" ||
			e.Time().UTC().Format("2006-01-02T15:04:05Z") != published ||
			e.Type() != kind || e.Source() != topic {
			t.Errorf("%s: %v, %+v, %v", test.name, e, asked, err)
		}
	}
	address, came := service(t, true)
	for _, body := range []string{"", "{}", "x", `{"message":1}`, `[]`} {
		status, said := post(t, address, "", body, json)
		if status != http.StatusBadRequest || !strings.Contains(said, "curl line") || len(*came) != 0 {
			t.Errorf("%q: %d %s", body, status, said)
		}
	}
	if status, _ := post(t, address, "", push, json); status != http.StatusOK || (*came)[0].ID() == "" {
		t.Errorf("a message without an ID: %d", status)
	}
	if status, said := post(t, address, "", `{"message":"`+strings.Repeat("x", maxEvent),
		json); status != http.StatusBadRequest {
		t.Errorf("without an end: %d %.80s", status, said)
	}
}
