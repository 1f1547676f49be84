package collector

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"cloud.google.com/go/storage"
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
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)),
			"with its end": iotest.DataErrReader(strings.NewReader(text))} {
			got, err := io.ReadAll(iotest.OneByteReader(commaLines{bufio.NewReaderSize(r, 16)}))
			if err != nil || string(got) != want {
				t.Errorf("%q %s: %q, %v, want %q", text, name, got, err, want)
			}
		}
	}
}

// FuzzParseEntry holds that no metadata makes an entry that contradicts its object.
func FuzzParseEntry(f *testing.F) {
	placed := &placed{Name: "a", Staged: "b", Generation: 1}
	for _, e := range []entry{{From: dayStart, To: dayStart.Add(time.Hour)}, {From: dayStart, To: dayStart.Add(time.Hour), Alerts: 2, Object: placed}, splitMark(Window{dayStart, dayStart.Add(time.Hour)})} {
		text, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), int64(32))
	}
	f.Add("{", int64(0))
	const hour = `{"from":"2026-11-23T00:00:00Z","to":"2026-11-23T01:00:00Z",`
	f.Add(hour+`"alerts":-1,"quarantined":2,"quarantine":{"name":"a"}}`, int64(16))
	f.Add(hour+`"alerts":1152921504606846976,"object":{"name":"a"}}`, int64(0))
	f.Fuzz(func(t *testing.T, text string, size int64) {
		e, err := parseEntry(&storage.ObjectAttrs{Bucket: "b", Name: "n", Size: size, Metadata: map[string]string{ledgerMember: text}})
		if err != nil {
			return
		}
		if !e.From.Before(e.To) || e.Alerts < 0 || e.Quarantined < 0 || size != 16*(e.Alerts+e.Quarantined) || e.Alerts > 0 && e.Object == nil || e.Quarantined > 0 && e.Quarantine == nil {
			t.Errorf("%q with %d bytes is %+v", text, size, e)
		}
	})
}
