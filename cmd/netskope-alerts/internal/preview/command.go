// Package preview is the udm command: it shows which event Google SecOps makes of each
// alert or event, by a table of package udm.
package preview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// Command is netskope-alerts udm.
type Command struct {
	LogType  udm.LogType `name:"log-type" placeholder:"TYPE" help:"The log type of the feed: NETSKOPE_ALERT_V2, which deploy.sh feed sets up and which is the default, or NETSKOPE_ALERT."`
	Inputs   []string    `arg:"" optional:"" name:"input" help:"Files, folders, gs://BUCKET/OBJECT, gs://BUCKET/FOLDER/, or - for standard input, which is read without any; without any and with --stream, that stream's folder."`
	Explain  string      `placeholder:"ID" help:"Say what every row of the mapping table did with the alert of this _id."`
	Coverage bool        `help:"Say which rows are used, which values are lost, which fields no row reads, and what Google would refuse."`
	All      bool        `help:"Show rows that did nothing with --explain, and every field with --coverage."`
	JSON     bool        `name:"json" help:"Print what --explain and --coverage say as one JSON document."`
	HTML     string      `name:"html" placeholder:"FILE" help:"Write the coverage, and what --explain says, as a page to this file; it needs nothing but a browser."`
	Findings cli.AtMost  `default:"10" help:"How many findings of each rule to show with events: all, none or a number (${default})."`
}

// Help is shown by udm --help.
func (*Command) Help() string {
	return "Previews the event of the Unified Data Model (UDM) that Google SecOps makes of each alert, " +
		"and of each event of the other streams, " +
		"by Google's published schema and mapping table of the feed's log type. " +
		"It is not Google's parser, which is not published and decides alone.\n\n" +
		"Reads NDJSON; names that end in .gz are gzip. " +
		"Of folders only what ends in .ndjson or .ndjson.gz is read. " +
		"Prints one event per line on standard output, and a summary with findings on standard error; " +
		"with --explain, --coverage or --html no events. " +
		"Needs no access to the tenant, and no variable but what gs:// needs.\n\n" +
		cli.Ends{Well: "all events valid", More: "some invalid, or a line not readable, or no alert of the ID"}.String() +
		"\n\n" +
		"Examples:\n" +
		"  netskope-alerts udm gs://my-bucket/netskope/alerts/2026/11/ >events.ndjson\n" +
		"  netskope-alerts udm --explain 65f0a1b2c3d4e5f6a7b8c9d0 alerts.ndjson.gz\n" +
		"  netskope-alerts udm --coverage --html coverage.html \\\n" +
		"      gs://my-bucket/netskope/alerts/\n" +
		"  netskope-alerts udm --coverage --log-type NETSKOPE_ALERT \\\n" +
		"      gs://my-bucket/netskope/alerts/"
}

// Validate refuses a form of output that there is nothing for.
func (c *Command) Validate() error {
	if c.JSON && c.Explain == "" && !c.Coverage {
		return errors.New("--json is for --coverage or --explain: add one; events are JSON without it")
	}
	return nil
}

// Run maps every input. Events that Google would refuse are no error, but an exit status.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	if len(c.Inputs) == 0 {
		if s.Stream != "" {
			bucket, prefix, err := s.Folder()
			if err != nil {
				return err
			}
			c.Inputs = []string{"gs://" + bucket + "/" + prefix + "/"}
		} else if text.IsTerminal(s.Stdin) {
			return cli.Usage("what is to be read? Type files, folders, gs://BUCKET/FOLDER/, or pipe NDJSON in")
		}
		if len(c.Inputs) == 0 {
			c.Inputs = []string{"-"}
		}
	}
	p := newPreview(c, s)
	if err := (ndjson.Inputs{Stdin: s.Stdin, Bucket: cli.OpenBucket}).Each(ctx, c.Inputs,
		func(s ndjson.Source) error { return p.object(ctx, s) }); err != nil {
		return errors.Join(err, p.flush())
	}
	if err := p.flush(); err != nil {
		return err
	}
	if p.Objects == 0 {
		return fmt.Errorf("there is nothing to read: no object that ends in .ndjson or .ndjson.gz (%s left out); "+
			"is the name right?", text.Count(p.Skipped, "other", "others"))
	}
	if err := c.show(s, p.report()); err != nil {
		return err
	}
	if !p.valid() {
		return cli.ExitStatus(cli.ExitMore)
	}
	return nil
}

// show prints what was found, and writes the page if one is wanted.
func (c *Command) show(s cli.Streams, r report) error {
	if c.HTML != "" {
		var page bytes.Buffer // whole, before the file is touched
		if err := writeHTML(&page, r); err != nil {
			return err
		}
		if err := os.WriteFile(c.HTML, page.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the page for --html: %w", err)
		}
		defer fmt.Fprintf(s.Stderr, "The page is in %s\n", c.HTML)
	}
	if c.Explain != "" && r.explained == nil {
		fmt.Fprintf(s.Stderr, "no alert of %s has the _id %s\n", text.Count(r.Lines, "line", "lines"),
			text.Clean(c.Explain))
	}
	switch {
	case c.JSON:
		return writeJSON(s.Stdout, c, r)
	case c.Explain != "" || c.Coverage:
		return writeText(text.TerminalOf(s.Stdout, s.Lookup), c, r)
	}
	return writeSummary(text.TerminalOf(s.Stderr, s.Lookup), r)
}
