package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/internal/plain"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// TestRefusals: an answer is named as what it is, with the server's own words and what to do,
// whatever status it borrows; none of them says that an object is, or is not, there.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		fault gcstest.Fault
		cause Cause
		said  string
	}{
		{gcstest.Retained("b/o"), CauseRetention, "until 2036-09-30"},
		{gcstest.Held("b/o", "Temporary"), CauseHold, "under active Temporary hold"},
		{gcstest.Held("b/o", "Event-Based"), CauseHold, "under active Event-Based hold"},
		{gcstest.Constrained("constraints/gcp.resourceLocations"), CausePolicy, "constraints/gcp.resourceLocations"},
		{gcstest.ConstrainedAs(400, "constraints/storage.restrictAuthTypes"), CausePolicy, "storage.restrictAuthTypes"},
		{gcstest.ConstrainedAs(403, "constraints/gcp.restrictTLSVersion"), CausePolicy, "gcp.restrictTLSVersion"},
		{gcstest.OutsidePerimeter(), CausePerimeter, "vpcServiceControlsUniqueIdentifier: eYh"},
		{gcstest.KeyDisabled(), CauseKey, "disabled, destroyed, or scheduled"},
		{gcstest.KeyDenied(), CauseKey, "Permission denied on Cloud KMS key"},
		{gcstest.BillingDisabled(), CauseBilling, "billing account"},
		{gcstest.Elsewhere(http.StatusForbidden, "Zscaler"), CauseProxy, `HTML page with the title "Zscaler"`},
		{gcstest.Elsewhere(http.StatusNotFound, "Log in"), CauseProxy, `"Log in"`},
		{gcstest.Elsewhere(http.StatusProxyAuthRequired, "Squid"), CauseProxy, "407"},
		{gcstest.Elsewhere(http.StatusOK, "Log in"), CauseProxy, ""},
		{gcstest.Fault{Status: http.StatusTeapot}, CauseOther, "answered 418: I'm a teapot"},
	} {
		for what, do := range operations {
			if test.cause == CauseProxy && test.fault.Status == http.StatusNotFound && what == "move" {
				continue // see TestUnknownMove
			}
			if test.fault.Status == http.StatusOK && (what == "write" || what == "delete") {
				continue // a session without an address: the client fails by itself; and nothing is read of a deletion
			}
			simulate(t, always(test.fault), func(t *testing.T, b *Bucket, _ *gcstest.Server) {
				began := time.Now()
				err := do(t.Context(), b)
				refusal := RefusalOf(err)
				if refusal == nil || refusal.Cause != test.cause || !strings.Contains(err.Error(), test.said) {
					t.Fatalf("%s, %s: %+v, %v", test.cause, what, refusal, err)
				}
				if errors.Is(err, ErrChanged) || errors.Is(err, ErrNotExist) || errors.Is(err, ErrOutage) ||
					strings.Contains(err.Error(), "secret inside") || strings.Contains(err.Error(), "googleapi") {
					t.Errorf("%s, %s: %v", test.cause, what, err)
				}
				remedy := refusal.Remedy
				if (remedy == "") != (test.cause == CauseOther) || !strings.Contains(err.Error(), remedy) {
					t.Errorf("%s, %s: %v", test.cause, what, err)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("%s, %s: it took %v", test.cause, what, took)
				}
			})
		}
	}
}

// TestMissing: a bucket that is not there, or a permission, is not an object that is not there.
func TestMissing(t *testing.T) {
	for what, do := range operations {
		const objects = "storage.objects."
		for cause, cloud := range map[Cause]*gcstest.Server{
			CauseBucket:     {Buckets: []string{}},
			CausePermission: {Deny: []string{objects + "create", objects + "delete", objects + "get", objects + "list"}},
		} {
			simulateOn(t, cloud, func(t *testing.T, b *Bucket) {
				err := do(t.Context(), b)
				if refusal := RefusalOf(err); refusal == nil || refusal.Cause != cause || errors.Is(err, ErrNotExist) {
					t.Errorf("%s, %s: %v", what, cause, err)
				}
			})
		}
	}
}

