package pubsubtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of a publish request: https://cloud.google.com/pubsub/quotas, and the
// two sizes as the service's own errors give them, of which the payload is the JSON
// and the request is what it stands for.
const (
	maxMessages   = 1000
	maxPayload    = 10 << 20
	maxRequest    = 10_000_000
	maxAttributes = 100
	maxKey        = 256
	maxValue      = 1024
)

// publish answers a publish request.
func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		panic(http.ErrAbortHandler) // the publisher is gone
	}
	if len(payload) > maxPayload {
		drain(r)
		failed(http.StatusBadRequest, "Request payload size exceeds the limit: %d bytes.", maxPayload).write(w)
		return
	}
	messages, refused := s.parse(payload)
	if refused != nil {
		refused.write(w)
		return
	}
	f := s.publishFaultFor(messages)
	if !s.sleep(f.Delay) {
		panic(http.ErrAbortHandler)
	}
	if f.Reset {
		hangUp(w, true)
		return
	}
	if f.Status != 0 {
		refusal(f.Status, f.RetryAfter).write(w)
		return
	}
	ids, accepted := s.accept(messages)
	if !accepted {
		refusal(http.StatusServiceUnavailable, "").write(w)
		return
	}
	switch f.Lost {
	case LostByReset, LostByClose:
		hangUp(w, f.Lost == LostByReset)
	case LostAs503:
		refusal(http.StatusServiceUnavailable, "").write(w)
	case LostAs504:
		refusal(http.StatusGatewayTimeout, "").write(w)
	default:
		ok(map[string][]string{"messageIds": ids}).write(w)
	}
}

// Publish publishes a message without a request and without faults, as Cloud
// Scheduler or another publisher does it, and returns its ID. It panics when the
// service would refuse the message, and when the Server is closed.
func (s *Server) Publish(data []byte, attributes map[string]string) string {
	m := Message{Data: bytes.Clone(data), Attributes: maps.Clone(attributes)}
	if fault := m.refused(); fault != "" {
		panic("pubsubtest: " + fault)
	}
	ids, accepted := s.accept([]Message{m})
	if !accepted {
		panic("pubsubtest: publish to a closed Server")
	}
	return ids[0]
}

// parse returns the messages of a request, or what the service answers in their
// stead.
func (s *Server) parse(payload []byte) ([]Message, *answer) {
	invalid := func(format string, args ...any) ([]Message, *answer) {
		a := failed(http.StatusBadRequest, format, args...)
		return nil, &a
	}
	var request struct {
		Messages []struct {
			Data        string            `json:"data"`
			Attributes  map[string]string `json:"attributes"`
			OrderingKey string            `json:"orderingKey"`
			MessageID   string            `json:"messageId"`
			PublishTime string            `json:"publishTime"`
		} `json:"messages"`
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil {
		return invalid("Invalid JSON payload received. %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return invalid("Invalid JSON payload received. Expected end of input.")
	}
	if len(request.Messages) == 0 {
		return invalid("The value for message_count is too small. You passed 0 in the request, but the minimum value is 1.")
	}
	if n := len(request.Messages); n > maxMessages {
		return invalid("The value for message_count is too large. You passed %d in the request, but the maximum value is %d.", n, maxMessages)
	}
	messages := make([]Message, len(request.Messages))
	size := len(s.topic())
	for i, sent := range request.Messages {
		switch {
		case sent.OrderingKey != "":
			a := notModelled("ordering keys")
			return nil, &a
		case sent.MessageID != "" || sent.PublishTime != "":
			return invalid("Invalid value at 'messages[%d]': message_id and publish_time must not be populated by the publisher.", i)
		}
		data, err := decode(sent.Data)
		if err != nil {
			return invalid("Invalid value at 'messages[%d].data' (TYPE_BYTES), Base64 decoding failed.", i)
		}
		m := Message{Data: data, Attributes: sent.Attributes}
		if fault := m.refused(); fault != "" {
			return invalid("%s", fault)
		}
		size += len(m.Data)
		for key, value := range m.Attributes {
			size += len(key) + len(value)
		}
		messages[i] = m
	}
	if size > maxRequest {
		return invalid("The value for request_size is too large. You passed %d in the request, but the maximum value is %d.", size, maxRequest)
	}
	return messages, nil
}

// refused says why the service refuses a message; "" if it does not.
func (m Message) refused() string {
	const more = " Refer to https://cloud.google.com/pubsub/quotas for more information."
	if len(m.Data) == 0 && len(m.Attributes) == 0 {
		return "One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute."
	}
	if n := len(m.Attributes); n > maxAttributes {
		return fmt.Sprintf("The value for attributes_count is too large. You passed %d in the request, but the maximum value is %d.", n, maxAttributes)
	}
	for _, key := range slices.Sorted(maps.Keys(m.Attributes)) {
		switch value := m.Attributes[key]; {
		case len(key) > maxKey:
			return fmt.Sprintf("The attribute \"\" in the request has a key that is too long. The length is %d characters, but the maximum allowed is %d."+more, len(key), maxKey)
		case key == "" || strings.HasPrefix(key, "goog"):
			return fmt.Sprintf("The attribute %q in the request has a key that is not allowed.", key)
		case len(value) > maxValue:
			return fmt.Sprintf("The attribute %q in the request has a value that is too long. The length is %d characters, but the maximum allowed is %d."+more, key, len(value), maxValue)
		}
	}
	return ""
}

// decode accepts both alphabets of base64, with and without padding, as Google's
// JSON does.
func decode(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.DecodeString(text)
}

// accept makes messages part of the topic and begins to deliver them. It reports
// false, and does nothing, when the Server is closed.
func (s *Server) accept(messages []Message) (ids []string, accepted bool) {
	published := s.now().Truncate(time.Millisecond) // as precise as recorded ones
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
	if s.closed {
		return nil, false
	}
	arrived := time.Now()
	for _, shown := range messages {
		m := &message{Message: shown, number: uint64(len(s.messages)), arrived: arrived}
		m.ID = strconv.FormatUint(scramble(s.Seed, m.number), 10)
		m.Published = published
		s.messages = append(s.messages, m)
		s.unacked++
		ids = append(ids, m.ID)
		m.owed = true
		s.enqueue(&push{message: m, due: arrived})
	}
	s.kick()
	return ids, true
}

// scramble is a hash of two numbers, after the finalizer of SplitMix64; for one seed
// no two numbers have the same.
func scramble(seed, n uint64) uint64 {
	x := seed + (n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
