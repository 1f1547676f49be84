package gcloudtest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
)

// offerUpload answers with a URL that is not signed, and that only this server
// understands.
func offerUpload(s *Server, c *call) (any, error) {
	id := fmt.Sprintf("source-%04d.zip", s.next())
	return object{
		"uploadUrl": "http://storage.googleapis.com" + uploadPath + id,
		"storageSource": object{
			"bucket": "gcf-v2-uploads-" + s.number() + "." + c.params["region"] + ".cloudfunctions.appspot.com",
			"object": id,
		},
	}, nil
}

func receiveSource(s *Server, c *call) (any, error) {
	if _, err := zip.NewReader(bytes.NewReader(c.raw), int64(len(c.raw))); err != nil {
		return nil, refuse(400, "invalid", "the source is no zip archive: %v", err)
	}
	if s.uploads == nil {
		s.uploads = map[string][]byte{}
	}
	s.uploads[c.params["upload"]] = c.raw
	return object{}, nil
}

// Source returns the zip archive that a function was last deployed from, nil
// if there is no such function. The function is named without project and
// region; with the same name in two regions the first region counts.
func (s *Server) Source(function string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.names(functions, "") {
		if base(name) == function {
			fields := s.stored[functions][name].fields
			return slices.Clone(s.uploads[text(fields, "buildConfig", "source", "storageSource", "object")])
		}
	}
	return nil
}
