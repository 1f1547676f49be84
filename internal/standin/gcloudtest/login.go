package gcloudtest

import (
	"context"
	"fmt"
	"os/exec"
)

// Login logs the server's account in, in the configuration of an environment
// from [Server.Environ], by running gcloud, which takes about a second. The
// credentials are made up; the server gives tokens for them.
func (s *Server) Login(ctx context.Context, environ []string) error {
	cmd := exec.CommandContext(ctx, "gcloud", "auth", "activate-refresh-token", s.account(), "gcloudtest-refresh-token")
	cmd.Env = environ
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("log in with gcloud: %w: %s", err, out)
	}
	return nil
}
