package check

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"google.golang.org/api/option"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/standin/pipenet"
)

// checkedToken is long enough for a token.
const checkedToken = "t0ken-5ecret-that-nobody-may-see"

// dayStart is when checks are made.
var dayStart = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// world is a tenant and a Cloud Storage inside a synctest bubble: real clients,
// simulated time.
type world struct {
	t      *testing.T
	tenant *netskopetest.Server
	cloud  *gcstest.Server
	client *http.Client // for the tenant
	bucket *gcs.Bucket
	config settings.Config

	mu          sync.Mutex
	tenantFault func(netskopetest.Request) netskopetest.Fault
	cloudFault  func(gcstest.Request) gcstest.Fault
}

// checked runs test in a world whose clock stands at dayStart, with a tenant that has n
// alerts of the day before.
func checked(t *testing.T, tenant *netskopetest.Server, n int, test func(*world)) {
	checkedWith(t, tenant, mostDay(n), test)
}

func checkedWith(t *testing.T, tenant *netskopetest.Server, alerts []netskopetest.Alert, test func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(dayStart))
		w := &world{t: t, tenant: tenant, cloud: &gcstest.Server{}}
		var err error
		if w.config, err = settings.ConfigFromEnv(environment()); err != nil {
			t.Fatal(err)
		}
		tenant.Token = checkedToken
		tenant.Add(alerts...)
		tenant.Fault, w.cloud.Fault = guarded(&w.mu, &w.tenantFault), guarded(&w.mu, &w.cloudFault)
		w.client = &http.Client{Transport: serve(t, tenant)}
		w.bucket = storageThrough(t, serve(t, w.cloud))
		test(w)
	})
}

// collector is the one that is configured so.
func (w *world) collector() *collector.Collector {
	return &collector.Collector{Config: w.config, Bucket: w.bucket, HTTP: w.client}
}

// mustRun does one run, which must not fail.
func (w *world) mustRun() {
	w.t.Helper()
	if _, err := w.collector().Run(w.t.Context(), time.Now(), nil); err != nil {
		w.t.Fatal(err)
	}
}

// guarded makes the faults that *fault makes at the time.
func guarded[Request, Fault any](mu *sync.Mutex, fault *func(Request) Fault) func(Request) Fault {
	return func(r Request) (f Fault) {
		mu.Lock()
		defer mu.Unlock()
		if *fault != nil {
			f = (*fault)(r)
		}
		return f
	}
}

// serve puts a handler behind a transport, inside the bubble.
func serve(t *testing.T, handler http.Handler) http.RoundTripper {
	var listener pipenet.Listener
	var under sync.WaitGroup // requests; time stands still once the test is over
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		under.Add(1)
		defer under.Done()
		handler.ServeHTTP(w, r)
	})}
	under.Go(func() { _ = server.Serve(&listener) })
	transport := netskope.NewTransport()
	transport.DialContext = listener.DialContext
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		under.Wait()
	})
	return transport
}

// faults replaces what goes wrong from now on; nil is nothing.
func (w *world) faults(tenant func(netskopetest.Request) netskopetest.Fault,
	cloud func(gcstest.Request) gcstest.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenantFault, w.cloudFault = tenant, cloud
}

// environment is a lookup over name=value pairs on top of a configuration that works in
// a world.
func environment(pairs ...string) func(string) (string, bool) {
	values := map[string]string{}
	for _, pair := range slices.Concat([]string{"GCS_BUCKET=alerts-bucket", "NETSKOPE_TENANT=http://localhost",
		"PAGE_SIZE=500", "NETSKOPE_API_TOKEN=" + checkedToken}, pairs) {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return func(name string) (string, bool) { value, ok := values[name]; return value, ok }
}

// findings are what a check found, in its order.
type findings []Finding

func (all *findings) add(f Finding) { *all = append(*all, f) }

// once holds that each subject has one finding.
func (all findings) once(t *testing.T, subjects []string) {
	t.Helper()
	for _, subject := range subjects {
		if n := len(all.of(subject)); n != 1 && !(subject == "bucket.lifecycle" && n > 1) {
			t.Errorf("%s has %d findings", subject, n)
		}
	}
}

// of returns the findings about the subject.
func (all findings) of(subject string) findings {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Subject != subject })
}

// not returns the findings of other levels.
func (all findings) not(levels ...Level) findings {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return slices.Contains(levels, f.Level) })
}

func (all findings) String() string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s  %-22s  %s", f.Level, f.Subject, f.Seen)
		if f.Remedy != "" {
			fmt.Fprintf(&b, "\n      → %s", f.Remedy)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// want holds that the one finding about the subject has the level, and that its texts
// contain the parts.
func (all findings) want(t *testing.T, subject string, level Level, parts ...string) {
	t.Helper()
	about := all.of(subject)
	if len(about) != 1 || about[0].Level != level {
		t.Errorf("%s: want one finding, %s, got:\n%v", subject, level, about)
		return
	}
	text := about[0].Seen + "\n" + about[0].Remedy
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: want %q in:\n%s", subject, part, text)
		}
	}
}

