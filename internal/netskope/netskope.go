// Package netskope asks one tenant for pages of alerts: paced, repeated where that can help,
// judged, and followed to the last page.
package netskope

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/plain"
	"netskope-alerts.internal/collector/internal/stream"
)

const (
	// A request that fails otherwise than by the rate limit is tried this often, over
	// about two and a half minutes; a rate-limited one this often, because others may
	// be using up the tenant's quota. The run's budget bounds both.
	maxFailures    = 10
	maxRateLimited = 200

	// idleBody is how long a body may stand still before the request is given up.
	idleBody = time.Minute
)

// Settings are what a client works with.
type Settings struct {
	Tenant    string // scheme and host, as in https://acme.goskope.com
	Token     string // API token; it goes to the tenant only, and into no error
	UserAgent string
	Stream    stream.Stream   // what is asked for
	PageSize  int             // alerts asked for per request
	Field     alert.TimeField // the time by which alerts are asked for
}

// Client asks one tenant. Its methods may be called from several goroutines: all requests
// keep one pace.
type Client struct {
	settings Settings
	pace     *Pace
	http     *http.Client
	readers  sync.Pool        // of *page.Reader
	progress func(alerts int) // called after every page

	// What was learned of the tenant, from answers that worked: it pages by cursors; it pages
	// through so many alerts of a range; it serves no more than so many (0: no ceiling known).
	cursors          atomic.Bool
	deepest, ceiling atomic.Int64

	requests, pages, retries atomic.Int64
	date, skew               atomic.Int64 // see Skew; nanoseconds
	until                    atomic.Int64 // before which no request is sent, nanoseconds since the epoch
}

// New makes a client that sends its requests at the pace, and through the given client, but follows no
// redirect: that would carry the token to wherever it points. progress, if not nil, is called after
// every page with the number of its alerts, by whichever goroutine asked for it.
func New(s Settings, p *Pace, through *http.Client, progress func(alerts int)) *Client {
	unredirected := *through
	unredirected.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if progress == nil {
		progress = func(int) {}
	}
	return &Client{settings: s, pace: p, http: &unredirected, progress: progress,
		readers: sync.Pool{New: func() any { return &page.Reader{Type: s.Stream.TypeField()} }}}
}

// Counts are the requests of a client so far.
type Counts struct {
	Requests int // retries included
	Pages    int // answers that were pages of alerts
	Retries  int // requests made again after an error or a rate limit
}

// Counts are the client's requests so far.
func (c *Client) Counts() Counts {
	return Counts{Requests: int(c.requests.Load()), Pages: int(c.pages.Load()), Retries: int(c.retries.Load())}
}

// Skew is by how much this machine's clock was ahead of the tenant's when the last answer came, by
// its Date header, which is in whole seconds and has been on its way: a second or two are
// nothing. 0 as long as no answer had one.
func (c *Client) Skew() time.Duration { return time.Duration(c.skew.Load()) }

