package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"netskope-alerts": main})
}

// wide reports whether a line of several words is wider than 80 columns.
func wide(line string) bool {
	return utf8.RuneCountInString(strings.TrimRight(line, "\r\n")) > 80 && len(strings.Fields(line)) > 1
}

// TestScripts runs the command as a person would, against stand-ins of the services
// that each script gets for itself: a tenant with 300 alerts of the last six hours, and
// a Cloud Storage with the bucket "alerts" whose objects are files below $BUCKET, and a
// topic, $NETSKOPE_ALERTS_TOPIC, that pushes to $FREE_PORT.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			now := time.Now()
			tenant := &netskopetest.Server{Token: "right-token"}
			tenant.Add(netskopetest.Profile{Seed: 1, From: now.Add(-6 * time.Hour), To: now.Add(-15 * time.Minute),
				N: 300, VisibleWithin: -1}.Alerts()...)
			pages := &netskopetest.Server{}
			pages.Add(netskopetest.Profile{Seed: 2, Stream: "page", From: now.Add(-6 * time.Hour),
				To: now.Add(-15 * time.Minute), N: 50, VisibleWithin: -1}.Alerts()...)
			tenant.Events = map[string]*netskopetest.Server{"page": pages, "audit": {
				Fault: func(netskopetest.Request) netskopetest.Fault { return netskopetest.Forbidden() }}}
			bucket := e.WorkDir + "/bucket"
			cloud := &gcstest.Server{Buckets: []string{"alerts"}, Dir: bucket, Versioning: true}
			storage := httptest.NewServer(cloud)
			api := httptest.NewServer(tenant)
			e.Defer(storage.Close)
			e.Defer(api.Close)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer listener.Close()
			_, port, _ := net.SplitHostPort(listener.Addr().String())
			topic := &pubsubtest.Server{Topic: "projects/p/topics/t", Endpoint: "http://127.0.0.1:" + port,
				MinBackoff: 100 * time.Millisecond,
				Menu:       pubsubtest.Menu{Twins: 0.3, Again: 0.3, MaxAgain: 300 * time.Millisecond, Unheard: 0.3}}
			pubsub := httptest.NewServer(topic)
			e.Defer(pubsub.Close)
			e.Defer(topic.Close)
			e.Values["tenant"], e.Values["topic"], e.Values["cloud"] = tenant, topic, cloud
			for name, value := range map[string]string{
				"TENANT": api.URL, "BUCKET": bucket,
				"STORAGE_EMULATOR_HOST": strings.TrimPrefix(storage.URL, "http://"), "FREE_PORT": port,
				"REQUESTS_PER_SECOND": "0", "PUBSUB_EMULATOR_HOST": strings.TrimPrefix(pubsub.URL, "http://"),
				"NETSKOPE_ALERTS_TOPIC": "projects/p/topics/t",
			} {
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// tick URL triggers a served function as the printed curl line does.
			"tick": func(ts *testscript.TestScript, neg bool, args []string) {
				var err error
				for range 200 {
					request, _ := http.NewRequest("POST", args[0], strings.NewReader(`{"message":{"data":"e30="}}`))
					request.Header = http.Header{"Content-Type": {"application/json"}, "Ce-Specversion": {"1.0"},
						"Ce-Id":     {"1"},
						"Ce-Source": {"//test"}, "Ce-Type": {"google.cloud.pubsub.topic.v1.messagePublished"}}
					var response *http.Response
					if response, err = http.DefaultClient.Do(request); err == nil {
						response.Body.Close()
						if ok := response.StatusCode == http.StatusOK; ok == neg {
							ts.Fatalf("answered %s", response.Status)
						}
						return
					}
					time.Sleep(20 * time.Millisecond) // it is starting
				}
				ts.Fatalf("no answer: %v", err)
			},
			// get URL FILE keeps the page that is answered with; @NAME in the URL is what that file holds.
			"get": func(ts *testscript.TestScript, _ bool, args []string) {
				url, name, ok := strings.Cut(args[0], "@")
				if ok {
					url += strings.TrimSpace(ts.ReadFile(name))
				}
				var answer *http.Response
				var err error
				for range 200 {
					if answer, err = http.Get(url); err == nil {
						break
					}
					time.Sleep(20 * time.Millisecond) // it is starting
				}
				ts.Check(err)
				defer answer.Body.Close()
				page, err := io.ReadAll(answer.Body)
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[1]), page, 0o644))
			},
			// late N AGO has the tenant show N alerts that it stored so long ago.
			"late": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[0])
				ts.Check(err)
				ago, err := time.ParseDuration(args[1])
				ts.Check(err)
				stored := time.Now().Add(-ago)
				ts.Value("tenant").(*netskopetest.Server).Add(netskopetest.Generate(2, stored, stored.Add(time.Minute),
					n)...)
			},
			// delete OBJECT takes an object away.
			"delete": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Value("cloud").(*gcstest.Server).Delete("alerts", args[0])
			},
			// deleted FILE takes the object away that the file names.
			"deleted": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Value("cloud").(*gcstest.Server).Delete("alerts", strings.TrimSpace(ts.ReadFile(args[0])))
			},
			// put OBJECT CONTENT leaves an object in the bucket, as a person does.
			"put": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Value("cloud").(*gcstest.Server).Put("alerts", args[0], []byte(args[1]))
			},
			// fits [stderr] holds what was printed against 80 columns; a name, such as an object's, may be
			// longer, and a log record.
			"fits": func(ts *testscript.TestScript, _ bool, args []string) {
				for line := range strings.Lines(ts.ReadFile(append(args, "stdout")[0])) {
					if wide(line) && !strings.HasPrefix(line, "{") {
						ts.Fatalf("wider than 80 columns: %s", line)
					}
				}
			},
			// listens URL waits until somebody answers there.
			"listens": func(ts *testscript.TestScript, _ bool, args []string) {
				for range 500 {
					if response, err := http.Get(args[0]); err == nil {
						response.Body.Close()
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
				ts.Fatalf("nobody listens on %s", args[0])
			},
			// published N... waits until all messages are worked off, and counts them.
			"published": func(ts *testscript.TestScript, _ bool, args []string) {
				topic := ts.Value("topic").(*pubsubtest.Server)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				ts.Check(topic.WaitQuiet(ctx))
				if n := len(topic.Messages()); !slices.Contains(args, strconv.Itoa(n)) {
					ts.Fatalf("%d messages were published, want %s", n, args)
				}
			},
			// lines N counts the alerts in the bucket.
			"lines": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ts.Exec("sh", "-c",
					"find bucket/netskope/alerts -name '*.ndjson' -exec cat {} + | grep -c . || true"))
				if got := strings.TrimSpace(ts.ReadFile("stdout")); got != args[0] {
					ts.Fatalf("%s lines in the bucket, want %s", got, args[0])
				}
			},
		},
	})
}
