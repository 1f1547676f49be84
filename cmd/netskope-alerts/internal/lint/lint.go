// Package lint is the command that holds objects against what a SecOps feed needs.
package lint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/alert"
)

// Command is netskope-alerts lint.
type Command struct {
	Inputs   []string   `arg:"" optional:"" name:"input" help:"Files, folders, gs://BUCKET/OBJECT, gs://BUCKET/FOLDER/, or - for standard input; without any, the feed's folder gs://GCS_BUCKET/GCS_PREFIX/."`
	Findings cli.AtMost `default:"10" help:"How many findings of each rule to show: all, none or a number (${default})."`
	JSON     bool       `name:"json" help:"Print one JSON object per line: the findings, then the sum."`
}

// Help is shown by lint --help.
func (*Command) Help() string {
	return "Holds objects against what a feed needs: one JSON object on each line, in UTF-8, of 4 MB at most; " +
		"2 GB at most in an object; nothing else in the folder, and no alert twice in an object. " +
		"It reads only, and needs no access to the tenant. " +
		"Names that end in .gz are gzip. " +
		"In a folder, names that are not the collector's are findings; " +
		"what they hold is looked at if they end in .ndjson or .ndjson.gz.\n\n" +
		cli.Ends{Well: "clean", More: "findings", Failed: "failed, or nothing to look at"}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts lint gs://my-bucket/netskope/alerts/"
}

// Run looks at every input. Findings are no error, but an exit status.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	if len(c.Inputs) == 0 {
		if bucket, _ := s.Lookup("GCS_BUCKET"); bucket == "" {
			return cli.Usage("what is to be looked at? " +
				"Type files, folders, gs://BUCKET/FOLDER/ or -, " +
				"or set GCS_BUCKET (and GCS_PREFIX, if it is not netskope/alerts) to look at the feed's folder")
		}
		bucket, prefix, err := s.Folder()
		if err != nil {
			return err
		}
		c.Inputs = []string{"gs://" + bucket + "/" + prefix + "/"}
	}
	r := newReport(c, s)
	l := newLinter(r.add)
	err := ndjson.Inputs{Stdin: s.Stdin, Bucket: cli.OpenBucket}.Each(ctx, c.Inputs,
		func(s ndjson.Source) error { return l.object(ctx, s) })
	if err != nil {
		return errors.Join(err, r.err)
	}
	if err := r.end(l.totals); err != nil {
		return err
	}
	if l.Objects == 0 {
		return cli.ExitStatus(cli.ExitFailed)
	}
	if r.sum() > 0 {
		return cli.ExitStatus(cli.ExitMore)
	}
	return nil
}

// totals is what was looked at.
type totals struct {
	Objects     int64 `json:"objects"`
	Gone        int64 `json:"gone"`    // objects that were taken away meanwhile
	Foreign     int64 `json:"foreign"` // objects of which only the name was looked at
	Lines       int64 `json:"lines"`
	Bytes       int64 `json:"bytes"`            // of the content, unpacked
	Stored      int64 `json:"stored"`           // of the objects
	NotCompared int64 `json:"ids_not_compared"` // of alerts of objects with too many to remember
}

// linter holds sources against the rules.
type linter struct {
	totals
	lineLint
	sizes  sizes
	report func(finding)
	at     ndjson.Source
	line   ndjson.Line
}

// sizes are in bytes.
type sizes struct{ object, unpacked int64 }

// feedSizes are what a feed takes, see remedies. Whether its GB are of 1000 or 1024 is not
// said.
var feedSizes = sizes{object: 2e9, unpacked: 10e9}

func newLinter(report func(finding)) *linter {
	l := &linter{report: report, sizes: feedSizes}
	l.limit = alert.MaxLine
	l.ids = ndjson.NewIDSet(ndjson.MaxIDs)
	l.found = func(of rule, column int64, what string) {
		l.add(finding{Line: l.line.Number, Column: column, Byte: l.line.Start + column - 1, Rule: of, What: what})
	}
	return l
}

func (l *linter) add(f finding) {
	f.Object, f.Do = l.at.Name, cmp.Or(f.Do, remedyOf(f.Rule))
	l.report(f)
}

// object looks at a source. Its error is that it could not.
func (l *linter) object(ctx context.Context, s ndjson.Source) error {
	l.at = s
	l.ids.Reset()
	l.Objects++
	wrong, what := judgeName(s)
	if wrong != "" {
		l.add(finding{Rule: wrong, What: what})
	}
	if wrong == ruleForeign && !ndjson.IsNDJSON(s.Object) {
		l.Foreign++
		return nil
	}
	if s.Encoding != "" {
		l.add(finding{Rule: ruleEncoding, What: fmt.Sprintf("the object has the Content-Encoding %s",
			text.Clean(s.Encoding))})
	}
	c, err := s.Content(ctx)
	if err == nil {
		defer c.Close()
		if form := c.Form(); form != nil {
			l.add(finding{Rule: rule(form.Name), What: form.What, Do: form.Do})
		} else {
			err = l.lines(c)
		}
		l.Stored += c.Size()
	}
	l.NotCompared += l.ids.Over
	broken, unread := (*ndjson.Flaw)(nil), (*unreadError)(nil)
	switch {
	case errors.Is(err, ndjson.ErrGone):
		l.Gone++
		return nil
	case errors.As(err, &broken):
		l.add(finding{Byte: broken.At, Rule: flawRules[broken.Kind], What: broken.What})
		return nil
	case errors.As(err, &unread):
		l.add(finding{Byte: unread.from, Rule: ruleObjectSize, What: unread.Error()})
		return nil
	case err != nil && s.Encoding != "" && ctx.Err() == nil && !errors.Is(err, ndjson.ErrImpatient):
		l.add(finding{Rule: ruleEncoding, What: fmt.Sprintf("it cannot be read so: %v", err)})
		return nil
	case err != nil:
		return fmt.Errorf("read %s: %w", s.Name, err)
	}
	return nil
}

// lines looks at every line of a content.
func (l *linter) lines(c *ndjson.Content) error {
	all := ndjson.NewLines(c.Reader, int(l.limit))
	defer func() {
		l.Lines += all.Count
		l.Bytes += all.Bytes
	}()
	last, big := ndjson.Line{Ended: true}, false
	for {
		at, err := all.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		last, l.line = at, at
		l.judge(at)
		if all.Bytes > l.sizes.object && !big {
			big = true
			l.found(ruleObjectSize, 1, fmt.Sprintf("the object is longer than %s", text.Size(l.sizes.object)))
		}
		if all.Bytes > l.sizes.unpacked {
			return &unreadError{from: all.Bytes, limit: l.sizes.unpacked}
		}
	}
	if !last.Ended {
		l.found(ruleNewline, last.Size+1, "the last line has no newline at its end")
	}
	if f := c.Trailing(); f != nil {
		return f
	}
	return nil
}

// unreadError says that a content is so long that its rest was not looked at.
type unreadError struct{ from, limit int64 }

func (e *unreadError) Error() string {
	return fmt.Sprintf("nothing was looked at behind %s", text.Size(e.limit))
}
