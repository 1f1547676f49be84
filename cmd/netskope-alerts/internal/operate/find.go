package operate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/ledger"
)

// Find is netskope-alerts find.
type Find struct {
	ID    string     `arg:"" help:"The alert's _id; of one without, sha256: and the SHA-256 of its line in hex."`
	Since cli.Moment `default:"90d" help:"How far back to look (${default})."`
	All   bool       `help:"Look on after the first find: an alert should have been delivered once."`
	JSON  bool       `name:"json" help:"Print JSON instead of text."`
}

// Help is shown by find --help.
func (*Find) Help() string {
	return "Says in which object and line an alert was delivered, from the ledger; " +
		"the object itself may be gone. The newest deliveries are looked at first. " +
		"Of the environment it needs GCS_BUCKET, and GCS_PREFIX where the collector has it; nothing of the tenant.\n\n" +
		cli.Ends{Well: "found", More: "not found"}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts find 65f0a1b2c3d4e5f6a7b8c9d0"
}

// Validate refuses an _id of nothing.
func (f *Find) Validate() error {
	if strings.TrimSpace(f.ID) == "" {
		return errors.New("no _id to look for: type the alert's _id, as in netskope-alerts find 65f0a1b2c3d4e5f6a7b8c9d0")
	}
	return nil
}

// Run asks the ledger. That it does not have the alert is no error, but an exit status.
func (f *Find) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	since := f.Since.At(now)
	c, err := s.OpenToLook()
	if err != nil {
		return err
	}
	show, done := searchLine(s.Stderr)
	found, err := c.Ledger().Search(ctx, ledger.Search{Identity: f.ID, From: since, To: now, All: f.All, Progress: show})
	done()
	if err != nil {
		return err
	}
	if f.JSON {
		if found == nil {
			found = []ledger.Found{}
		}
		err = cli.WriteJSON(s.Stdout, found)
	} else {
		t := text.TerminalOf(s.Stdout, s.Lookup)
		for _, d := range found {
			fmt.Fprintln(t, place(t, c.BucketName, d))
		}
	}
	if err != nil || len(found) > 0 {
		return err
	}
	return f.notFound(ctx, s, c, since)
}

// notFound says how much that the ledger does not have the alert is worth.
func (f *Find) notFound(ctx context.Context, s cli.Streams, c *collector.Collector, since time.Time) error {
	begins, err := c.Ledger().Start(ctx)
	t := text.TerminalOf(s.Stderr, s.Lookup)
	say := func(format string, arguments ...any) {
		fmt.Fprintln(t, text.Wrapped(text.Clean(f.ID)+" is not in the ledger"+fmt.Sprintf(format, arguments...), t.Width, 0))
	}
	switch {
	case err != nil:
		return err
	case begins.IsZero():
		say(", which is empty: nothing is known")
	case begins.After(since):
		say(", which begins at %s: what was delivered before is not known", text.Stamp(begins))
	default:
		say(" since %s", text.Stamp(since))
	}
	return cli.ExitStatus(cli.ExitMore)
}

// searchLine draws, on a terminal and after two seconds, how much of the ledger is read.
func searchLine(w io.Writer) (show func(read, of int), done func()) {
	began := time.Now()
	var bar *text.Progress
	show = func(read, of int) {
		if bar == nil && time.Since(began) >= cli.Patience {
			bar = text.NewProgress(w, int64(of), text.ProgressStyle{Width: 20, What: "entries of the ledger read",
				Count: true, Pause: 100 * time.Millisecond})
		}
		bar.At(int64(read))
	}
	return show, func() { bar.Clear() }
}

// place says where an alert is.
func place(t text.Terminal, bucket string, d ledger.Found) string {
	sentence := "delivered " + text.Stamp(d.Delivered)
	if d.Late {
		sentence += ", by a repair"
	}
	if d.Quarantined {
		sentence += ", in quarantine: the feed did not get it"
	}
	if !d.Present {
		sentence += "; the object is no longer there"
	}
	return fmt.Sprintf("gs://%s/%s line %d\n  of %s to %s\n  %s", bucket, text.Clean(d.Object), d.Line,
		text.Stamp(d.From), text.OnDay(d.To, d.From), text.Wrapped(sentence, t.Width, 2))
}
