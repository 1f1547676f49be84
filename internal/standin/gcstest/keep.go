package gcstest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// keptFile is the file in Dir that holds what a file cannot say of an object: a JSON object
// a line for every generation, written before its file is. No object may have its name.
const keptFile = ".objects"

// kept is a line of it.
type kept struct {
	Name           string    `json:"name"`
	Generation     int64     `json:"generation"`
	Metageneration int64     `json:"metageneration"`
	Created        time.Time `json:"created"`
	Updated        time.Time `json:"updated"`
	Size           int64     `json:"size"`
	CRC32C         uint32    `json:"crc32c"`
	Fields         fields    `json:"fields"`
}

// Keep has the bucket's objects outlive the Server: those that an earlier one has kept in Dir
// are served, and how many they are is returned; those that come are kept there from now on,
// with their generations and metadata. It has to be called before the first request. A file
// that was put there or changed by hand is an object of a new generation, without metadata;
// one that is missing is a deleted object. Noncurrent generations are not kept, and neither are
// uploads that are not finished. Two Servers must not keep one Dir at the same time.
func (s *Server) Keep(bucket string) (n int, err error) {
	s.store.publish.Lock()
	defer s.store.publish.Unlock()
	m := &s.store.mirror
	if err := m.open(s.Dir); err != nil {
		return 0, err
	}
	m.bucket = bucket
	known, err := m.known()
	if err != nil {
		return 0, err
	}
	for _, records := range known {
		for _, k := range records {
			s.store.last = max(s.store.last, k.Generation)
		}
	}
	var live []kept
	err = fs.WalkDir(m.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isFileName(name) {
			return err
		}
		body, err := m.root.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return err
		}
		c := s.newContent(false)
		c.add(body)
		o := s.newObject(bucket, name, fields{}, c)
		records := known[name]
		slices.Reverse(records)
		if i := slices.IndexFunc(records, func(k kept) bool { return k.Size == c.size && k.CRC32C == c.crc }); i >= 0 {
			k := records[i]
			o.Generation, o.Metageneration, o.created, o.updated, o.fields = k.Generation, k.Metageneration, k.Created,
				k.Updated, k.Fields
		}
		s.store.put(bucket, map[string]versions{name: {live: o}})
		live = append(live, keptOf(o))
		return nil
	})
	if err == nil {
		err = m.begin(live)
	}
	return len(live), err
}

func keptOf(o *object) kept {
	return kept{o.name, o.Generation, o.Metageneration, o.created, o.updated, o.content.size, o.content.crc, o.fields}
}

// known are the lines of the file by the objects' names, the oldest first. The last line may be
// torn.
func (m *mirror) known() (map[string][]kept, error) {
	known := map[string][]kept{}
	f, err := m.root.Open(keptFile)
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var k kept
		if err := json.Unmarshal(lines.Bytes(), &k); err != nil {
			if !lines.Scan() {
				break
			}
			return nil, fmt.Errorf("%s, line %d: %w", keptFile, n, err)
		}
		known[k.Name] = append(known[k.Name], k)
	}
	return known, lines.Err()
}

// begin writes the file anew, and leaves it open.
func (m *mirror) begin(live []kept) error {
	const anew = keptFile + ".new"
	f, err := m.root.OpenFile(anew, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	out := json.NewEncoder(f)
	for _, k := range live {
		if err := out.Encode(k); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := m.root.Rename(anew, keptFile); err != nil {
		return errors.Join(err, f.Close())
	}
	m.kept = f
	return nil
}

// note writes down what is going to be true of an object, if that is kept.
func (m *mirror) note(o *object) error {
	if m.kept == nil {
		return nil
	}
	line, err := json.Marshal(keptOf(o))
	if err == nil {
		_, err = m.kept.Write(append(line, '\n'))
	}
	return err
}

// isOurs reports whether the name is of a file that Dir has for itself.
func isOurs(name string) bool { return name == incoming || strings.HasPrefix(name, keptFile) }
