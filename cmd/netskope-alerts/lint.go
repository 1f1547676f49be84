package main

import (
	"context"
	"errors"
	"fmt"
	"io"
)

type lintCommand struct {
	Inputs   []string `arg:"" optional:"" name:"input" help:"Files, folders, gs://BUCKET/OBJECT, gs://BUCKET/FOLDER/, or - for standard input; without any, the feed's folder gs://GCS_BUCKET/GCS_PREFIX/."`
	Findings atMost   `default:"10" help:"How many findings of each rule to show: all, none or a number (${default})."`
	JSON     bool     `name:"json" help:"Print one JSON object per line: the findings, then the sum."`
}

// Help is shown by lint --help.
func (*lintCommand) Help() string {
	return `Holds objects against what a feed needs: one JSON object on each line, in UTF-8, of 4 MB at most; 2 GB at most in an object; nothing else in the folder, and no alert twice in an object. It reads only, and needs no access to the tenant. Names that end in .gz are gzip. In a folder, names that are not the collector's are findings; what they hold is looked at if they end in .ndjson or .ndjson.gz.

Exit status: 0 clean, 3 findings, 1 failed.

Example:
  netskope-alerts lint gs://my-bucket/netskope/alerts/`
}

func (c *lintCommand) Run(ctx context.Context, s streams) error {
	if len(c.Inputs) == 0 {
		if bucket, _ := s.lookup("GCS_BUCKET"); bucket == "" {
			return errors.New("what is to be looked at? Type files, folders, gs://BUCKET/FOLDER/ or -, or set GCS_BUCKET (and GCS_PREFIX, if it is not netskope/alerts) to look at the feed's folder")
		}
		bucket, prefix, err := s.folder()
		if err != nil {
			return err
		}
		c.Inputs = []string{"gs://" + bucket + "/" + prefix + "/"}
	}
	r := newLintReport(c, s)
	l := newLint(r.add)
	err := inputs{s.stdin, openBucket}.each(ctx, c.Inputs, func(s source) error { return l.object(ctx, s) })
	if err != nil {
		return errors.Join(err, r.err)
	}
	if err := r.end(l.lintSum); err != nil {
		return err
	}
	if r.sum() > 0 {
		return exitStatus(exitMore)
	}
	return nil
}

// lintSum is what was looked at.
type lintSum struct {
	Objects     int64 `json:"objects"`
	Gone        int64 `json:"gone"`    // objects that were taken away meanwhile
	Foreign     int64 `json:"foreign"` // objects of which only the name was looked at
	Lines       int64 `json:"lines"`
	Bytes       int64 `json:"bytes"`            // of the content, unpacked
	Stored      int64 `json:"stored"`           // of the objects
	NotCompared int64 `json:"ids_not_compared"` // of alerts of objects with too many to remember
}

// lint holds sources against the rules.
type lint struct {
	lintSum
	lineLint
	sizes  lintSizes
	report func(finding)
	at     source
	line   line
}

// lintSizes are in bytes.
type lintSizes struct{ object, unpacked int64 }

// feedSizes are what a feed takes, see remedies. Whether its GB are of 1000 or 1024 is not
// said.
var feedSizes = lintSizes{object: 2e9, unpacked: 10e9}

func newLint(report func(finding)) *lint {
	l := &lint{report: report, sizes: feedSizes}
	l.limit = maxLine
	l.ids = newIDSet(maxIDs)
	l.found = func(of rule, column int64, what string) {
		l.add(finding{Line: l.line.number, Column: column, Byte: l.line.start + column - 1, Rule: of, What: what})
	}
	return l
}

func (l *lint) add(f finding) {
	f.Object, f.Do = l.at.name, remedyOf(f.Rule)
	l.report(f)
}

// object looks at a source. Its error is that it could not.
func (l *lint) object(ctx context.Context, s source) error {
	l.at = s
	l.ids.reset()
	l.Objects++
	wrong, what := judgeName(s)
	if wrong != "" {
		l.add(finding{Rule: wrong, What: what})
	}
	if wrong == ruleForeign && !isNDJSON(s.object) {
		l.Foreign++
		return nil
	}
	if s.encoding != "" {
		l.add(finding{Rule: ruleEncoding, What: fmt.Sprintf("the object has the Content-Encoding %s", clean(s.encoding))})
	}
	c, err := s.content(ctx)
	if err == nil {
		defer c.close()
		err = l.lines(c)
		l.Stored += c.size()
	}
	l.NotCompared += l.ids.over
	broken, unread := (*flaw)(nil), (*unreadError)(nil)
	switch {
	case errors.Is(err, errGone):
		l.Gone++
		return nil
	case errors.As(err, &broken):
		l.add(finding{Byte: broken.at, Rule: flawRules[broken.kind], What: broken.what})
		return nil
	case errors.As(err, &unread):
		l.add(finding{Byte: unread.from, Rule: ruleObjectSize, What: unread.Error()})
		return nil
	case err != nil && s.encoding != "" && ctx.Err() == nil && !errors.Is(err, errImpatient):
		l.add(finding{Rule: ruleEncoding, What: fmt.Sprintf("it cannot be read so: %v", err)})
		return nil
	case err != nil:
		return fmt.Errorf("read %s: %w", s.name, err)
	}
	return nil
}

// lines looks at every line of a content.
func (l *lint) lines(c *content) error {
	all := newLines(c.Reader, int(l.limit))
	defer func() {
		l.Lines += all.count
		l.Bytes += all.bytes
	}()
	last, big := line{ended: true}, false
	for {
		at, err := all.read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		last, l.line = at, at
		l.judge(at)
		if all.bytes > l.sizes.object && !big {
			big = true
			l.found(ruleObjectSize, 1, fmt.Sprintf("the object is longer than %s", size(l.sizes.object)))
		}
		if all.bytes > l.sizes.unpacked {
			return &unreadError{from: all.bytes, limit: l.sizes.unpacked}
		}
	}
	if !last.ended {
		l.found(ruleNewline, last.size+1, "the last line has no newline at its end")
	}
	if f := c.trailing(); f != nil {
		return f
	}
	return nil
}

// unreadError says that a content is so long that its rest was not looked at.
type unreadError struct{ from, limit int64 }

func (e *unreadError) Error() string {
	return fmt.Sprintf("nothing was looked at behind %s", size(e.limit))
}