// page requests one page, up to a bound again where that can help, and hands its alerts, as
// they arrive, to what attempt returns, which is called for every request. The error is an
// *Error, the function's own, or the context's.
func (c *Client) page(ctx context.Context, query url.Values, attempt func() func(*page.Alert) error) (
	page.Envelope, error) {
	var failures, limited int
	var last *Error
	exponential := backoff.NewExponentialBackOff()
	exponential.InitialInterval, exponential.MaxInterval, exponential.Multiplier = time.Second, 30*time.Second, 2

	envelope, err := backoff.Retry(ctx, func() (page.Envelope, error) {
		if err := c.quiet(ctx); err != nil {
			return page.Envelope{}, backoff.Permanent(err)
		}
		if err := c.pace.enter(ctx); err != nil {
			return page.Envelope{}, backoff.Permanent(err)
		}
		var own error // the function's: no reason to ask again, even where it is a tenant's error
		each := attempt()
		envelope, err := c.request(ctx, query, c.answered, func(a *page.Alert) error {
			own = each(a)
			return own
		})
		if ctx.Err() != nil && err != nil {
			return envelope, backoff.Permanent(ctx.Err())
		}
		if own != nil {
			return envelope, backoff.Permanent(own)
		}
		var failure *Error
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
			failure.Reason += fmt.Sprintf("; it asks to wait %s, but the run has only %s left",
				failure.After.Round(time.Second), left.Round(time.Second))
			return envelope, backoff.Permanent(failure)
		case failures >= maxFailures, limited >= maxRateLimited:
			failure.Reason += fmt.Sprintf("; given up after %d attempts", failures+limited)
			return envelope, backoff.Permanent(failure)
		}
		c.retries.Add(1)
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

// answered notes what the answer to a request says of the pace.
func (c *Client) answered(sent time.Time, err *Error) {
	if err != nil && err.Status == http.StatusTooManyRequests && err.After > 0 {
		until := time.Now().Add(err.After).UnixNano()
		for was := c.until.Load(); was < until; was = c.until.Load() {
			c.until.CompareAndSwap(was, until)
		}
	}
	c.pace.leave(sent, err)
}

// quiet waits as long as the endpoint wants to be left alone: others of the tenant have limits of their own.
func (c *Client) quiet(ctx context.Context) error {
	for {
		wait := time.Until(time.Unix(0, c.until.Load()))
		if wait <= 0 {
			return nil
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// request is one attempt at one page, its body included. answered is told, once, when the answer
// begins, or that there is none: while its alerts are handed over, others may ask.
func (c *Client) request(ctx context.Context, query url.Values, answered func(sent time.Time, err *Error),
	each func(*page.Alert) error) (page.Envelope, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sent := time.Now()
	response, err := c.send(ctx, query)
	failure, _ := err.(*Error)
	answered(sent, failure)
	if err != nil {
		return page.Envelope{}, err
	}
	defer response.Body.Close()

	var eachFailed error
	body := &watchedBody{body: response.Body, watch: time.AfterFunc(idleBody, func() { cancel(errIdle) })}
	defer body.watch.Stop()
	reader := c.readers.Get().(*page.Reader)
	defer c.readers.Put(reader)
	envelope, err := reader.Read(body, func(a *page.Alert) error {
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
		return envelope, &Error{Status: response.StatusCode, Reason: "broken answer", cause: err, says: c.says(err),
			Passing: true}
	}
	c.pages.Add(1)
	c.progress(envelope.Alerts)
	return envelope, c.verdict(envelope)
}

// send is the answer to one request, as far as its header, if it may hold a page.
func (c *Client) send(ctx context.Context, query url.Values) (*http.Response, error) {
	address := c.settings.Tenant + c.settings.Stream.Path() + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Netskope-Api-Token", c.settings.Token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", c.settings.UserAgent)
	c.requests.Add(1)
	response, err := c.http.Do(request)
	if err != nil {
		var failure *url.Error // its text would hold the whole address again
		if errors.As(err, &failure) {
			err = failure.Err
		}
		var proxy *proxyRefusal
		if errors.As(err, &proxy) {
			return nil, c.refusedByProxy(proxy)
		}
		return nil, &Error{Reason: "no answer", cause: err, says: c.says(err), Passing: true}
	}
	if date, ok := tenantDate(response.Header); ok {
		c.date.Store(date.UnixNano())
		c.skew.Store(int64(time.Now().Round(0).Sub(date)))
	}
	switch encoding := response.Header.Get("Content-Encoding"); {
	case response.StatusCode != http.StatusOK:
		err = c.refusal(response)
	case encoding != "" && encoding != "identity":
		err = &Error{Status: response.StatusCode, Passing: true, Reason: "an answer in the encoding " +
			plain.Text(encoding, c.settings.Token, 40) + ", which was not asked for"}
	}
	if err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}
