package gcstest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// files are the contents of all files under dir by their slash-separated names.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(filepath.Join(dir, name))
		found[name] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDirHoldsEveryObject(t *testing.T) {
	outside := t.TempDir()
	dir := filepath.Join(outside, "made", "here")
	s := &gcstest.Server{Dir: dir, Visible: func(o gcstest.Object) {
		if all := files(t, dir); all[o.Name] != string(o.Content) {
			t.Errorf("%s is visible before its file is", o.Name)
		}
	}}
	c := overPipe(t, s)
	o := emulator(t, s).Bucket(bucket)
	mustWrite(t, o.Object("a b/ü&?.gz"), []byte("one"))
	mustWrite(t, o.Object("large"), noise(700_000))
	mustWrite(t, o.Object("gone"), nil)
	mustWrite(t, o.Object("a b/ü&?.gz"), []byte("two"))
	if err := o.Object("gone").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	uri := startSession(t, c, "", "name=unfinished")
	put(t, c, uri, noise(quantum), 0, "*")
	wantFiles := func() {
		t.Helper()
		got := files(t, dir)
		if len(got) != 2 || got["a b/ü&?.gz"] != "two" || got["large"] != string(noise(700_000)) {
			t.Errorf("%d files: %.80q", len(got), got)
		}
	}
	wantFiles()
	const insert = "/upload/storage/v1/b/alerts/o?uploadType=media&name="
	for _, name := range []string{"../up", "a/../../up", "%2Fetc/up", "a//b", "dir/", ".incoming", "a/./b", "nul%00"} {
		if resp := send(t, c, "POST", insert+name, "x"); resp.code != 501 {
			t.Errorf("name %s: %d %s; want 501", name, resp.code, resp.body)
		}
	}
	if resp := send(t, c, "POST", insert+"large/below", "x"); resp.code != 500 {
		t.Errorf("a name below a file: %d %s; want 500", resp.code, resp.body)
	}
	if resp := send(t, c, "POST", strings.Replace(insert, bucket, "other", 1)+"x", "x"); resp.code != 501 {
		t.Errorf("a second bucket: %d %s; want 501", resp.code, resp.body)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if resp := send(t, c, "POST", insert+"link/up", "x"); resp.code != 500 {
		t.Errorf("a name through a link out of the directory: %d %s; want 500", resp.code, resp.body)
	}
	os.Remove(filepath.Join(dir, "link"))
	wantFiles()
	if got := files(t, outside); len(got) != 2 {
		t.Errorf("files outside the directory: %.80q", got)
	}
	if len(s.Objects(bucket, "")) != 2 || len(s.Objects("other", "")) != 0 {
		t.Error("an object that could not be written to Dir is visible")
	}
}
