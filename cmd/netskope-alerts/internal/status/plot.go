package status

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Plots are as wide as the page lets them, so that across everything is in percent;
// down it is in pixels.
const plotHeight = 220

// mark is a rectangle, a line or a text of a plot, with the text that explains it.
type mark struct {
	X, Width  string  // percent
	Y, Height float64 // pixels
	Colour    int
	Label     string
	Kind      string // of label or line; a class of the style sheet
}

// axis is a vertical scale from 0 to its top.
type axis struct {
	top   int64
	Ticks []mark
}

// newAxis has at most six steps of 1, 2 or 5 times a power of ten.
func newAxis(largest int64) axis {
	step := int64(1)
	for i := 0; step*6 < largest; i++ {
		step = step / []int64{1, 2, 5}[i%3] * []int64{2, 5, 10}[i%3]
	}
	a := axis{top: max((largest+step-1)/step, 1) * step}
	for n := int64(0); n <= a.top; n += step {
		a.Ticks = append(a.Ticks, mark{Y: plotHeight - a.height(n), Label: text.ShortNumber(n)})
	}
	return a
}

func (a axis) height(n int64) float64 { return float64(n) / float64(a.top) * plotHeight }

// hoursPlot are stacked bars, one for each hour.
type hoursPlot struct {
	Axis     axis
	Columns  []mark // full height: where to point at
	Segments []mark
	Times    []mark
	Legend   []mark
	Gaps     []mark // hours of which nothing is known
	Partial  bool   // some hour is not complete
	Heads    []string
	Rows     [][]string // the figures as a table
}

func plotHours(s Status) hoursPlot {
	var p hoursPlot
	top, others := text.Plotted(typeRows(s.Types))
	var most int64
	for _, h := range s.Hours {
		most = max(most, h.Alerts)
		if others.Label == "" && beyond(h, s.Types) > 0 {
			others.Label = "other types"
		}
	}
	p.Axis = newAxis(most)
	p.Heads = []string{"Hour (UTC)", "Alerts"}
	for i, t := range top {
		p.Legend = append(p.Legend, mark{Colour: i, Label: t.Label})
		p.Heads = append(p.Heads, t.Label)
	}
	if others.Label != "" {
		p.Legend = append(p.Legend, mark{Colour: text.PlottedRows, Label: others.Label})
		p.Heads = append(p.Heads, others.Label)
	}
	for i, h := range s.Hours {
		p.hour(i, h, s, others.Label)
	}
	return p
}

// leastOutlined is the height, in pixels, below which an outline would hide a segment.
const leastOutlined = 4

// beyond is how many of the hour's alerts are of none of the types that are told apart.
func beyond(h Hour, types []TypeCount) int64 {
	n := h.Alerts
	for _, t := range types[:min(len(types), text.PlottedRows)] {
		n -= h.Types[t.Type]
	}
	return max(n, 0)
}

// hour adds the i-th bar: the most frequent types from the bottom, then the others.
func (p *hoursPlot) hour(i int, h Hour, s Status, others string) {
	slot := 1 / float64(len(s.Hours))
	start, note := h.Start.UTC(), markOf(h, s)
	name := start.Format("Jan 02 15:04") + " to " + start.Add(time.Hour).Format("15:04 UTC")
	row := []string{start.Format("2006-01-02 15:04"), text.Number(h.Alerts)}
	bar := mark{X: text.Percent((float64(i) + 0.1) * slot), Width: text.Percent(0.8 * slot), Y: plotHeight}
	whole := mark{X: text.Percent(float64(i) * slot), Width: text.Percent(slot), Height: plotHeight,
		Label: name + ": " + text.Count(h.Alerts, "alert", "alerts")}
	switch note {
	case "":
	case notRecorded, notYet:
		whole.Label, row[1] = name+": "+note, note
		p.Gaps = append(p.Gaps, whole)
	default:
		whole.Label += " " + note
		row[1] += " " + note
		bar.Kind = "partial"
		p.Partial = p.Partial || h.Alerts > 0
	}
	p.Columns = append(p.Columns, whole)
	if label := (mark{X: text.Percent((float64(i) + 0.5) * slot), Label: start.Format("15:04")}); start.Hour()%3 == 0 {
		if start.Hour()%6 != 0 {
			label.Kind = "minor"
		}
		p.Times = append(p.Times, label)
		if start.Hour() == 0 {
			label.Y, label.Label, label.Kind = 15, start.Format("Jan 2"), ""
			p.Times = append(p.Times, label)
		}
	}
	segment := func(colour int, kind string, n int64) {
		row = append(row, text.Number(n))
		if n <= 0 {
			return
		}
		bar.Height = p.Axis.height(n)
		if n == h.Alerts {
			bar.Height = max(bar.Height, 1) // to be seen
		}
		bar.Y, bar.Colour = bar.Y-bar.Height, colour
		bar.Label = fmt.Sprintf("%s\n%s: %s of %s", name, kind, text.Number(n), text.Number(h.Alerts))
		if p.Segments = append(p.Segments, bar); bar.Height < leastOutlined {
			p.Segments[len(p.Segments)-1].Kind += " thin"
		}
	}
	for colour, t := range s.Types[:min(len(s.Types), text.PlottedRows)] {
		segment(colour, p.Legend[colour].Label, h.Types[t.Type])
	}
	if others != "" {
		segment(text.PlottedRows, others, beyond(h, s.Types))
	}
	p.Rows = append(p.Rows, row)
}

