package pubsubtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// answer is a response before it is sent.
type answer struct {
	status     int
	retryAfter string
	body       any
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// failed is an error in the JSON form that Google's APIs share.
func failed(status int, format string, args ...any) answer {
	type item struct {
		Message string `json:"message"`
		Domain  string `json:"domain"`
		Reason  string `json:"reason"`
	}
	var body struct {
		Error struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
			Errors  []item `json:"errors"`
			Status  string `json:"status"`
		} `json:"error"`
	}
	name := names[status]
	body.Error.Code = status
	body.Error.Message = fmt.Sprintf(format, args...)
	body.Error.Errors = []item{{body.Error.Message, "global", name.reason}}
	body.Error.Status = name.status
	return answer{status: status, body: body}
}

// notModelled names what is missing here.
func notModelled(format string, args ...any) answer {
	return failed(http.StatusNotImplemented, "pubsubtest does not model "+format, args...)
}

// names are the two names of an error, of which the status is from
// https://cloud.google.com/pubsub/docs/reference/error-codes.
var names = map[int]struct{ status, reason string }{
	http.StatusBadRequest:          {"INVALID_ARGUMENT", "badRequest"},
	http.StatusUnauthorized:        {"UNAUTHENTICATED", "authError"},
	http.StatusForbidden:           {"PERMISSION_DENIED", "forbidden"},
	http.StatusNotFound:            {"NOT_FOUND", "notFound"},
	http.StatusTooManyRequests:     {"RESOURCE_EXHAUSTED", "rateLimitExceeded"},
	http.StatusInternalServerError: {"INTERNAL", "backendError"},
	http.StatusNotImplemented:      {"UNIMPLEMENTED", "notImplemented"},
	http.StatusBadGateway:          {"BAD_GATEWAY", "backendError"},
	http.StatusServiceUnavailable:  {"UNAVAILABLE", "backendError"},
	http.StatusGatewayTimeout:      {"DEADLINE_EXCEEDED", "backendError"},
}

// texts are the messages of faults; what the service says of 403 is what its users
// have quoted.
var texts = map[int]string{
	http.StatusForbidden:          "User not authorized to perform this action.",
	http.StatusTooManyRequests:    "Resource has been exhausted (e.g. check quota).",
	http.StatusServiceUnavailable: "The service was unable to fulfill your request. Please try again.",
	http.StatusGatewayTimeout:     "Deadline expired before operation could complete.",
}

// refusal is the answer of a fault.
func refusal(status int, retryAfter string) answer {
	text := texts[status]
	if text == "" {
		text = http.StatusText(status)
	}
	a := failed(status, "%s", text)
	a.retryAfter = retryAfter
	return a
}

func (a answer) write(w http.ResponseWriter) {
	body, err := json.Marshal(a.body)
	if err != nil {
		panic(fmt.Sprintf("pubsubtest: encode answer: %v", err))
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // an error is a client that went away
}

// drain reads what is left of a request, because a server that answers before would
// close the connection under the client's hands.
func drain(r *http.Request) { _, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 64<<20)) }

// hangUp ends the connection under w: by RST when reset and it is TCP, else in good
// order.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tls, ok := conn.(interface{ NetConn() net.Conn }); ok && reset {
		conn = tls.NetConn()
	}
	if c, ok := conn.(interface{ SetLinger(int) error }); ok && reset {
		_ = c.SetLinger(0)
	}
	conn.Close()
}
