package gcstest

import (
	"net/http"
	"slices"
	"strings"
)

// The permissions that operations need, from
// https://cloud.google.com/storage/docs/access-control/iam-json.
const (
	createObjects = "storage.objects.create"
	deleteObjects = "storage.objects.delete"
	getObjects    = "storage.objects.get"
	listObjects   = "storage.objects.list"
	moveObjects   = "storage.objects.move"
	updateObjects = "storage.objects.update"
	getBuckets    = "storage.buckets.get"
)

// needs is what each operation needs in any case. The URI of a resumable session
// is all that requests to the session need.
var needs = map[Op][]string{
	GetObject:    {getObjects},
	ReadMedia:    {getObjects},
	Insert:       {createObjects},
	StartUpload:  {createObjects},
	ListObjects:  {listObjects},
	DeleteObject: {deleteObjects},
	PatchObject:  {updateObjects},
	MoveObject:   {createObjects},
	GetBucket:    {getBuckets},
}

// allow refuses a call that lacks a permission it needs whatever it finds.
func (s *Server) allow(c *call) *answer {
	if refusal := s.permit(needs[c.request.Op]...); refusal != nil || c.request.Op != MoveObject {
		return refusal
	}
	// Moving takes one permission of its own, or two.
	if s.permit(moveObjects) == nil {
		return nil
	}
	return s.permit(deleteObjects, getObjects)
}

// permit refuses if the caller lacks one of the permissions.
func (s *Server) permit(permissions ...string) *answer {
	for _, p := range permissions {
		if slices.Contains(s.Deny, p) {
			resource := "object"
			if strings.HasPrefix(p, "storage.buckets.") || p == listObjects {
				resource = "bucket"
			}
			return refuse(failed(http.StatusForbidden, "",
				"caller@gcstest.iam.gserviceaccount.com does not have %s access to the Google Cloud Storage %s. Permission '%s' denied on resource (or it may not exist).",
				p, resource, p))
		}
	}
	return nil
}

// missing answers a request for an object that is not there: only who may list
// the bucket's objects is told so.
func (s *Server) missing(bucket, name string) *answer {
	if refusal := s.permit(listObjects); refusal != nil {
		return refusal
	}
	return refuse(failed(http.StatusNotFound, "", "No such object: %s/%s", bucket, name))
}

// preparePermissions answers with those of the permissions asked about that the
// caller is said to have. It needs no permission itself. See
// https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions.
func (s *Server) preparePermissions(c *call, r *http.Request) func() answer {
	return func() answer {
		missing := s.Deny
		if s.DenyReported != nil {
			missing = s.DenyReported
		}
		held := slices.DeleteFunc(slices.Clone(c.params.query["permissions"]), func(p string) bool {
			return slices.Contains(missing, p)
		})
		return ok(struct {
			Kind        string   `json:"kind"`
			Permissions []string `json:"permissions,omitempty"`
		}{"storage#testIamPermissionsResponse", held})
	}
}
