package pubsubtest

import "time"

// PublishRequest is a publish request as told to Server.PublishFault.
type PublishRequest struct {
	// N counts the requests that a fault was chosen for, from 1.
	N int
	// Messages are those to be published; they have no ID and no time yet.
	Messages []Message
}

// PublishFault is what goes wrong with one publish request; its zero value is
// nothing. Delay comes first; then Reset, Status and Lost are looked at in this
// order.
type PublishFault struct {
	// Delay passes between the request's arrival, with its whole body, and its
	// execution, which follows even if the publisher has given up meanwhile.
	Delay time.Duration
	// Reset resets the connection (RST) without publishing anything.
	Reset bool
	// Status, unless 0, is the answer; nothing is published. RetryAfter, unless
	// empty, is its Retry-After header.
	Status     int
	RetryAfter string
	// Lost publishes the messages and loses the answer: a publisher that repeats the
	// request makes every message twice, under two IDs.
	Lost Lost
}

// Lost is the way in which the answer to an executed request is lost.
type Lost int

const (
	NotLost     Lost = iota // it is not
	LostByReset             // the connection is reset (RST)
	LostByClose             // the connection is closed in an orderly way (FIN)
	LostAs503               // 503 takes its place
	LostAs504               // 504 takes its place; documented as "may or may not execute"
)

// PushFault is what goes wrong with one push; its zero value is nothing.
type PushFault struct {
	// Delay passes before the push begins, without a place of Concurrency, so that
	// other messages overtake this one.
	Delay time.Duration
	// Unreachable keeps the push from reaching the endpoint: a failure.
	Unreachable bool
	// Unheard loses the answer, so that an acknowledgement is none: the endpoint has
	// done the work and gets the message again.
	Unheard bool
	// Twin sends a second push of the same message at the same moment. Either can
	// acknowledge it, unless Unheard.
	Twin bool
	// Again, unless 0, pushes the message once more that long after this push, or its
	// twin, has acknowledged it. That push is chosen a fault for like any other.
	Again time.Duration
}

// PermissionDenied is the 403 of a publisher without roles/pubsub.publisher.
func PermissionDenied() PublishFault { return PublishFault{Status: 403} }

// Exhausted is the 429 of a publisher beyond its quota.
func Exhausted() PublishFault { return PublishFault{Status: 429} }

// Unavailable is the 503 that the documentation asks publishers to repeat.
func Unavailable() PublishFault { return PublishFault{Status: 503} }

func (s *Server) publishFaultFor(messages []Message) PublishFault {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	s.requests++
	if s.PublishFault != nil {
		if f := s.PublishFault(PublishRequest{N: s.requests, Messages: messages}); f != (PublishFault{}) {
			return f
		}
	}
	return s.Menu.publishFault(s.Seed, uint64(s.requests))
}

func (s *Server) pushFaultFor(m *message) PushFault {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	s.mu.Lock()
	shown := m.show()
	s.mu.Unlock()
	if s.PushFault != nil {
		if f := s.PushFault(shown); f != (PushFault{}) {
			return f
		}
	}
	return s.Menu.pushFault(s.Seed, m.number, len(shown.Pushes))
}

// sleep reports whether d passed before the Server was closed.
func (s *Server) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	s.mu.Lock()
	s.start()
	life := s.life
	s.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-life.Done():
		return false
	}
}
