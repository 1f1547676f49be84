package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/settings"
)

const (
	// mostQuestions is how many requests a check makes to the tenant, repetitions
	// included.
	mostQuestions = 10
	smallPage     = 10 // alerts
	// askPatience is how long an answer to a small question may take, pagePatience how
	// long a whole page may, and limitPatience how long the check waits in all because
	// the tenant limits the rate.
	askPatience   = 30 * time.Second
	pagePatience  = 2 * time.Minute
	limitPatience = time.Minute
)

// errAsked says that a question was not asked.
var errAsked = errors.New("the check has asked the tenant " + strconv.Itoa(mostQuestions) +
	" times, and asks no further")

// sighting is what an answer shows beside its page.
type sighting struct {
	sent, came time.Time // by this machine's clock: the request began, the answer's header was there
	status     int       // 0 as long as there was no answer
	protocol   string
	header     http.Header
	tls        *tls.ConnectionState
	limited    int // answers so far that said 429
}

// probe asks the tenant single questions as a run would, and notes what it sees.
type probe struct {
	config settings.Config
	client *http.Client
	pace   *netskope.Pace
	asked  int // requests so far
	saw    sighting
	waited time.Duration // because the tenant limits the rate
}

func newProbe(c settings.Config, transport http.RoundTripper) *probe {
	p := &probe{config: c, pace: c.NewPace()}
	p.client = &http.Client{Transport: watching{p, transport}}
	return p
}

// watching notes the answers that come through a transport.
type watching struct {
	*probe
	transport http.RoundTripper
}

func (w watching) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	response, err := w.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	limited := w.saw.limited
	if response.StatusCode == http.StatusTooManyRequests {
		limited++
	}
	w.saw = sighting{sent: sent, came: time.Now(), status: response.StatusCode, protocol: response.Proto,
		header: response.Header, tls: response.TLS, limited: limited}
	return response, nil
}

// sample is what an answer's alerts are like.
type sample struct {
	alerts    int
	bytes     int64
	ids       map[string]bool
	noID      int    // have no _id
	undated   int    // have no _insertion_epoch_timestamp
	strays    int    // have a time of their own that was not asked for
	operation string // the cursor of the next page
}

// add notes an alert that answers q.
func (s *sample) add(a netskope.Alert, q netskope.Request) {
	s.alerts++
	s.bytes += int64(a.Bytes)
	s.ids[a.Identity] = true
	if !a.HasID {
		s.noID++
	}
	if a.Inserted.IsZero() {
		s.undated++
	}
	at := a.Inserted
	if q.Field == alert.EventTime {
		at = a.Timestamp
	}
	if !at.IsZero() && (at.Unix() < q.From-1 || at.Unix() > q.To+1) {
		s.strays++
	}
}

// repeats reports whether the other sample holds alerts, but none that s does not.
func (s sample) repeats(other sample) bool {
	for id := range other.ids {
		if !s.ids[id] {
			return false
		}
	}
	return other.alerts > 0
}

// ask asks one question, at the configured rate, with so much patience for the answer: a
// second time after an error that may pass, and as often as the check may if the tenant
// limits the rate.
func (p *probe) ask(ctx context.Context, q netskope.Request, patience time.Duration) (sample, error) {
	last := errAsked
	for tries := 1; ; tries++ {
		if p.asked >= mostQuestions {
			return sample{}, last
		}
		s, err := p.once(ctx, q, patience)
		last = err
		var failure *netskope.Error
		if !errors.As(err, &failure) || !failure.Passing {
			return s, err
		}
		wait := max(failure.After, time.Second)
		if failure.Status == http.StatusTooManyRequests {
			tries = 0
			if p.waited += wait; p.waited > limitPatience {
				failure.Reason += "; it would have to be waited for longer than " + text.Roughly(limitPatience)
				return s, err
			}
		} else if tries == 2 || errors.Is(err, context.DeadlineExceeded) ||
			errors.As(err, new(*tls.CertificateVerificationError)) {
			return s, err
		}
		select {
		case <-time.After(min(wait, askPatience)):
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

func (p *probe) once(ctx context.Context, q netskope.Request, patience time.Duration) (s sample, err error) {
	s.ids = map[string]bool{}
	if err := p.pace.Wait(ctx); err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p.asked++
	client := netskope.New(collector.Netskope(p.config), p.pace, p.client, nil)
	s.operation, err = client.Probe(ctx, q, func(a netskope.Alert) { s.add(a, q) })
	return s, err
}

// tenantTrouble is what an error of the tenant's says, and the one thing to do.
func tenantTrouble(err error) (seen, remedy string) {
	if err == nil {
		return "", ""
	}
	var failure *netskope.Error
	if !errors.As(err, &failure) {
		return err.Error(), "run the check again"
	}
	bare := *failure
	bare.Hint = ""
	seen = bare.Error()
	var dns *net.DNSError
	var network net.Error
	switch status := failure.Status; {
	case failure.Hint != "":
		return seen, failure.Hint
	case status == http.StatusTooManyRequests:
		return seen,
			"find out who else asks this tenant, or set REQUESTS_PER_SECOND lower: all its consumers share one quota"
	case status >= 500, status == http.StatusConflict, status == http.StatusOK:
		return seen, "run the check again in a while, and ask Netskope's support if this stays"
	case status != 0:
		return seen, "set TIME_FIELD and PAGE_SIZE back to their defaults"
	case errors.As(err, &dns):
		return seen, "check NETSKOPE_TENANT, and this machine's name server"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the tenant's address refuses connections: " + seen, "check NETSKOPE_TENANT"
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: " + seen,
			"let this machine reach the tenant: look at firewall, proxy and, for the function, its VPC's way out"
	}
	return seen, "look at firewall and proxy on the way to the tenant"
}

// tlsRemedy is what to do about a certificate that is refused.
func tlsRemedy(host string, err error) string {
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return "set NETSKOPE_TENANT to the name that the certificate is for"
	case errors.As(err, &unknown):
		return "take " + host +
			" out of the TLS inspection, or give this machine the inspecting proxy's certificate (SSL_CERT_FILE)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "set this machine's clock if it is wrong, " +
			"else ask whoever runs the tenant's address to renew the certificate"
	}
	return "find out who answers for " + host + " on this network"
}
