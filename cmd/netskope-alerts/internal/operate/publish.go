package operate

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/pubsub/v1"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
)

var topicName = regexp.MustCompile(`^projects/[^/]+/topics/[^/]+$`)

const (
	publishBatch      = 100 // messages per request; Pub/Sub takes 1,000
	publishTries      = 8
	publishPermission = "pubsub.topics.publish"
)

// topic is one to which messages may be published.
type topic struct {
	name   string
	topics *pubsub.ProjectsTopicsService
}

// openTopic finds out whether there is the topic, and whether one may publish to it.
// PUBSUB_EMULATOR_HOST is honoured.
func openTopic(ctx context.Context, s cli.Streams, name string) (*topic, error) {
	var options []option.ClientOption
	if host, ok := s.Lookup("PUBSUB_EMULATOR_HOST"); ok && host != "" {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		options = append(options, option.WithEndpoint(host), option.WithoutAuthentication())
	}
	service, err := pubsub.NewService(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("open Pub/Sub: %w", cli.NoCredentials(err))
	}
	t := &topic{name, service.Projects.Topics}
	// A missing topic is one on which nobody may do anything; who may only publish may not get it.
	asked := &pubsub.TestIamPermissionsRequest{Permissions: []string{publishPermission}}
	may, err := t.topics.TestIamPermissions(name, asked).Context(ctx).Do()
	var answer *googleapi.Error
	switch {
	case err == nil && slices.Contains(may.Permissions, publishPermission):
		return t, nil
	case err == nil:
		return nil, fmt.Errorf("open topic %s: it is not there, or this account may not publish to it (%s, as in "+
			"roles/pubsub.publisher); nothing was published", name, publishPermission)
	case errors.As(err, &answer) && answer.Code == http.StatusNotImplemented: // an emulator
		_, err = t.topics.Get(name).Context(ctx).Do()
	}
	if err != nil {
		return nil, fmt.Errorf("open topic %s: %w; nothing was published", name, err)
	}
	return t, nil
}

// publish sends the messages to the topic, and says how many it has taken. A message whose answer
// was lost is sent again, so the topic may have it twice.
func (t *topic) publish(ctx context.Context, messages [][]byte) (sent int, err error) {
	for sent < len(messages) {
		batch := messages[sent:min(sent+publishBatch, len(messages))]
		request := &pubsub.PublishRequest{}
		for _, m := range batch {
			request.Messages = append(request.Messages,
				&pubsub.PubsubMessage{Data: base64.StdEncoding.EncodeToString(m)})
		}
		exponential := backoff.NewExponentialBackOff()
		exponential.InitialInterval, exponential.MaxInterval = 500*time.Millisecond, 15*time.Second
		_, err := backoff.Retry(ctx, func() (*pubsub.PublishResponse, error) {
			response, err := t.topics.Publish(t.name, request).Context(ctx).Do()
			if e, ok := err.(*googleapi.Error); ok && e.Code < 500 && e.Code != 429 && e.Code != 408 {
				err = backoff.Permanent(err)
			}
			return response, err
		}, backoff.WithBackOff(exponential), backoff.WithMaxTries(publishTries))
		if err != nil {
			return sent, fmt.Errorf(
				"publish to %s: %d of %d messages are published; the same command publishes again what is left: %w",
				t.name, sent, len(messages), err)
		}
		sent += len(batch)
	}
	return sent, nil
}
