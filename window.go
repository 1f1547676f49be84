package collector

import (
	"fmt"
	"strings"
	"time"
)

// Window is a half-open span of time, [From, To), in whole seconds UTC. An alert
// belongs to exactly one window: the one that holds its time (see [TimeField]).
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// compactTime is RFC 3339 without punctuation, fit for object names.
const compactTime = "20060102T150405Z"

func (w Window) String() string {
	return w.From.Format(time.RFC3339) + "/" + w.To.Format(time.RFC3339)
}

// objectName says which window an object holds, and of what kind it is.
func (w Window) objectName(folder, kind, suffix string) string {
	return fmt.Sprintf("%s/%s/%s_%s_%s%s", folder, w.From.Format("2006/01/02"), kind,
		w.From.Format(compactTime), w.To.Format(compactTime), suffix)
}

// nameParts reads the window back from an object's name, and what stands between it and
// the first dot.
func nameParts(name, kind string) (w Window, rest string, ok bool) {
	stem, _, _ := strings.Cut(baseName(name), ".")
	fields := strings.SplitN(stem, "_", 4)
	if len(fields) < 3 || fields[0] != kind {
		return w, "", false
	}
	from, err := time.Parse(compactTime, fields[1])
	to, toErr := time.Parse(compactTime, fields[2])
	if len(fields) == 4 {
		rest = fields[3]
	}
	return Window{From: from, To: to}, rest, err == nil && toErr == nil
}

const gzipSuffix = ".gz"

// baseName is the last part of an object's name.
func baseName(object string) string { return object[strings.LastIndexByte(object, '/')+1:] }

// suffix is that of alert objects.
func (c Config) suffix() string {
	if c.Compression == Gzip {
		return ".ndjson" + gzipSuffix
	}
	return ".ndjson"
}

// alertsObject is the name of the window's object in the feed's folder. It is chosen
// together with the window, and stored, so that whoever repeats the window meets
// the object that an earlier run made and cannot make a second, even if GCS_PREFIX or
// COMPRESSION have changed since.
func (w Window) alertsObject(c Config) string {
	return w.objectName(c.Prefix, "alerts", c.suffix())
}

// overlaps reports whether a moment lies in both.
func (w Window) overlaps(other Window) bool {
	return w.From.Before(other.To) && other.From.Before(w.To)
}

// widened has the seconds in which a request for the window can meet others' alerts.
func (w Window) widened() Window {
	return Window{From: w.From.Add(-2 * time.Second), To: w.To.Add(2 * time.Second)}
}

// contains reports whether the second, counted from the epoch, lies in the window.
func (w Window) contains(second int64) bool {
	return w.From.Unix() <= second && second < w.To.Unix()
}

// asked is the inclusive range of seconds requested for the window: the
// documentation contradicts itself on which bounds are inclusive, so one second
// more is asked for on both sides than would do if both were.
func (w Window) asked() (from, to int64) { return w.From.Unix() - 1, w.To.Unix() }

// split is the first part of the window: a quarter, aligned to step, or where that is not
// inside the window, half of it. The window must be longer than a second.
func (w Window) split(step time.Duration) Window {
	span := w.To.Sub(w.From)
	end := w.From.Add(max(span/4, step)).Truncate(step)
	if !end.After(w.From) || !end.Before(w.To) {
		end = w.From.Add((span / 2).Truncate(time.Second))
	}
	return Window{From: w.From, To: end}
}

// Horizon is the end of the newest window that may be asked for at now, UTC.
func (c Config) Horizon(now time.Time) time.Time {
	return now.Add(-c.Lag).UTC().Truncate(c.Window)
}

// following chooses the window after w, which held n alerts. It is called once,
// when w is complete, and its answer is stored, so that every run works on the same
// window.
//
// Near the present the window ends at the next multiple of WINDOW. Further behind,
// windows grow while they are sparse: fourfold or twofold if as dense a window
// would still fit one page, to at most six hours and never past the horizon. A
// window of more than a page is followed by one half as long.
func following(w Window, n int64, horizon time.Time, c Config) Window {
	span := w.To.Sub(w.From)
	switch page := int64(c.PageSize); {
	case 4*n <= page:
		span *= 4
	case 2*n <= page:
		span *= 2
	case n > page:
		span /= 2
	}
	end := w.To.Add(min(span, maxWindow)).Truncate(c.Window)
	if end.After(horizon) {
		end = horizon
	}
	if least := w.To.Truncate(c.Window).Add(c.Window); end.Before(least) {
		end = least
	}
	return Window{From: w.To, To: end}
}
