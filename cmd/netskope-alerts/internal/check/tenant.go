package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/page"
)

const (
	resolvePatience = 10 * time.Second
	// clockWarning and clockFailure are how far the tenant's clock and this machine's
	// may differ; a difference of LAG fails, too.
	clockWarning = 30 * time.Second
	clockFailure = 5 * time.Minute
)

// checkTenant looks at the tenant: first at what its first answer shows beside its
// page, then at the page, then at paging.
func (c *checkup) checkTenant(ctx context.Context) {
	host := hostOf(c.config.Tenant)
	if !c.checkName(ctx, host) {
		c.skipRest("its name does not resolve", tenantSubjects)
		return
	}
	p, began := newProbe(c.config, c.options.Transport), time.Now()
	by := func(field alert.TimeField) netskope.Request {
		end := began.Add(-c.config.Lag)
		return netskope.Request{Field: field, From: end.Add(-24 * time.Hour).Unix(), To: end.Unix(),
			Limit: smallPage}
	}
	first, err := p.ask(ctx, by(alert.InsertionTime), askPatience)
	if p.saw.status == 0 {
		c.checkNoAnswer(host, err)
		return
	}
	c.reached = true
	c.pass("tenant.reach", "%s answers (%s, after %s)", host, p.saw.protocol,
		p.saw.came.Sub(p.saw.sent).Round(time.Millisecond))
	c.checkCertificate(p.saw.tls)
	if status := p.saw.status; status >= 300 && status < 400 {
		seen, remedy := tenantTrouble(err)
		c.fail("tenant.redirect", remedy, "%s", seen)
		c.checkClock(p.saw)
		c.skipRest("the tenant redirects", tenantSubjects)
		return
	}
	c.pass("tenant.redirect", "no redirect")
	c.checkClock(p.saw)
	if reason := c.checkAccess(err); reason != "" {
		c.skipRest(reason, tenantSubjects[:len(tenantSubjects)-1])
		c.checkRate(p.saw)
		return
	}
	c.checkTimeField(alert.InsertionTime, first, err)
	second, err2 := p.ask(ctx, by(alert.EventTime), askPatience)
	c.checkTimeField(alert.EventTime, second, err2)
	if c.config.TimeField == alert.EventTime {
		first, err = second, err2
	}
	c.checkPaging(ctx, p, by(c.config.TimeField), first, err)
	c.checkRate(p.saw)
}

func hostOf(tenant string) string {
	u, err := url.Parse(tenant)
	if err != nil {
		return tenant
	}
	return u.Hostname()
}

// checkName reports whether the tenant can be connected to by its name.
func (c *checkup) checkName(ctx context.Context, host string) bool {
	const subject = "tenant.name"
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		c.pass(subject, "%s is an address", host)
		return true
	}
	if transport, ok := c.options.Transport.(*http.Transport); ok && transport.Proxy != nil {
		request, _ := http.NewRequest(http.MethodGet, c.config.Tenant, nil) // it was parsed before
		if proxy, err := transport.Proxy(request); err == nil && proxy != nil {
			c.skip("the proxy "+proxy.Host+" resolves it", subject)
			return true
		}
	}
	ctx, cancel := context.WithTimeout(ctx, resolvePatience)
	defer cancel()
	addresses, err := c.options.LookupHost(ctx, host)
	switch {
	case err != nil:
		c.fail(subject, "check NETSKOPE_TENANT, and this machine's name server", "%s does not resolve: %v", host, err)
	case len(addresses) == 0:
		c.fail(subject, "check NETSKOPE_TENANT, and this machine's name server", "%s has no address", host)
	default:
		c.pass(subject, "%s is %s", host, firstFew(addresses, 2))
		return true
	}
	return false
}

// checkNoAnswer says why there was no answer at all.
func (c *checkup) checkNoAnswer(host string, err error) {
	if certificate := (*tls.CertificateVerificationError)(nil); errors.As(err, &certificate) {
		c.pass("tenant.reach", "%s accepts connections", host)
		c.fail("tenant.tls", tlsRemedy(host, certificate.Err), "its certificate is refused: %v", certificate.Err)
	} else {
		seen, remedy := tenantTrouble(err)
		c.fail("tenant.reach", remedy, "%s", seen)
	}
	c.skipRest("the tenant gave no answer", tenantSubjects)
}

