package operate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// maxEvent is the largest event that is read, in bytes: Pub/Sub's own limit, in base64.
const maxEvent = 16 << 20

// served is the function over HTTP: at every path, for an event in every form in which Eventarc,
// a push subscription and their emulators send one. It differs from the functions framework,
// which serves it in Cloud Run, in what it refuses: requests that a page in a browser makes. The
// framework cannot be told to; in Cloud Run nobody but the trigger is let through.
//
// Where it listens on this machine alone, it answers to this machine's names alone: a page may
// have its own name resolve to 127.0.0.1, and is then of the same origin.
func served(ctx context.Context, loopback bool, run func(context.Context, cloudevents.Event) error) (http.Handler,
	error) {
	protocol, err := cloudevents.NewHTTP()
	if err != nil {
		return nil, fmt.Errorf("serve events: %w", err)
	}
	events, err := cloudevents.NewHTTPReceiveHandler(ctx, protocol, run)
	if err != nil {
		return nil, fmt.Errorf("serve events: %w", err)
	}
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "refused: the request comes from a page of another site; "+
			"only what is not sent by a browser, as by the curl line that serve prints, starts a run",
			http.StatusForbidden)
	}))
	return protection.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case loopback && !isThisMachine(r.Host):
			http.Error(w, fmt.Sprintf("refused: the request is for the host %q, but serve listens on this machine alone; "+
				"ask for http://127.0.0.1, or listen on another address with --host", r.Host), http.StatusForbidden)
			return
		case r.Header.Get("Ce-Id") == "" && !strings.Contains(r.Header.Get("Content-Type"), "cloudevents"):
			if err := pushed(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		events.ServeHTTP(w, r)
	})), nil
}

// isThisMachine reports whether the Host of a request names this machine as seen from itself.
func isThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// pushed gives a message that a push subscription sends, without being a CloudEvent, the headers
// of one.
func pushed(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	if err != nil {
		return fmt.Errorf("read the event: %w", err)
	}
	var push struct {
		Message *struct {
			ID            string `json:"messageId"`
			Published     string `json:"publishTime"`
			EmulatorID    string `json:"message_id"`
			EmulatorsTime string `json:"publish_time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(body, &push); err != nil || push.Message == nil {
		return errors.New("refused: neither a CloudEvent nor a Pub/Sub message; serve prints a curl line that sends one")
	}
	topic := "projects/local/topics/tick"
	if path := strings.Trim(r.URL.Path, "/"); strings.HasPrefix(path, "projects/") {
		topic = path
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Ce-Specversion": "1.0",
		"Ce-Id":   cmp.Or(push.Message.ID, push.Message.EmulatorID, rand.Text()),
		"Ce-Time": cmp.Or(push.Message.Published, push.Message.EmulatorsTime),
		"Ce-Type": "google.cloud.pubsub.topic.v1.messagePublished", "Ce-Source": "//pubsub.googleapis.com/" + topic,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}
