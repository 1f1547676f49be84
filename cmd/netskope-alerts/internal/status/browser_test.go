package status

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// TestPageInBrowser loads the pages into Chromium and holds what it draws against the
// statuses.
func TestPageInBrowser(t *testing.T) {
	all := samples()
	long := all["no-alerts"]
	long.Folder = strings.Repeat("long", 25)
	all["long-folder"] = long
	shots := browsertest.Serve(t, pages(all)).Measure(t)
	for name, s := range all {
		for _, v := range browsertest.Views {
			t.Run(fmt.Sprintf("%s/%v", name, v), func(t *testing.T) {
				got := shots[fmt.Sprintf("%s %v", name, v)]
				checkPage(t, got, s, v)
				if t.Failed() || s.Alerts == 0 {
					return
				}
				checkHours(t, got, s)
				checkTypes(t, got, s)
				checkLateness(t, got, s)
				checkPercentiles(t, got, s.Lateness)
			})
		}
	}
}

func pages(of map[string]Status) map[string]func(io.Writer) error {
	written := map[string]func(io.Writer) error{}
	for name, s := range of {
		written[name] = func(w io.Writer) error { return writeHTML(w, s) }
	}
	return written
}

func checkPage(t *testing.T, got browsertest.Measured, s Status, v browsertest.View) {
	got.CheckForm(t, v)
	shown, headline := browsertest.Plain(got.Text), conditionOf(s).sentence
	if browsertest.Plain(got.Title) != "Netskope alerts: "+headline {
		t.Errorf("title %q", got.Title)
	}
	want := []string{headline, s.Tenant, "gs://" + s.Bucket + "/" + s.Folder + "/", "gs://" + s.Bucket + "/" + s.State,
		text.Stamp(s.At)}
	for _, n := range noticesOf(s) {
		want = append(want, n.Text, n.Remedy.Text, n.Remedy.Command)
	}
	if !s.Through.IsZero() {
		want = append(want, text.Clock(s.Through), text.Span(s.Lag)+" ago", text.Span(s.At.Sub(s.Saved))+" ago",
			nextSpan(s))
		if !s.LedgerFrom.IsZero() {
			want = append(want, text.Number(s.Alerts), text.Number(s.Objects), text.Number(s.Cells),
				text.Size(s.Bytes), text.Size(s.Stored))
		}
	}
	for _, w := range want {
		if !strings.Contains(shown, w) {
			t.Errorf("%q is not on the page:\n%s", w, shown)
		}
	}
	if (s.Alerts == 0) != (got.Hours == browsertest.Shape{}) {
		t.Errorf("%d alerts, and the plot is %+v", s.Alerts, got.Hours)
	}
}

