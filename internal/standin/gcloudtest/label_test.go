package gcloudtest_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

// What every service refuses, asked without gcloud.
func TestLabelsAndRegions(t *testing.T) {
	s := &gcloudtest.Server{Regions: []string{"europe-west3"}}
	for _, api := range []string{"cloudfunctions", "pubsub"} {
		s.Add("services", api+".googleapis.com", nil)
	}
	const topics = "pubsub.googleapis.com/v1/" + inProject + "topics/"
	const runtimes = "cloudfunctions.googleapis.com/v2/" + inProject + "locations/"
	for _, q := range []struct {
		method, url, body string
		status            int
	}{
		{"GET", runtimes + "europe-west3/runtimes", ``, 200},
		{"GET", runtimes + "us-central1/runtimes", ``, 403},
		{"PUT", topics + "a", `{"labels": {"made_by": "deploy-1", "empty": ""}}`, 200},
		{"PUT", topics + "b", `{"labels": {"made_by": "Deploy"}}`, 400},
		{"PUT", topics + "c", `{"labels": {"made by": "deploy"}}`, 400},
		{"PUT", topics + "d", `{"labels": {"made_by": "` + strings.Repeat("x", 64) + `"}}`, 400},
		{"PUT", topics + "e", `{"labels": {"made_by": 1}}`, 400},
	} {
		request := httptest.NewRequest(q.method, "http://"+q.url, strings.NewReader(q.body))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		if s.ServeHTTP(answer, request); answer.Code != q.status {
			t.Errorf("%s %s %s: %d %s, want %d", q.method, q.url, q.body, answer.Code, answer.Body, q.status)
		}
	}
	same(t, "topics", strings.Join(s.Names("topics"), " "), inProject+"topics/a")
}
