package gcloudtest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// bucketName is the form of a bucket's name without dots.
// https://cloud.google.com/storage/docs/buckets#naming
var bucketName = regexp.MustCompile(`^[a-z0-9][-_a-z0-9]{1,61}[a-z0-9]$`)

func (s *Server) bucket(c *call) (*resource, error) {
	name := c.params["bucket"]
	if r, ok := s.stored[buckets][name]; ok {
		return r, nil
	}
	if slices.Contains(s.Taken, name) {
		return nil, refuse(http.StatusForbidden, "forbidden",
			"%s does not have storage.buckets.get access to the Google Cloud Storage bucket", s.account())
	}
	return nil, refuse(http.StatusNotFound, "notFound", "the specified bucket does not exist")
}

func listBuckets(s *Server, c *call) (any, error) {
	all := []any{}
	for _, name := range s.names(buckets, c.first("prefix")) {
		all = append(all, s.stored[buckets][name].fields)
	}
	return object{"kind": "storage#buckets", "items": all}, nil
}

func createBucket(s *Server, c *call) (any, error) {
	name := text(c.body, "name")
	switch _, mine := s.stored[buckets][name]; {
	case c.first("project") != s.project() && c.first("project") != s.number():
		return nil, refuse(http.StatusForbidden, "forbidden",
			"%s does not have storage.buckets.create access to the Google Cloud project", s.account())
	case !bucketName.MatchString(name):
		return nil, refuse(http.StatusBadRequest, "invalid", "invalid bucket name: %q", name)
	case mine:
		return nil, refuse(http.StatusConflict, "conflict", "your previous request to create the named bucket succeeded and you already own it")
	case slices.Contains(s.Taken, name):
		return nil, refuse(http.StatusConflict, "conflict", "the requested bucket name is not available: it is shared by all users of the system")
	case s.Unbilled:
		return nil, refuse(http.StatusForbidden, "accountDisabled", "%s", unbilled(s.number()))
	}
	fields := clone(object{
		"kind": "storage#bucket", "id": name, "location": "US", "storageClass": "STANDARD",
		"projectNumber": s.number(), "metageneration": "1", "etag": "CAE=",
		"timeCreated": s.stamp(), "updated": s.stamp(),
		"iamConfiguration": object{
			"publicAccessPrevention":   "inherited",
			"uniformBucketLevelAccess": object{"enabled": false}, "bucketPolicyOnly": object{"enabled": false},
		},
		"softDeletePolicy": object{"retentionDurationSeconds": "604800", "effectiveTime": s.stamp()},
	})
	merge(fields, c.body)
	fields["location"] = strings.ToUpper(text(fields, "location"))
	fields["locationType"] = locationType(text(fields, "location"))
	if err := s.checkBucketKey(fields); err != nil {
		return nil, err
	}
	r, err := s.insert(buckets, name, fields)
	if err != nil {
		return nil, err
	}
	r.roles = map[string][]string{
		"roles/storage.legacyBucketOwner":  {"projectEditor:" + s.project(), "projectOwner:" + s.project()},
		"roles/storage.legacyBucketReader": {"projectViewer:" + s.project()},
	}
	return r.fields, nil
}

func locationType(location string) string {
	switch location {
	case "US", "EU", "ASIA":
		return "multi-region"
	case "NAM4", "EUR4", "EUR5", "EUR7", "EUR8", "ASIA1":
		return "dual-region"
	}
	return "region"
}

func describeBucket(s *Server, c *call) (any, error) {
	r, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func updateBucket(s *Server, c *call) (any, error) {
	r, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	generation := text(r.fields, "metageneration")
	if want := c.first("ifMetagenerationMatch"); want != "" && want != generation {
		return nil, refuse(http.StatusPreconditionFailed, "conditionNotMet", "the bucket's metageneration is %s", generation)
	}
	if location, ok := c.body["location"].(string); ok && !strings.EqualFold(location, text(r.fields, "location")) {
		return nil, refuse(http.StatusBadRequest, "invalid", "a bucket's location cannot be changed")
	}
	fields := clone(r.fields)
	merge(fields, c.body)
	if err := s.checkBucketKey(fields); err != nil {
		return nil, err
	}
	r.fields = fields
	n, err := strconv.Atoi(generation)
	if err != nil {
		return nil, err
	}
	r.fields["metageneration"] = strconv.Itoa(n + 1)
	r.fields["updated"] = s.stamp()
	return r.fields, nil
}

func deleteBucket(s *Server, c *call) (any, error) {
	if _, err := s.bucket(c); err != nil {
		return nil, err
	}
	if len(s.names(objects, c.params["bucket"]+"/")) > 0 {
		return nil, refuse(http.StatusConflict, "conflict", "the bucket you tried to delete is not empty")
	}
	for _, name := range s.names(notifications, c.params["bucket"]+"/") {
		delete(s.stored[notifications], name)
	}
	delete(s.stored[buckets], c.params["bucket"])
	return object{}, nil
}

func showBucketPolicy(s *Server, c *call) (any, error) {
	r, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	return r.policy(), nil
}

func replaceBucketPolicy(s *Server, c *call) (any, error) {
	r, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	if text(r.fields, "iamConfiguration", "publicAccessPrevention") == "enforced" && public(c.body) {
		return nil, refuse(http.StatusPreconditionFailed, "conditionNotMet", "the member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced")
	}
	o, err := s.setPolicy(r, c.body)
	if e, ok := err.(*refusal); ok {
		switch e.status {
		case http.StatusConflict:
			return nil, refuse(http.StatusPreconditionFailed, "conditionNotMet", "%s", e.text)
		case http.StatusBadRequest:
			return nil, refuse(e.status, "invalid", "%s", e.text)
		}
	}
	return o, err
}

func public(policy object) bool {
	list, _ := policy["bindings"].([]any)
	return slices.ContainsFunc(list, func(b any) bool {
		binding, _ := b.(object)
		members, _ := binding["members"].([]any)
		return slices.Contains(members, any("allUsers")) || slices.Contains(members, any("allAuthenticatedUsers"))
	})
}
