package gcloudtest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// refusal is an error as a service answers it: HTTP status, canonical code and
// text.
type refusal struct {
	status int
	code   string // such as "NOT_FOUND"; for Cloud Storage the reason, such as "notFound"
	text   string
}

func (e *refusal) Error() string { return e.text }

func refuse(status int, code, format string, args ...any) error {
	return &refusal{status, code, fmt.Sprintf(format, args...)}
}

func missing(name string) error {
	return refuse(http.StatusNotFound, "NOT_FOUND", "resource %q was not found", name)
}

func exists(name string) error {
	return refuse(http.StatusConflict, "ALREADY_EXISTS", "resource %q already exists", name)
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "INVALID_ARGUMENT", format, args...)
}

func denied(format string, args ...any) error {
	return refuse(http.StatusForbidden, "PERMISSION_DENIED", format, args...)
}

// precondition is what Service Usage and Cloud Monitoring answer with status
// 400 (google.rpc.Code FAILED_PRECONDITION).
func precondition(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "FAILED_PRECONDITION", format, args...)
}

// aborted is the answer to a policy or dashboard whose etag is no longer the
// current one.
func aborted() error {
	return refuse(http.StatusConflict, "ABORTED", "there were concurrent changes: the etag is not the current one")
}

// disabledService is the refusal of a service that is not enabled; gcloud
// knows it by its details.
type disabledService struct{ service, number string }

func (e *disabledService) Error() string {
	return fmt.Sprintf("%s has not been used in project %s before or it is disabled", e.service, e.number)
}

func disabled(service, number string) error { return &disabledService{service, number} }

// unbilled is what Service Usage and Cloud Storage say of a project without a
// billing account.
func unbilled(number string) string {
	return fmt.Sprintf("billing account for project %q is not found: billing must be enabled", number)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// encode gives the status and the body of an answer.
func encode(service string, answer any, err error) (int, []byte) {
	status := http.StatusOK
	if err != nil {
		status, answer = explain(service, err)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return http.StatusInternalServerError, []byte(`{"error":{"code":500,"status":"INTERNAL"}}`)
	}
	return status, body
}

// explain gives an error the form of the service's errors.
func explain(service string, err error) (int, object) {
	switch e := err.(type) {
	case *disabledService:
		return http.StatusForbidden, object{"error": object{
			"code": http.StatusForbidden, "message": e.Error(), "status": "PERMISSION_DENIED",
			"errors": []any{object{"domain": "usageLimits", "reason": "accessNotConfigured", "message": e.Error()}},
			"details": []any{object{
				"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED",
				"domain":   "googleapis.com",
				"metadata": object{"service": e.service, "consumer": "projects/" + e.number},
			}},
		}}
	case *refusal:
		if service == "storage" {
			return e.status, object{"error": object{
				"code": e.status, "message": e.text,
				"errors": []any{object{"domain": "global", "reason": e.code, "message": e.text}},
			}}
		}
		return e.status, object{"error": object{"code": e.status, "message": e.text, "status": e.code}}
	default:
		return http.StatusInternalServerError, object{"error": object{
			"code": http.StatusInternalServerError, "message": err.Error(), "status": "INTERNAL",
		}}
	}
}
