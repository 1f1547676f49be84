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
		source := s.store.lookup(bucket, name, 0)
		if source == nil {
			return objectMissing(bucket, name)
		}
		if refusal := c.params.source.check(source, false); refusal != nil {
			return *refusal
		}
		replaced := s.store.lookup(bucket, destination, 0)
		if refusal := c.params.conditions.check(replaced, false); refusal != nil {
			return *refusal
		}
		// Documented for a move: without a live object this condition fails.
		if replaced == nil && c.params.conditions.notGeneration != nil {
			return *conditionFailed()
		}
		if refusal := s.mirrorRename(name, destination); refusal != nil {
			return *refusal
		}
		o := s.newObject(bucket, destination, source.fields, source.content)
		s.store.rename(source, o)
		if s.Visible != nil {
			s.Visible(o.snapshot())
		}
		return ok(o.resource(r))
	}
}
