package ndjson

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// split reads all lines, with a buffer and a limit that are small.
func split(r io.Reader, buffer, limit int) (all []Line, err error) {
	l := NewLines(bufio.NewReaderSize(r, buffer), limit)
	for {
		at, err := l.Read()
		if err != nil {
			return all, err
		}
		at.Text = bytes.Clone(at.Text)
		all = append(all, at)
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, test := range []struct {
		text string
		want []Line
	}{
		{"", nil},
		{"\n", []Line{{[]byte(""), 1, 0, 1, true, false}}},
		{"a", []Line{{[]byte("a"), 1, 0, 1, false, false}}},
		{"a\n\nbc\n", []Line{{[]byte("a"), 1, 0, 2, true, false}, {[]byte(""), 2, 2, 1, true, false},
			{[]byte("bc"), 3, 3, 3, true, false}}},
		{"a\r\nb", []Line{{[]byte("a\r"), 1, 0, 3, true, false}, {[]byte("b"), 2, 3, 1, false, false}}},
		{long[:49] + "\nb\n", []Line{{[]byte(long[:49]), 1, 0, 50, true, false}, {[]byte("b"), 2, 50, 2, true, false}}},
		{long[:50] + "\nb\n", []Line{{[]byte(long[:50]), 1, 0, 51, true, true}, {[]byte("b"), 2, 51, 2, true, false}}},
		{long[:50], []Line{{[]byte(long[:50]), 1, 0, 50, false, false}}},
		{long[:51], []Line{{[]byte(long[:50]), 1, 0, 51, false, true}}},
		{long + "\n" + long, []Line{{[]byte(long[:50]), 1, 0, 101, true, true},
			{[]byte(long[:50]), 2, 101, 100, false, true}}},
	} {
		for _, buffer := range []int{16, 64, 4096} {
			for name, r := range map[string]io.Reader{"at once": strings.NewReader(test.text),
				"byte by byte": iotest.OneByteReader(strings.NewReader(test.text))} {
				got, err := split(r, buffer, 50)
				if err != io.EOF || !slices.EqualFunc(got, test.want, func(a, b Line) bool {
					text := bytes.Equal(a.Text, b.Text)
					a.Text, b.Text = nil, nil
					return text && a.Number == b.Number && a.Start == b.Start && a.Size == b.Size &&
						a.Ended == b.Ended && a.Long == b.Long
				}) {
					t.Errorf("%.20q %s, buffer %d: got %+v, %v; want %+v", test.text, name, buffer, got, err, test.want)
				}
			}
		}
	}
	if got, err := split(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errBroken)), 16,
		50); len(got) != 1 || !errors.Is(err, errBroken) {
		t.Errorf("before an error there are %d lines, %v", len(got), err)
	}
}

// FuzzLines: the lines put together are the text.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\n\nb"), uint8(16), uint8(3))
	f.Add([]byte(strings.Repeat("x", 100)+"\n"), uint8(20), uint8(40))
	f.Fuzz(func(t *testing.T, text []byte, buffer, limit uint8) {
		all, err := split(bytes.NewReader(text), int(buffer), int(limit)+1)
		if err != io.EOF {
			t.Fatal(err)
		}
		var again []byte
		for i, at := range all {
			whole := text[at.Start : at.Start+at.Size]
			if at.Number != int64(i)+1 || at.Start != int64(len(again)) || at.Ended != (whole[len(whole)-1] == '\n') ||
				!at.Ended && i < len(all)-1 ||
				bytes.Count(whole, []byte("\n")) > 1 || at.Long != (len(whole) > int(limit)+1) ||
				!bytes.HasPrefix(whole, at.Text) || !at.Long &&
				len(at.Text) != len(bytes.TrimSuffix(whole, []byte("\n"))) {
				t.Fatalf("line %d is %+v of %q", i, at, whole)
			}
			again = append(again, whole...)
		}
		if !bytes.Equal(again, text) {
			t.Fatalf("%q became %q", text, again)
		}
	})
}

func TestIDSet(t *testing.T) {
	s := NewIDSet(1000)
	id := func(i int) []byte {
		return []byte(strings.Repeat("i", i%7) + string(rune('a'+i%26)) + strings.Repeat("j", i/26))
	}
	for round := range 2 {
		for i := range 3000 {
			if s.Seen(id(i)) {
				t.Fatalf("round %d: id %d was there before", round, i)
			}
		}
		for i := range 3000 {
			if want := i < 1000; s.Seen(id(i)) != want {
				t.Fatalf("round %d: of id %d it is not said that it was seen: %t", round, i, want)
			}
		}
		if s.n != 1000 || s.Over != 4000 {
			t.Errorf("%d ids are kept, %d not", s.n, s.Over)
		}
		s.Reset()
		if s.Over != 0 {
			t.Errorf("%d are over after a reset", s.Over)
		}
	}
}