// sound holds what is true of every check: every subject has its finding, there is a
// remedy exactly where something is to be done, and nothing is shown that must not be.
func (all findings) sound(t *testing.T, token string) {
	t.Helper()
	all.once(t, slices.Concat(tenantSubjects, bucketSubjects, stateSubjects, feedSubjects))
	for _, f := range all {
		if bad := f.Level == Warn || f.Level == Fail; f.Seen == "" || bad != (f.Remedy != "") {
			t.Errorf("incomplete, or too much: %+v", f)
		}
		for _, text := range []string{f.Seen, f.Remedy} {
			if strings.Contains(text, token) {
				t.Errorf("%s shows the token", f.Subject)
			}
			if strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) {
				t.Errorf("%s is not printable: %q", f.Subject, text)
			}
			if strings.Contains(text, "%!") {
				t.Errorf("%s is badly formatted: %s", f.Subject, text)
			}
		}
	}
}

// mostDay is enough alerts for pages of every size that is asked for.
func mostDay(n int) []netskopetest.Alert {
	return netskopetest.Profile{Seed: 3, From: dayStart.Add(-23 * time.Hour), To: dayStart.Add(-time.Hour), N: n,
		VisibleWithin: -1}.Alerts()
}

// check checks the world, and holds what is true of every check: also that the bucket
// is as before, and what of the check is left is named.
func (w *world) check(pairs ...string) findings {
	w.t.Helper()
	return w.checkThrough(w.t.Context(), w.bucket, pairs...)
}

func (w *world) checkThrough(ctx context.Context, bucket *gcs.Bucket, pairs ...string) findings {
	w.t.Helper()
	return w.judged(ctx, func(ctx context.Context, each func(Finding)) {
		Run(ctx, environment(pairs...), Options{
			Transport:  w.client.Transport,
			LookupHost: func(context.Context, string) ([]string, error) { return []string{"127.0.0.1", "::1"}, nil },
			Bucket:     func(string) (*gcs.Bucket, error) { return bucket, nil },
		}, each)
	})
}

// judged runs the check and holds what is true of every check.
func (w *world) judged(ctx context.Context, check func(context.Context, func(Finding))) findings {
	w.t.Helper()
	before, asked := w.everything(), w.tenant.Stats().Requests
	var all findings
	check(ctx, all.add)
	w.mu.Lock() // the servers are done with requests that were given up, as far as they show
	defer w.mu.Unlock()
	all.sound(w.t, checkedToken)
	if n := w.tenant.Stats().Requests - asked; n > mostQuestions+streamQuestions*len(w.tenant.Events) {
		w.t.Errorf("%d requests to the tenant", n)
	}
	after := w.everything()
	for name, generation := range before {
		if after[name] != generation {
			w.t.Errorf("%s was changed: generation %d, was %d", name, after[name], generation)
		}
	}
	named := all.of("bucket.cleanup").String()
	for name := range after {
		if _, ok := before[name]; !ok && !strings.Contains(named, name) {
			w.t.Errorf("%s is left, and not named:\n%s", name, named)
		}
		if _, ok := before[name]; !ok && !strings.HasPrefix(name, w.config.Folders().Check+"check_") {
			w.t.Errorf("%s was made", name)
		}
	}
	if w.t.Failed() {
		w.t.Logf("found:\n%v", all)
	}
	return all
}

// everything is the generation of every object.
func (w *world) everything() map[string]int64 {
	generations := map[string]int64{}
	for _, o := range w.cloud.Objects(w.config.BucketName, "") {
		generations[o.Name] = o.Generation
	}
	return generations
}

// rewrite changes requests on their way to the storage.
type rewrite struct {
	to     http.RoundTripper
	change func(*http.Request)
}

func (r rewrite) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	r.change(request)
	return r.to.RoundTrip(request)
}

// onStorage is a fault for the requests of the operation.
func onStorage(f gcstest.Fault, ops ...gcstest.Op) func(gcstest.Request) gcstest.Fault {
	return func(r gcstest.Request) gcstest.Fault {
		if slices.Contains(ops, r.Op) {
			return f
		}
		return gcstest.Fault{}
	}
}

// storageThrough is the bucket as it is reached through the transport.
func storageThrough(t *testing.T, transport http.RoundTripper) *gcs.Bucket {
	client, err := gcs.NewClient(t.Context(), option.WithEndpoint("http://storage.test/storage/v1/"),
		option.WithoutAuthentication(),
		option.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return gcs.Through(client, "alerts-bucket")
}

func encodeSegment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func mustParse(t *testing.T, address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// answer is what a server answers.
func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r}
}
