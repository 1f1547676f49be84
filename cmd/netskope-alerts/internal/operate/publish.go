package operate

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
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
	publishBatch = 100 // messages per request; Pub/Sub takes 1,000
	publishTries = 8
)

// publish sends the messages to the topic. PUBSUB_EMULATOR_HOST is honoured. A message
// whose answer was lost is sent again, so the topic may have it twice.
func publish(ctx context.Context, s cli.Streams, topic string, messages [][]byte) error {
	if !topicName.MatchString(topic) {
		return fmt.Errorf("--topic %q: want projects/PROJECT/topics/TOPIC", topic)
	}
	var options []option.ClientOption
	if host, ok := s.Lookup("PUBSUB_EMULATOR_HOST"); ok && host != "" {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		options = append(options, option.WithEndpoint(host), option.WithoutAuthentication())
	}
	service, err := pubsub.NewService(ctx, options...)
	if err != nil {
		return fmt.Errorf("open Pub/Sub: %w", err)
	}
	for sent := 0; sent < len(messages); {
		batch := messages[sent:min(sent+publishBatch, len(messages))]
		request := &pubsub.PublishRequest{}
		for _, m := range batch {
			request.Messages = append(request.Messages,
				&pubsub.PubsubMessage{Data: base64.StdEncoding.EncodeToString(m)})
		}
		exponential := backoff.NewExponentialBackOff()
		exponential.InitialInterval, exponential.MaxInterval = 500*time.Millisecond, 15*time.Second
		_, err := backoff.Retry(ctx, func() (*pubsub.PublishResponse, error) {
			response, err := service.Projects.Topics.Publish(topic, request).Context(ctx).Do()
			if e, ok := err.(*googleapi.Error); ok && e.Code < 500 && e.Code != 429 && e.Code != 408 {
				err = backoff.Permanent(err)
			}
			return response, err
		}, backoff.WithBackOff(exponential), backoff.WithMaxTries(publishTries))
		if err != nil {
			return fmt.Errorf(
				"publish to %s: %d of %d messages are published; the same command publishes again what is left: %w",
				topic, sent, len(messages), err)
		}
		sent += len(batch)
	}
	return nil
}
