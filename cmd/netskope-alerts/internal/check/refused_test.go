package check

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestCheckNamesWhatRefuses: what refuses the storage's operations is named as what it is, in the
// server's words and with what to do; none passes for a missing permission, a bucket that is not
// there, or a condition that is obeyed.
func TestCheckNamesWhatRefuses(t *testing.T) {
	const constraint = "constraints/gcp.resourceLocations"
	writes := []gcstest.Op{gcstest.Insert, gcstest.StartUpload}
	for _, test := range []struct {
		name  string
		fault func(gcstest.Request) gcstest.Fault
		want  []expected
	}{
		{"retention that is not seen", onStorage(gcstest.Retained("b/o"), gcstest.MoveObject), []expected{
			{"bucket.move", Fail, "a retention policy is in the way: answered 403|until 2036|use a bucket without one"},
			{"bucket.permissions", Pass, "and worked"}}},
		{"a hold", onStorage(gcstest.Held("b/o", "Event-Based"), gcstest.MoveObject), []expected{
			{"bucket.move", Fail, "a hold is in the way: answered 403|under active Event-Based hold|release it"}}},
		{"organisation policy", onStorage(gcstest.Constrained(constraint), writes...), []expected{
			{"bucket.create", Fail, "an organisation policy is in the way: answered 412|" + constraint + "|allow"},
			{"bucket.permissions", Pass, "not all were tried"}}},
		{"organisation policy for moves alone", onStorage(gcstest.Constrained(constraint), gcstest.MoveObject),
			[]expected{
				{"bucket.create", Pass, ""}, {"bucket.move", Fail, "an organisation policy|" + constraint},
				{"bucket.precondition", Pass, "create-only write, write on another generation"}}},
		{"perimeter", func(gcstest.Request) gcstest.Fault { return gcstest.OutsidePerimeter() }, []expected{
			{"bucket.attributes", Fail, "VPC Service Controls is in the way: answered 403: Request is prohibited by " +
				"organization's policy. vpcServiceControlsUniqueIdentifier: |ingress rule"},
			{"bucket.create", Skip, "cannot be looked at"}, {"state.content", Skip, ""}}},
		{"perimeter for objects alone", onStorage(gcstest.OutsidePerimeter(), append(writes, gcstest.ListObjects,
			gcstest.GetObject, gcstest.ReadMedia)...), []expected{
			{"bucket.create", Fail, "VPC Service Controls is in the way"}, {"state.content", Fail, "ingress rule"},
			{"feed.folder", Fail, "ingress rule"}, {"bucket.permissions", Pass, "not all were tried"}}},
		{"key", onStorage(gcstest.KeyDisabled(), writes...), []expected{
			{"bucket.create", Fail, "the bucket's encryption key is in the way|KMS|enable the key's version"}}},
		{"billing", func(gcstest.Request) gcstest.Fault { return gcstest.BillingDisabled() }, []expected{
			{"bucket.attributes", Fail, "the project's billing is in the way|enable billing"}}},
		{"a proxy's 407", func(gcstest.Request) gcstest.Fault {
			return gcstest.Elsewhere(407,
				"Sign in to the proxy")
		}, []expected{
			{"bucket.attributes", Fail, "an answer that is not Cloud Storage's is in the way: answered 407|" +
				`the title "Sign in to the proxy"|HTTPS_PROXY`}}},
		{"a page of a login", func(gcstest.Request) gcstest.Fault { return gcstest.Elsewhere(200, "Login") },
			[]expected{
				{"bucket.attributes", Fail, "not Cloud Storage's|HTTPS_PROXY"}, {"bucket.create", Skip, ""}}},
		{"a page that says 404", func(gcstest.Request) gcstest.Fault { return gcstest.Elsewhere(404, "Not here") },
			[]expected{
				{"bucket.attributes", Fail, "not Cloud Storage's|404"}}},
		{"a page that says 403", func(gcstest.Request) gcstest.Fault { return gcstest.Elsewhere(403, "Blocked") },
			[]expected{
				{"bucket.attributes", Fail, "not Cloud Storage's|Blocked"}}},
		{"no moves: 404", onStorage(gcstest.UnknownRoute(404), gcstest.MoveObject), []expected{
			{"bucket.move", Fail,
				"an endpoint that does not know Objects: move, which answered 404|STORAGE_EMULATOR_HOST"},
			{"bucket.delete", Pass, ""}, {"bucket.cleanup", Pass, ""}}},
		{"no moves: 501", onStorage(gcstest.UnknownRoute(501), gcstest.MoveObject), []expected{
			{"bucket.move", Fail, "does not know Objects: move, which answered 501"}}},
		{"no moves: 405", onStorage(gcstest.UnknownRoute(405), gcstest.MoveObject), []expected{
			{"bucket.move", Fail, "does not know Objects: move, which answered 405"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			checked(t, &netskopetest.Server{}, 20, func(w *world) {
				w.faults(nil, test.fault)
				all := w.check()
				all.wantAll(t, test.want)
				if text := all.String(); strings.Contains(text, "secret inside") {
					t.Errorf("a whole body is shown:\n%s", text)
				}
				for _, f := range all.not(Pass) { // of these, nobody is sent after permissions
					if strings.Contains(f.Remedy, "objectUser") && f.Subject != "bucket.permissions" {
						t.Errorf("%+v", f)
					}
				}
			})
		})
	}
}

// TestCheckConstrainedConditions: an organisation policy's 412 is no proof that conditions are obeyed.
func TestCheckConstrainedConditions(t *testing.T) {
	checked(t, &netskopetest.Server{}, 20, func(w *world) {
		first := true
		w.faults(nil, func(r gcstest.Request) gcstest.Fault {
			if write := r.Op == gcstest.Insert || r.Op == gcstest.StartUpload; write && !first ||
				r.Op == gcstest.MoveObject ||
				r.Op == gcstest.DeleteObject {
				return gcstest.Constrained("constraints/x")
			} else if write {
				first = false
			}
			return gcstest.Fault{}
		})
		all := w.check()
		all.want(t, "bucket.precondition", Skip, "no condition could be tried out")
		all.want(t, "bucket.overwrite", Fail, "an organisation policy is in the way")
	})
}

// TestCheckProxyRefusesConnect: what a proxy answers to CONNECT is named as the proxy's.
func TestCheckProxyRefusesConnect(t *testing.T) {
	checked(t, &netskopetest.Server{}, 20, func(w *world) {
		bucket := storageThrough(w.t, refusing{errors.New("Proxy Authentication Required")})
		w.checkThrough(w.t.Context(), bucket).want(t, "bucket.attributes", Fail, "not Cloud Storage's", "HTTPS_PROXY")
	})
}

// refusing is a transport behind a proxy that opens no tunnel.
type refusing struct{ err error }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: r.err}
}

// TestCheckTenantsProxy: what a proxy answers to CONNECT is said of the proxy, not of the tenant.
func TestCheckTenantsProxy(t *testing.T) {
	for answer, want := range map[string]string{
		"407 Proxy Authentication Required": "HTTPS_PROXY=http://user:password@",
		"403 Forbidden":                     "let the proxy pass NETSKOPE_TENANT's host",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = c.Write([]byte("HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n"))
				c.Close()
			}
		}()
		transport := netskope.NewTransport()
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: listener.Addr().String()})
		var all findings
		c := newCheckup(Options{Transport: transport}, all.add)
		if !c.checkConfig(environment("NETSKOPE_TENANT=https://acme.goskope.com")) {
			t.Fatal(all)
		}
		c.checkTenant(t.Context())
		all.want(t, "tenant.reach", Fail, "the proxy "+listener.Addr().String()+" answered "+answer, want)
		all.want(t, "tenant.token", Skip, "no answer")
	}
}