// TestUnknownMove: an endpoint that does not know the operation answers in many ways; one that knows
// it answers 404 where the object is gone.
func TestUnknownMove(t *testing.T) {
	for _, fault := range []gcstest.Fault{gcstest.UnknownRoute(400), gcstest.UnknownRoute(404), gcstest.UnknownRoute(405),
		gcstest.UnknownRoute(501), gcstest.Elsewhere(404, "Error 404 (Not Found)!!1")} {
		unknown := func(r gcstest.Request) gcstest.Fault {
			if r.Op == gcstest.MoveObject {
				return fault
			}
			return gcstest.Fault{}
		}
		simulate(t, unknown, func(t *testing.T, b *Bucket, cloud *gcstest.Server) {
			a := cloud.Put(bucket, "a", nil)
			began := time.Now()
			err := b.Move(context.Background(), "a", a.Generation, "b")
			if refusal := RefusalOf(err); refusal == nil || refusal.Cause != CauseMove || errors.Is(err, ErrNotExist) ||
				!strings.Contains(err.Error(), "does not know Objects: move") || time.Since(began) > time.Second {
				t.Errorf("%d: %v", fault.Status, err)
			}
			if fault.Status == http.StatusNotFound && fault.Body[0] == '{' {
				if err := b.Move(context.Background(), "x", 1, "b"); !errors.Is(err, ErrNotExist) {
					t.Errorf("%d, nothing to move: %v", fault.Status, err)
				}
			}
		})
	}
}

// FuzzRefusalOf holds that what refuses an operation has words that are fit to be shown, never a
// whole body, and is no sign of an object's absence by itself.
func FuzzRefusalOf(f *testing.F) {
	for _, fault := range []gcstest.Fault{
		gcstest.Retained("o"), gcstest.Held("o", "Temporary"), gcstest.Constrained("constraints/a"),
		gcstest.OutsidePerimeter(), gcstest.KeyDisabled(), gcstest.Elsewhere(403, "Blocked"), gcstest.UnknownRoute(404),
	} {
		f.Add(fault.Status, fault.Body, "")
		f.Add(fault.Status, "", fault.Body)
	}
	f.Add(500, "{", "m")
	f.Add(404, "<title>\x1b[31m</title>", "\u202e")
	f.Fuzz(func(t *testing.T, status int, body, message string) {
		e := RefusalOf(&googleapi.Error{Code: status, Body: body, Message: message})
		if e == nil || e.Status != status || e.Said == "" || errors.Is(e, ErrNotExist) || errors.Is(e, ErrChanged) ||
			(e.Remedy == "") != (e.Cause == CauseOther) {
			t.Fatalf("%d %q %q: %+v", status, body, message, e)
		}
		text := e.Error()
		if len(text) > 2500 || !utf8.ValidString(text) || strings.ContainsFunc(text, plain.IsControl) {
			t.Errorf("%d %q %q: %q", status, body, message, text)
		}
	})
}

// TestPlainly: what the client asked for is cut off an error, however deep, and nothing else of it is lost.
func TestPlainly(t *testing.T) {
	inner := &url.Error{Op: "Post", URL: "https://proxy.test/?secret=1", Err: syscall.ECONNREFUSED}
	outer := &url.Error{Op: "Get", URL: "http://storage.test/b/o?alt=json&prefix=x", Err: fmt.Errorf("token: %w", inner)}
	err := Plainly(fmt.Errorf("retry failed: %w", outer))
	var asked *url.Error
	if got, want := err.Error(), `retry failed: Get "http://storage.test/b/o": token: Post "https://proxy.test/": `+
		syscall.ECONNREFUSED.Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &asked) || asked != outer {
		t.Error("it is another error")
	}
	if plain := errors.New("why? because"); Plainly(plain) != plain {
		t.Error("an error without an address is changed")
	}
	if refusal := (*Refusal)(nil); !errors.As(Plainly(&googleapi.Error{Code: 403, Message: "no"}), &refusal) {
		t.Error("a refusal is not said as one")
	}
}
