package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/collectortest"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// hostileID is an _id as a tenant that was taken over might send it.
const hostileID = `"><script>alert(document.domain)</script><img src=//evil.example/x onerror=alert(2)>{{.}}`

// world is a collector that has delivered, and a console that looks at it.
type world struct {
	collector *collector.Collector
	cloud     *gcstest.Server
	tenant    *netskopetest.Server
	now       time.Time
	site      *site
	address   string // of the console, with a slash at its end

	fault  atomic.Pointer[gcstest.Fault] // of every request to the bucket
	wrote  atomic.Int64                  // requests that would have changed something
	listed atomic.Int64
}

// newWorld has delivered a day of alerts, and all that the further ones are of.
func newWorld(t *testing.T, further ...netskopetest.Alert) *world {
	w := &world{now: time.Date(2026, 11, 23, 11, 27, 12, 0, time.UTC), tenant: &netskopetest.Server{}}
	clock := w.now.Add(-4 * time.Minute)
	w.cloud = &gcstest.Server{Buckets: []string{"alerts"}, Now: func() time.Time { return clock },
		Fault: func(r gcstest.Request) gcstest.Fault {
			if r.Write {
				w.wrote.Add(1)
			}
			if r.Op == gcstest.ListObjects {
				w.listed.Add(1)
			}
			if f := w.fault.Load(); f != nil {
				return *f
			}
			return gcstest.Fault{}
		}}
	w.tenant.Add(collectortest.Alerts(7, w.now, 27*time.Hour, 0, 2000)...)
	w.tenant.Add(further...)
	w.collector = collectortest.Open(t, w.tenant, w.cloud, "LOOKBACK_HOURS=26")
	collectortest.Run(t, w.collector, w.now.Add(-3*time.Hour))
	collectortest.Run(t, w.collector, clock)
	w.serve(t)
	return w
}

// serve has a console look at the bucket, without anything of the tenant.
func (w *world) serve(t *testing.T) {
	config := w.collector.Config
	config.Tenant, config.TimeField, config.Token = "", "", ""
	w.site = newSite(&collector.Collector{Config: config, Bucket: w.collector.Bucket})
	w.site.now = func() time.Time { return w.now }
	listener, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address = "http://" + listener.Addr().String() + "/"
	w.serveOn(t, listener)
}

func (w *world) serveOn(t *testing.T, listener net.Listener) {
	server := serverOf(w.site, t.Output())
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
}

// audited has the function audit, and keep what it found.
func (w *world) audited(t *testing.T, o audit.Options) audit.Summary {
	t.Helper()
	o.Since = w.now.Add(-24 * time.Hour)
	s, err := w.collector.Audit(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.keepAudit(t, s)
	return s
}

func (w *world) keepAudit(t *testing.T, s audit.Summary) {
	t.Helper()
	kept, err := json.Marshal(map[string]any{"asked": 24 * time.Hour, "repair": false, "now": w.now, "audit": s})
	if err != nil {
		t.Fatal(err)
	}
	w.cloud.Put(w.collector.BucketName, w.collector.Folders().Audit, kept)
}

func alertAt(at time.Time, id string, fields map[string]any) netskopetest.Alert {
	all := map[string]any{"_id": id, "timestamp": at.Unix() - 5, "_insertion_epoch_timestamp": at.Unix(),
		"alert": "yes", "alert_type": "policy", "user": "alice@example.com", "srcip": "192.0.2.7",
		"url": "files.example.com/a", "hostname": "DESK-1"}
	for name, value := range fields {
		all[name] = value
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // as a tenant writes it
	if err := encoder.Encode(all); err != nil {
		panic(err)
	}
	return netskopetest.Alert{ID: id, Event: at.Add(-5 * time.Second), Inserted: at, JSON: bytes.TrimSpace(text.Bytes())}
}

// dayAgo is a time of the collected day.
func dayAgo(hours int) time.Time {
	return time.Date(2026, 11, 23, 11, 27, 12, 0, time.UTC).Add(-time.Duration(hours) * time.Hour)
}

// hostile are so many alerts that their type is among the most frequent, and every field is as
// bad as the type.
func hostile() (all []netskopetest.Alert) {
	fields := map[string]any{}
	for _, name := range []string{"alert_type", "alert_name", "user", "url", "hostname", "site", "app", "activity",
		"object",
		"policy", "severity", "category", "os", "device", "browser", "src_country"} {
		fields[name] = hostileID + "\u202e" + name
	}
	fields["<b>field</b>"] = "a <b>value</b>"
	for i := range 400 {
		id := hostileID
		if i > 0 {
			id += fmt.Sprint(i)
		}
		all = append(all, alertAt(dayAgo(5).Add(time.Duration(i)*time.Second), id, fields))
	}
	return all
}

func usual(id string) netskopetest.Alert {
	return alertAt(dayAgo(4), id, map[string]any{"alert_name": "Upload of a secret", "severity": "high",
		"action": "block", "app": "Example Drive", "activity": "Upload", "dst_country": "DE", "object": "plans.pdf"})
}

func idOf(n int) string { return fmt.Sprintf("65f0a1b2c3d4e5f6a7b8%04d", n) }
