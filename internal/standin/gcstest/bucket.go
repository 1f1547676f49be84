package gcstest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"
)

// bucketsMade is when every bucket was created and its policies took effect: the
// moment at which the time of testing/synctest begins.
var bucketsMade = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// bucketResource is a bucket as the JSON API shows it. See
// https://cloud.google.com/storage/docs/json_api/v1/buckets#resource.
type bucketResource struct {
	Kind             string           `json:"kind"`
	ID               string           `json:"id"`
	Name             string           `json:"name"`
	Location         string           `json:"location"`
	StorageClass     string           `json:"storageClass"`
	Metageneration   string           `json:"metageneration"`
	TimeCreated      string           `json:"timeCreated"`
	Updated          string           `json:"updated"`
	IAMConfiguration iamConfiguration `json:"iamConfiguration"`
	SoftDeletePolicy softDeletePolicy `json:"softDeletePolicy"`
	Versioning       *enabled         `json:"versioning,omitempty"`
	RetentionPolicy  *retentionPolicy `json:"retentionPolicy,omitempty"`
	Lifecycle        json.RawMessage  `json:"lifecycle,omitempty"`
}

type enabled struct {
	Enabled bool `json:"enabled"`
}

type iamConfiguration struct {
	UniformBucketLevelAccess enabled `json:"uniformBucketLevelAccess"`
	PublicAccessPrevention   string  `json:"publicAccessPrevention"`
}

type softDeletePolicy struct {
	Seconds       int64  `json:"retentionDurationSeconds,string"`
	EffectiveTime string `json:"effectiveTime"`
}

type retentionPolicy struct {
	Seconds       int64  `json:"retentionPeriod,string"`
	EffectiveTime string `json:"effectiveTime"`
	IsLocked      bool   `json:"isLocked,omitempty"`
}

// prepareBucket answers with a bucket's metadata. See
// https://cloud.google.com/storage/docs/json_api/v1/buckets/get.
func (s *Server) prepareBucket(c *call, r *http.Request) func() answer {
	return func() answer {
		name, made := c.request.Bucket, timeText(bucketsMade)
		b := bucketResource{
			Kind: "storage#bucket", ID: name, Name: name,
			Location: cmp.Or(s.Location, "US"), StorageClass: storageClass,
			Metageneration: "1", TimeCreated: made, Updated: made,
			IAMConfiguration: iamConfiguration{enabled{!s.FineGrained}, cmp.Or(s.PublicAccess, "enforced")},
			SoftDeletePolicy: softDeletePolicy{int64(s.SoftDelete / time.Second), made},
			Lifecycle:        s.Lifecycle,
		}
		if s.Versioning {
			b.Versioning = &enabled{true}
		}
		if s.Retention > 0 {
			b.RetentionPolicy = &retentionPolicy{int64(s.Retention / time.Second), made, s.RetentionLocked}
		}
		return ok(b)
	}
}
