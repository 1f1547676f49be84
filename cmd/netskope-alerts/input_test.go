package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/pipenet"
)

// cloud is inputs with the server as their Cloud Storage.
func cloud(t *testing.T, server *gcstest.Server, stdin string) inputs {
	listener := &pipenet.Listener{}
	service := &http.Server{Handler: server}
	go service.Serve(listener)
	transport := &http.Transport{DialContext: listener.DialContext}
	client, err := collector.NewStorageClient(t.Context(), option.WithEndpoint("http://storage.test/storage/v1/"), option.WithoutAuthentication(),
		option.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		transport.CloseIdleConnections()
		service.Close()
	})
	return inputs{strings.NewReader(stdin), func(name string) (*storage.BucketHandle, error) { return client.Bucket(name), nil }}
}

func zipped(text string) string {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.WriteString(z, text) // to memory
	_ = z.Close()
	return out.String()
}

// found is what a source is, in a line.
func found(s source) string {
	text := s.name + " object " + s.object
	if s.listed {
		text += " in " + s.folder
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
	in := cloud(t, server, "")
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
		{[]string{"gs://alerts/a/"}, []string{"gs://alerts/a//z.ndjson object a//z.ndjson in a/", "gs://alerts/a/b/y.ndjson.gz object a/b/y.ndjson.gz in a/", "gs://alerts/a/x.ndjson object a/x.ndjson in a/"}, ""},
		{[]string{"gs://alerts/a/b/", "gs://alerts/ab.ndjson"}, []string{"gs://alerts/a/b/y.ndjson.gz object a/b/y.ndjson.gz in a/b/", "gs://alerts/ab.ndjson object ab.ndjson"}, ""},
		{[]string{"gs://alerts/none/"}, nil, ""},
		{[]string{"gs://alerts/a"}, nil, "there is no object gs://alerts/a; for all that lies below a folder, type a slash at its end: gs://alerts/a/"},
		{[]string{"gs://"}, nil, "names no bucket"},
		{[]string{"gs:///a"}, nil, "names no bucket"},
		{[]string{dir}, []string{dir + "/sub/y.ndjson object " + absolute + "/sub/y.ndjson in " + absolute + "/", dir + "/x.ndjson object " + absolute + "/x.ndjson in " + absolute + "/"}, ""},
		{[]string{dir + "/x.ndjson"}, []string{dir + "/x.ndjson object " + absolute + "/x.ndjson"}, ""},
		{[]string{dir + "/none"}, nil, "no such file"},
		{[]string{dir + "/x.ndjson", dir + "/none"}, nil, "no such file"},
	} {
		var got []string
		err := in.each(t.Context(), test.arguments, func(s source) error {
			got = append(got, found(s))
			return nil
		})
		if !slices.Equal(got, test.want) || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%q: got %q, %v; want %q, %s", test.arguments, got, err, test.want, test.problem)
		}
	}
	var all []string
	if err := in.each(t.Context(), []string{"gs://alerts"}, func(s source) error { all = append(all, found(s)); return errStop }); err != nil || len(all) != 1 || !strings.HasSuffix(all[0], " in ") {
		t.Errorf("a bucket has %q, %v, and stops at the first", all, err)
	}
	if err := in.each(t.Context(), []string{"gs://nowhere/"}, func(source) error { return nil }); err == nil && server.Buckets != nil {
		t.Error("a bucket that is not there is listed")
	}
}

