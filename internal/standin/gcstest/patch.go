package gcstest

import (
	"encoding/json"
	"io"
	"net/http"
)

// preparePatch changes an object's metadata: PATCH changes what it names, PUT
// sets everything anew. See
// https://cloud.google.com/storage/docs/json_api/v1/objects/patch.
func (s *Server) preparePatch(c *call, r *http.Request) func() answer {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	return func() answer {
		given := make(map[string]json.RawMessage)
		if err := json.Unmarshal(body, &given); err != nil {
			return failed(http.StatusBadRequest, "parseError", "object resource: %v", err)
		}
		// Echoed by clients that send back what they were given.
		for _, key := range []string{"name", "bucket", "crc32c", "md5Hash"} {
			delete(given, key)
		}
		var class string
		if refusal := take(given, "storageClass", &class); refusal != nil {
			return *refusal
		}
		if class != "" && class != storageClass {
			return notModelled("changing the storage class")
		}
		s.store.publish.Lock()
		defer s.store.publish.Unlock()
		bucket, name := c.request.Bucket, c.request.Object
		before := s.store.versions(bucket, name)
		o := before.find(c.params.generation)
		if o == nil {
			return *s.missing(bucket, name)
		}
		if refusal := c.params.conditions.check(o, false); refusal != nil {
			return *refusal
		}
		patched := *o
		if r.Method == http.MethodPut {
			patched.fields = fields{}
		}
		if refusal := patched.fields.patch(given); refusal != nil {
			return *refusal
		}
		patched.Metageneration++
		patched.updated = s.now()
		if err := s.store.mirror.note(&patched); err != nil {
			return failed(http.StatusInternalServerError, "", "keep %q: %v", name, err)
		}
		s.store.put(bucket, map[string]versions{name: before.change(o, &patched)})
		return ok(patched.resource(r))
	}
}
