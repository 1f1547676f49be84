package gcloudtest

import (
	"net/http"
	"strconv"
	"strings"
)

// Put makes an object appear in a bucket, to see what deleting does. Whether
// the bucket exists is not looked at.
func (s *Server) Put(bucket, name string, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stored[objects], bucket+"/"+name)
	_, _ = s.insert(objects, bucket+"/"+name, object{
		"kind": "storage#object", "bucket": bucket, "name": name, "size": strconv.Itoa(size),
		"generation": strconv.Itoa(1_700_000_000_000_000 + s.next()), "metageneration": "1",
		"timeCreated": s.stamp(), "updated": s.stamp(), "storageClass": "STANDARD",
	})
}

func listObjects(s *Server, c *call) (any, error) {
	if _, err := s.bucket(c); err != nil {
		return nil, err
	}
	items, prefixes, seen := []any{}, []any{}, map[string]bool{}
	under := c.params["bucket"] + "/"
	if c.first("softDeleted") == "true" {
		return object{"kind": "storage#objects"}, nil
	}
	for _, full := range s.names(objects, under+c.first("prefix")) {
		name := strings.TrimPrefix(full, under)
		rest := strings.TrimPrefix(name, c.first("prefix"))
		if d := c.first("delimiter"); d != "" && strings.Contains(rest, d) {
			p := c.first("prefix") + rest[:strings.Index(rest, d)+len(d)]
			if !seen[p] {
				seen[p] = true
				prefixes = append(prefixes, p)
			}
			continue
		}
		items = append(items, s.stored[objects][full].fields)
	}
	return object{"kind": "storage#objects", "items": items, "prefixes": prefixes}, nil
}

func (s *Server) object(c *call) (*resource, error) {
	if _, err := s.bucket(c); err != nil {
		return nil, err
	}
	r, ok := s.stored[objects][c.params["bucket"]+"/"+c.params["*"]]
	if !ok {
		return nil, refuse(http.StatusNotFound, "notFound", "no such object: %s/%s", c.params["bucket"], c.params["*"])
	}
	return r, nil
}

func describeObject(s *Server, c *call) (any, error) {
	r, err := s.object(c)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func deleteObject(s *Server, c *call) (any, error) {
	if _, err := s.object(c); err != nil {
		return nil, err
	}
	delete(s.stored[objects], c.params["bucket"]+"/"+c.params["*"])
	return object{}, nil
}

func listNoFolders(s *Server, c *call) (any, error) {
	if _, err := s.bucket(c); err != nil {
		return nil, err
	}
	return object{"kind": "storage#managedFolders"}, nil
}

// describeLayout says that the bucket has no folders, only names with slashes.
func describeLayout(s *Server, c *call) (any, error) {
	r, err := s.bucket(c)
	if err != nil {
		return nil, err
	}
	return object{
		"kind": "storage#storageLayout", "bucket": c.params["bucket"], "location": r.fields["location"],
		"locationType": r.fields["locationType"], "hierarchicalNamespace": object{"enabled": false},
	}, nil
}
