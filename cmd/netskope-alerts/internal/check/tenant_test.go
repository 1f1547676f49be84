package check

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// expected is a finding that a test waits for.
type expected struct {
	subject string
	level   Level
	parts   string // of its texts, separated by |
}

func (all findings) wantAll(t *testing.T, each []expected) {
	t.Helper()
	for _, e := range each {
		all.want(t, e.subject, e.level, strings.Split(e.parts, "|")...)
	}
}

// always is a fault of every request, or from the nth on.
func always(f netskopetest.Fault) func(netskopetest.Request) netskopetest.Fault { return from(1, f) }

func from(n int, f netskopetest.Fault) func(netskopetest.Request) netskopetest.Fault {
	return func(r netskopetest.Request) netskopetest.Fault {
		if r.N >= n {
			return f
		}
		return netskopetest.Fault{}
	}
}

// by is a fault of the requests for a range of insertion or of event times.
func by(insertion bool, f netskopetest.Fault) func(netskopetest.Request) netskopetest.Fault {
	return func(r netskopetest.Request) netskopetest.Fault {
		if r.Insertion == insertion {
			return f
		}
		return netskopetest.Fault{}
	}
}

func page200(body string) netskopetest.Fault {
	return netskopetest.Fault{Kind: netskopetest.Answer, Body: body}
}

