package cli

import (
	"context"
	"errors"
	"fmt"

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
		return run(s.of(streams[0]))
	}
	if turn.One != "" {
		return fmt.Errorf("%s: add --stream, one of %s", turn.One, stream.Names(streams, ", "))
	}
	if turn.Judge != nil {
		if err := turn.Judge(s); err != nil {
			return err
		}
		s.judged = true
	}
	var failures []error
	status, well := ExitStatus(0), false
	for i, of := range streams {
		if err := s.head(turn, of, i > 0); err != nil {
			return err
		}
		err := run(s.of(of))
		var ended ExitStatus
		switch {
		case err == nil:
			well = true
		case ctx.Err() != nil:
			return err
		case errors.As(err, &ended):
			if status == 0 || ended == ExitFailed {
				status = ended
			}
		default:
			failures = append(failures, fmt.Errorf("%v: %w", of, err))
		}
	}
	switch {
	case len(failures) > 0:
		return errors.Join(failures...)
	case status == 0, turn.Any && well && status != ExitFailed:
		return nil
	}
	return status
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
	between := ""
	if again {
		between = "\n"
	}
	_, err := fmt.Fprintf(s.Stdout, "%sstream %v\n", between, of)
	return err
}
