package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/docs"
)

// TestDocsCommands types what the README and the pages in docs say, as it stands there, one
// after the other in one project that is empty at first. What a person would answer is given
// beforehand: the token, and yes. Destroying comes last.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	blocks, err := docs.ExecutedBy("..", "TestDocsCommands")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.ownSource = filepath.Join(w.dir, "source")
	w.must(copySource(w.ownSource))
	w.must(os.WriteFile(filepath.Join(w.ownSource, "new-token"), []byte("another-"+token), 0o600))
	w.tick = map[string]any{"message": "run finished", "alerts": 7}
	var destroy string
	for _, b := range blocks {
		for _, c := range b.Commands {
			if strings.HasSuffix(c.Text, " destroy") {
				destroy = c.Text + " --yes"
				continue
			}
			before := w.api.Model()
			answer := ""
			if w.api.Secret("netskope-api-token") == nil { // it is asked for then
				answer = "NETSKOPE_API_TOKEN_FILE=" + w.tokenFile()
			}
			w.script("export " + answer + " SETTLE_SECONDS=0 POLL_SECONDS=0 RUN_SECONDS=0 TODAY=2026-11-23\n" + c.Text)
			looks := strings.HasSuffix(c.Text, " run") || strings.Contains(c.Text, " env >")
			if changed := w.api.Model() != before; changed == looks {
				t.Errorf("%s:%d: %s: the project is another one: %t", b.Page, b.Line, c.Text, changed)
			}
		}
	}
	feed := "buckets/my-alerts roles/storage.objectViewer serviceAccount:project-1@storage-transfer-service"
	if granted := strings.Join(w.granted(), "\n"); !strings.Contains(granted, feed) {
		t.Errorf("the feed is not let in:\n%s", granted)
	}
	if versions := w.api.Secret("netskope-api-token"); len(versions) != 2 {
		t.Errorf("the secret has versions %q", versions)
	}
	names := strings.Join(w.names(), " ")
	if !strings.Contains(names, "jobs/netskope-alerts-collector-audit") {
		t.Errorf("there is no nightly audit in %s", names)
	}
	w.script(destroy)
	if left := w.resources(); left["functions/"+ourMark] != nil || left["buckets/my-alerts"] == nil {
		t.Errorf("left are %q", w.names())
	}
}
