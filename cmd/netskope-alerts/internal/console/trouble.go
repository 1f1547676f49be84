package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/ledger"
)

// errSlow says that the bucket took longer than a page may.
type errSlow time.Duration

func (e errSlow) Error() string {
	return "the bucket was not read within " + text.Span(time.Duration(e))
}

// because is the error with which reading ended.
func because(ctx context.Context, err error) error {
	var slow errSlow
	if errors.As(context.Cause(ctx), &slow) && !errors.Is(err, slow) {
		return fmt.Errorf("%w: %w", slow, err)
	}
	return err
}

// trouble is why something could not be read, and what to do about it.
type trouble struct {
	sentence string
	remedy   text.Remedy
	words    string // of whoever refused
}

func troubleOf(err error, bucket string) trouble {
	t := trouble{words: text.Clean(err.Error())}
	var answer *googleapi.Error
	var slow errSlow
	refused := errors.As(err, &answer)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		t.sentence = "Nobody answers where Cloud Storage should be."
		t.remedy.Text = "See that this machine can reach storage.googleapis.com."
		if host := os.Getenv("STORAGE_EMULATOR_HOST"); host != "" {
			t.remedy.Text = "STORAGE_EMULATOR_HOST=" + host + " is where it is looked for: start the emulator, or unset it."
		}
	case errors.Is(err, storage.ErrBucketNotExist), refused && answer.Code == http.StatusNotFound:
		t.sentence = "There is no bucket " + bucket + "."
		t.remedy = text.Remedy{Text: "GCS_BUCKET names it. The buckets of the project are:",
			Command: "gcloud storage buckets list --format='value(name)'"}
	case refused && answer.Code == http.StatusUnauthorized, isCredential(err):
		t.sentence = "Google does not know who is asking."
		t.remedy = text.Remedy{Text: "Log in again; the page then reads the bucket when it is reloaded:",
			Command: "gcloud auth application-default login"}
	case refused && answer.Code == http.StatusForbidden:
		t.sentence = "The bucket may not be read by whoever started the console."
		t.remedy = text.Remedy{Text: "Grant that account the right to read it:",
			Command: "gcloud storage buckets add-iam-policy-binding " + quoted("gs://"+bucket) +
				" --role=roles/storage.objectViewer --member=user:EMAIL"}
	case errors.Is(err, ledger.ErrForeign):
		t.sentence = "The bucket holds another collector's ledger."
		t.remedy.Text = "Unset NETSKOPE_TENANT, which the console does not need, or set GCS_PREFIX to this tenant's folder."
	case errors.As(err, &slow), errors.Is(err, gcs.ErrOutage), errors.Is(err, context.DeadlineExceeded):
		t.sentence = "Cloud Storage does not answer in time."
		t.remedy.Text = "See whether this machine is online, and https://status.cloud.google.com. " +
			"The page reads the bucket again when it is reloaded."
	default:
		t.sentence = "The bucket cannot be read as the collector's."
		t.remedy = text.Remedy{Text: "What is wrong, and what to do about it, says:", Command: "netskope-alerts check"}
	}
	return t
}

// isCredential reports whether there was nothing to show who is asking. The client's libraries
// have no value for it.
func isCredential(err error) bool {
	return strings.Contains(err.Error(), "could not find default credentials") ||
		strings.Contains(err.Error(), "invalid_grant")
}

// quoted is the word as a shell takes it.
func quoted(word string) string {
	return "'" + strings.ReplaceAll(text.Clean(word), "'", `'\''`) + "'"
}
