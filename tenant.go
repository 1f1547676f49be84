package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"netskope-alerts.internal/collector/internal/page"
)

const (
	alertPath = "/api/v2/events/data/alert"

	// A request that fails otherwise than by the rate limit is tried this often, over
	// about two and a half minutes; a rate-limited one this often, because others may
	// be using up the tenant's quota. The run's budget bounds both.
	maxFailures    = 10
	maxRateLimited = 200

	// idleBody is how long a body may stand still before the request is given up.
	idleBody = time.Minute
)

// tenant asks one Netskope tenant for pages of alerts.
type tenant struct {
	url      string
	token    string
	client   *http.Client
	limiter  *rate.Limiter
	pageSize int
	cursors  bool // this tenant pages by cursors
	offsets  bool // this tenant takes offsets
	reader   page.Reader
	report   *Report
	progress func() // called after every page
}

func newTenant(c Config, client *http.Client, report *Report, progress func()) *tenant {
	// Following a redirect would carry the token to wherever it points.
	unredirected := *client
	unredirected.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &tenant{url: c.Tenant + alertPath, token: c.Token, client: &unredirected,
		limiter: c.Limiter(), pageSize: c.PageSize, report: report, progress: progress}
}

// Limiter paces requests to the tenant: RequestsPerSecond evenly, one at a time, or
// without a limit if that is 0.
func (c Config) Limiter() *rate.Limiter {
	limit := rate.Inf
	if c.RequestsPerSecond > 0 {
		limit = rate.Limit(c.RequestsPerSecond)
	}
	return rate.NewLimiter(limit, 1)
}

// page requests one page, up to a bound again where that can help, and hands its alerts
// to each as they arrive. An alert may be handed over again when the page is
// requested again. The error is a *TenantError, each's own, or the context's.
func (t *tenant) page(ctx context.Context, query url.Values, each func(*page.Alert) error) (page.Envelope, error) {
	var failures, limited int
	var last *TenantError
	exponential := backoff.NewExponentialBackOff()
	exponential.InitialInterval, exponential.MaxInterval, exponential.Multiplier = time.Second, 30*time.Second, 2

	envelope, err := backoff.Retry(ctx, func() (page.Envelope, error) {
		if err := t.limiter.Wait(ctx); err != nil {
			return page.Envelope{}, backoff.Permanent(outOfTime(ctx, err))
		}
		envelope, err := t.request(ctx, query, each)
		if ctx.Err() != nil && err != nil {
			return envelope, backoff.Permanent(ctx.Err())
		}
		var failure *TenantError
		if !errors.As(err, &failure) {
			if err != nil {
				err = backoff.Permanent(err)
			}
			return envelope, err
		}
		last = failure
		if failure.Status == http.StatusTooManyRequests {
			limited++
		} else {
			failures++
		}
		deadline, bounded := ctx.Deadline()
		switch left := time.Until(deadline); {
		case !failure.Passing:
			return envelope, backoff.Permanent(failure)
		case bounded && failure.After > left:
			failure.Reason += fmt.Sprintf("; it asks to wait %s, but the run has only %s left", failure.After.Round(time.Second), left.Round(time.Second))
			return envelope, backoff.Permanent(failure)
		case failures >= maxFailures, limited >= maxRateLimited:
			failure.Reason += fmt.Sprintf("; given up after %d attempts", failures+limited)
			return envelope, backoff.Permanent(failure)
		}
		t.report.Retries++
		if failure.After > 0 {
			return envelope, &backoff.RetryAfterError{Duration: failure.After}
		}
		return envelope, failure
	}, backoff.WithBackOff(exponential), backoff.WithMaxElapsedTime(0))
	if err != nil && ctx.Err() != nil && last != nil {
		last.Reason += "; tried again until the run's time was up"
		return envelope, last // an outage must not pass for a budget that was spent at work
	}
	return envelope, err
}

// outOfTime waits for the end of a context within whose deadline the limiter refuses to
// wait for a request, and returns the context's own error.
func outOfTime(ctx context.Context, err error) error {
	if _, ok := ctx.Deadline(); !ok {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// request is one attempt at one page, its body included.
func (t *tenant) request(ctx context.Context, query url.Values, each func(*page.Alert) error) (page.Envelope, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+"?"+query.Encode(), nil)
	if err != nil {
		return page.Envelope{}, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Netskope-Api-Token", t.token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", userAgent)
	t.report.Requests++
	response, err := t.client.Do(request)
	if err != nil {
		var failure *url.Error // its text would hold the whole address again
		if errors.As(err, &failure) {
			err = failure.Err
		}
		return page.Envelope{}, &TenantError{Reason: "no answer", cause: err, Passing: true}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return page.Envelope{}, t.refusal(response)
	}

	var eachFailed error
	body := &watchedBody{body: response.Body, watch: time.AfterFunc(idleBody, func() { cancel(errIdle) })}
	defer body.watch.Stop()
	envelope, err := t.reader.Read(body, func(a *page.Alert) error {
		eachFailed = each(a)
		return eachFailed
	})
	switch {
	case eachFailed != nil:
		return envelope, eachFailed
	case err != nil:
		if context.Cause(ctx) == errIdle {
			err = errIdle
		}
		return envelope, &TenantError{Status: response.StatusCode, Reason: "broken answer", cause: err, Passing: true}
	}
	t.report.Pages++
	t.progress()
	return envelope, t.verdict(envelope)
}
