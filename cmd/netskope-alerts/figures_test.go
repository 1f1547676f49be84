package main

import (
	"math"
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	for _, c := range []struct{ what, got, want string }{
		{"number", number(0), "0"},
		{"number", number(999), "999"},
		{"number", number(1000), "1,000"},
		{"number", number(int64(9_714_578)), "9,714,578"},
		{"number", number(-1234), "-1,234"},
		{"number", number(int64(math.MinInt64)), "-9,223,372,036,854,775,808"},
		{"shortNumber", shortNumber(999), "999"},
		{"shortNumber", shortNumber(1000), "1 k"},
		{"shortNumber", shortNumber(2500), "2.5 k"},
		{"shortNumber", shortNumber(500_000), "500 k"},
		{"shortNumber", shortNumber(20_000_000), "20 M"},
		{"shortNumber", shortNumber(5_000_000_000), "5 G"},
		{"size", size(0), "0 B"},
		{"size", size(999), "999 B"},
		{"size", size(1000), "1.0 kB"},
		{"size", size(999_949), "999.9 kB"},
		{"size", size(999_950), "1.0 MB"},
		{"size", size(48_200_000), "48.2 MB"},
		{"size", size(23_600_000_000), "23.6 GB"},
		{"size", size(math.MaxInt64), "9.2 EB"},
		{"span", span(0), "0 s"},
		{"span", span(-time.Hour), "0 s"},
		{"span", span(499 * time.Millisecond), "0 s"},
		{"span", span(59*time.Second + 600*time.Millisecond), "1 m"},
		{"span", span(125 * time.Second), "2 m 5 s"},
		{"span", span(time.Hour - time.Millisecond), "1 h"},
		{"span", span(3*time.Hour + 12*time.Minute + 59*time.Second), "3 h 12 m"},
		{"span", span(time.Hour + 30*time.Second), "1 h"},
		{"span", span(52 * time.Hour), "2 d 4 h"},
		{"span", span(24*time.Hour + 59*time.Minute), "1 d"},
		{"span", span(1100 * 24 * time.Hour), "1,100 d"},
		{"share", share(0, 0), "0 %"},
		{"share", share(1, 3), "33 %"},
		{"share", share(1, 1000), "<1 %"},
		{"share", share(9_999, 10_000), ">99 %"},
		{"share", share(5, 5), "100 %"},
		{"stamp", stamp(time.Date(2026, 11, 23, 1, 0, 0, 0, time.FixedZone("", 7200))), "2026-11-22 23:00 UTC"},
		{"stamp", stamp(time.Date(2026, 11, 23, 1, 0, 7, 0, time.UTC)), "2026-11-23 01:00:07 UTC"},
		{"onDay", onDay(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC), time.Date(2026, 11, 23, 0, 30, 0, 0, time.FixedZone("", 7200))), "2026-11-23 01:00 UTC"},
		{"onDay", onDay(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC), time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC)), "01:00 UTC"},
		{"count", count(1, "alert", "alerts"), "1 alert"},
		{"count", count(int64(2000), "alert", "alerts"), "2,000 alerts"},
		{"clean", clean("DLP"), "DLP"},
		{"clean", clean("\x1b[31mred\x1b[0m\x07"), "[31mred[0m"},
		{"clean", clean("two\nlines\tand\u00a0more"), "two lines and more"},
		{"clean", clean("a\u009b2Jb\u202egnp.exe\u2066\u200b"), "a2Jbgnp.exe"},
		{"clean", clean("Überwachung 数据"), "Überwachung 数据"},
		{"clean", clean("\x00\x1b\n"), "(not printable)"},
		{"clean", clean(""), "(not printable)"},
		{"fit", fit("DLP", 5), "DLP  "},
		{"fit", fit("Malware", 7), "Malware"},
		{"fit", fit("Malware!", 7), "Malwar…"},
		{"fit", fit("数据泄漏", 7), "数据泄…"},
		{"fit", fit("数据泄漏", 6), "数据… "},
		{"fit", fit("e\u0301e\u0301", 4), "e\u0301e\u0301  "},
		{"unbroken", unbroken("2 m 5 s of 2026-11-23 to gs://a-b/c"), "2\u00a0m 5\u00a0s of 2026-\u206011-\u206023 to gs://a-b/c"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
}
