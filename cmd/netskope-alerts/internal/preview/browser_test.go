package preview

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjsontest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// reports are what pages are made of.
func reports(t *testing.T) map[string]report {
	reports := map[string]report{}
	for name, c := range map[string]struct {
		command Command
		texts   []string
	}{
		"all":       {Command{HTML: "-"}, []string{ndjsontest.Alerts(t)}},
		"few":       {Command{HTML: "-"}, []string{fewAlerts()}},
		"explained": {Command{HTML: "-", Explain: sampleID}, []string{fewAlerts(), ndjsontest.Alerts(t)}},
		"hostile":   {Command{HTML: "-", Explain: browsertest.Hostile}, []string{hostileAlert(), browsertest.Hostile}},
		"none":      {Command{HTML: "-"}, []string{"[]\n"}},
	} {
		p, _, _ := previewed(t, &c.command, c.texts...)
		reports[name] = reportOf(p)
	}
	many := reports["few"]
	for i := range 200 {
		many.Unmapped = append(many.Unmapped,
			udm.Unmapped{Path: fmt.Sprintf("field%d.%s", i, strings.Repeat("long", 40)), Count: 1e9,
				Example: strings.Repeat("x", 60)})
	}
	many.Full, many.Uncounted = true, 1234567
	reports["many"] = many
	return reports
}

func pages(of map[string]report) map[string]func(io.Writer) error {
	written := map[string]func(io.Writer) error{}
	for name, r := range of {
		written[name] = func(w io.Writer) error { return writeHTML(w, r) }
	}
	return written
}

// TestUDMPageInBrowser loads the pages into Chromium and holds what it shows against the
// reports.
func TestUDMPageInBrowser(t *testing.T) {
	reports := reports(t)
	shots := browsertest.Serve(t, pages(reports)).Measure(t)
	for name, r := range reports {
		for _, v := range browsertest.Views {
			t.Run(fmt.Sprintf("%s/%v", name, v), func(t *testing.T) {
				got := shots[fmt.Sprintf("%s %v", name, v)]
				got.CheckForm(t, v)
				_, sentence := r.verdict()
				if browsertest.Plain(got.Title) != "Netskope alerts as UDM events: "+sentence {
					t.Errorf("title %q", got.Title)
				}
				for _, want := range []string{sentence, text.Stamp(r.at), text.Clean(r.inputs[0]), r.read(),
					text.Number(int64(r.Invalid)), rowsUsed(r), r.LogType.String()} {
					if !strings.Contains(browsertest.Plain(got.Text), want) {
						t.Errorf("%q is not on the page:\n%s", want, got.Text)
					}
				}
				tables := got.Tables
				if r.explained != nil {
					checkExplained(t, got, tables[0], *r.explained)
					tables = tables[1:]
				}
				if r.Events == 0 {
					if len(tables) > 0 {
						t.Errorf("of nothing there are %d tables", len(tables))
					}
					return
				}
				checkCoverage(t, got, tables, r)
			})
		}
	}
}

