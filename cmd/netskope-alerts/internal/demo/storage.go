package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// Storage is netskope-alerts storage.
type Storage struct {
	Folder string `default:"storage" help:"Folder that keeps the objects, as files, from one start to the next (./${default})."`
	Bucket string `env:"GCS_BUCKET" default:"alerts" help:"The one bucket that there is ($$GCS_BUCKET, ${default})."`
	Port   string `default:"9199" help:"Port to listen on, of this machine alone; 0 takes a free one."`
}

// Help is shown by storage --help.
func (*Storage) Help() string {
	return "Serves a Cloud Storage on loopback, the one that the demo uses, with object versioning switched on: " +
		"for trials without an account, with all that the collector needs, also Objects: move. " +
		"It asks nobody who he is, and is no place for alerts that matter.\n\n" +
		"The objects are files in the folder, and what a file cannot hold of them is in .objects beside them. " +
		"A file that is deleted while it does not run is an object deleted. Earlier versions are not kept.\n\n" +
		cli.Ends{Serves: true}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts storage --folder trial\n" +
		"and in another terminal:\n" +
		"  export STORAGE_EMULATOR_HOST=127.0.0.1:9199 GCS_BUCKET=alerts"
}

// Validate refuses a port that is none.
func (c *Storage) Validate() error { return cli.CheckPort(c.Port) }

// Run serves until the context ends.
func (c *Storage) Run(ctx context.Context, s cli.Streams) error {
	cloud := &gcstest.Server{Buckets: []string{c.Bucket}, Dir: c.Folder, Versioning: true}
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return fmt.Errorf("make --folder: %w", err)
	}
	n, err := cloud.Keep(c.Bucket)
	if err != nil {
		return fmt.Errorf("read --folder %s: %w", c.Folder, err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", c.Port))
	if err != nil {
		return fmt.Errorf("listen on loopback: %w; choose another port with --port", err)
	}
	server := &http.Server{Handler: cloud}
	defer server.Close()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	t := text.TerminalOf(s.Stdout, s.Lookup)
	fmt.Fprintf(t, "%s\n\n  export STORAGE_EMULATOR_HOST=%s GCS_BUCKET=%s\n", text.Wrapped(fmt.Sprintf(
		"Serving the bucket gs://%s, %s of %s, until you press Ctrl-C. In another terminal:", c.Bucket,
		text.Count(n, "object", "objects"), c.Folder), t.Width, 0), listener.Addr(), c.Bucket)
	select {
	case err := <-failed:
		if !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the storage: %w", err)
		}
	case <-ctx.Done():
	}
	return nil
}
