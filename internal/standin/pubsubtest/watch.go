package pubsubtest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Message is a message of the topic. Its Data and Attributes belong to the Server: do
// not change them.
type Message struct {
	// ID is unique in the topic, and the ID of the events that deliver the message.
	ID string
	// Published is when the topic took it, in UTC, by Server.Now, whole milliseconds.
	Published  time.Time
	Data       []byte
	Attributes map[string]string

	// Pushes are the deliveries that have begun, in this order.
	Pushes []Push
	// Acknowledged tells whether a push of it was ever acknowledged.
	Acknowledged bool
	// Expired tells whether it was given up before that.
	Expired bool
}

// Push is one delivery of a message.
type Push struct {
	// Began and Ended are by the time package's clock. Ended is zero while the push
	// is under way.
	Began, Ended time.Time
	// Status is the answer's; 0 if there was none.
	Status int
	// Err says why there was no whole answer in time.
	Err error
	// Acknowledged tells whether the answer acknowledged the message, and was heard.
	Acknowledged bool
}

// Delivered is how many of a message's pushes were answered in time, well or not.
func (m Message) Delivered() int {
	n := 0
	for _, p := range m.Pushes {
		if p.Status != 0 {
			n++
		}
	}
	return n
}

// message is a Message with what the Server knows of it.
type message struct {
	Message
	number   uint64    // in the order of publishing, from 0
	arrived  time.Time // by the time package's clock
	open     int       // pushes of it waiting, ready or under way
	owed     bool      // it is to be pushed until it is acknowledged
	failures int       // since it was published or acknowledged
}

// show returns the message as it stands. The caller holds the Server's mu.
func (m *message) show() Message {
	shown := m.Message
	shown.Pushes = slices.Clone(m.Pushes)
	return shown
}

// Messages returns all messages ever published, in this order.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Message, len(s.messages))
	for i, m := range s.messages {
		all[i] = m.show()
	}
	return all
}

// WaitAcknowledged waits until every message is acknowledged or expired. Pushes of
// acknowledged messages may still be under way or to come. It fails when ctx ends, or
// the Server is closed, before.
func (s *Server) WaitAcknowledged(ctx context.Context) error {
	return s.wait(ctx, func() error {
		if s.unacked > 0 {
			return fmt.Errorf("%d of %d messages are not acknowledged", s.unacked, len(s.messages))
		}
		return nil
	})
}

// WaitQuiet waits until no push is under way or to come, those of PushFault.Again
// included: until nothing more happens unless somebody publishes. It fails when ctx
// ends, or the Server is closed, before.
func (s *Server) WaitQuiet(ctx context.Context) error {
	return s.wait(ctx, func() error {
		if s.open > 0 {
			return fmt.Errorf("%d pushes are under way or to come", s.open)
		}
		return nil
	})
}

// wait waits until what pending says is nil.
func (s *Server) wait(ctx context.Context, pending func() error) error {
	for {
		s.mu.Lock()
		s.start()
		err, changed, life := pending(), s.changed, s.life
		s.mu.Unlock()
		if err == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for deliveries: %w: %w", err, ctx.Err())
		case <-life.Done():
			return fmt.Errorf("wait for deliveries: %w: the topic is closed", err)
		}
	}
}