func TestContent(t *testing.T) {
	torn := zipped(strings.Repeat("line\n", 1000))
	torn = torn[:len(torn)-9]
	damaged := []byte(zipped(strings.Repeat("line\n", 1000)))
	damaged[len(damaged)-7] ^= 1 // in the checksum
	for _, test := range []struct {
		name, stored string
		nameless     bool
		encoding     string
		want         string
		problem      rule // of content, of reading, or of what trails
	}{
		{"a.ndjson", "text", false, "", "text", ""},
		{"a.ndjson", "", false, "", "", ""},
		{"a.ndjson.gz", zipped("text"), false, "", "text", ""},
		{"a.gz", zipped("te") + zipped("") + zipped("xt"), false, "", "text", ""},
		{"a.gz", zipped("text") + "\x00", false, "", "text", ruleGzipTrailing},
		{"a.gz", zipped("text") + "text and more", false, "", "text", ruleGzipTrailing},
		{"a.gz", zipped("te") + zipped("xt") + "tail", false, "", "text", ruleGzipTrailing},
		{"a.gz", zipped("text") + zipped("x")[:4], false, "", "text", ruleGzipTorn},
		{"a.gz", torn, false, "", strings.Repeat("line\n", 1000), ruleGzipTorn},
		{"a.gz", string(damaged), false, "", strings.Repeat("line\n", 1000), ruleGzipDamaged},
		{"a.gz", zipped("text")[:5], false, "", "", ruleGzipTorn},
		{"a.gz", "\x1f\x8b\x07" + zipped("text")[3:], false, "", "", ruleGzipDamaged},
		{"a.gz", "text", false, "", "", ruleGzipName},
		{"a.gz", "", false, "", "", ruleGzipName},
		{"a.gz", "text", false, "gzip", "text", ""}, // unpacked on the way
		{"a.ndjson", zipped("text"), false, "", "", ruleGzipName},
		{"", zipped("text"), true, "", "text", ""},
		{"", "text", true, "", "text", ""},
	} {
		s := source{object: test.name, nameless: test.nameless, encoding: test.encoding, open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(test.stored)), nil
		}}
		var got []byte
		problem, at := rule(""), int64(0)
		c, err := s.content(t.Context())
		if err == nil {
			if got, err = io.ReadAll(c); err == nil && c.trailing() != nil {
				err = c.trailing()
			}
			c.close()
		}
		broken := (*flaw)(nil)
		if errors.As(err, &broken) {
			problem, at = broken.rule, broken.at
		} else if err != nil {
			t.Errorf("%s %q: %v", test.name, test.stored, err)
		}
		if string(got) != test.want || problem != test.problem {
			t.Errorf("%s %.40q: got %q, %s; want %q, %s", test.name, test.stored, got, problem, test.want, test.problem)
		}
		if problem == ruleGzipTrailing && !slices.Contains([]string{"\x00", "text and more", "tail"}, test.stored[at:]) {
			t.Errorf("%.40q: trailing bytes at %d", test.stored, at)
		}
	}
}

// TestReadErrorIsNoFlaw: what the storage does not deliver is not the object's fault, also
// where gzip would call it a tear.
func TestReadErrorIsNoFlaw(t *testing.T) {
	for _, cut := range []int{1, 5, 12, 20, len(zipped("a longer text"))} {
		for _, why := range []error{errBroken, io.ErrUnexpectedEOF} {
			s := source{object: "a.gz", open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader(zipped("a longer text")[:cut]), iotest.ErrReader(why))), nil
			}}
			c, err := s.content(t.Context())
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
	for name, argument := range map[string]string{"look": "gs://alerts/a.ndjson", "list": "gs://alerts/", "read": "gs://alerts/b.ndjson"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &gcstest.Server{Fault: func(r gcstest.Request) gcstest.Fault {
					if name != "read" || r.Op == gcstest.ReadMedia {
						return gcstest.Fault{Delay: time.Hour}
					}
					return gcstest.Fault{}
				}}
				server.Put("alerts", "b.ndjson", []byte("{}\n"))
				in := cloud(t, server, "")
				began := time.Now()
				err := in.each(t.Context(), []string{argument}, func(s source) error {
					c, err := s.content(t.Context())
					if err == nil {
						c.close()
					}
					return err
				})
				if took := time.Since(began); !errors.Is(err, errImpatient) || took > 2*time.Minute {
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
		err := cloud(t, server, "").each(t.Context(), []string{"gs://alerts/"}, func(source) error {
			n++
			time.Sleep(time.Second) // longer than the patience, together
			return nil
		})
		if n != 1000 || !errors.Is(err, errImpatient) {
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
		if _, err := r.Read(nil); err != errImpatient || time.Since(began) != patienceFor {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestGone: an object that the feed takes away while the folder is read is told apart.
func TestGone(t *testing.T) {
	server := &gcstest.Server{}
	server.Put("alerts", "f/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", []byte("{}\n"))
	server.Put("alerts", "f/z.ndjson", []byte("{\"timestamp\":1}\n"))
	in := cloud(t, server, "")
	l, p := newLint(func(finding) {}), newPreview(&udmCommand{Coverage: true}, streams{nil, io.Discard, io.Discard, os.LookupEnv})
	if err := in.each(t.Context(), []string{"gs://alerts/f/"}, func(s source) error {
		if bucket, _ := in.bucket("alerts"); strings.HasSuffix(s.object, "z.ndjson") {
			if err := bucket.Object(s.object).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return errors.Join(l.object(t.Context(), s), p.object(t.Context(), s))
	}); err != nil {
		t.Fatal(err)
	}
	if l.Gone != 1 || l.Lines != 1 || p.Gone != 1 || p.Objects != 1 || p.Unreadable != 0 {
		t.Errorf("lint %+v, preview %+v", l.lintSum, p.udmCounts)
	}
}
