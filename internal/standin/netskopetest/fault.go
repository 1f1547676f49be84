package netskopetest

import (
	"net/http"
	"time"
)

// Request is what a request asked for, as told to Server.Fault.
type Request struct {
	// N counts the requests that Fault was asked about, from 1. Go's
	// http.Transport repeats a GET by itself when a reused connection dies
	// before the first byte of an answer; such a repetition counts.
	N int
	// Insertion tells whether the range is one of insertion times.
	Insertion bool
	// Start and End are the range as asked, in UTC, whole seconds.
	Start, End time.Time
	// Offset is the offset asked for or the position a cursor stands for.
	Offset int
	// Limit is the limit as asked, not clamped; 0 when none was given.
	Limit int
	// Operation is the cursor, decoded; empty in the Offset dialect and on
	// the first page.
	Operation string
	// First tells whether this is the first page of a range.
	First bool
}

// Fault is one way for a request to go wrong. The zero value is none.
type Fault struct {
	// Kind is what goes wrong. Zero: nothing.
	Kind Kind
	// Delay passes before the answer (for Stall: before the connection is
	// dropped). Zero: at once (for Stall: when the client gives up).
	Delay time.Duration
	// Status, Header and Body are the answer of Answer; Status is also the
	// status of ExpireCursor. Zero: 200 (ExpireCursor: 400), no further
	// headers, no body.
	Status int
	Header http.Header
	Body   string
	// Fraction of the body that Torn, TornReset, HalfJSON and Stall send, or
	// of the alerts that ShortPage returns. Zero: one half.
	Fraction float64
	// Count is the number of alerts that Shift repeats. Zero: 1.
	Count int
}

// Kind names a fault.
type Kind int

const (
	// None answers normally, after Fault.Delay.
	None Kind = iota
	// Reset drops the connection before any answer, by RST where it is TCP.
	// The tenant did nothing: a cursor has not moved.
	Reset
	// Answer sends Fault.Status, Header and Body. A cursor has not moved.
	Answer
	// Torn ends the connection in good order in the middle of a chunked
	// 200 body, without the chunk that would end the body.
	Torn
	// TornReset is Torn by RST, which may also destroy bytes already sent.
	TornReset
	// HalfJSON is a complete HTTP answer whose JSON ends in the middle.
	HalfJSON
	// EmptyPage is an empty result where alerts remain. In the Cursor dialect
	// it has an operation that leads on to them; in the Offset dialect nothing
	// tells it from the end.
	EmptyPage
	// ShortPage returns fewer alerts than were asked for and remain, but two at
	// least: a page by offset that overlaps the one before it and is trimmed to
	// that overlap could not be told from the end. The next page follows the
	// alerts received. A page of two is not made shorter.
	ShortPage
	// ExpireCursor refuses the operation of this request and all others of
	// the same query, now and later. Without an operation it is None.
	ExpireCursor
	// Stall sends a part of the body, then nothing until the client gives up
	// or Fault.Delay has passed, when the connection is dropped.
	Stall
	// Shift starts the page Fault.Count alerts too early, as when that many
	// alerts have arrived at the head of the list: already served ones come
	// again, and in the Offset dialect the list has its first alerts twice from
	// then on, for every reader. On the first page it is None.
	Shift
	// LostAnswer produces the page, which moves a cursor, but resets the
	// connection before a byte of it is sent.
	LostAnswer
)

func (f Fault) fraction() float64 {
	if f.Fraction == 0 {
		return 0.5
	}
	return min(max(f.Fraction, 0), 1)
}

// RateLimited is the 429 that Netskope documents. retryAfter is the value of
// Retry-After, seconds or an HTTP date; when empty the header is left out and
// only RateLimit-Reset: 1 tells how long to wait.
func RateLimited(retryAfter string) Fault {
	h := http.Header{}
	h.Set("RateLimit-Limit", "4")
	h.Set("RateLimit-Remaining", "0")
	h.Set("RateLimit-Reset", "1")
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return failure(http.StatusTooManyRequests, h, "API rate limit exceeded")
}

// TooManyRequests is a 429 that says nothing of how long to wait, as from a gateway
// of another make.
func TooManyRequests() Fault {
	return failure(http.StatusTooManyRequests, nil, "API rate limit exceeded")
}

// GatewayError is a 5xx with an HTML body, as proxies before the API send it.
func GatewayError(status int) Fault {
	text := http.StatusText(status)
	return html(status, text, "<h1>"+text+"</h1>")
}

// LoginPage is a 200 with HTML, the answer of a host that is no API: a mistyped
// tenant, or a proxy that wants its user to log in.
func LoginPage() Fault {
	return html(http.StatusOK, "Log in", `<form method="post" action="/login"><input name="user"><input name="password" type="password"></form>`)
}

func html(status int, title, content string) Fault {
	return Fault{
		Kind: Answer, Status: status,
		Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		Body:   "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>" + content + "</body>\r\n</html>\r\n",
	}
}

// Unauthorized is the answer to a missing, unknown or expired token.
func Unauthorized() Fault { return failure(http.StatusUnauthorized, nil, "Unauthorized") }

// Forbidden is the answer to a token without the scope of the endpoint.
func Forbidden() Fault {
	return failure(http.StatusForbidden, nil, "You cannot consume this service")
}

// NotFound is the 404 that a gateway answers for a path it does not know, and the
// API for a feature that the tenant has no licence for. The Server itself answers
// every path so that is none of its streams'.
func NotFound() Fault {
	return failure(http.StatusNotFound, nil, "no Route matched with those values")
}

// Unlicensed is the 501 of a tenant that does not have the feature.
func Unlicensed() Fault {
	return failure(http.StatusNotImplemented, nil, "The requested feature is not enabled for this tenant")
}

// Conflict is the 409 that concurrent consumers of a tenant report.
func Conflict() Fault {
	return failure(http.StatusConflict, nil, "Concurrency conflict and the request cannot be processed currently")
}

// Redirect is a 302 to another location, where a token must not follow.
func Redirect(location string) Fault {
	return Fault{Kind: Answer, Status: http.StatusFound, Header: http.Header{"Location": {location}}}
}

// NotOK is a 200 with {"ok":0,"result":text}: a failure in a success's clothes.
func NotOK(text string) Fault { return page200(`{"ok":0,"result":` + quote(text) + `}`) }

// StatusError is a 200 with {"status":"error"} and a message, as v1 sends it.
func StatusError(text string) Fault {
	return page200(`{"status":"error","msg":` + quote(text) + `}`)
}

// NullResult is a 200 whose result is null.
func NullResult() Fault { return page200(`{"ok":1,"result":null}`) }

// StringResult is a 200 whose result is a string although ok is 1.
func StringResult(text string) Fault { return page200(`{"ok":1,"result":` + quote(text) + `}`) }

// MissingResult is a 200 without result, which is not an empty page.
func MissingResult() Fault { return page200(`{"ok":1}`) }

func page200(body string) Fault {
	return Fault{Kind: Answer, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

func failure(status int, h http.Header, message string) Fault {
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/json")
	return Fault{Kind: Answer, Status: status, Header: h, Body: `{"message":` + quote(message) + `}`}
}
