package gcstest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
)

// answer is a response before it is sent.
type answer struct {
	status  int
	header  http.Header
	body    []byte   // unless parts are given
	parts   [][]byte // a media read's body
	refusal *refusal // the error it reports, nil for none
	torn    int      // bytes of the body that are sent, 0 for all
	unheard bool     // the sender broke off in the middle of the request
}

// refusal is an error as the two APIs report it.
type refusal struct {
	reason            string // of the JSON API, such as "notFound"
	message           string
	locationType, loc string
}

func ok(v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("gcstest: encode answer: %v", err))
	}
	return answer{
		status: http.StatusOK,
		header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}},
		body:   body,
	}
}

func empty(status int) answer {
	return answer{status: status, header: make(http.Header)}
}

// failed is an error's answer; with an empty reason it takes the one that is
// usual for the status.
func failed(status int, reason, format string, args ...any) answer {
	if reason == "" {
		reason = reasons[status]
	}
	a := empty(status)
	a.refusal = &refusal{reason: reason, message: fmt.Sprintf(format, args...)}
	return a
}

// notModelled names the feature that is missing here.
func notModelled(format string, args ...any) answer {
	return failed(http.StatusNotImplemented, "", "gcstest does not model "+format, args...)
}

// reasons are from https://cloud.google.com/storage/docs/json_api/v1/status-codes.
var reasons = map[int]string{
	http.StatusBadRequest:                   "invalid",
	http.StatusUnauthorized:                 "authError",
	http.StatusForbidden:                    "forbidden",
	http.StatusNotFound:                     "notFound",
	http.StatusRequestTimeout:               "uploadBrokenConnection",
	http.StatusConflict:                     "conflict",
	http.StatusGone:                         "gone",
	http.StatusPreconditionFailed:           "conditionNotMet",
	http.StatusRequestedRangeNotSatisfiable: "requestedRangeNotSatisfiable",
	http.StatusTooManyRequests:              "rateLimitExceeded",
	http.StatusInternalServerError:          "internalError",
	http.StatusNotImplemented:               "notImplemented",
	http.StatusBadGateway:                   "backendError",
	http.StatusServiceUnavailable:           "backendError",
	http.StatusGatewayTimeout:               "backendError",
}

// xmlCodes are from https://cloud.google.com/storage/docs/xml-api/reference-status.
var xmlCodes = map[int]string{
	http.StatusForbidden:                    "AccessDenied",
	http.StatusNotFound:                     "NoSuchKey",
	http.StatusPreconditionFailed:           "PreconditionFailed",
	http.StatusRequestedRangeNotSatisfiable: "InvalidRange",
	http.StatusTooManyRequests:              "SlowDown",
	http.StatusInternalServerError:          "InternalError",
	http.StatusNotImplemented:               "NotImplemented",
	http.StatusServiceUnavailable:           "ServiceUnavailable",
}

func (a *answer) contentLength() int64 {
	n := int64(len(a.body))
	for _, p := range a.parts {
		n += int64(len(p))
	}
	return n
}

func (a *answer) write(w http.ResponseWriter, r *http.Request, c *call) {
	if a.refusal != nil {
		a.encodeRefusal(c)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	bodyless := a.status == http.StatusNotModified || a.status == http.StatusNoContent
	if !bodyless && w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.FormatInt(a.contentLength(), 10))
	}
	w.WriteHeader(a.status)
	if bodyless || r.Method == http.MethodHead {
		return
	}
	left := a.contentLength()
	if a.torn > 0 {
		left = int64(a.torn)
	}
	for _, p := range append([][]byte{a.body}, a.parts...) {
		p = p[:min(left, int64(len(p)))]
		left -= int64(len(p))
		if _, err := w.Write(p); err != nil {
			return // the client is gone
		}
	}
}

func (a *answer) encodeRefusal(c *call) {
	if c != nil && c.xml {
		a.header.Set("Content-Type", "application/xml; charset=UTF-8")
		code := xmlCodes[a.status]
		if code == "" {
			code = "InvalidArgument"
		}
		if a.refusal.reason == noSuchBucket {
			code = "NoSuchBucket"
		}
		message, details := a.refusal.message, ""
		if a.status == http.StatusForbidden {
			message, details = "Access denied.", message
		}
		a.body, _ = xml.Marshal(struct {
			XMLName xml.Name `xml:"Error"`
			Code    string
			Message string
			Details string `xml:",omitempty"`
		}{Code: code, Message: message, Details: details})
		a.body = append([]byte("<?xml version='1.0' encoding='UTF-8'?>"), a.body...)
		return
	}
	type item struct {
		Message      string `json:"message"`
		Domain       string `json:"domain"`
		Reason       string `json:"reason"`
		LocationType string `json:"locationType,omitempty"`
		Location     string `json:"location,omitempty"`
	}
	reason := a.refusal.reason
	if reason == noSuchBucket {
		reason = reasons[a.status]
	}
	var body struct {
		Error struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
			Errors  []item `json:"errors"`
		} `json:"error"`
	}
	body.Error.Code = a.status
	body.Error.Message = a.refusal.message
	body.Error.Errors = []item{{a.refusal.message, "global", reason, a.refusal.locationType, a.refusal.loc}}
	encoded := ok(body)
	a.header.Set("Content-Type", encoded.header.Get("Content-Type"))
	a.body = encoded.body
}

// noSuchBucket is a reason of this package's own: the XML API tells a missing
// bucket from a missing object, the JSON API calls both notFound.
const noSuchBucket = "noSuchBucket"
