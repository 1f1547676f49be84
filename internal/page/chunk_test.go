package page

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// sample has an example of everything that can stand at the end of a chunk.
var sample = " {\"ok\" : 1, \"status\":{\"count\": -12.5e+3, \"m\":\"\\u00e9 \\\\\"},\r\n\"result\":[ " + strings.Join(nasty, ",\n ") +
	"] ,\"operation\":\"a\\\"b\", \"wait_time\": 1234567890123, \"x\":[true,false, null]}"

// pieces returns data in reads of the given sizes, used in turn.
type pieces struct {
	data  []byte
	sizes []byte
	turn  int
	with  bool // whether io.EOF comes with the last byte
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := 1
	if len(p.sizes) > 0 {
		n = int(p.sizes[p.turn%len(p.sizes)])
		p.turn++
	}
	n = copy(b[:min(n, len(b))], p.data)
	for i := n; i < min(n+2*pad, len(b)); i++ { // an io.Reader may use all of b as scratch space
		b[i] = '"'
	}
	p.data = p.data[n:]
	if len(p.data) == 0 && p.with {
		return n, io.EOF
	}
	return n, nil
}

func small() *Reader { return &Reader{source: source{size: 1}} }

func TestReadInChunks(t *testing.T) {
	want, err := read(new(Reader), strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Elements) != len(nasty) {
		t.Fatalf("%d elements, want %d", len(want.Elements), len(nasty))
	}
	kept, keptSmall := new(Reader), small()
	check := func(name string, body func() io.Reader) {
		t.Helper()
		for _, r := range []*Reader{small(), kept, keptSmall} {
			got, err := read(r, body())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !reflect.DeepEqual(want, got) {
				t.Fatalf("%s: %s", name, cmp.Diff(want, got))
			}
		}
	}
	for _, wrap := range []struct {
		name string
		by   func(io.Reader) io.Reader
	}{
		{"one byte", iotest.OneByteReader},
		{"half", iotest.HalfReader},
		{"data with EOF", iotest.DataErrReader},
		{"one byte, data with EOF", func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) }},
		{"half, data with EOF", func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.HalfReader(r)) }},
	} {
		check(wrap.name, func() io.Reader { return wrap.by(strings.NewReader(sample)) })
	}
	for i := range len(sample) + 1 {
		check(fmt.Sprintf("two parts at %d", i), func() io.Reader {
			return io.MultiReader(strings.NewReader(sample[:i]), strings.NewReader(sample[i:]))
		})
	}
	for n := 1; n < 40; n++ {
		check(fmt.Sprintf("pieces of %d", n), func() io.Reader {
			return &pieces{data: []byte(sample), sizes: []byte{byte(n), 1, 0}}
		})
	}
}

func TestReadTruncated(t *testing.T) {
	for _, r := range []*Reader{new(Reader), small()} {
		for i := range len(sample) {
			for _, body := range []io.Reader{
				strings.NewReader(sample[:i]),
				iotest.DataErrReader(iotest.HalfReader(strings.NewReader(sample[:i]))),
			} {
				o, err := read(r, body)
				var failed *ReadError
				if !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &failed) {
					t.Fatalf("cut at %d: error %v", i, err)
				}
				for j, line := range lines(o) {
					if j >= len(nasty) || len(line) > len(nasty[j]) {
						t.Fatalf("cut at %d: element %d is %q", i, j, line)
					}
				}
			}
		}
	}
}

