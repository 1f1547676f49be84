package operate

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/internal/settings"
)

// Serve is netskope-alerts serve.
type Serve struct {
	Host string `default:"127.0.0.1" help:"Address to listen on."`
	Port string `default:"8080" env:"PORT" help:"Port to listen on."`
}

// Help is shown by serve --help.
func (*Serve) Help() string {
	return `Serves the function "CollectAlerts" over HTTP, as Cloud Run does, ` +
		"with the configuration from the environment. " +
		"Requests of pages in a browser are refused. " +
		"Set STORAGE_EMULATOR_HOST=host:port to use a Cloud Storage emulator.\n\n" +
		cli.Ends{Serves: true}.String() + "\n\n" +
		"Example:\n" +
		"  GCS_BUCKET=my-bucket NETSKOPE_TENANT=https://acme.goskope.com \\\n" +
		"      NETSKOPE_API_TOKEN_FILE=token.txt " +
		"netskope-alerts serve"
}

// Validate refuses a port that is none.
func (c *Serve) Validate() error { return cli.CheckPort(c.Port) }

// Run serves until the context ends.
func (c *Serve) Run(ctx context.Context, s cli.Streams) error {
	if _, err := settings.ConfigFromEnv(s.Lookup); err != nil {
		return err
	}
	address := net.JoinHostPort(c.Host, c.Port)
	handler, err := served(ctx, isThisMachine(c.Host), collector.CollectAlerts)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("serve on %s: %w; choose another port with --port", address, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(s.Stderr, `Serving the function on http://%[1]s until you press Ctrl-C.
A run's record appears here. In another terminal, trigger a run with:

  curl -sS http://%[1]s -H 'Content-Type: application/json' \
    -H 'Ce-Specversion: 1.0' -H 'Ce-Id: 1' \
    -H 'Ce-Source: //pubsub.googleapis.com/projects/local/topics/tick' \
    -H 'Ce-Type: google.cloud.pubsub.topic.v1.messagePublished' \
    -d '{"message":{"data":"e30="}}'

`, address)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", address, err)
	case <-ctx.Done(): // what a run was doing is repeated by the next
		return nil
	}
}
