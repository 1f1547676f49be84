package operate

import (
	"context"
	"fmt"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/ledger"
)

// Find is netskope-alerts find.
type Find struct {
	ID    string `arg:"" help:"The alert's _id; of one without, sha256: and the SHA-256 of its line in hex."`
	Since string `default:"90d" help:"How far back to look (${default})."`
	JSON  bool   `name:"json" help:"Print JSON instead of text."`
}

// Help is shown by find --help.
func (*Find) Help() string {
	return "Says in which object and line an alert was delivered, from the ledger; " +
		"the object itself may be gone.\n\n" +
		"Exit status: 0 found, 3 not found, 1 failed.\n\n" +
		"Example:\n" +
		"  netskope-alerts find 65f0a1b2c3d4e5f6a7b8c9d0"
}

// Run asks the ledger. That it does not have the alert is no error, but an exit status.
func (f *Find) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	since, err := cli.ParseMoment("--since", f.Since, now)
	if err != nil {
		return err
	}
	c, err := s.Open()
	if err != nil {
		return err
	}
	found, err := c.Ledger().Find(ctx, f.ID, since, now)
	if err != nil {
		return err
	}
	if f.JSON {
		if found == nil {
			found = []ledger.Found{}
		}
		err = cli.WriteJSON(s.Stdout, found)
	} else {
		for _, d := range found {
			fmt.Fprintln(s.Stdout, delivered(c.BucketName, d))
		}
	}
	if err != nil || len(found) > 0 {
		return err
	}
	begins, err := c.Ledger().Start(ctx)
	switch {
	case err != nil:
		return err
	case begins.IsZero():
		fmt.Fprintf(s.Stderr, "%s is not in the ledger, which is empty: nothing is known\n", text.Clean(f.ID))
	case begins.After(since):
		fmt.Fprintf(s.Stderr, "%s is not in the ledger, which begins at %s: what was delivered before is not known\n",
			text.Clean(f.ID), text.Stamp(begins))
	default:
		fmt.Fprintf(s.Stderr, "%s is not in the ledger since %s\n", text.Clean(f.ID), text.Stamp(since))
	}
	return cli.ExitStatus(cli.ExitMore)
}

// delivered says where an alert is.
func delivered(bucket string, d ledger.Found) string {
	sentence := fmt.Sprintf("gs://%s/%s line %d\n  of %s to %s, delivered %s", bucket, text.Clean(d.Object), d.Line,
		text.Stamp(d.From), text.Stamp(d.To), text.Stamp(d.Delivered))
	if d.Late {
		sentence += ", by a repair"
	}
	if d.Quarantined {
		sentence += ", in quarantine: the feed did not get it"
	}
	if !d.Present {
		sentence += "; the object is no longer there"
	}
	return sentence
}
