package pubsubtest

import (
	"cmp"
	"container/heap"
	"time"
)

// push is one delivery of a message, from when it is decided to its end.
type push struct {
	message *message
	due     time.Time
	url     string     // of the endpoint, from when it begins
	fault   *PushFault // nil until it is chosen
	rank    uint64     // among pushes due at the same time, or, in ready, among all
}

// queue is a heap of pushes.
type queue []*push

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Or(q[i].due.Compare(q[j].due), cmp.Compare(q[i].rank, q[j].rank)) < 0
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*push)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	p := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return p
}

// enqueue adds a push that waits for its time. The caller holds s.mu, and kicks.
func (s *Server) enqueue(p *push) {
	s.queued++
	p.rank = s.queued
	p.message.open++
	s.open++
	heap.Push(&s.waiting, p)
}

// kick begins what can begin, and sets the timer for the next. The caller holds s.mu.
func (s *Server) kick() {
	s.start()
	if s.closed || s.Endpoint == "" {
		return
	}
	for now := time.Now(); len(s.waiting) > 0 && !s.waiting[0].due.After(now); {
		p := heap.Pop(&s.waiting).(*push)
		if s.Shuffle {
			p.due, p.rank = time.Time{}, scramble(s.Seed, p.rank)
		}
		heap.Push(&s.ready, p)
	}
	for s.running < s.concurrency() && len(s.ready) > 0 {
		p := heap.Pop(&s.ready).(*push)
		if s.outdated(p.message, time.Now()) {
			s.settle(p.message)
			continue
		}
		s.running++
		p.url = s.Endpoint
		s.flights.Go(func() { s.deliver(p) })
	}
	if len(s.waiting) == 0 {
		return
	}
	wait := time.Until(s.waiting[0].due)
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.tick)
		return
	}
	s.timer.Reset(wait)
}

func (s *Server) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kick()
}

// settle counts a push of a message as over, and, if the message needs another,
// queues it or gives the message up. The caller holds s.mu, and kicks.
func (s *Server) settle(m *message) {
	m.open--
	s.open--
	defer s.wake()
	if !m.owed || m.open > 0 { // or its twin decides
		return
	}
	m.failures++
	next := time.Now().Add(s.backoff(m.failures))
	switch {
	case !s.outdated(m, next):
		s.enqueue(&push{message: m, due: next})
	case !m.Acknowledged:
		m.owed, m.Expired = false, true
		s.unacked--
	default:
		m.owed = false
	}
}

// outdated reports whether a message is beyond its retention at a time.
func (s *Server) outdated(m *message, at time.Time) bool {
	return m.owed && at.Sub(m.arrived) > cmp.Or(s.Retention, 24*time.Hour)
}

// backoff is the wait after so many failures.
func (s *Server) backoff(failures int) time.Duration {
	wait, longest := cmp.Or(s.MinBackoff, 10*time.Second), cmp.Or(s.MaxBackoff, 600*time.Second)
	for range failures - 1 {
		if wait >= longest {
			break
		}
		wait *= 2
	}
	return min(wait, longest)
}

// wake tells those who wait that something has changed. The caller holds s.mu.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
