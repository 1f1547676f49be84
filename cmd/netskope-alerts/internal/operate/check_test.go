package operate

import (
	"strings"
	"testing"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/check"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

func TestFindingLines(t *testing.T) {
	var out strings.Builder
	l := findingLines{to: text.Terminal{Writer: &out, Colour: true, Width: 40}}
	for _, f := range []check.Finding{
		{Subject: "a", Level: check.Skip, Seen: "one"},
		{Subject: "b", Level: check.Skip, Seen: "two"},
		{Subject: "c", Level: check.Skip, Seen: "two"},
		{Subject: "d", Level: check.Fail, Seen: "is as bad as it can be", Remedy: "do this, and do not wait until later"},
		{Subject: "e", Level: check.Skip, Seen: "two"},
	} {
		l.print(f)
	}
	l.flush()
	l.flush()
	want := `skip  a                      one
skip  b                      (and 1
      more) two
fail  d                      is as bad
      as it can be
      → do this, and do not wait until
        later
skip  e                      two
`
	got := strings.NewReplacer("\x1b[2m", "", "\x1b[31m", "", "\x1b[0m", "").Replace(out.String())
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if !strings.Contains(out.String(), "\x1b[31mfail\x1b[0m") {
		t.Error("no colours")
	}
}
