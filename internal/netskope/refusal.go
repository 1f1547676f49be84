package netskope

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/plain"
)

// maxErrorBody is how much of an error's body is read for its message, in bytes.
const maxErrorBody = 16 << 10

// verdict is nil only for a page of alerts: the tenant also sends failures with
// status 200.
func (c *Client) verdict(e page.Envelope) error {
	failed := &Error{Status: http.StatusOK, Passing: true}
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
		if text := c.plain(raw); text != "" {
			failed.Reason += ": " + text
			break
		}
	}
	return failed
}

// refusal makes an error of an answer whose status is not 200.
func (c *Client) refusal(response *http.Response) error {
	e := &Error{Status: response.StatusCode, Reason: "refused"}
	var body struct{ Message, Error, Result json.RawMessage }
	content, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	if err == nil && json.Unmarshal(content, &body) == nil {
		for _, raw := range []json.RawMessage{body.Message, body.Error, body.Result} {
			if text := c.plain(raw); text != "" {
				e.Reason = text
				break
			}
		}
	}
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests:
		e.Passing, e.After = true, retryDelay(response.Header, time.Now())
	case status == http.StatusConflict, status >= 500:
		e.Passing, e.After = true, retryDelay(response.Header, time.Now())
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Hint = "check that the token has not expired, that its role may read " + AlertPath +
			", and that no IP allow-list keeps this address out " +
			"(Netskope: Settings > Administration > Administrators & Roles)"
	case status == http.StatusNotFound:
		e.Hint = "check NETSKOPE_TENANT, and that the tenant is licensed for " + AlertPath
	case status >= 300 && status < 400:
		e.Reason = "redirect, which is not followed because it would carry the token away"
		if to, err := response.Location(); err == nil {
			e.Reason = fmt.Sprintf("redirect to host %q, which is not followed because it would carry the token away",
				to.Host)
		}
		e.Hint = "set NETSKOPE_TENANT to the tenant's own address"
	}
	return e
}

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

// Error is an answer of the tenant that is not a page of alerts, or no answer.
type Error struct {
	Status  int           // HTTP status; 0 if there was no answer
	Reason  string        // short, printable, without the token
	Hint    string        // what to do about it; may be empty
	Passing bool          // the same request may be answered later
	After   time.Duration // the wait that the tenant asks for; 0 if it asks for none
	cause   error
}

func (e *Error) Error() string {
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

func (e *Error) Unwrap() error { return e.cause }
