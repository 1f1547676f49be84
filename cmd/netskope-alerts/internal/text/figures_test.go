package text

import (
	"math"
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	for _, c := range []struct{ what, got, want string }{
		{"number", Number(0), "0"},
		{"number", Number(999), "999"},
		{"number", Number(1000), "1,000"},
		{"number", Number(int64(9_714_578)), "9,714,578"},
		{"number", Number(-1234), "-1,234"},
		{"number", Number(int64(math.MinInt64)), "-9,223,372,036,854,775,808"},
		{"shortNumber", ShortNumber(999), "999"},
		{"shortNumber", ShortNumber(1000), "1 k"},
		{"shortNumber", ShortNumber(2500), "2.5 k"},
		{"shortNumber", ShortNumber(500_000), "500 k"},
		{"shortNumber", ShortNumber(20_000_000), "20 M"},
		{"shortNumber", ShortNumber(5_000_000_000), "5 G"},
		{"size", Size(0), "0 B"},
		{"size", Size(999), "999 B"},
		{"size", Size(1000), "1.0 kB"},
		{"size", Size(999_949), "999.9 kB"},
		{"size", Size(999_950), "1.0 MB"},
		{"size", Size(48_200_000), "48.2 MB"},
		{"size", Size(23_600_000_000), "23.6 GB"},
		{"size", Size(math.MaxInt64), "9.2 EB"},
		{"span", Span(0), "0 s"},
		{"span", Span(-time.Hour), "0 s"},
		{"span", Span(499 * time.Millisecond), "0 s"},
		{"span", Span(59*time.Second + 600*time.Millisecond), "1 m"},
		{"span", Span(125 * time.Second), "2 m 5 s"},
		{"span", Span(time.Hour - time.Millisecond), "1 h"},
		{"span", Span(3*time.Hour + 12*time.Minute + 59*time.Second), "3 h 12 m"},
		{"span", Span(time.Hour + 30*time.Second), "1 h"},
		{"span", Span(52 * time.Hour), "2 d 4 h"},
		{"span", Span(24*time.Hour + 59*time.Minute), "1 d"},
		{"span", Span(1100 * 24 * time.Hour), "1,100 d"},
		{"share", Share(0, 0), "0 %"},
		{"share", Share(1, 3), "33 %"},
		{"share", Share(1, 1000), "<1 %"},
		{"share", Share(9_999, 10_000), ">99 %"},
		{"share", Share(5, 5), "100 %"},
		{"stamp", Stamp(time.Date(2026, 11, 23, 1, 0, 0, 0, time.FixedZone("", 7200))), "2026-11-22 23:00 UTC"},
		{"stamp", Stamp(time.Date(2026, 11, 23, 1, 0, 7, 0, time.UTC)), "2026-11-23 01:00:07 UTC"},
		{"onDay", OnDay(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC),
			time.Date(2026, 11, 23, 0, 30, 0, 0, time.FixedZone("", 7200))), "2026-11-23 01:00 UTC"},
		{"onDay", OnDay(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC), time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC)),
			"01:00 UTC"},
		{"count", Count(1, "alert", "alerts"), "1 alert"},
		{"count", Count(int64(2000), "alert", "alerts"), "2,000 alerts"},
		{"clean", Clean("DLP"), "DLP"},
		{"clean", Clean("\x1b[31mred\x1b[0m\x07"), "[31mred[0m"},
		{"clean", Clean("two\nlines\tand\u00a0more"), "two lines and more"},
		{"clean", Clean("a\u009b2Jb\u202egnp.exe\u2066\u200b"), "a2Jbgnp.exe"},
		{"clean", Clean("Überwachung 数据"), "Überwachung 数据"},
		{"clean", Clean("\x00\x1b\n"), "(not printable)"},
		{"clean", Clean(""), "(not printable)"},
		{"fit", Fit("DLP", 5), "DLP  "},
		{"fit", Fit("Malware", 7), "Malware"},
		{"fit", Fit("Malware!", 7), "Malwar…"},
		{"fit", Fit("数据泄漏", 7), "数据泄…"},
		{"fit", Fit("数据泄漏", 6), "数据… "},
		{"fit", Fit("e\u0301e\u0301", 4), "e\u0301e\u0301  "},
		{"unbroken", Unbroken("2 m 5 s of 2026-11-23 to gs://a-b/c"),
			"2\u00a0m 5\u00a0s of 2026-\u206011-\u206023 to gs://a-b/c"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
}
