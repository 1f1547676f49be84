// Package golden holds what tests get against files in testdata. Only tests use it.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// Updating reports whether the test was run with -update: what it keeps is to be written anew.
func Updating() bool { return *update }

// Check holds got against the file; with -update it writes the file.
func Check(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs; if the new one is right, run the test with -update (-want +got):\n%s", name, diff)
	}
}
