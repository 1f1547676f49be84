package audit

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestCommaLines splits lines however their bytes arrive and are asked for.
func TestCommaLines(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"{}\n":                "{} ",
		"{}\n{\"a\":1}\n":     `{},{"a":1} `,
		"{}\n{\"a\":\"\\n\"}": `{},{"a":"\n"}`,
		"{}\n\n{}\n":          "{},,{} ",
	} {
		for name, r := range map[string]io.Reader{
			"at once":      strings.NewReader(text),
			"byte by byte": iotest.OneByteReader(strings.NewReader(text)),
			"with its end": iotest.DataErrReader(strings.NewReader(text)),
		} {
			got, err := io.ReadAll(iotest.OneByteReader(commaLines{bufio.NewReaderSize(r, 16)}))
			if err != nil || string(got) != want {
				t.Errorf("%q %s: %q, %v, want %q", text, name, got, err, want)
			}
		}
	}
}
