package text

import (
	"fmt"
	"strconv"
	"time"
)

// Number has thousands separators: 1,234,567.
func Number[N int | int64](n N) string {
	digits, sign := strconv.FormatInt(int64(n), 10), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// ShortNumber is for axes: 900, 1.5 k, 20 M.
func ShortNumber(n int64) string {
	for _, unit := range []struct {
		of   int64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n >= unit.of {
			return strconv.FormatFloat(float64(n)/float64(unit.of), 'g', 3, 64) + " " + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// Size is a number of bytes in units of 1000: 999 B, 1.2 kB, 34.5 MB.
func Size(bytes int64) string {
	if bytes < 1000 {
		return Number(bytes) + " B"
	}
	value, unit := float64(bytes), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		if value /= 1000; value < 999.95 { // what rounds to 1000.0 is of the next unit
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// Span is a duration in its two largest units, rounded down: 45 s, 2 m 5 s, 3 h 12 m,
// 2 d 4 h. A negative one is none.
func Span(d time.Duration) string {
	seconds := int64(max(d, 0).Round(time.Second) / time.Second)
	for _, unit := range []struct {
		name, next string
		of, per    int64
	}{{"d", "h", 86400, 3600}, {"h", "m", 3600, 60}, {"m", "s", 60, 1}} {
		if seconds < unit.of {
			continue
		}
		text := Number(seconds/unit.of) + " " + unit.name
		if rest := seconds % unit.of / unit.per; rest > 0 {
			text += fmt.Sprintf(" %d %s", rest, unit.next)
		}
		return text
	}
	return fmt.Sprintf("%d s", seconds)
}

// Roughly is a duration in words, in whole days, hours, minutes or seconds, whichever leaves
// more than one of them.
func Roughly(d time.Duration) string {
	switch d = d.Abs(); {
	case d >= 48*time.Hour:
		return Plural(int64(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return Plural(int64(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return Plural(int64(d/time.Minute), "minute")
	}
	return Plural(int64(d.Round(time.Second)/time.Second), "second")
}

// Share is the percentage that n is of all.
func Share(n, all int64) string {
	percent := 100 * float64(n) / float64(max(all, 1))
	switch {
	case n > 0 && percent < 1:
		return "<1 %"
	case n < all && percent > 99:
		return ">99 %"
	}
	return fmt.Sprintf("%.0f %%", percent)
}

// Stamp is a time in UTC, with seconds if it has any.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 ") + Clock(t) }

// Clock is a time of the day in UTC, with seconds if it has any.
func Clock(t time.Time) string {
	if t = t.UTC(); t.Second() != 0 {
		return t.Format("15:04:05 UTC")
	}
	return t.Format("15:04 UTC")
}

// OnDay is the time's clock, with the date if that is not the other's, in UTC.
func OnDay(t, other time.Time) string {
	if t, other = t.UTC(), other.UTC(); t.Format(time.DateOnly) == other.Format(time.DateOnly) {
		return Clock(t)
	}
	return Stamp(t)
}

// Count is a number with the right form of the noun.
func Count[N int | int64](n N, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + more
}

// Plural is a number without separators, and a noun whose plural ends in s.
func Plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