// scale finds the value of a pixel from a plot's ticks, each of which must fit it.
func scale(t *testing.T, ticks []browsertest.Shape, plot browsertest.Shape) (perPixel float64) {
	t.Helper()
	value := func(label string) float64 {
		figure, unit, _ := strings.Cut(label, " ")
		n, err := strconv.ParseFloat(figure, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n * map[string]float64{"": 1, "k": 1e3, "M": 1e6}[unit]
	}
	if len(ticks) < 2 || len(ticks) > 7 {
		t.Fatalf("%d ticks", len(ticks))
	}
	bottom, top := ticks[0], ticks[len(ticks)-1]
	perPixel = value(top.Label) / (bottom.Y - top.Y)
	for _, tick := range ticks {
		if off := (bottom.Y - tick.Y) - value(tick.Label)/perPixel; math.Abs(off) > 0.6 || tick.X+tick.W > plot.X {
			t.Errorf("tick %s is %.1f px off, at %+v", tick.Label, off, tick)
		}
	}
	if height := bottom.Y - top.Y; math.Abs(height-plot.H) > 0.6 {
		t.Errorf("the ticks span %v px of %v", height, plot.H)
	}
	return perPixel
}

func checkHours(t *testing.T, got browsertest.Measured, s Status) {
	perPixel := scale(t, got.Ticks, got.Hours)
	colours := map[string]string{}
	for _, l := range got.Legend {
		colours[l.Label] = l.Fill
	}
	top, others := text.Plotted(typeRows(s.Types))
	if len(got.Columns) != len(s.Hours) || len(got.Tables[0]) != len(s.Hours)+1 {
		t.Fatalf("%d columns, %d rows", len(got.Columns), len(got.Tables[0]))
	}
	drawn, gaps := 0, 0
	for i, h := range s.Hours {
		column, row := got.Columns[i], got.Tables[0][i+1]
		hour, mark := h.Start.Format("Jan 02 15:04"), markOf(h, s)
		if mark == "" && !strings.HasSuffix(column.Label, ": "+text.Count(h.Alerts, "alert", "alerts")) ||
			!strings.HasPrefix(column.Label, hour) || !strings.Contains(column.Label, mark) {
			t.Errorf("hour %s with %d alerts %s is titled %q", hour, h.Alerts, mark, column.Label)
		}
		if !browsertest.Near(column.X, got.Hours.X+float64(i)*got.Hours.W/float64(len(s.Hours))) ||
			!browsertest.Near(column.H, got.Hours.H) {
			t.Errorf("hour %s is at %+v in %+v", hour, column, got.Hours)
		}
		if mark == notRecorded || mark == notYet {
			if gaps++; gaps > len(got.Gaps) || !browsertest.Near(got.Gaps[gaps-1].X, column.X) ||
				!browsertest.Near(got.Gaps[gaps-1].W, column.W) || !browsertest.Near(got.Gaps[gaps-1].H, column.H) ||
				row[1] != mark {
				t.Errorf("hour %s is %s: its gap is not at %+v in %+v, or the table has %q", hour, mark, column,
					got.Gaps, row[1])
			}
		} else if want := strings.TrimSpace(text.Number(h.Alerts) + " " + mark); row[1] != want {
			t.Errorf("table: hour %s has %q, not %q", hour, row[1], want)
		}
		below := got.Hours.Y + got.Hours.H
		rest := h.Alerts
		for j, kind := range append(slices.Clone(top), others) {
			n := rest
			if j < len(top) {
				n = h.Types[s.Types[j].Type]
			}
			if rest -= n; kind.Label != "" && len(row) > 3 && mark != notRecorded && mark != notYet &&
				row[2+j] != text.Number(n) {
				t.Errorf("table: hour %s has %s of %s, not %d", hour, row[2+j], kind.Label, n)
			}
			if n == 0 {
				continue
			}
			if drawn >= len(got.Segments) {
				t.Fatalf("only %d segments", len(got.Segments))
			}
			segment := got.Segments[drawn]
			drawn++
			if want := kind.Label + ": " + text.Number(n) + " of " +
				text.Number(h.Alerts); !strings.HasPrefix(segment.Label, hour) ||
				!strings.HasSuffix(segment.Label, "\n"+want) {
				t.Fatalf("hour %s: the segment is of %q, not %q", hour, segment.Label, want)
			}
			if !browsertest.Near(segment.H, float64(n)/perPixel) || !browsertest.Near(segment.Y+segment.H, below) {
				t.Errorf("hour %s, %s: %.2f px high for %d, ends at %.2f; want %.2f and %.2f", hour, kind.Label,
					segment.H, n, segment.Y+segment.H, float64(n)/perPixel, below)
			}
			below = segment.Y
			if segment.X < column.X || segment.X+segment.W > column.X+column.W {
				t.Errorf("hour %s: segment %+v is not in its column %+v", hour, segment, column)
			}
			if segment.Fill != colours[kind.Label] || (segment.Opacity == "1") != (mark == "") {
				t.Errorf("hour %s, %s: %s at %s, the legend has %s", hour, kind.Label, segment.Fill, segment.Opacity,
					colours[kind.Label])
			}
		}
	}
	if drawn != len(got.Segments) || gaps != len(got.Gaps) {
		t.Errorf("%d segments and %d gaps, want %d and %d", len(got.Segments), len(got.Gaps), drawn, gaps)
	}
}

func checkTypes(t *testing.T, got browsertest.Measured, s Status) {
	top, others := text.Plotted(typeRows(s.Types))
	if others.Label != "" {
		top = append(top, others)
		if table := got.Tables[1]; len(table) != len(s.Types)+1 ||
			table[len(s.Types)][0] != text.Clean(s.Types[len(s.Types)-1].Type) {
			t.Errorf("the table of all types is %q", table)
		}
	}
	if len(got.Types) != len(top) {
		t.Fatalf("%d types, want %d", len(got.Types), len(top))
	}
	most := slices.MaxFunc(top, func(a, b text.BarRow) int { return int(a.N - b.N) })
	widest := slices.MaxFunc(got.Types, func(a, b browsertest.Shape) int { return int(a.W - b.W) })
	for i, kind := range top {
		row := got.Types[i]
		if want := kind.Label + "|" + text.Number(kind.N) + "|" + text.Share(kind.N, s.Alerts); row.Label != want {
			t.Errorf("type %q, want %q", row.Label, want)
		}
		if want := float64(kind.N) / float64(most.N) * widest.W; !browsertest.Near(row.W, want) {
			t.Errorf("%s: %.2f px wide, want %.2f", kind.Label, row.W, want)
		}
		if row.Fill != got.Legend[i].Fill || kind.Label != got.Legend[i].Label {
			t.Errorf("%s: %s, the legend has %s as %s", kind.Label, row.Fill, got.Legend[i].Label, got.Legend[i].Fill)
		}
	}
	if widest.W < 200 {
		t.Errorf("the longest bar is %.0f px wide", widest.W)
	}
}

func checkLateness(t *testing.T, got browsertest.Measured, s Status) {
	perPixel := scale(t, got.LateTicks, got.Lateness)
	counts := map[int]int64{} // by the power of two, in seconds, that is just longer
	for _, b := range s.Lateness.Buckets {
		seconds, power := int(b.UpTo/time.Second), 0
		for 1<<power <= seconds {
			power++
		}
		counts[power] += b.Alerts
	}
	bars := len(got.Tables[len(got.Tables)-1]) - 1
	if len(got.Late) != len(counts) {
		t.Fatalf("%d bars, want %d", len(got.Late), len(counts))
	}
	i := 0
	for power := range bars {
		n := counts[power]
		if n == 0 {
			continue
		}
		bar := got.Late[i]
		i++
		if want := ": " + text.Count(n, "alert", "alerts") + ", " +
			text.Share(n, s.Alerts); !strings.HasSuffix(bar.Label, want) {
			t.Errorf("lateness below 2^%d s is titled %q, want %q", power, bar.Label, want)
		}
		if want := max(float64(n)/perPixel, 1); !browsertest.Near(bar.H, want) ||
			!browsertest.Near(bar.Y+bar.H, got.Lateness.Y+got.Lateness.H) {
			t.Errorf("%s: %.2f px high, want %.2f", bar.Label, bar.H, want)
		}
		if slot := got.Lateness.W / float64(bars); bar.X < got.Lateness.X+float64(power)*slot ||
			bar.X+bar.W > got.Lateness.X+float64(power+1)*slot+0.01 {
			t.Errorf("%s is at %+v, slots are %.2f wide", bar.Label, bar, slot)
		}
	}
}

// checkPercentiles: the lines are where the logarithmic axis has their durations.
func checkPercentiles(t *testing.T, got browsertest.Measured, l Latenesses) {
	slot := got.Lateness.W / float64(len(got.Tables[len(got.Tables)-1])-1)
	for i, want := range []struct {
		name string
		of   time.Duration
	}{{"median", l.P50}, {"p90", l.P90}, {"p99", l.P99}} {
		line := got.Lines[i]
		x := got.Lateness.X + slot*(1+math.Log2(want.of.Seconds()))
		if line.Label != want.name+" "+text.Span(want.of) || math.Abs(line.X+line.W/2-x) > 1 ||
			line.Y > got.Lateness.Y || !browsertest.Near(line.Y+line.H, got.Lateness.Y+got.Lateness.H) {
			t.Errorf("%s %v is drawn as %+v, want it at %.2f", want.name, want.of, line, x)
		}
	}
}

// TestPageIsDrawn: the bars are where the first test measured them, in their colours.
func TestPageIsDrawn(t *testing.T) {
	browsertest.Serve(t, pages(samples())).CheckDrawn(t, "usual", 20_000)
}
