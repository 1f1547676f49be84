package netskopetest

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// query is one accepted request.
type query struct {
	span   span
	start  int64 // as asked, epoch seconds
	end    int64
	limit  int // as asked; 0: not given
	offset int
	cursor *cursor // nil: the first page of a query, or the Offset dialect
}

// span selects alerts: those whose time lies within first and last, whole
// epoch seconds, both inclusive.
type span struct {
	insertion   bool
	first, last int64
}

var (
	//lint:ignore ST1005 the text is the API's own, as collectors have quoted it
	errNoTimes = errors.New("Time parameters are not passed")
	errExpired = errors.New("operation is unknown or has expired")
)

// parse accepts what the documentation describes for the dialect; its errors
// are the message of a 400.
func (s *Server) parse(raw string) (query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, fmt.Errorf("malformed query string: %w", err)
	}
	known := map[string]bool{
		"limit": true, "offset": true, "starttime": true, "endtime": true,
		"insertionstarttime": true, "insertionendtime": true,
		"operation": s.Dialect == Cursor,
	}
	for name, v := range values {
		if !known[name] {
			return query{}, fmt.Errorf("unknown parameter %q", name)
		}
		if len(v) != 1 {
			return query{}, fmt.Errorf("parameter %q is given more than once", name)
		}
	}
	var q query
	if values.Has("limit") {
		if q.limit, err = strconv.Atoi(values.Get("limit")); err != nil || q.limit < 1 {
			return query{}, errors.New("limit must be a positive integer")
		}
	}
	if values.Has("offset") {
		if q.offset, err = strconv.Atoi(values.Get("offset")); err != nil || q.offset < 0 {
			return query{}, errors.New("offset must be a non-negative integer")
		}
		if s.Dialect == Cursor && q.offset != 0 {
			return query{}, errors.New("offset cannot be used with this tenant")
		}
	}
	if values.Has("operation") {
		return s.follow(q, values)
	}
	q.span, q.start, q.end, err = s.times(values)
	return q, err
}

// follow completes a query that continues another through its cursor. The
// times may be left out; when given they must be those of the first request.
func (s *Server) follow(q query, values url.Values) (query, error) {
	c := s.find(values.Get("operation"))
	if c == nil {
		return query{}, errExpired
	}
	q.cursor, q.offset = c, c.position
	q.span, q.start, q.end = c.of.span, c.of.start, c.of.end
	if q.limit == 0 {
		q.limit = c.of.limit
	}
	for _, name := range []string{"starttime", "endtime", "insertionstarttime", "insertionendtime"} {
		if !values.Has(name) {
			continue
		}
		span, _, _, err := s.times(values)
		if err != nil {
			return query{}, err
		}
		if span != q.span {
			return query{}, errors.New("operation belongs to another query")
		}
		break
	}
	return q, nil
}

func (s *Server) times(values url.Values) (sp span, start, end int64, err error) {
	event := values.Has("starttime") || values.Has("endtime")
	insertion := values.Has("insertionstarttime") || values.Has("insertionendtime")
	if event && insertion {
		return span{}, 0, 0, errors.New("starttime/endtime and insertionstarttime/insertionendtime cannot be combined")
	}
	from, to := "starttime", "endtime"
	if insertion {
		from, to = "insertionstarttime", "insertionendtime"
	}
	if !values.Has(from) || !values.Has(to) {
		return span{}, 0, 0, errNoTimes
	}
	if start, err = epoch(from, values.Get(from)); err != nil {
		return span{}, 0, 0, err
	}
	if end, err = epoch(to, values.Get(to)); err != nil {
		return span{}, 0, 0, err
	}
	if end < start {
		return span{}, 0, 0, fmt.Errorf("%s is before %s", to, from)
	}
	sp = span{insertion: insertion, first: start + 1, last: end}
	if s.StartInclusive {
		sp.first--
	}
	if s.EndExclusive {
		sp.last--
	}
	return sp, start, end, nil
}

// epoch parses whole seconds. More than ten digits are surely milliseconds.
func epoch(name, text string) (int64, error) {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%s must be whole epoch seconds", name)
		}
	}
	if text == "" || len(text) > 10 {
		return 0, fmt.Errorf("%s must be whole epoch seconds", name)
	}
	return strconv.ParseInt(text, 10, 64)
}

func (q query) request(n int) Request {
	r := Request{
		N: n, Insertion: q.span.insertion,
		Start: time.Unix(q.start, 0).UTC(), End: time.Unix(q.end, 0).UTC(),
		Offset: q.offset, Limit: q.limit,
		First: q.offset == 0 && q.cursor == nil,
	}
	if q.cursor != nil {
		r.Operation = q.cursor.operation
	}
	return r
}
