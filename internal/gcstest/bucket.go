package gcstest

import (
	"net/http"
	"slices"
)

// prepareBucket answers with the little of a bucket's metadata that does not
// depend on features that are not modelled. See
// https://cloud.google.com/storage/docs/json_api/v1/buckets#resource.
func (s *Server) prepareBucket(c *call, r *http.Request) func() answer {
	return func() answer {
		location := s.Location
		if location == "" {
			location = "US"
		}
		type enabled struct {
			Enabled bool `json:"enabled"`
		}
		type access struct {
			UniformBucketLevelAccess enabled `json:"uniformBucketLevelAccess"`
			PublicAccessPrevention   string  `json:"publicAccessPrevention"`
		}
		return ok(struct {
			Kind             string `json:"kind"`
			ID               string `json:"id"`
			Name             string `json:"name"`
			Location         string `json:"location"`
			StorageClass     string `json:"storageClass"`
			Metageneration   string `json:"metageneration"`
			IAMConfiguration access `json:"iamConfiguration"`
		}{
			"storage#bucket", c.request.Bucket, c.request.Bucket, location, storageClass, "1",
			access{enabled{true}, "enforced"},
		})
	}
}

// preparePermissions answers with those of the permissions asked about that the
// caller has: all but the denied. See
// https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions.
func (s *Server) preparePermissions(c *call, r *http.Request) func() answer {
	return func() answer {
		held := slices.DeleteFunc(slices.Clone(c.params.query["permissions"]), func(p string) bool {
			return slices.Contains(s.Deny, p)
		})
		return ok(struct {
			Kind        string   `json:"kind"`
			Permissions []string `json:"permissions,omitempty"`
		}{"storage#testIamPermissionsResponse", held})
	}
}
