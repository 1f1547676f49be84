package ndjson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjsontest"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// found is what a source is, in a line.
func found(s Source) string {
	text := s.Name + " object " + s.Object
	if s.Listed {
		text += " in " + s.Folder
	}
	return text
}

func TestInputs(t *testing.T) {
	server := &gcstest.Server{}
	for _, name := range []string{"a/x.ndjson", "a/b/y.ndjson.gz", "a/b/", "a//z.ndjson", "ab.ndjson"} {
		body := "{}\n"
		if strings.HasSuffix(name, "/") {
			body = ""
		}
		server.Put("alerts", name, []byte(body))
	}
	in := Inputs{strings.NewReader(""), ndjsontest.Buckets(t, server)}
	dir := t.TempDir()
	for _, name := range []string{"x.ndjson", "sub/y.ndjson"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	absolute := strings.TrimPrefix(filepath.ToSlash(dir), "/")
	for _, test := range []struct {
		arguments, want []string
		problem         string
	}{
		{[]string{"-"}, []string{"standard input object "}, ""},
		{[]string{"-", "-"}, nil, "once only"},
		{[]string{"gs://alerts/ab.ndjson"}, []string{"gs://alerts/ab.ndjson object ab.ndjson"}, ""},
		{[]string{"gs://alerts/a/"}, []string{"gs://alerts/a//z.ndjson object a//z.ndjson in a/",
			"gs://alerts/a/b/y.ndjson.gz object a/b/y.ndjson.gz in a/",
			"gs://alerts/a/x.ndjson object a/x.ndjson in a/"}, ""},
		{[]string{"gs://alerts/a/b/", "gs://alerts/ab.ndjson"},
			[]string{"gs://alerts/a/b/y.ndjson.gz object a/b/y.ndjson.gz in a/b/",
				"gs://alerts/ab.ndjson object ab.ndjson"}, ""},
		{[]string{"gs://alerts/none/"}, nil, ""},
		{[]string{"gs://alerts/a"}, nil,
			"there is no object gs://alerts/a; for all that lies below a folder, type a slash at its end: " +
				"gs://alerts/a/"},
		{[]string{"gs://"}, nil, "names no bucket"},
		{[]string{"gs:///a"}, nil, "names no bucket"},
		{[]string{dir}, []string{dir + "/sub/y.ndjson object " + absolute + "/sub/y.ndjson in " + absolute + "/",
			dir + "/x.ndjson object " + absolute + "/x.ndjson in " + absolute + "/"}, ""},
		{[]string{dir + "/x.ndjson"}, []string{dir + "/x.ndjson object " + absolute + "/x.ndjson"}, ""},
		{[]string{dir + "/none"}, nil, "no such file"},
		{[]string{dir + "/x.ndjson", dir + "/none"}, nil, "no such file"},
	} {
		var got []string
		err := in.Each(t.Context(), test.arguments, func(s Source) error {
			got = append(got, found(s))
			return nil
		})
		if !slices.Equal(got, test.want) || (err == nil) != (test.problem == "") || err != nil &&
			!strings.Contains(err.Error(), test.problem) {
			t.Errorf("%q: got %q, %v; want %q, %s", test.arguments, got, err, test.want, test.problem)
		}
	}
	var all []string
	if err := in.Each(t.Context(), []string{"gs://alerts"},
		func(s Source) error { all = append(all, found(s)); return ErrStop }); err != nil || len(all) != 1 ||
		!strings.HasSuffix(all[0], " in ") {
		t.Errorf("a bucket has %q, %v, and stops at the first", all, err)
	}
	if err := in.Each(t.Context(), []string{"gs://nowhere/"}, func(Source) error { return nil }); err == nil &&
		server.Buckets != nil {
		t.Error("a bucket that is not there is listed")
	}
}

func TestContent(t *testing.T) {
	cutOff := ndjsontest.Zipped(strings.Repeat("line\n", 1000))
	cutOff = cutOff[:len(cutOff)-9]
	changed := []byte(ndjsontest.Zipped(strings.Repeat("line\n", 1000)))
	changed[len(changed)-7] ^= 1 // in the checksum
	for _, test := range []struct {
		name, stored string
		nameless     bool
		encoding     string
		want         string
		problem      FlawKind // of content, of reading, or of what trails
	}{
		{"a.ndjson", "text", false, "", "text", 0},
		{"a.ndjson", "", false, "", "", 0},
		{"a.ndjson.gz", ndjsontest.Zipped("text"), false, "", "text", 0},
		{"a.gz", ndjsontest.Zipped("te") + ndjsontest.Zipped("") + ndjsontest.Zipped("xt"), false, "", "text", 0},
		{"a.gz", ndjsontest.Zipped("text") + "\x00", false, "", "text", Trailing},
		{"a.gz", ndjsontest.Zipped("text") + "text and more", false, "", "text", Trailing},
		{"a.gz", ndjsontest.Zipped("te") + ndjsontest.Zipped("xt") + "tail", false, "", "text", Trailing},
		{"a.gz", ndjsontest.Zipped("text") + ndjsontest.Zipped("x")[:4], false, "", "text", Torn},
		{"a.gz", cutOff, false, "", strings.Repeat("line\n", 1000), Torn},
		{"a.gz", string(changed), false, "", strings.Repeat("line\n", 1000), Damaged},
		{"a.gz", ndjsontest.Zipped("text")[:5], false, "", "", Torn},
		{"a.gz", "\x1f\x8b\x07" + ndjsontest.Zipped("text")[3:], false, "", "", Damaged},
		{"a.gz", "text", false, "", "", Misnamed},
		{"a.gz", "", false, "", "", Misnamed},
		{"a.gz", "text", false, "gzip", "text", 0}, // unpacked on the way
		{"a.ndjson", ndjsontest.Zipped("text"), false, "", "", Misnamed},
		{"", ndjsontest.Zipped("text"), true, "", "text", 0},
		{"", "text", true, "", "text", 0},
	} {
		s := Source{Object: test.name, nameless: test.nameless, Encoding: test.encoding,
			Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(test.stored)), nil
			}}
		var got []byte
		problem, at := FlawKind(0), int64(0)
		c, err := s.Content(t.Context())
		if err == nil {
			if got, err = io.ReadAll(c); err == nil && c.Trailing() != nil {
				err = c.Trailing()
			}
			c.Close()
		}
		broken := (*Flaw)(nil)
		if errors.As(err, &broken) {
			problem, at = broken.Kind, broken.At
		} else if err != nil {
			t.Errorf("%s %q: %v", test.name, test.stored, err)
		}
		if string(got) != test.want || problem != test.problem {
			t.Errorf("%s %.40q: got %q, %d; want %q, %d", test.name, test.stored, got, problem, test.want, test.problem)
		}
		if problem == Trailing && !slices.Contains([]string{"\x00", "text and more", "tail"}, test.stored[at:]) {
			t.Errorf("%.40q: trailing bytes at %d", test.stored, at)
		}
	}
}

