package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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
	// maxErrorBody is how much of an error's body is read for its message.
	maxErrorBody = 16 << 10
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
	limit := rate.Inf
	if c.RequestsPerSecond > 0 {
		limit = rate.Limit(c.RequestsPerSecond)
	}
	// Following a redirect would carry the token to wherever it points.
	unredirected := *client
	unredirected.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &tenant{url: c.Tenant + alertPath, token: c.Token, client: &unredirected,
		limiter: rate.NewLimiter(limit, 1), pageSize: c.PageSize, report: report, progress: progress}
}

// page requests one page, up to a bound again where that can help, and hands its alerts
// to each as they arrive. An alert may be handed over again when the page is
// requested again. The error is a *tenantError, each's own, or the context's.
func (t *tenant) page(ctx context.Context, query url.Values, each func(*page.Alert) error) (page.Envelope, error) {
	var failures, limited int
	var last *tenantError
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
		var failure *tenantError
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
		case !failure.retry:
			return envelope, backoff.Permanent(failure)
		case bounded && failure.after > left:
			failure.Reason += fmt.Sprintf("; it asks to wait %s, but the run has only %s left", failure.after.Round(time.Second), left.Round(time.Second))
			return envelope, backoff.Permanent(failure)
		case failures >= maxFailures, limited >= maxRateLimited:
			failure.Reason += fmt.Sprintf("; given up after %d attempts", failures+limited)
			return envelope, backoff.Permanent(failure)
		}
		t.report.Retries++
		if failure.after > 0 {
			return envelope, &backoff.RetryAfterError{Duration: failure.after}
		}
		return envelope, failure
	}, backoff.WithBackOff(exponential), backoff.WithMaxElapsedTime(0))
	if err != nil && ctx.Err() != nil && last != nil {
		last.Reason += "; tried again until the run's time was up"
		return envelope, last // an outage must not pass for a budget that was spent at work
	}
	return envelope, err
}

// outOfTime turns the limiter's refusal to wait past the deadline into the
// context's own error.
func outOfTime(ctx context.Context, err error) error {
	if _, ok := ctx.Deadline(); ok && ctx.Err() == nil {
		return context.DeadlineExceeded
	}
	return err
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
		return page.Envelope{}, &tenantError{Reason: "no answer", cause: err, retry: true}
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
		return envelope, &tenantError{Status: response.StatusCode, Reason: "broken answer", cause: err, retry: true}
	}
	t.report.Pages++
	t.progress()
	return envelope, t.verdict(envelope)
}

// verdict is nil only for a page of alerts: the tenant also sends failures with
// status 200.
func (t *tenant) verdict(e page.Envelope) error {
	failed := &tenantError{Status: http.StatusOK, retry: true}
	switch {
	case e.OK != nil && string(e.OK) != "1" && string(e.OK) != "true":
		failed.Reason = fmt.Sprintf("the answer says ok=%.20s", e.OK)
	case strings.EqualFold(string(e.Status), `"error"`):
		failed.Reason = "the answer says status=error"
	case string(e.Success) == "false":
		failed.Reason = "the answer says success=false"
	case e.Result != page.Array:
		failed.Reason = fmt.Sprintf("the answer's result is %v, not an array of alerts", e.Result)
	default:
		return nil
	}
	for _, raw := range [][]byte{e.ResultValue, e.Message} {
		if text := t.plain(raw); text != "" {
			failed.Reason += ": " + text
			break
		}
	}
	return failed
}

// refusal makes an error of an answer whose status is not 200.
func (t *tenant) refusal(response *http.Response) error {
	e := &tenantError{Status: response.StatusCode, Reason: "refused"}
	var body struct{ Message, Error, Result json.RawMessage }
	if content, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody)); err == nil && json.Unmarshal(content, &body) == nil {
		for _, raw := range []json.RawMessage{body.Message, body.Error, body.Result} {
			if text := t.plain(raw); text != "" {
				e.Reason = text
				break
			}
		}
	}
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests:
		e.retry, e.after = true, retryDelay(response.Header, time.Now())
	case status == http.StatusConflict, status >= 500:
		e.retry, e.after = true, retryDelay(response.Header, time.Now())
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Hint = "check that the token has not expired, that its role may read " + alertPath + ", and that no IP allow-list keeps this address out (Netskope: Settings > Administration > Administrators & Roles)"
	case status == http.StatusNotFound:
		e.Hint = "check NETSKOPE_TENANT, and that the tenant is licensed for " + alertPath
	case status >= 300 && status < 400:
		e.Reason = "redirect, which is not followed because it would carry the token away"
		if to, err := response.Location(); err == nil {
			e.Reason = fmt.Sprintf("redirect to host %q, which is not followed because it would carry the token away", to.Host)
		}
		e.Hint = "set NETSKOPE_TENANT to the tenant's own address"
	}
	return e
}

// plain is a JSON string's text for an error message: short, printable, without
// the token. It is empty for any other value.
func (t *tenant) plain(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	text = strings.ReplaceAll(text, t.token, "(the token)")
	text = strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	return text
}

// retryDelay is how long the answer asks to wait, at least a quarter of a second and
// 0 if it asks for nothing: Retry-After as seconds or as a date (RFC 9110, 10.2.3),
// else RateLimit-Reset in seconds, which the tenant sends with every answer.
func retryDelay(h http.Header, now time.Time) time.Duration {
	const least, most = 250 * time.Millisecond, 24 * time.Hour
	after := strings.TrimSpace(h.Get("Retry-After"))
	if t, err := http.ParseTime(after); err == nil {
		return min(max(t.Sub(now), least), most)
	}
	for _, value := range []string{after, strings.TrimSpace(h.Get("RateLimit-Reset"))} {
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
			return time.Duration(min(max(seconds, least.Seconds()), most.Seconds()) * float64(time.Second))
		}
	}
	return 0
}

// tenantError is an answer of the tenant that is not a page of alerts, or no answer.
type tenantError struct {
	Status int    // HTTP status; 0 if there was no answer
	Reason string // short, printable, without the token
	Hint   string // what to do about it; may be empty
	cause  error
	retry  bool
	after  time.Duration // the wait asked for; 0 if none was
}

func (e *tenantError) Error() string {
	var b strings.Builder
	b.WriteString("netskope")
	if e.Status != 0 {
		fmt.Fprintf(&b, " answered %d", e.Status)
	}
	b.WriteString(": " + e.Reason)
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

func (e *tenantError) Unwrap() error { return e.cause }
