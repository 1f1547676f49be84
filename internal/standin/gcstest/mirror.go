package gcstest

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mirror is Server.Dir in use.
type mirror struct {
	bucket string // the one it holds
	root   *os.Root
	kept   *os.File // see Server.Keep; nil if nothing is kept
}

// incoming is the file that is written before it is renamed into place; no object
// may have its name.
const incoming = ".incoming"

// mirrorWrite makes an object's file. It is called with store.publish held, and
// so are mirrorRemove and mirrorRename.
func (s *Server) mirrorWrite(o *object) *answer {
	if s.Dir == "" {
		return nil
	}
	bucket, name, c := o.bucket, o.name, o.content
	m := &s.store.mirror
	switch {
	case m.bucket != "" && m.bucket != bucket:
		return refuse(notModelled("a second bucket in Dir: it holds %q", m.bucket))
	case c.dropped():
		return refuse(notModelled("writing a content to Dir that Discard dropped"))
	case !isFileName(name):
		return refuse(notModelled("the object name %q as a file name", name))
	}
	err := m.open(s.Dir)
	if err == nil {
		err = m.note(o)
	}
	if err == nil {
		err = m.write(name, c)
	}
	if err != nil {
		return refuse(failed(http.StatusInternalServerError, "", "mirror %q: %v", name, err))
	}
	m.bucket = bucket
	return nil
}

func isFileName(name string) bool {
	return filepath.IsLocal(filepath.FromSlash(name)) && path.Clean(name) == name &&
		!strings.ContainsRune(name, 0) && !isOurs(name)
}

// open makes the directory, if need be, and opens it, unless that has been done.
func (m *mirror) open(dir string) (err error) {
	if m.root != nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	m.root, err = os.OpenRoot(dir)
	return err
}

func (m *mirror) write(name string, c *content) error {
	if err := m.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := m.root.Create(incoming)
	if err != nil {
		return err
	}
	for _, p := range c.pieces() {
		if _, err = f.Write(p); err != nil {
			break
		}
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = m.root.Rename(incoming, name)
	}
	if err != nil {
		m.root.Remove(incoming)
	}
	return err
}

func (s *Server) mirrorRemove(name string) *answer {
	if s.Dir == "" || s.store.mirror.root == nil {
		return nil
	}
	if err := s.store.mirror.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refuse(failed(http.StatusInternalServerError, "", "mirror removal of %q: %v", name, err))
	}
	return nil
}

// mirrorRename renames the file of an object that is there to that of o.
func (s *Server) mirrorRename(name string, o *object) *answer {
	if s.Dir == "" {
		return nil
	}
	destination := o.name
	if !isFileName(destination) {
		return refuse(notModelled("the object name %q as a file name", destination))
	}
	root := s.store.mirror.root
	err := s.store.mirror.note(o)
	if err == nil {
		err = root.MkdirAll(path.Dir(destination), 0o777)
	}
	if err == nil {
		err = root.Rename(name, destination)
	}
	if err != nil {
		return refuse(failed(http.StatusInternalServerError, "", "mirror %q as %q: %v", name, destination, err))
	}
	return nil
}
