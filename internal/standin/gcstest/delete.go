package gcstest

import "net/http"

// prepareDelete removes an object. With Server.Versioning it is kept as
// noncurrent, unless the request names the generation: that one is removed for
// good, also if it is live. See
// https://cloud.google.com/storage/docs/json_api/v1/objects/delete and
// https://cloud.google.com/storage/docs/object-versioning.
func (s *Server) prepareDelete(c *call, r *http.Request) func() answer {
	return func() answer {
		refusal := s.remove(c.request.Bucket, c.request.Object, c.params.generation, s.mayDelete(c.params))
		if refusal != nil {
			return *refusal
		}
		return empty(http.StatusNoContent)
	}
}

func (s *Server) remove(bucket, name string, generation int64, may func(*object) *answer) *answer {
	s.store.publish.Lock()
	defer s.store.publish.Unlock()
	before := s.store.versions(bucket, name)
	o := before.find(generation)
	if o == nil {
		return s.missing(bucket, name)
	}
	if refusal := may(o); refusal != nil {
		return refusal
	}
	if o == before.live {
		if refusal := s.mirrorRemove(name); refusal != nil {
			return refusal
		}
	}
	after := before.change(o, nil)
	if s.Versioning && generation == 0 {
		after = before.retire(true, s.now())
	}
	s.store.put(bucket, map[string]versions{name: after})
	return nil
}