// TestReadErrorIsNoFlaw: what the storage does not deliver is not the object's fault, also
// where gzip would call it a tear.
func TestReadErrorIsNoFlaw(t *testing.T) {
	for _, cut := range []int{1, 5, 12, 20, len(ndjsontest.Zipped("a longer text"))} {
		for _, why := range []error{errBroken, io.ErrUnexpectedEOF} {
			s := Source{Object: "a.gz", Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader(ndjsontest.Zipped("a longer text")[:cut]),
					iotest.ErrReader(why))), nil
			}}
			c, err := s.Content(t.Context())
			if err == nil {
				_, err = io.ReadAll(c)
			}
			if err != why {
				t.Errorf("cut at %d by %v: %v", cut, why, err)
			}
		}
	}
}

var errBroken = errors.New("broken line")

// TestPatience: a storage that does not answer ends the command with a reason.
func TestPatience(t *testing.T) {
	for name, argument := range map[string]string{"look": "gs://alerts/a.ndjson", "list": "gs://alerts/",
		"read": "gs://alerts/b.ndjson"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &gcstest.Server{Fault: func(r gcstest.Request) gcstest.Fault {
					if name != "read" || r.Op == gcstest.ReadMedia {
						return gcstest.Fault{Delay: time.Hour}
					}
					return gcstest.Fault{}
				}}
				server.Put("alerts", "b.ndjson", []byte("{}\n"))
				in := Inputs{strings.NewReader(""), ndjsontest.Buckets(t, server)}
				began := time.Now()
				err := in.Each(t.Context(), []string{argument}, func(s Source) error {
					c, err := s.Content(t.Context())
					if err == nil {
						c.Close()
					}
					return err
				})
				if took := time.Since(began); !errors.Is(err, ErrImpatient) || took > 2*time.Minute {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}

// TestPatienceAgain: every page of a list, and every read, is waited for anew.
func TestPatienceAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists := 0
		server := &gcstest.Server{Fault: func(r gcstest.Request) gcstest.Fault {
			if r.Op != gcstest.ListObjects {
				return gcstest.Fault{}
			}
			if lists++; lists == 1 {
				return gcstest.Fault{Delay: patienceFor - time.Second}
			}
			return gcstest.Fault{Delay: time.Hour}
		}}
		for i := range 1001 {
			server.Put("alerts", fmt.Sprintf("%04d.ndjson", i), nil)
		}
		n := 0
		err := Inputs{strings.NewReader(""), ndjsontest.Buckets(t, server)}.Each(t.Context(), []string{"gs://alerts/"},
			func(Source) error {
				n++
				time.Sleep(time.Second) // longer than the patience, together
				return nil
			})
		if n != 1000 || !errors.Is(err, ErrImpatient) {
			t.Errorf("%d of 1000 objects, %v", n, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		attempt := newPatience(t.Context())
		attempt.pause()
		r := &patientReader{io.NopCloser(readerFunc(func([]byte) (int, error) {
			<-attempt.ctx.Done()
			return 0, attempt.ctx.Err()
		})), attempt}
		time.Sleep(time.Hour) // what is read is worked upon
		began := time.Now()
		if _, err := r.Read(nil); err != ErrImpatient || time.Since(began) != patienceFor {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
