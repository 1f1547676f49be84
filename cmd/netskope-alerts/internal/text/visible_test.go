package text

import (
	"strings"
	"testing"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
)

// FuzzClean: whatever comes over the network, nothing in it moves a cursor, and it fits.
func FuzzClean(f *testing.F) {
	f.Add(browsertest.Hostile, 20)
	f.Add("数据\u0301\u200d👩", 3)
	f.Add("\xff\xfe", 1)
	f.Fuzz(func(t *testing.T, text string, width int) {
		width = 1 + int(uint(width)%100)
		shown := Clean(text)
		if shown == "" || strings.TrimSpace(shown) != shown {
			t.Errorf("%q is shown as %q", text, shown)
		}
		for _, r := range shown {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
				r == 0x2028 || r == 0x2029 {
				t.Errorf("%q lets %U through", text, r)
			}
		}
		if cut := Fit(shown, width); Columns(cut) != width {
			t.Errorf("%q is %d columns wide, not %d", cut, Columns(cut), width)
		}
	})
}