func (c *checkup) checkCertificate(state *tls.ConnectionState) {
	const subject = "tenant.tls"
	if state == nil || len(state.PeerCertificates) == 0 {
		c.skip("the connection is plain http, which is allowed to this machine only", subject)
		return
	}
	version, expires := tls.VersionName(state.Version), state.PeerCertificates[0].NotAfter.UTC()
	left := time.Until(expires)
	if left < expirySoon {
		c.warn(subject, "ask whoever runs it (Netskope, or a proxy on the way) to renew the certificate",
			"%s; the certificate expires on %s, in %s", version, expires.Format(day), text.Roughly(left))
		return
	}
	c.pass(subject, "%s; the certificate is valid until %s", version, expires.Format(day))
}

// checkClock compares the time of the answer, given in whole seconds, with the clock.
func (c *checkup) checkClock(saw sighting) {
	const subject = "tenant.clock"
	date, err := http.ParseTime(saw.header.Get("Date"))
	if err != nil {
		c.skip("the answer has no Date", subject)
		return
	}
	ahead := time.Duration(0) // of the tenant's, by which this machine's clock is ahead
	switch {
	case date.Add(time.Second).Before(saw.sent):
		ahead = saw.sent.Sub(date.Add(time.Second))
	case date.After(saw.came):
		ahead = saw.came.Sub(date)
	}
	direction := "behind"
	if ahead > 0 {
		direction = "ahead of"
	}
	seen := fmt.Sprintf("this machine's clock is %s %s the tenant's", text.Roughly(ahead), direction)
	failure := max(min(c.config.Lag, clockFailure), clockWarning)
	const remedy = "set this machine's clock: let it be kept by NTP"
	switch {
	case ahead.Abs() > failure:
		c.fail(subject, remedy, "%s; alerts are asked for by it", seen)
	case ahead.Abs() > clockWarning:
		c.warn(subject, remedy, "%s", seen)
	default:
		c.pass(subject, "the clocks agree to %s", text.Roughly(clockWarning))
	}
}

// checkAccess says whether the tenant took the token. It returns why nothing further
// can be asked, or nothing.
func (c *checkup) checkAccess(err error) string {
	const subject = "tenant.token"
	var failure *netskope.Error
	if !errors.As(err, &failure) && err != nil {
		c.skip(err.Error(), subject)
		return "the check was given up"
	}
	if err == nil {
		c.pass(subject, "the tenant takes the token")
		return ""
	}
	seen, remedy := tenantTrouble(err)
	switch status := failure.Status; {
	case status == http.StatusUnauthorized:
		c.fail(subject, remedy, "%s; it does not know the token, or no longer", seen)
		return "the token is refused"
	case status == http.StatusForbidden && strings.Contains(failure.Reason, noScope):
		c.fail(subject, remedy, "%s; these are its words for a token whose role lacks the endpoint", seen)
		return "the token is refused"
	case status == http.StatusForbidden:
		c.fail(subject, remedy, "%s", seen)
		return "the token is refused"
	case status == http.StatusTooManyRequests:
		c.skip("the tenant limits the rate before it looks at the token", subject)
		c.fail("tenant.insertion", remedy, "%s", seen)
		return "the tenant limits the rate"
	case status == http.StatusOK && errors.As(err, new(*page.SyntaxError)):
		c.fail(subject, "find out what answers at NETSKOPE_TENANT: a login page or a proxy does, not the API", "%s", seen)
		return "no API answers"
	case status == http.StatusNotFound, status >= 500, status == 0:
		c.skip("the tenant does not say", subject)
		c.fail("tenant.insertion", remedy, "%s", seen)
		return "the endpoint does not answer"
	}
	c.pass(subject, "the tenant takes the token")
	return ""
}

// noScope is how the tenant's gateway refuses a token that may not use the endpoint.
const noScope = "You cannot consume this service"

// checkTimeField says whether the endpoint answers for a range of the time.
func (c *checkup) checkTimeField(field alert.TimeField, s sample, err error) {
	subject := "tenant." + string(field)
	if err == nil && s.strays > 0 {
		err = &netskope.Error{Status: http.StatusOK,
			Reason: fmt.Sprintf("%d of %d alerts are outside of the range that was asked for", s.strays, s.alerts)}
	}
	switch seen, remedy := tenantTrouble(err); {
	case errors.Is(err, errAsked):
		c.skip(err.Error(), subject)
	case err == nil:
		c.pass(subject, "it answers for a range of %s time, with %d of at most %d alerts", field, s.alerts, smallPage)
	case field == c.config.TimeField:
		c.fail(subject, remedy, "%s", seen)
	default:
		c.warn(subject, "leave TIME_FIELD="+string(c.config.TimeField), "%s", seen)
	}
}

// firstFew lists the first n, and says how many more there are.
func firstFew(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:n], ", "), len(all)-n)
}
