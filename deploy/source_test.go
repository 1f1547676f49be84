package deploy

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// deployed is the rule: the root's package, its module, and every package under internal
// but the stand-ins.
func deployed(name string) bool {
	if name == "go.mod" || name == "go.sum" {
		return true
	}
	if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata/") {
		return false
	}
	below, inside := strings.CutPrefix(name, "internal/")
	return !strings.Contains(name, "/") || inside && !strings.HasPrefix(below, "standin/")
}

// TestIgnoreFile holds .gcloudignore, as git reads it, and what deploy.sh hashes against
// the rule. How gcloud reads it, TestWithTheRealGcloud and .ci/run show.
func TestIgnoreFile(t *testing.T) {
	t.Parallel()
	ignore, err := filepath.Abs("../.gcloudignore")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(ignore); err != nil { // so that go test knows what this rests on
		t.Fatal(err)
	}
	madeUp := t.TempDir()
	for _, name := range []string{
		"a.go", "a_test.go", "go.mod", "go.sum", "README.md", "LICENSE", "token", ".gcloudignore", ".ci/tools.mod",
		"testdata/a.go",
		"internal/a.go", "internal/foo/foo.go", "internal/foo/foo_test.go", "internal/foo/README.md",
		"internal/foo/rows.txt", "internal/foo/.env",
		"internal/foo/testdata/a.go", "internal/foo/testdata/a.json", "internal/foo/testdata/fuzz/F/0123",
		"internal/foo/bar/bar.go", "internal/foo/bar/bar_test.go", "internal/foo/bar/testdata/go.mod",
		"internal/foo/bar/go.mod",
		"internal/foo/standin/deployed.go", "internal/standin/a.go", "internal/standin/b/b.go",
		"internal/standin/b/c/c.go", "cmd/tool/main.go", "cmd/tool/internal/x/x.go", "deploy/x.go", "out/a.go",
	} {
		write(t, filepath.Join(madeUp, name), []byte("package a\n"))
	}
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for what, tree := range map[string]string{"made up": madeUp, "this repository": repository} {
		var want []string
		if err := filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
			name, _ := filepath.Rel(tree, path)
			if err == nil && !entry.IsDir() && deployed(filepath.ToSlash(name)) {
				want = append(want, filepath.ToSlash(name))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		if len(want) < 7 {
			t.Errorf("%s: only %q should be deployed", what, want)
		}
		if got := readByGit(t, tree, ignore); !slices.Equal(got, want) {
			t.Errorf("%s: .gcloudignore lets through\n%q\nwant\n%q", what, got, want)
		}
		if got := hashed(t, tree); !slices.Equal(got, want) {
			t.Errorf("%s: the hash sees\n%q\nwant\n%q", what, got, want)
		}
	}
}

// readByGit lists what git does not ignore, with no other file of patterns than this one.
func readByGit(t *testing.T, tree, ignore string) []string {
	t.Helper()
	index := t.TempDir()
	lines(t, index, "git", "init", "--quiet", ".")
	return lines(t, tree, "git", "--git-dir="+index+"/.git", "--work-tree="+tree,
		"ls-files", "--others", "--exclude-from="+ignore)
}

func hashed(t *testing.T, tree string) []string {
	t.Helper()
	parts, err := filepath.Abs("function.sh")
	if err != nil {
		t.Fatal(err)
	}
	return lines(t, tree, "bash", "-euc", `source "$0"; deployed_files`, parts)
}

// lines are those that a command prints, sorted.
func lines(t *testing.T, dir, name string, arguments ...string) []string {
	t.Helper()
	command := exec.Command(name, arguments...)
	command.Dir, command.Stderr = dir, os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, arguments, err)
	}
	return slices.Sorted(strings.FieldsSeq(string(output)))
}
