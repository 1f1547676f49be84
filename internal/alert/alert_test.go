package alert

import (
	"bytes"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/page"
)

func TestEpochSeconds(t *testing.T) {
	for _, test := range []struct {
		raw  string
		want int64 // -1: none
	}{
		{"1795426508", 1795426508}, {`"1795426508"`, 1795426508}, {`" 1795426508 "`, 1795426508},
		{"1795426508.9", 1795426508}, {`"1795426508.9"`, 1795426508}, {"1.795426508e9", 1795426508},
		{"1795426508123", 1795426508}, {"1795426508123.5", 1795426508},
		{"1795426508123456", 1795426508}, {"1795426508123456789", 1795426508},
		{`"2026-11-23T09:35:08Z"`, 1795426508}, {`"2026-11-23T09:35:08.123456789Z"`, 1795426508},
		{`"2026-11-23T09:35:08"`, 1795426508}, {`"2026-11-23 09:35:08.999"`, 1795426508},
		{`"2026-11-23T11:35:08.000+02:00"`, 1795426508}, {`"2026-11-23T09:35:08.000+0000"`, 1795426508},
		{`"Mon Nov 23 09:35:08 2026"`, 1795426508},
		{"0", -1}, {"-1", -1}, {"0.5", -1}, {`"0"`, -1}, {`"0001-01-01T00:00:00Z"`, -1}, {`"1970-01-01T00:00:00Z"`, -1},
		{"", -1}, {"null", -1}, {`""`, -1}, {`"now"`, -1}, {"1e400", -1}, {"NaN", -1}, {"Inf", -1}, {"true", -1}, {"{}", -1},
		{"99999999999999999999999999", -1}, {strings.Repeat("9", 100), -1},
	} {
		got, ok := EpochSeconds([]byte(test.raw))
		if !ok {
			got = -1
		}
		if got != test.want {
			t.Errorf("%s: got %d, want %d", test.raw, got, test.want)
		}
	}
}

func TestIdentity(t *testing.T) {
	for _, test := range []struct {
		id   string
		want string
	}{
		{`"5f"`, "5f"}, {`"a\/b\u0041\""`, `a/bA"`}, {`"\\"`, `\`}, {`12`, "12"},
		{`""`, "sha256:"}, {`null`, "sha256:"}, {``, "sha256:"}, {`{}`, "sha256:"},
	} {
		a := page.Alert{Line: []byte("{}"), ID: []byte(test.id)}
		if got := string(Identity(&a)); got != test.want && !(test.want == "sha256:" && strings.HasPrefix(got, test.want)) {
			t.Errorf("%s: got %s, want %s", test.id, got, test.want)
		}
	}
	a, b := page.Alert{Line: []byte(`{"a":1}`)}, page.Alert{Line: []byte(`{"a":2}`)}
	if bytes.Equal(Identity(&a), Identity(&b)) {
		t.Error("two alerts without _id share an identity")
	}
}

// FuzzEpochSeconds holds that every time that is read is one that an alert can have.
func FuzzEpochSeconds(f *testing.F) {
	for _, seed := range []string{
		"1795426508", `"1795426508123"`, "1e18", "-1e18", `"2026-11-23T09:35:08Z"`, "0", "null", "0x10", "1_000",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		seconds, ok := EpochSeconds(raw)
		if ok && (seconds <= 0 || seconds >= 1e12) {
			t.Errorf("%q is %d", raw, seconds)
		}
		if moment, known := Moment(strings.Trim(string(raw), `"`)); known != ok || ok && moment.Unix() != seconds {
			t.Errorf("%q is %d, %v, and also %v, %v", raw, seconds, ok, moment, known)
		}
	})
}
