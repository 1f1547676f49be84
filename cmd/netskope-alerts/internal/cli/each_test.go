package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// TestEach: each stream has its turn, in which it is the only one; the most serious end is the end.
func TestEach(t *testing.T) {
	failure := errors.New("it failed")
	for _, test := range []struct {
		name, streams string
		turn          Turn
		ends          map[string]error
		ran, out, err string
		status        ExitStatus
	}{
		{"nothing set", "", Turn{}, nil, "alert", "", "", 0},
		{"one", "page", Turn{}, map[string]error{"page": ExitStatus(3)}, "page", "", "", 3},
		{"several", "page,alert", Turn{}, nil, "alert page", "stream alert\n\nstream page\n", "", 0},
		{"for programs", "page,alert", Turn{JSON: true}, nil, "alert page",
			`{"stream":"alert"}` + "\n" + `{"stream":"page"}` + "\n", "", 0},
		{"the one that is wanted", "page,alert", Turn{Only: "Audit"}, nil, "audit", "", "", 0},
		{"none that there is", "page", Turn{Only: "alerts"}, nil, "", "", `--stream: there is no stream "alerts"`, 0},
		{"none of STREAMS", "alerts", Turn{}, nil, "", "", "STREAMS", 0},
		{"for one only", "page,alert", Turn{One: "a page is of one stream"}, nil, "", "",
			"a page is of one stream: add --stream, one of alert, page", 0},
		{"for one only, and it is", "page", Turn{One: "a page is of one stream"}, nil, "page", "", "", 0},
		{"one has more to do", "page,alert,audit", Turn{}, map[string]error{"audit": ExitStatus(3)},
			"alert audit page", "", "", 3},
		{"one has failed", "page,alert,audit", Turn{}, map[string]error{"alert": ExitStatus(3), "audit": ExitStatus(1)},
			"alert audit page", "", "", 1},
		{"one has failed otherwise", "page,alert,audit", Turn{}, map[string]error{"alert": failure, "page": failure},
			"alert audit page", "", "alert: it failed\npage: it failed", 0},
		{"one is enough", "page,alert", Turn{Any: true}, map[string]error{"alert": ExitStatus(3)}, "alert page", "", "", 0},
		{"one would be enough", "page,alert", Turn{Any: true},
			map[string]error{"alert": ExitStatus(3), "page": ExitStatus(3)}, "alert page", "", "", 3},
	} {
		var out bytes.Buffer
		var ran []string
		s := Streams{Stdout: &out, Lookup: func(name string) (string, bool) {
			if name == "STREAMS" {
				return test.streams, true
			}
			return "set", true
		}}
		err := s.Each(context.Background(), test.turn, func(s Streams) error {
			name, _ := s.Lookup("STREAMS")
			if other, _ := s.Lookup("GCS_BUCKET"); other != "set" {
				t.Errorf("%s: another variable is %q", test.name, other)
			}
			ran = append(ran, name)
			return test.ends[name]
		})
		var status ExitStatus
		if errors.As(err, &status) {
			err = nil
		}
		if strings.Join(ran, " ") != test.ran || status != test.status || (err != nil) != (test.err != "") ||
			err != nil && !strings.Contains(err.Error(), test.err) || test.out != "" && out.String() != test.out {
			t.Errorf("%s: ran %q, status %d, %v, printed %q", test.name, ran, status, err, out.String())
		}
	}
	// Who is told to end ends.
	ctx, stop := context.WithCancel(context.Background())
	n := 0
	err := Streams{Stdout: &bytes.Buffer{}, Lookup: func(string) (string, bool) { return "alert,page", true }}.
		Each(ctx, Turn{}, func(Streams) error {
			n++
			stop()
			return failure
		})
	if n != 1 || !errors.Is(err, failure) {
		t.Errorf("after it was told to end: %d turns, %v", n, err)
	}
}

// TestEachJudgesOnce: what is wrong for every stream is said once, before the first has its turn.
func TestEachJudgesOnce(t *testing.T) {
	wrong := errors.New("LAG is wrong")
	for _, test := range []struct {
		streams string
		judged  error
		want    int // turns
	}{{"alert,page", wrong, 0}, {"alert,page", nil, 2}, {"page", wrong, 1}} { // one stream's turn says it itself
		var out bytes.Buffer
		judged, turns := 0, 0
		s := Streams{Stdout: &out, Lookup: func(string) (string, bool) { return test.streams, true }}
		err := s.Each(context.Background(), Turn{Judge: func(Streams) error { judged++; return test.judged }},
			func(Streams) error { turns++; return nil })
		refused := test.want == 0
		if turns != test.want || refused != (err != nil) || refused && out.Len() > 0 || test.want != 1 && judged != 1 {
			t.Errorf("%s, %v: judged %d times, %d turns, %v, printed %q", test.streams, test.judged, judged, turns, err,
				out.String())
		}
	}
}