// latenessPlot is a histogram over a logarithmic axis: its first bar is for less than a
// second, and each further one for twice as long as the one before.
type latenessPlot struct {
	Axis  axis
	Bars  []mark
	Times []mark
	Lines []mark // percentiles
	Rows  [][]string
}

// leastBars reach to an hour, so that the axis says something.
const leastBars = 13

// latenessBar is the number of the bar for the duration: 0 for less than a second, then
// [1 s, 2 s), [2 s, 4 s) and so on.
func latenessBar(d time.Duration) int { return bits.Len64(uint64(max(d, 0) / time.Second)) }

func plotLateness(l Latenesses) latenessPlot {
	var p latenessPlot
	if len(l.Buckets) == 0 {
		return p
	}
	counts := make([]int64, leastBars)
	var all, most int64
	for _, b := range l.Buckets {
		i := latenessBar(b.UpTo)
		for len(counts) <= i {
			counts = append(counts, 0)
		}
		counts[i] += b.Alerts
		all += b.Alerts
	}
	for _, n := range counts {
		most = max(most, n)
	}
	p.Axis = newAxis(most)
	slot := 1 / float64(len(counts))
	for i, n := range counts {
		from, to := int64(1)<<i/2, int64(1)<<i
		name := fmt.Sprintf("%s to %s", text.Span(time.Duration(from)*time.Second),
			text.Span(time.Duration(to-1)*time.Second))
		if to-from <= 1 {
			name = text.Span(time.Duration(from) * time.Second)
		}
		p.Rows = append(p.Rows, []string{name, text.Number(n), text.Share(n, all)})
		if n > 0 {
			height := max(p.Axis.height(n), 1)
			p.Bars = append(p.Bars, mark{X: text.Percent((float64(i) + 0.06) * slot), Width: text.Percent(0.88 * slot),
				Y: plotHeight - height, Height: height,
				Label: fmt.Sprintf("%s: %s, %s", name, text.Count(n, "alert", "alerts"), text.Share(n, all))})
		}
	}
	at := func(d time.Duration) float64 {
		if s := d.Seconds(); s >= 1 {
			return min((1+math.Log2(s))*slot, 1)
		}
		return slot / 2
	}
	for _, d := range []time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour,
		6 * time.Hour, 24 * time.Hour, 240 * time.Hour} {
		if x := at(d); x < 1 {
			p.Times = append(p.Times, mark{X: text.Percent(x), Label: text.Span(d)})
		}
	}
	for i, q := range []struct {
		name string
		of   time.Duration
	}{{"median", l.P50}, {"p90", l.P90}, {"p99", l.P99}} {
		line := mark{X: text.Percent(at(q.of)), Y: float64(-12 - 15*(2-i)), Label: q.name + " " + text.Span(q.of)}
		if at(q.of) > 0.6 {
			line.Kind = "left"
		}
		p.Lines = append(p.Lines, line)
	}
	return p
}
