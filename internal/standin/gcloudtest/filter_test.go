package gcloudtest

import (
	"strings"
	"testing"
	"time"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	entry := object{
		"severity": "WARNING", "timestamp": "2026-03-01T10:00:00.5Z",
		"resource":    object{"type": "cloud_run_revision", "labels": object{"service_name": "netskope-alerts-collector"}},
		"jsonPayload": object{"message": "run finished", "alerts": 7.0, "caught_up": true, "error": `a "b" (c)`},
	}
	for _, f := range []struct {
		filter string
		want   bool
	}{
		{``, true},
		{`resource.type=cloud_run_revision`, true},
		{`resource.type = "CLOUD_RUN_revision"`, true},
		{`resource.type!="cloud_run_revision"`, false},
		{`jsonPayload.message="run finished" AND jsonPayload.alerts>6`, true},
		{`jsonPayload.message="run finished" jsonPayload.alerts>7`, false},
		{"jsonPayload.message=\"run finished\"\njsonPayload.alerts>=7", true},
		{`jsonPayload.alerts>10`, false},
		{`jsonPayload.alerts<10`, true},
		{`jsonPayload.alerts<=-1`, false},
		{`jsonPayload.message=("run failed" OR "run finished")`, true},
		{`jsonPayload.message=("run failed" OR "message refused")`, false},
		{`severity>=WARNING`, true},
		{`severity>WARNING`, false},
		{`severity<ERROR`, true},
		{`timestamp>="2026-03-01T10:00:00Z"`, true},
		{`timestamp>"2026-03-01T10:00:00.6Z"`, false},
		{`jsonPayload.caught_up=true`, true},
		{`jsonPayload.missing!="x"`, false},
		{`NOT jsonPayload.missing="x"`, true},
		{`-jsonPayload.alerts=7`, false},
		{`jsonPayload.error:*`, true},
		{`jsonPayload.missing:*`, false},
		{`jsonPayload.error:"\"B\""`, true},
		{`jsonPayload.message=~"^run (finished|failed)$"`, true},
		{`jsonPayload.message!~"fin"`, false},
		{`"RUN FIN"`, true},
		{`nothing`, false},
		{`(jsonPayload.alerts=1 OR jsonPayload.alerts=7) AND severity=WARNING`, true},
		// OR binds tighter: 1 and (7 or WARNING).
		{`jsonPayload.alerts=1 AND jsonPayload.alerts=7 OR severity=WARNING`, false},
		{"-- a comment\nseverity=INFO", false},
	} {
		m, err := parseFilter(f.filter)
		if err != nil {
			t.Errorf("%s: %v", f.filter, err)
			continue
		}
		if got := m(entry); got != f.want {
			t.Errorf("%s is %v, want %v", f.filter, got, f.want)
		}
	}
	for _, filter := range []string{
		`jsonPaylod.message="x"`, `severity=WARN`, `timestamp>yesterday`, `(severity=INFO`, `severity=INFO)`,
		`severity=`, `=INFO`, `severity=INFO AND`, `jsonPayload.message="x`, `jsonPayload.message=~"("`,
		`sample(insertId, 0.1)`,
	} {
		if _, err := parseFilter(filter); err == nil {
			t.Errorf("%s is accepted", filter)
		}
	}
}

func TestCron(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC) // a Sunday
	for _, f := range []struct {
		schedule    string
		valid, want bool
	}{
		{"* * * * *", true, true}, {"30 10 * * *", true, true}, {"0 * * * *", true, false},
		{"*/15 * * * *", true, true}, {"*/20 * * * *", true, false}, {"10-40/10 * * * *", true, true},
		{"1,2,30 8-12 * mar sun", true, true}, {"30 10 * * 7", true, true}, {"30 10 * * 1-5", true, false},
		{"30 10 2 * 0", true, true}, {"30 10 2 * *", true, false}, {"30 10 1 4 *", true, false},
		{"", false, false}, {"* * * *", false, false}, {"* * * * * *", false, false}, {"60 * * * *", false, false},
		{"* 24 * * *", false, false}, {"* * 0 * *", false, false}, {"*/0 * * * *", false, false},
		{"5-1 * * * *", false, false}, {"a * * * *", false, false}, {", * * * *", false, false},
	} {
		c, ok := parseCron(f.schedule)
		if ok != f.valid || ok && c.matches(at) != f.want {
			t.Errorf("%q: valid %v, want %v; or matches %v wrongly", f.schedule, ok, f.valid, at)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	o := object{
		"serviceConfig": object{"timeoutSeconds": 60.0, "availableCpu": "1"},
		"labels":        object{"a": "b"}, "state": "x",
	}
	changed := object{"serviceConfig": object{"timeoutSeconds": 540.0, "availableCpu": "2"}}
	mask(o, changed, "service_config.timeout_seconds,labels,eventTrigger.retryPolicy")
	if got := dig(o, "serviceConfig", "timeoutSeconds"); got != 540.0 {
		t.Errorf("a field in the mask is %v, want 540", got)
	}
	if got := text(o, "serviceConfig", "availableCpu"); got != "1" {
		t.Errorf("a field outside the mask is %q, want 1", got)
	}
	if o["labels"] != nil || o["state"] != "x" {
		t.Errorf("the fields are %v: labels should be gone and state be left", o)
	}
}

func TestStaleEtag(t *testing.T) {
	t.Parallel()
	s := &Server{}
	r := s.itself()
	stale := r.policy()
	viewer := object{"role": "roles/viewer", "members": []any{"user:a@example.test"}}
	bind := object{"etag": r.etag(), "bindings": []any{viewer}}
	if _, err := s.setPolicy(r, bind); err != nil {
		t.Fatal(err)
	}
	if _, err := s.setPolicy(r, stale); err == nil {
		t.Error("a policy with a stale etag is accepted")
	}
	if !r.holds("user:a@example.test", "roles/viewer") {
		t.Error("the first policy is gone")
	}
	for _, member := range []string{"a@example.test", "user:", "serviceAccount:none@collector-test.iam.gserviceaccount.com"} {
		bad := object{"bindings": []any{object{"role": "roles/viewer", "members": []any{member}}}}
		if _, err := s.setPolicy(r, bad); err == nil {
			t.Errorf("the member %q is accepted", member)
		}
	}
	if m := s.Model(); !strings.Contains(m, "roles/viewer") || m != s.Model() {
		t.Errorf("the model is not the same twice, or lacks the policy: %s", m)
	}
}
