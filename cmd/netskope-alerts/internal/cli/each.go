package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"netskope-alerts.internal/collector/internal/env"
	"netskope-alerts.internal/collector/internal/stream"
)

// Turn is how a command is taken through the streams that are collected: to the command itself
// there is only one.
type Turn struct {
	Only string // the stream that is wanted, whatever STREAMS says; empty for all of STREAMS
	JSON bool   // the command prints for programs
	Any  bool   // it has gone well if it has for one stream
	All  bool   // it works on all at once
	One  string // why it can be done for one stream only; empty if it can for several

	// Judge says what is wrong with the configuration, as of all streams, before the first of
	// several has its turn: it would be the same for each. Nil: nothing is looked at.
	Judge func(Streams) error
}

// Each runs the command for every stream that is wanted, one after the other. Before each there is
// a line that says which, if there are several. What fails for one is no reason to leave out the
// others; the error is then all of theirs, or the exit status the most serious.
func (s Streams) Each(ctx context.Context, turn Turn, run func(Streams) error) error {
	if turn.All && turn.Only == "" {
		return run(s)
	}
	streams, err := s.wanted(turn.Only)
	if err != nil {
		return err
	}
	if len(streams) == 1 {
		one := s.of(streams[0])
		if configured, err := s.wanted(""); turn.Only != "" && err == nil && !slices.Contains(configured, streams[0]) {
			one.Configured = configured
		}
		if turn.Only == "" {
			one.Stream = ""
		}
		return run(one)
	}
	if turn.One != "" {
		return Usage(fmt.Sprintf("%s: add --stream, one of %s", turn.One, stream.Names(streams, ", ")))
	}
	if turn.Judge != nil {
		if err := turn.Judge(s); err != nil {
			return err
		}
		s.judged = true
	}
	var sum Endings
	for i, of := range streams {
		if err := s.head(turn, of, i > 0); err != nil {
			return err
		}
		err := run(s.of(of))
		if err != nil && ctx.Err() != nil {
			return err
		}
		sum.Add(of, err)
	}
	return sum.Err(turn.Any)
}

// Endings are how several streams ended.
type Endings struct {
	failures []error
	status   ExitStatus
	well     bool
}

// Add takes in how one of several ended.
func (e *Endings) Add(of stream.Stream, err error) {
	var ended ExitStatus
	switch {
	case err == nil:
		e.well = true
	case errors.As(err, &ended):
		if e.status == 0 || ended == ExitFailed {
			e.status = ended
		}
	default:
		e.failures = append(e.failures, fmt.Errorf("%v: %w", of, err))
	}
}

// Err is all that failed, or the most serious exit status. With any, all is well if one went well, and
// none failed.
func (e *Endings) Err(any bool) error {
	switch {
	case len(e.failures) > 0:
		return errors.Join(e.failures...)
	case e.status == 0, any && e.well && e.status != ExitFailed:
		return nil
	}
	return e.status
}

// wanted are the streams of which there is to be a turn.
func (s Streams) wanted(only string) ([]stream.Stream, error) {
	if only != "" {
		of, err := stream.Parse(only)
		if err != nil {
			return nil, fmt.Errorf("--stream: %w", err)
		}
		return []stream.Stream{of}, nil
	}
	v := env.New(s.Lookup)
	streams := env.Several(v, "STREAMS", stream.All()...)
	return streams, v.Err()
}

// of is the same with one stream in STREAMS.
func (s Streams) of(one stream.Stream) Streams {
	s.Stream = one.String()
	lookup := s.Lookup
	s.Lookup = func(name string) (string, bool) {
		if name == "STREAMS" {
			return one.String(), true
		}
		return lookup(name)
	}
	return s
}

func (s Streams) head(turn Turn, of stream.Stream, again bool) error {
	if turn.JSON {
		return WriteLine(s.Stdout, "stream", of)
	}
	return s.Head(of, again)
}

// Head prints the line that says whose the following is; again says that something was printed before.
func (s Streams) Head(of stream.Stream, again bool) error {
	between := ""
	if again {
		between = "\n"
	}
	_, err := fmt.Fprintf(s.Stdout, "%sstream %v\n", between, of)
	return err
}
