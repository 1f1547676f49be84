package gcloudtest

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// changing are the fields that differ from run to run although nothing was
// changed by who runs it. [Server.Model] leaves them out.
var changing = []string{
	"createTime", "updateTime", "timeCreated", "updated", "userUpdateTime", "created", "effectiveTime",
	"etag", "generation", "metageneration", "revision", "scheduleTime", "creationRecord", "uniqueId",
}

// Model returns what the project holds as JSON, indented, the same for the same
// content: by kind and name the fields, and under "policy" the members by role.
// Times, etags and other things that a service gives are left out, and in place
// of a function's source stand the names of its files with their SHA-256. The
// contents of secrets are not in it, only the states of their versions.
func (s *Server) Model() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.itself()
	out := object{}
	for k, all := range s.stored {
		if k == operations || len(all) == 0 {
			continue
		}
		shown := object{}
		for name, r := range all {
			o := clone(r.fields)
			strip(o)
			if k == functions {
				s.showSource(o)
			}
			if len(r.roles) > 0 {
				o["policy"] = r.roles
			}
			shown[name] = o
		}
		out[string(k)] = shown
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("gcloudtest: %v", err)) // everything in it came out of json.Unmarshal
	}
	return string(b) + "\n"
}

func strip(v any) {
	switch v := v.(type) {
	case object:
		for key, inner := range v {
			if slices.Contains(changing, key) {
				delete(v, key)
				continue
			}
			strip(inner)
		}
	case []any:
		for _, inner := range v {
			strip(inner)
		}
	}
}

func (s *Server) showSource(function object) {
	build, _ := function["buildConfig"].(object)
	archive := s.uploads[text(build, "source", "storageSource", "object")]
	files := object{}
	if z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive))); err == nil {
		for _, f := range z.File {
			files[f.Name] = digest(f)
		}
	}
	if build != nil {
		build["source"] = files
	}
}

func digest(f *zip.File) string {
	r, err := f.Open()
	if err != nil {
		return err.Error()
	}
	defer func() { _ = r.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Resource returns the fields of what is stored under a kind and name of
// [Server.Model], times and etags included, and whether there is such a thing.
func (s *Server) Resource(kindName, name string) (map[string]any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.stored[kind(kindName)][name]
	if !ok {
		return nil, false
	}
	return clone(r.fields), true
}

// Add puts something into the project, under a kind and name of [Server.Model],
// that is to be there from the start: no service looks whether it could have
// been made so. What is there already is replaced, its policy too.
func (s *Server) Add(kindName, name string, fields map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stored[kind(kindName)], name)
	_, _ = s.insert(kind(kindName), name, fields)
}

// Names returns the names of everything of a kind of [Server.Model], sorted.
func (s *Server) Names(kindName string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names(kind(kindName), "")
}

// Members returns who holds a role in the policy of something, named by kind
// and name as in [Server.Model], sorted. A role on a condition is named as there
// too: the role, " if " and the condition as JSON.
func (s *Server) Members(kindName, name, role string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind(kindName) == projects {
		s.itself()
	}
	r, ok := s.stored[kind(kindName)][name]
	if !ok {
		return nil
	}
	return slices.Clone(r.roles[role])
}