// checkExplained: the rows are those that did something, with what they did, and what lies
// between them is folded.
func checkExplained(t *testing.T, got browsertest.Measured, table [][]string, e explained) {
	var want [][]string
	for _, g := range stepGroups(e.steps) {
		if g.Idle > 0 {
			want = append(want, []string{g.folded()})
			continue
		}
		r := g.Rows[0]
		want = append(want, []string{r.Row, r.Field, r.Value, r.Path, r.Result, r.Note})
	}
	if !slices.EqualFunc(table[1:], want, slices.Equal) {
		t.Errorf("the table is %q, want %q", table[1:], want)
	}
	for _, want := range []string{
		pageExplainedOf(e).Remedy.Text, text.Clean(e.event.ID()), e.event.Type(), fmt.Sprintf("Line %d of ", e.line),
	} {
		if !strings.Contains(got.Text, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	for _, f := range e.event.Findings() {
		for _, want := range []string{f.Why, f.Effect.String() + "). " + e.event.Remedy(f)} {
			if !strings.Contains(got.Text, want) {
				t.Errorf("%q is not on the page", want)
			}
		}
	}
}

func checkCoverage(t *testing.T, got browsertest.Measured, tables [][][]string, r report) {
	next := func() (table [][]string) {
		if len(tables) == 0 {
			t.Fatal("there is no further table")
		}
		table, tables = tables[0][1:], tables[1:]
		return table
	}
	if len(r.Findings) > 0 {
		table := next()
		for i, f := range r.Findings {
			if want := []string{f.Path + " from " + f.Field, string(f.Rule), f.Effect.String(),
				text.Number(int64(f.Count)), topValues(f), f.Remedy}; len(table) != len(r.Findings) ||
				!slices.Equal(table[i], want) {
				t.Errorf("finding %q, want %q", table[i], want)
			}
		}
	}
	used, idle := r.usedRows()
	table := next()
	for i, row := range used {
		if want := []string{row.Row.Name, readFrom(row.Row), target(row.Row), text.Number(int64(row.Hits)),
			text.Share(int64(row.Hits), int64(r.Events)), ""}; len(table) != len(used) ||
			!slices.Equal(table[i], want) {
			t.Errorf("row %q, want %q", table[i], want)
		}
	}
	if len(idle) > 0 {
		table := next()
		for i, row := range idle {
			if len(table) != len(idle) || table[i][0] != row.Row.Name || table[i][2] != target(row.Row) {
				t.Errorf("unused row %q, want %s", table[i], row.Row.Name)
			}
		}
	}
	if len(r.Unmapped) > 0 {
		table := next()
		for i, u := range r.Unmapped {
			if want := []string{text.Clean(u.Path), text.Number(int64(u.Count)),
				shownExample(u)}; len(table) != len(r.Unmapped) || !slices.Equal(table[i], want) {
				t.Errorf("field %q, want %q", table[i], want)
			}
		}
	}
	if len(tables) > 0 || len(got.Types) != len(r.Types) {
		t.Fatalf("%d tables too many, %d types of %d", len(tables), len(got.Types), len(r.Types))
	}
	if r.Full && !strings.Contains(got.Text, text.Number(int64(r.Uncounted))+" values") {
		t.Error("what is not told apart is not on the page")
	}
	for i, kind := range r.Types {
		bar := got.Types[i]
		if want := kind.Type + "|" + text.Number(int64(kind.Count)) + "|" +
			text.Share(int64(kind.Count), int64(r.Events)); bar.Label != want {
			t.Errorf("type %q, want %q", bar.Label, want)
		}
		if want := got.Types[0].W * float64(kind.Count) / float64(r.Types[0].Count); !browsertest.Near(bar.W, want) ||
			bar.W < 5 {
			t.Errorf("%s: %.2f px wide, want %.2f", kind.Type, bar.W, want)
		}
	}
	for i, row := range used {
		bar, ground := got.RowBars[2*i+1], got.RowBars[2*i]
		if want := ground.W * float64(row.Hits) / float64(r.Events); !browsertest.Near(bar.W, want) || ground.W < 20 ||
			!browsertest.Near(bar.X, ground.X) {
			t.Errorf("row %s: %+v of %+v, want %.2f px", row.Row.Name, bar, ground, want)
		}
	}
}

// TestUDMPageIsDrawn: the bars are in their colours, in the light and in the dark.
func TestUDMPageIsDrawn(t *testing.T) {
	browsertest.Serve(t, pages(reports(t))).CheckDrawn(t, "all", 5_000)
}

// TestWideTablesShowThatTheyScroll looks at the pixels at the edges of the tables.
func TestWideTablesShowThatTheyScroll(t *testing.T) {
	p := browsertest.Serve(t, pages(reports(t)))
	tab := browsertest.Start(t).Tab()
	for _, scheme := range []browsertest.Scheme{browsertest.Light, browsertest.Dark} {
		tab.Look(browsertest.View{Width: 400, Scheme: scheme})
		tab.Open(p.Address("explained"))
		if n := tab.CheckShadows(); n < 3 {
			t.Errorf("%s: only %d wide tables", scheme, n)
		}
	}
}
