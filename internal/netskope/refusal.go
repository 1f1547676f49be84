package netskope

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/plain"
	"netskope-alerts.internal/collector/internal/stream"
)

// maxErrorBody is how much of an error's body is read for its message, in bytes.
const maxErrorBody = 16 << 10

// verdict is nil only for a page of alerts: the tenant also sends failures with status 200. That
// is success is demanded, not failure looked for: the answer says ok, or, where it does not,
// holds alerts and says nothing else.
func (c *Client) verdict(e page.Envelope) error {
	failed := &Error{Status: http.StatusOK, Passing: true}
	says := func(raw []byte) string { return plain.Text(strings.Trim(string(raw), `"`), c.settings.Token, 40) }
	ok := string(e.OK) == "1" || string(e.OK) == "true"
	status := strings.ToLower(says(e.Status))
	switch {
	case e.OK != nil && !ok:
		failed.Reason = "the answer says ok=" + says(e.OK)
	case e.Status != nil && status != "success" && status != "ok":
		failed.Reason = "the answer says status=" + status
	case e.Success != nil && string(e.Success) != "true":
		failed.Reason = "the answer says success=" + says(e.Success)
	case e.Result != page.Array:
		failed.Reason = fmt.Sprintf("the answer's result is %v, not an array of alerts", e.Result)
	case ok:
		return nil
	case e.Alerts == 0:
		failed.Reason = "the answer holds no alert and does not say that it is ok"
	case e.Others > 0 || e.Message != nil:
		failed.Reason = "the answer does not say that it is ok, and says something else"
	default:
		return nil
	}
	for _, raw := range [][]byte{e.ResultValue, e.Message} {
		if text := c.plain(raw); text != "" {
			failed.Reason += ": " + text
			break
		}
	}
	return failed
}

// refusal makes an error of an answer whose status is not 200.
func (c *Client) refusal(response *http.Response) error {
	content, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	if err != nil {
		content = nil
	}
	e := &Error{Status: response.StatusCode, Reason: c.reason(response, content)}
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests:
		e.Passing, e.After = true, retryDelay(response.Header, time.Now())
	case status == http.StatusNotImplemented:
		e.Hint = "check that " + c.unlicensed()
	case status == http.StatusConflict, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		e.Passing, e.After = true, retryDelay(response.Header, time.Now())
	case status == http.StatusProxyAuthRequired:
		e.Hint = "a proxy on the way wants its own credentials: look at HTTPS_PROXY"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Hint = "check that the token has not expired, that its role may read " + c.settings.Stream.Path() +
			", and that no IP allow-list keeps this address out " +
			"(Netskope: Settings > Administration > Administrators & Roles)"
	case status == http.StatusNotFound:
		e.Hint = "check NETSKOPE_TENANT, and that " + c.unlicensed()
	case status >= 300 && status < 400:
		e.Reason = "redirect, which is not followed because it would carry the token away"
		if to, err := response.Location(); err == nil {
			e.Reason = fmt.Sprintf("redirect to host %q, which is not followed because it would carry the token away",
				plain.Text(to.Host, c.settings.Token, 100))
		}
		e.Hint = "set NETSKOPE_TENANT to the tenant's own address"
	}
	return e
}

// unlicensed is what to do where the tenant does not have the endpoint.
func (c *Client) unlicensed() string {
	of := c.settings.Stream
	hint := "the tenant is licensed for " + of.Path()
	if of != stream.Alert {
		hint += ", or take " + of.String() + " out of STREAMS"
	}
	return hint
}

// reason is what a refusal says of itself: the text of a JSON body, wherever such bodies keep
// it; else what came instead.
func (c *Client) reason(response *http.Response, content []byte) string {
	var body struct {
		Message, Msg, Error, Result, Detail, Description, Title json.RawMessage
		Errors                                                  []json.RawMessage
	}
	trimmed := strings.TrimSpace(string(content))
	if json.Unmarshal(content, &body) == nil {
		texts := []json.RawMessage{body.Message, body.Msg, body.Error, body.Result, body.Detail, body.Description, body.Title}
		for _, raw := range append(texts, body.Errors...) {
			if text := c.plain(raw); text != "" {
				return text
			}
			var inner struct{ Message, Msg, Detail, Description, Reason json.RawMessage }
			if json.Unmarshal(raw, &inner) != nil {
				continue
			}
			for _, raw := range []json.RawMessage{inner.Message, inner.Msg, inner.Detail, inner.Description, inner.Reason} {
				if text := c.plain(raw); text != "" {
					return text
				}
			}
		}
	}
	switch encoding := response.Header.Get("Content-Encoding"); {
	case encoding != "":
		return "an answer in the encoding " + plain.Text(encoding, c.settings.Token, 40) + ", which was not asked for"
	case trimmed == "":
		return strings.ToLower(http.StatusText(response.StatusCode)) + ", without a word"
	case trimmed[0] == '<':
		return "an HTML page, as a proxy or a login sends it"
	case trimmed[0] == '{', trimmed[0] == '[':
		return "JSON without a message"
	}
	return plain.Text(trimmed, c.settings.Token, 200)
}

// says is the error's text, as an error message may have it.
func (c *Client) says(err error) string { return plain.Text(err.Error(), c.settings.Token, 300) }

// plain is a JSON string's text for an error message: short, printable, without
// the token. It is empty for any other value.
func (c *Client) plain(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return plain.Text(text, c.settings.Token, 200)
}

// retryDelay is how long the answer asks to wait, at least a quarter of a second and
// 0 if it asks for nothing: Retry-After as seconds, as a date (RFC 9110, 10.2.3) or as the
// epoch second until which to wait, else RateLimit-Reset in seconds, which the tenant sends
// with every answer. What is none of these counts as not there.
func retryDelay(h http.Header, now time.Time) time.Duration {
	const least, most = 250 * time.Millisecond, 24 * time.Hour
	after := strings.TrimSpace(h.Get("Retry-After"))
	if t, err := http.ParseTime(after); err == nil {
		return min(max(t.Sub(now), least), most)
	}
	for _, value := range []string{after, strings.TrimSpace(h.Get("RateLimit-Reset"))} {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil || !(seconds >= 0) || math.IsInf(seconds, 0) {
			continue
		}
		if seconds >= 1e9 { // since 2001: a moment, and in how long no tenant would ask
			if seconds >= 1e11 {
				seconds /= 1000
			}
			seconds -= float64(now.UnixNano()) / 1e9
		}
		return time.Duration(min(max(seconds, least.Seconds()), most.Seconds()) * float64(time.Second))
	}
	return 0
}

// tenantDate is the tenant's clock by an answer's Date, within what nanoseconds since the epoch can say.
func tenantDate(h http.Header) (date time.Time, ok bool) {
	date, err := http.ParseTime(h.Get("Date"))
	return date, err == nil && date.Year() > 1970 && date.Year() < 2200
}

// Error is an answer of the tenant that is not a page of alerts, or no answer.
type Error struct {
	Status  int           // HTTP status; 0 if there was no answer
	Reason  string        // short, printable, without the token
	Hint    string        // what to do about it; may be empty
	Passing bool          // the same request may be answered later
	After   time.Duration // the wait that the tenant asks for; 0 if it asks for none
	cause   error
	says    string // the cause, which may quote what came over the network: as Reason is
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("netskope")
	if e.Status != 0 {
		fmt.Fprintf(&b, " answered %d", e.Status)
	}
	b.WriteString(": " + e.Reason)
	if e.cause != nil {
		b.WriteString(": " + e.says)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.cause }