func TestReadTruncatedNumberIsNotHandedOver(t *testing.T) {
	for _, body := range []string{
		`{"result":[1`, `{"result":[-`, `{"result":[12345678`, `{"result":[1.`, `{"result":[1e5`, `{"result":12`,
	} {
		o, err := read(small(), strings.NewReader(body))
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(o.Elements) != 0 || o.Envelope.ResultValue != nil {
			t.Errorf("%s: %v, error %v", body, o, err)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("connection reset")
	for _, cause := range []error{broken, io.ErrUnexpectedEOF} {
		for i := range len(sample) + 1 { // a failure behind the object counts as well
			for _, wrap := range []func(io.Reader) io.Reader{
				func(r io.Reader) io.Reader { return r },
				iotest.DataErrReader,
				iotest.OneByteReader,
			} {
				o, err := read(small(), wrap(io.MultiReader(strings.NewReader(sample[:i]), iotest.ErrReader(cause))))
				var failed *ReadError
				if !errors.As(err, &failed) || !errors.Is(err, cause) {
					t.Fatalf("failure at %d: error %v", i, err)
				}
				if failed.Offset != int64(i) {
					t.Fatalf("failure at %d: offset %d", i, failed.Offset)
				}
				if i == len(sample) && len(o.Elements) != len(nasty) {
					t.Fatalf("%d elements before the failure, want %d", len(o.Elements), len(nasty))
				}
			}
		}
	}
}

// count returns a fixed count from each Read.
type count int

func (c count) Read([]byte) (int, error) { return int(c), nil }

func TestReadFromBrokenReader(t *testing.T) {
	for _, c := range []count{-1, 0, 1 << 40} {
		_, err := read(new(Reader), c)
		var failed *ReadError
		if !errors.As(err, &failed) {
			t.Errorf("count %d: error %v", c, err)
		}
		if c == 0 && !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("count 0: error %v", err)
		}
	}
}

func TestReadTooLarge(t *testing.T) {
	for _, tt := range []struct {
		element string
		limit   int // at least the length of "result", quoted
		ok      bool
	}{
		{`{"a":12345}`, 11, true}, {`{"a":12345}`, 10, false}, {`{"a":12345}`, 8, false},
		{`"12345678901234567890"`, 22, true}, {`"12345678901234567890"`, 21, false},
		{`1234567890`, 10, true}, {`1234567890`, 9, false},
		{`[ 1, 2, 3]`, 10, true}, {`[ 1, 2, 3]`, 9, false}, // as received
		{`{"abcd":1,x}`, 10, true}, {`{"abcd":1,x}`, 9, false}, // invalid, which shows at byte 10
	} {
		body := `{"result":[` + tt.element + `]}`
		for i := range body {
			for _, r := range []*Reader{new(Reader), small()} {
				r.MaxAlert = tt.limit
				_, err := read(r, io.MultiReader(strings.NewReader(body[:i]), strings.NewReader(body[i:])))
				if errors.Is(err, ErrTooLarge) == tt.ok {
					t.Errorf("%s, limit %d, split at %d: error %v", tt.element, tt.limit, i, err)
				}
			}
		}
	}
	for n, want := range map[int]bool{maxMember - 2: false, maxMember - 1: true} {
		_, err := read(small(), strings.NewReader(`{"message":"`+strings.Repeat("x", n)+`"}`))
		if errors.Is(err, ErrTooLarge) != want || want && !strings.Contains(err.Error(), `"message"`) {
			t.Errorf("message of %d bytes: error %v", n, err)
		}
	}
}

func TestReadLargeAlert(t *testing.T) {
	// A reader that rescanned the alert at each byte would never finish.
	alert := `{"_id": "1", "blob":"` + strings.Repeat("0123456789", 300_000) +
		`", "list": [` + strings.Repeat(`1, `, 100_000) + `1]}`
	var r Reader
	o, err := read(&r, iotest.OneByteReader(strings.NewReader(`{"result":[{"a":1},`+alert+`, {"b": 2}]}`)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := lines(o), []string{`{"a":1}`, strings.ReplaceAll(alert, " ", ""), `{"b":2}`}; !cmp.Equal(got, want) {
		t.Errorf("%d lines, wrong", len(got))
	}
	if most := 2*len(alert) + pad + 1; len(r.buf) > most || len(r.out) > most {
		t.Errorf("buffers of %d and %d bytes for an alert of %d", len(r.buf), len(r.out), len(alert))
	}
	r.MaxAlert = len(alert) - 1
	if _, err := read(&r, strings.NewReader(`{"result":[`+alert+`]}`)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}

func TestReaderForgetsBody(t *testing.T) {
	var r Reader
	for range 2 {
		if _, err := read(&r, strings.NewReader(`{"result":[{"_id":1`)); err == nil {
			t.Fatal("no error")
		}
		if r.body != nil || r.err != nil {
			t.Error("body kept")
		}
		o, err := read(&r, strings.NewReader(`{"result":[{},2]}`))
		if err != nil || !cmp.Equal(lines(o), []string{"{}", "2"}) || o.Elements[0].ID != nil {
			t.Errorf("%v, error %v", o, err)
		}
	}
}

func TestReadAllocatesPerBodyOnly(t *testing.T) {
	for _, layout := range []string{"compact", "python", "pretty"} {
		allocs := func(alerts int) float64 {
			body := syntheticBody(alerts, layout)
			var r Reader
			var in bytes.Reader
			return testing.AllocsPerRun(5, func() {
				in.Reset(body)
				n := 0
				if _, err := r.Read(&in, func(a *Alert) error { n += len(a.ID); return nil }); err != nil || n != 18*alerts {
					t.Fatal(n, err)
				}
			})
		}
		// The runtime's own allocations count too, a few now and then.
		if n := allocs(100); n > 20 {
			t.Errorf("%s: %v allocations for a body of 100 alerts", layout, n)
		}
	}
}

func TestReadHoldsOneAlert(t *testing.T) {
	var r Reader
	body := syntheticBody(150, "python")
	if _, err := r.Read(bytes.NewReader(body), func(*Alert) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if len(r.buf) != defaultBuffer+pad || len(r.out) > 64<<10 {
		t.Errorf("buffers of %d and %d bytes for alerts of 3 KB", len(r.buf), len(r.out))
	}
}
