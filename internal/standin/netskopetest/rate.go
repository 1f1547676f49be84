package netskopetest

import (
	"net/http"
	"strconv"
	"time"
)

// rateWindow counts the requests let in during one calendar second.
type rateWindow struct {
	second int64
	used   int
}

// admit counts a request against RateLimit, sets the headers that tell of it,
// and reports whether the request may pass. Names and meaning of the headers
// are those of Netskope's page on the dataexport endpoints: all in seconds,
// Retry-After only when the limit is exceeded.
func (s *Server) admit(h http.Header) bool {
	if s.RateLimit <= 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := time.Now().Unix(); second != s.rate.second {
		s.rate = rateWindow{second: second}
	}
	admitted := s.rate.used < s.RateLimit
	if admitted {
		s.rate.used++
	}
	h.Set("RateLimit-Limit", strconv.Itoa(s.RateLimit))
	h.Set("RateLimit-Remaining", strconv.Itoa(s.RateLimit-s.rate.used))
	h.Set("RateLimit-Reset", "1")
	if !admitted {
		h.Set("Retry-After", "1")
	}
	return admitted
}
