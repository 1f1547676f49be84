package gcstest_test

import (
	"os"
	"path/filepath"
	"testing"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// TestKeep: what one Server has kept is served by the next as it was, generation and metadata
// included; a person's changes to the files are changes to the objects.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	start := func(want int) (*gcstest.Server, *storage.BucketHandle) {
		t.Helper()
		s := &gcstest.Server{Dir: dir}
		if n, err := s.Keep(bucket); err != nil || n != want {
			t.Fatalf("%d objects, %v, want %d", n, err, want)
		}
		return s, emulator(t, s).Bucket(bucket)
	}
	write := func(b *storage.BucketHandle, name, body string) {
		t.Helper()
		w := b.Object(name).NewWriter(t.Context())
		w.Metadata = map[string]string{"says": body}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	first, b := start(0)
	write(b, "a/staged", "one")
	if _, err := b.Object("a/staged").Move(t.Context(), storage.MoveObjectDestination{Object: "b/placed"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kept", "twice", "deleted", "changed", "lost"} {
		write(b, name, name)
	}
	write(b, "twice", "and again")
	if _, err := b.Object("kept").Update(t.Context(), storage.ObjectAttrsToUpdate{
		Metadata: map[string]string{"more": "of it"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Object("deleted").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := map[string]gcstest.Object{}
	for _, o := range first.Objects(bucket, "") {
		before[o.Name] = o
	}

	// Between two lives: a torn last line, and what a person does.
	journal, err := os.OpenFile(filepath.Join(dir, ".objects"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.WriteString(`{"name":"to`); err != nil {
		t.Fatal(err)
	}
	journal.Close()
	for name, body := range map[string]string{"changed": "by hand", "new": "by hand"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "lost")); err != nil {
		t.Fatal(err)
	}

	for life := range 2 {
		second, b := start(5 + life)
		for _, name := range []string{"b/placed", "kept", "twice"} {
			o, ok := second.Object(bucket, name)
			was := before[name]
			if !ok || o.Generation != was.Generation || o.Metageneration != was.Metageneration ||
				!o.Created.Equal(was.Created) ||
				string(o.Content) != string(was.Content) || o.CRC32C != was.CRC32C || len(was.Metadata) == 0 ||
				len(o.Metadata) != len(was.Metadata) || o.Metadata["says"] != was.Metadata["says"] {
				t.Errorf("life %d: %+v, was %+v", life, o, was)
			}
		}
		for _, name := range []string{"changed", "new"} {
			if o, ok := second.Object(bucket, name); !ok || string(o.Content) != "by hand" || o.Metadata != nil ||
				o.Generation <= before["changed"].Generation {
				t.Errorf("life %d: %s: %+v", life, name, o)
			}
		}
		for _, name := range []string{"deleted", "lost", "a/staged"} {
			if o, ok := second.Object(bucket, name); ok {
				t.Errorf("life %d: %+v", life, o)
			}
		}
		if life == 0 {
			write(b, "later", "later")
		}
	}
}