func TestCheckTenant(t *testing.T) {
	forbidden := netskopetest.Fault{Kind: netskopetest.Answer, Status: 403,
		Body: `{"message":"an \u001b[31maddress\u202e ` + checkedToken + `"}`}
	badRequest := netskopetest.Fault{Kind: netskopetest.Answer, Status: 400, Body: `{"message":"limit is too large"}`}
	for _, test := range []struct {
		name   string
		alerts int
		tenant *netskopetest.Server
		fault  func(netskopetest.Request) netskopetest.Fault
		config []string
		want   []expected
		slow   bool // a whole page takes long
	}{
		{name: "unknown token", config: []string{"NETSKOPE_API_TOKEN=another-token-that-nobody-knows"},
			want: []expected{
				{"tenant.reach", Pass, "localhost answers (HTTP/1.1"},
				{"tenant.token", Fail, "answered 401: Unauthorized|does not know the token|Administrators & Roles"},
				{"tenant.insertion", Skip, "the token is refused"}, {"tenant.page_size", Skip, "the token is refused"},
				{"tenant.rate", Pass, "no RateLimit headers"}}},
		{name: "no scope", fault: always(netskopetest.Forbidden()), want: []expected{
			{"tenant.token", Fail, "answered 403: You cannot consume this service; " +
				"these are its words for a token whose role lacks the endpoint|may read /api/v2/events/data/alert"},
			{"tenant.event", Skip, "the token is refused"}}},
		{name: "forbidden otherwise", fault: always(forbidden), want: []expected{
			{"tenant.token", Fail, "answered 403: an [31maddress\uFFFD (the token)|IP allow-list"}}},
		{name: "not found", fault: always(netskopetest.Fault{Kind: netskopetest.Answer, Status: 404}), want: []expected{
			{"tenant.token", Skip, ""}, {"tenant.insertion", Fail,
				"answered 404|check NETSKOPE_TENANT, and that the tenant is licensed"},
			{"tenant.paging", Skip, "the endpoint does not answer"}}},
		{name: "redirect", fault: always(netskopetest.Redirect("https://elsewhere.example/x")), want: []expected{
			{"tenant.redirect", Fail,
				`redirect to host "elsewhere.example"|set NETSKOPE_TENANT to the tenant's own address`},
			{"tenant.clock", Pass, ""}, {"tenant.token", Skip, "redirects"}}},
		{name: "limited for ever", alerts: 20, fault: always(netskopetest.RateLimited("1")), want: []expected{
			{"tenant.token", Skip, "before it looks at the token"},
			{"tenant.insertion", Fail, "answered 429: API rate limit exceeded|quota"},
			{"tenant.rate", Warn, "10 answers limited"}}},
		{name: "limited for an hour", alerts: 20, fault: always(netskopetest.RateLimited("3600")), want: []expected{
			{"tenant.insertion", Fail, "429|longer than 60 seconds|all its consumers share one quota"},
			{"tenant.event", Skip, "limits the rate"},
			{"tenant.rate", Warn, "RateLimit-Limit 4|1 answer limited the rate"}}},
		{name: "limited at first", alerts: 20, config: []string{"REQUESTS_PER_SECOND=2"},
			fault: func(r netskopetest.Request) (f netskopetest.Fault) {
				if r.N <= 2 {
					f = netskopetest.RateLimited("2")
				}
				return f
			}, want: []expected{{"tenant.token", Pass, ""}, {"tenant.insertion", Pass, ""},
				{"tenant.rate", Warn, "2 answers limited the rate|who else"}}},
		{name: "faster than the limit", alerts: 20, tenant: &netskopetest.Server{RateLimit: 2}, want: []expected{
			{"tenant.rate", Warn, "RateLimit-Limit 2|REQUESTS_PER_SECOND=4|set REQUESTS_PER_SECOND=2"}}},
		{name: "unpaced", alerts: 20, tenant: &netskopetest.Server{RateLimit: 4},
			config: []string{"REQUESTS_PER_SECOND=0"}, want: []expected{
				{"tenant.rate", Warn, "set REQUESTS_PER_SECOND=4"}}},
		{name: "broken", alerts: 20, fault: always(netskopetest.GatewayError(502)), want: []expected{
			{"tenant.token", Skip, ""}, {"tenant.insertion", Fail, "answered 502|Netskope's support"},
			{"tenant.event", Skip, ""}}},
		{name: "login page", alerts: 20, fault: always(netskopetest.LoginPage()), want: []expected{
			{"tenant.token", Fail, "HTML|a login page or a proxy"}, {"tenant.insertion", Skip, ""}}},
		{name: "broken once", alerts: 20, fault: func(r netskopetest.Request) (f netskopetest.Fault) {
			if r.N == 1 || r.N == 3 {
				f = netskopetest.GatewayError(503)
			}
			return f
		}, want: []expected{{"tenant.insertion", Pass, ""}, {"tenant.event", Pass, ""}}},
		{name: "reset once", alerts: 20, fault: func(r netskopetest.Request) (f netskopetest.Fault) {
			if r.N == 1 {
				f.Kind = netskopetest.Reset
			}
			return f
		}, want: []expected{{"tenant.reach", Pass, ""}, {"tenant.insertion", Pass, ""}}},
		{name: "a failure that says 200", alerts: 20, fault: always(netskopetest.NotOK("query engine is down")),
			want: []expected{
				{"tenant.token", Pass, ""}, {"tenant.insertion", Fail, "ok=0: query engine is down"},
				{"tenant.event", Warn, "ok=0|leave TIME_FIELD=insertion"},
				{"tenant.paging", Skip, "no answer by insertion time"},
				{"tenant.alerts", Skip, "no answer by insertion time"}}},
		{name: "no insertion time", alerts: 20, fault: by(true, badRequest), want: []expected{
			{"tenant.token", Pass, ""}, {"tenant.insertion", Fail,
				"answered 400: limit is too large|set TIME_FIELD and PAGE_SIZE back"}, {"tenant.event", Pass, ""},
			{"tenant.paging", Skip, "insertion"}}},
		{name: "no insertion time, which is not needed", alerts: 20, config: []string{"TIME_FIELD=event"},
			fault: by(true, badRequest), want: []expected{
				{"tenant.insertion", Warn, "leave TIME_FIELD=event"}, {"tenant.event", Pass, ""},
				{"tenant.page_size", Pass, "takes all 19 alerts"}}},
		{name: "times are ignored", alerts: 20,
			fault: by(true,
				page200(
					`{"ok":1,"result":[{"_id":"a","_insertion_epoch_timestamp":1700000000,"timestamp":1700000000}]}`)),
			want: []expected{
				{"tenant.insertion", Fail, "1 of 1 alerts are outside of the range"}, {"tenant.event", Pass, ""}}},
		{name: "stalls", alerts: 20, fault: from(1, netskopetest.Fault{Kind: netskopetest.Stall}), want: []expected{
			{"tenant.token", Pass, ""}, {"tenant.insertion", Fail, "broken answer"}}},
		{name: "no answer", fault: always(netskopetest.Fault{Delay: time.Hour}), want: []expected{
			{"tenant.reach", Fail, "no answer in time|firewall"}, {"tenant.token", Skip, "no answer"},
			{"tenant.rate", Skip, "no answer"}}},
		{name: "empty", want: []expected{
			{"tenant.insertion", Pass, "0 of at most 10 alerts"}, {"tenant.paging", Skip, "only 0 alerts"},
			{"tenant.page_size", Skip, "no alerts"}, {"tenant.alerts", Skip, "no alerts"}}},
		{name: "a quiet day", alerts: 7, want: []expected{
			{"tenant.paging", Skip, "only 7 alerts"}, {"tenant.page_size", Pass, "takes all 7 alerts"},
			{"tenant.alerts", Pass, "all 7 have _id and"}}},
		{name: "exactly a small page", alerts: 10,
			want: []expected{{"tenant.paging", Skip, "is empty"}, {"tenant.page_size", Pass, "takes all 10 alerts"}}},
		{name: "capped, by offset", alerts: 300, tenant: &netskopetest.Server{PageCap: 100}, want: []expected{
			{"tenant.page_size", Warn, "100 of the 500 alerts asked for, and has more|set PAGE_SIZE=100"}}},
		{name: "capped, by cursor", alerts: 300,
			tenant: &netskopetest.Server{PageCap: 100, Dialect: netskopetest.Cursor}, want: []expected{
				{"tenant.paging", Pass, "by cursor"}, {"tenant.page_size", Warn, "set PAGE_SIZE=100"}}},
		{name: "capped below the small page", alerts: 300, tenant: &netskopetest.Server{PageCap: 5}, want: []expected{
			{"tenant.paging", Skip, "only 5 alerts"}, {"tenant.page_size", Warn, "set PAGE_SIZE=5"}}},
		{name: "page size refused", alerts: 300, config: []string{"PAGE_SIZE=6000"},
			fault: func(r netskopetest.Request) (f netskopetest.Fault) {
				if r.Limit > 5000 {
					f = badRequest
				}
				return f
			}, want: []expected{{"tenant.page_size", Fail,
				"no page of 6000 alerts: netskope answered 400|set PAGE_SIZE=5000"},
				{"tenant.alerts", Pass, "all 10 have"}}},
		{name: "pages take too long", slow: true, alerts: 300,
			fault: func(r netskopetest.Request) (f netskopetest.Fault) {
				if r.Limit == 500 {
					f.Delay = time.Hour
				}
				return f
			}, want: []expected{{"tenant.page_size", Fail, "no page of 500 alerts|set PAGE_SIZE=100"}}},
		{name: "offset is ignored", alerts: 5, fault: page10(),
			want: []expected{{"tenant.paging", Fail, "holds only alerts of the first"},
				{"tenant.page_size", Pass, "takes all 10"}}},
		{name: "offset is refused", alerts: 300, fault: func(r netskopetest.Request) (f netskopetest.Fault) {
			if r.Offset > 0 {
				f = badRequest
			}
			return f
		}, want: []expected{{"tenant.paging", Fail, "the second page, by offset, fails"},
			{"tenant.page_size", Pass, ""}}},
		{name: "the requests are used up", alerts: 300, tenant: &netskopetest.Server{PageCap: 100},
			fault: func(r netskopetest.Request) (f netskopetest.Fault) {
				if r.N <= 7 {
					f = netskopetest.RateLimited("1")
				}
				return f
			}, want: []expected{{"tenant.event", Pass, ""}, {"tenant.paging", Pass, ""},
				{"tenant.page_size", Skip, "10 times"}, {"tenant.alerts", Pass, "all 10"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tenant := test.tenant
			if tenant == nil {
				tenant = &netskopetest.Server{}
			}
			checked(t, tenant, test.alerts, func(w *world) {
				w.faults(test.fault, nil)
				began := time.Now()
				all := w.check(test.config...)
				all.wantAll(t, test.want)
				most := 100 * time.Second
				if test.slow {
					most += 2 * pagePatience
				}
				if took := time.Since(began); took > most {
					t.Errorf("took %v", took)
				}
				all.want(t, "bucket.create", Pass) // whatever the tenant says
			})
		})
	}
}

// page10 always answers with the same ten alerts.
func page10() func(netskopetest.Request) netskopetest.Fault {
	var body strings.Builder
	body.WriteString(`{"ok":1,"result":[`)
	for i := range 10 {
		if i > 0 {
			body.WriteByte(',')
		}
		second := strconv.FormatInt(dayStart.Add(-time.Hour).Unix(), 10)
		body.WriteString(`{"_id":"` + strconv.Itoa(i) + `","timestamp":` + second + `,"_insertion_epoch_timestamp":` +
			second + `}`)
	}
	return always(page200(body.String() + `]}`))
}

func TestCheckAlerts(t *testing.T) {
	for _, test := range []struct {
		without netskopetest.Profile
		field   alert.TimeField
		level   Level
		seen    string
	}{
		{netskopetest.Profile{WithoutID: 1}, alert.InsertionTime, Warn, "50 of 50 alerts have no _id"},
		{netskopetest.Profile{WithoutInserted: 1}, alert.InsertionTime, Warn,
			"50 of 50 alerts have no _insertion_epoch_timestamp"},
		{netskopetest.Profile{WithoutInserted: 1}, alert.EventTime, Pass, "all 50 have _id; 50 have no"},
	} {
		p := test.without
		p.Seed, p.From, p.To, p.N, p.VisibleWithin = 3, dayStart.Add(-20*time.Hour), dayStart.Add(-time.Hour), 50, -1
		alerts := p.Alerts()
		for i := range alerts { // events of the day, too
			alerts[i].Event = alerts[i].Inserted
		}
		checkedWith(t, &netskopetest.Server{}, alerts, func(w *world) {
			if test.field == alert.EventTime {
				w.faults(by(false, netskopetest.Fault{}), nil)
			}
			w.check("TIME_FIELD="+string(test.field)).want(t, "tenant.alerts", test.level, test.seen)
		})
	}
}

func TestCheckClock(t *testing.T) {
	for _, test := range []struct {
		ahead time.Duration // the tenant's clock
		lag   string
		level Level
		parts string
	}{
		{0, "5m", Pass, "agree to 30 seconds"},
		{29 * time.Second, "5m", Pass, ""},
		{-29 * time.Second, "5m", Pass, ""},
		{45 * time.Second, "5m", Warn, "45 seconds behind the tenant's|NTP"},
		{-45 * time.Second, "5m", Warn, "ahead of the tenant's"},
		{-45 * time.Second, "40s", Fail, "ahead of the tenant's; alerts"},
		{-45 * time.Second, "0s", Fail, ""},
		{6 * time.Minute, "1h", Fail, "6 minutes behind"},
		{-72 * time.Hour, "1h", Fail, "days ahead of"},
	} {
		checked(t, &netskopetest.Server{DateSkew: test.ahead}, 20, func(w *world) {
			w.check("LAG="+test.lag).wantAll(t, []expected{{"tenant.clock", test.level, test.parts}})
		})
	}
	checked(t, &netskopetest.Server{}, 20, func(w *world) {
		w.client = &http.Client{Transport: dateless{w.client.Transport}}
		w.check().want(t, "tenant.clock", Skip, "no Date")
	})
}

// dateless answers without a Date.
type dateless struct{ to http.RoundTripper }

func (d dateless) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := d.to.RoundTrip(r)
	if err == nil {
		response.Header.Del("Date")
	}
	return response, err
}

