package gcs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/internal/plain"
)

// Cause is why Cloud Storage, or what stands before it, refuses an operation: a few that
// people have met, each with its own remedy. It is named by what has to be changed.
type Cause string

// The causes.
const (
	CauseRetention  Cause = "a retention policy"
	CauseHold       Cause = "a hold"
	CausePolicy     Cause = "an organisation policy"
	CausePerimeter  Cause = "VPC Service Controls"
	CauseKey        Cause = "the bucket's encryption key"
	CauseMove       Cause = "an endpoint that does not know Objects: move"
	CauseBucket     Cause = "no such bucket"
	CauseBilling    Cause = "the project's billing"
	CausePermission Cause = "a missing permission"
	CauseProxy      Cause = "an answer that is not Cloud Storage's"
	CauseOther      Cause = "" // none of these
)

// remedies are what to do about a cause.
var remedies = map[Cause]string{
	CauseRetention:  "use a bucket without one: the collector moves what it has staged, and replaces its state",
	CauseHold:       "release it, and the bucket's default event-based hold: what is held cannot be moved to its place",
	CausePolicy:     "have the constraint allow what the bucket needs, or use a bucket that it allows",
	CausePerimeter:  "let the function's service account into the perimeter of the bucket's project, by an ingress rule",
	CauseKey:        "enable the key's version, and let the Cloud Storage service agent use the key",
	CauseMove:       "use one that does, as storage.googleapis.com: look at STORAGE_EMULATOR_HOST",
	CauseBucket:     "check GCS_BUCKET",
	CauseBilling:    "enable billing for the bucket's project",
	CausePermission: "grant roles/storage.objectUser on the bucket to the account that runs this",
	CauseProxy:      "look at HTTPS_PROXY, and at what stands between this and Cloud Storage",
}

// Refusal is an answer by which an operation was refused. It unwraps to the API client's own
// error, and never says by that that an object does not exist.
type Refusal struct {
	Cause  Cause
	Status int    // of HTTP; 0 if the answer was none of the API's
	Said   string // the server's own words, fit to be shown
	Remedy string // what to do about it; empty if that is not known
	err    error
}

func (e *Refusal) Error() string {
	said := "cloud storage answered"
	if e.Status != 0 {
		said += fmt.Sprintf(" %d", e.Status)
	}
	said += ": " + e.Said
	switch e.Cause {
	case CauseOther:
		return said
	case CauseBucket:
		return fmt.Sprintf("%s; %s", said, e.Remedy)
	}
	return fmt.Sprintf("%s is in the way: %s; %s", e.Cause, said, e.Remedy)
}

func (e *Refusal) Unwrap() error { return e.err }

// named is the refusal with its cause.
func (e *Refusal) named(cause Cause) *Refusal {
	e.Cause, e.Remedy = cause, remedies[cause]
	return e
}

const mostSaid = 400 // characters of the server's words

// RefusalOf is what an error of the storage client's says of an answer that refused the
// operation; nil if there was no such answer.
func RefusalOf(err error) *Refusal {
	var known *Refusal
	if err == nil || errors.As(err, &known) {
		return known
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		said := "no JSON: " + plain.Text(syntax.Error(), "", mostSaid)
		return (&Refusal{Said: said, err: err}).named(CauseProxy)
	}
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		if strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired)) { // to CONNECT
			return (&Refusal{Said: plain.Text(err.Error(), "", mostSaid), err: err}).named(CauseProxy)
		}
		return nil
	}
	answer = whole(answer)
	e := &Refusal{Status: answer.Code, Said: strings.TrimSpace(answer.Message), err: answer}
	body := strings.TrimSpace(answer.Body)
	html := strings.HasPrefix(body, "<") && !strings.HasPrefix(body, "<?xml")
	switch {
	case e.Said != "":
	case html:
		e.Said = "an HTML page" + title(body)
	case body != "" && body[0] != '{':
		e.Said = body
	default:
		e.Said = strings.ToLower(http.StatusText(answer.Code)) + ", without a word"
	}
	e.Said = plain.Text(e.Said, "", mostSaid)
	return e.named(causeOf(answer, e.Said, html))
}

// whole is the error with what its body says: the client does not read that of a media read.
func whole(answer *googleapi.Error) *googleapi.Error {
	var body struct{ Error googleapi.Error }
	if answer.Message != "" || json.Unmarshal([]byte(answer.Body), &body) != nil {
		return answer
	}
	read := *answer
	read.Message, read.Errors, read.Details = body.Error.Message, body.Error.Errors, body.Error.Details
	return &read
}

// causeOf judges an answer by its reason where the API has one of its own, else by the words
// that it is known for: a hold, and a constraint, come with the reasons of a missing
// permission and of a precondition.
func causeOf(answer *googleapi.Error, said string, html bool) Cause {
	reasons := ""
	for _, item := range answer.Errors {
		reasons += item.Reason + " "
	}
	details, _ := json.Marshal(answer.Details)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(said, w) || strings.Contains(reasons, w) || bytes.Contains(details, []byte(w)) {
				return true
			}
		}
		return false
	}
	switch {
	case answer.Code == http.StatusProxyAuthRequired, html:
		return CauseProxy
	case answer.Code >= 500 && answer.Code != http.StatusNotImplemented, answer.Code == http.StatusTooManyRequests:
		return CauseOther
	case has("VPC_SERVICE_CONTROLS", "vpcServiceControls"):
		return CausePerimeter
	case has("constraints/", "orgPolicyConstraintFailed", "OrgPolicy"):
		return CausePolicy
	case has("Cloud KMS", "cloudKms", "KEY_DISABLED"):
		return CauseKey
	case has("under active ", "objectUnderActiveHold"):
		return CauseHold
	case has("retentionPolicyNotMet", "retention policy"):
		return CauseRetention
	case has("bucket does not exist"):
		return CauseBucket
	case has("billing", "accountDisabled"):
		return CauseBilling
	case answer.Code == http.StatusForbidden:
		return CausePermission
	}
	return CauseOther
}

// Plainly is an error of the storage client's in words that are fit to be shown: a refusal as it is
// to be said, and no address with its query, which is hundreds of characters of what the client
// always asks for. It wraps err, or is a [*Refusal].
func Plainly(err error) error {
	if refusal := RefusalOf(err); refusal != nil {
		return refusal
	}
	said := err.Error()
	var asked *url.Error
	for rest := err; errors.As(rest, &asked); rest = asked.Err {
		if place, query, ok := strings.Cut(asked.URL, "?"); ok && query != "" {
			said = strings.ReplaceAll(said, asked.URL, place)
		}
	}
	if said == err.Error() {
		return err
	}
	return &plainError{said, err}
}

// plainError is an error in other words.
type plainError struct {
	said string
	err  error
}

func (e *plainError) Error() string { return e.said }

func (e *plainError) Unwrap() error { return e.err }

// title is the page's, which often says whose it is.
func title(page string) string {
	_, rest, _ := strings.Cut(page, "<title>")
	inside, _, ok := strings.Cut(rest, "</title>")
	if !ok || strings.TrimSpace(inside) == "" {
		return ""
	}
	return fmt.Sprintf(" with the title %q", plain.Text(strings.TrimSpace(inside), "", 80))
}
