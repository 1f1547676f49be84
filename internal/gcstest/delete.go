package gcstest

import "net/http"

// prepareDelete removes an object for good: there is no versioning and no soft
// delete. See https://cloud.google.com/storage/docs/json_api/v1/objects/delete.
func (s *Server) prepareDelete(c *call, r *http.Request) func() answer {
	return func() answer {
		if refusal := s.deleteLive(c.request.Bucket, c.request.Object, c.params); refusal != nil {
			return *refusal
		}
		return empty(http.StatusNoContent)
	}
}

func (s *Server) deleteLive(bucket, name string, p params) *answer {
	s.store.publish.Lock()
	defer s.store.publish.Unlock()
	o := s.store.lookup(bucket, name, p.generation)
	if o == nil {
		return refuse(objectMissing(bucket, name))
	}
	if refusal := p.conditions.check(o, false); refusal != nil {
		return refusal
	}
	if refusal := s.mirrorRemove(name); refusal != nil {
		return refusal
	}
	s.store.remove(bucket, name)
	return nil
}