// checkOf checks a tenant on a real socket, with an empty bucket.
func checkOf(t *testing.T, transport http.RoundTripper, address string,
	resolve func(context.Context, string) ([]string, error)) findings {
	t.Helper()
	var all findings
	c := newCheckup(Options{Transport: transport, LookupHost: resolve}, all.add)
	var err error
	if c.config, err = settings.ConfigFromEnv(environment("NETSKOPE_TENANT="+address,
		"NETSKOPE_API_TOKEN="+checkedToken, "REQUESTS_PER_SECOND=0")); err != nil {
		t.Fatal(err)
	}
	c.checkTenant(t.Context())
	all.once(t, tenantSubjects)
	return all
}

func loopback(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }

func TestCheckCertificate(t *testing.T) {
	for _, test := range []struct {
		name  string
		valid time.Duration // from now
		known bool
		host  string
		want  []expected
	}{
		{"valid", 365 * 24 * time.Hour, true, "localhost",
			[]expected{{"tenant.reach", Pass, ""}, {"tenant.tls", Pass, "TLS 1.3|valid until"},
				{"tenant.token", Pass, ""}}},
		{"soon expiring", 3*24*time.Hour + time.Minute, true, "localhost",
			[]expected{{"tenant.tls", Warn, "in 3 days|renew"}, {"tenant.token", Pass, ""}}},
		{"expired", -time.Hour, true, "localhost",
			[]expected{{"tenant.reach", Pass, "accepts connections"},
				{"tenant.tls", Fail, "has expired|renew the certificate"}, {"tenant.token", Skip, "no answer"}}},
		{"of another name", 365 * 24 * time.Hour, true, "127.0.0.1",
			[]expected{{"tenant.tls", Fail, "certificate is refused|the name that the certificate is for"}}},
		{"of an unknown authority", 365 * 24 * time.Hour, false, "localhost",
			[]expected{{"tenant.tls", Fail, "unknown authority|TLS inspection"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			certificate, roots := selfSigned(t, time.Now().Add(test.valid))
			server := httptest.NewUnstartedServer(&netskopetest.Server{Token: checkedToken})
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of the refused certificates
			server.StartTLS()
			defer server.Close()
			transport := netskope.NewTransport()
			transport.TLSClientConfig = &tls.Config{}
			if test.known {
				transport.TLSClientConfig.RootCAs = roots
			}
			defer transport.CloseIdleConnections()
			_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
			checkOf(t, transport, "https://"+test.host+":"+port, loopback).wantAll(t, test.want)
		})
	}
}

// selfSigned is a certificate for localhost, and what trusts it.
func selfSigned(t *testing.T, until time.Time) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames:  []string{"localhost"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestCheckReach(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := dead.Addr().String()
	dead.Close()
	checkOf(t, netskope.NewTransport(), "http://"+address, loopback).wantAll(t, []expected{
		{"tenant.name", Pass, "is an address"}, {"tenant.reach", Fail, "refuses connections|check NETSKOPE_TENANT"},
		{"tenant.rate", Skip, "no answer"}})

	// A server that does not speak TLS.
	plain := httptest.NewServer(&netskopetest.Server{})
	defer plain.Close()
	checkOf(t, netskope.NewTransport(), "https://"+plain.Listener.Addr().String(), loopback).wantAll(t, []expected{
		{"tenant.reach", Fail, "server gave HTTP response to HTTPS client|firewall and proxy"}})

	checkOf(t, netskope.NewTransport(), "https://localhost:1", func(context.Context, string) ([]string, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "localhost", IsNotFound: true}
	}).wantAll(t, []expected{{"tenant.name", Fail, "localhost does not resolve|no such host|name server"},
		{"tenant.reach", Skip, "does not resolve"}})
	checkOf(t, netskope.NewTransport(), "https://localhost:1",
		func(context.Context, string) ([]string, error) { return nil, nil }).
		want(t, "tenant.name", Fail, "has no address")

	// Through a proxy, the name need not resolve here.
	transport := netskope.NewTransport()
	transport.Proxy = http.ProxyURL(mustParse(t, plain.URL))
	checkOf(t, transport, "http://localhost:1",
		func(context.Context, string) ([]string, error) { return nil, errors.New("no DNS") }).wantAll(t, []expected{
		{"tenant.name", Skip, "the proxy 127.0.0.1"}, {"tenant.reach", Pass, ""}})
}

// TestCheckIsPaced: the check keeps to the configured rate.
func TestCheckIsPaced(t *testing.T) {
	checked(t, &netskopetest.Server{}, 300, func(w *world) {
		var came []time.Time
		w.faults(func(netskopetest.Request) (f netskopetest.Fault) {
			came = append(came, time.Now())
			return f
		}, nil)
		w.check("REQUESTS_PER_SECOND=0.5")
		if len(came) < 4 {
			t.Fatalf("only %d requests", len(came))
		}
		for i, at := range came[1:] {
			if apart := at.Sub(came[i]); apart < 2*time.Second {
				t.Errorf("request %d comes %v after the one before", i+2, apart)
			}
		}
	})
}
