package gcstest

import "net/http"

// prepareMove renames an object: under the new name it is a new generation, and
// nobody sees both or neither. See
// https://cloud.google.com/storage/docs/json_api/v1/objects/move.
func (s *Server) prepareMove(c *call, r *http.Request) func() answer {
	return func() answer {
		s.store.publish.Lock()
		defer s.store.publish.Unlock()
		bucket, name, destination := c.request.Bucket, c.request.Object, c.request.Destination
		switch {
		case name == destination:
			return failed(http.StatusBadRequest, "", "The source and destination object names must differ.")
		case c.params.source.exclude(), c.params.conditions.exclude():
			return failed(http.StatusBadRequest, "", "A precondition and its opposite are mutually exclusive.")
		}
		from, to := s.store.versions(bucket, name), s.store.versions(bucket, destination)
		if from.live == nil {
			return *s.missing(bucket, name)
		}
		if refusal := c.params.source.check(from.live, false); refusal != nil {
			return *refusal
		}
		if refusal := c.params.conditions.check(to.live, false); refusal != nil {
			return *refusal
		}
		// Documented for a move: without a live object this condition fails.
		if to.live == nil && c.params.conditions.notGeneration != nil {
			return *conditionFailed()
		}
		if refusal := s.mayRetire(from.live); refusal != nil {
			return *refusal
		}
		if refusal := s.mayReplace(to.live); refusal != nil {
			return *refusal
		}
		o := s.newObject(bucket, destination, from.live.fields, from.live.content)
		if refusal := s.mirrorRename(name, o); refusal != nil {
			return *refusal
		}
		from = from.retire(s.Versioning, o.created)
		to = to.retire(s.Versioning, o.created)
		to.live = o
		s.store.put(bucket, map[string]versions{name: from, destination: to})
		if s.Visible != nil {
			s.Visible(o.snapshot())
		}
		return ok(o.resource(r))
	}
}
