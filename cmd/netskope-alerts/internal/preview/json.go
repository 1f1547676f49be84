package preview

import (
	"encoding/json"
	"fmt"
	"io"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// document is what udm --json prints; programs rely on it. Lists are never null.
type document struct {
	Explained *explainedJSON `json:"explained,omitempty"`
	Coverage  *coverageJSON  `json:"coverage,omitempty"`
}

type explainedJSON struct {
	ID       string          `json:"id"`
	Object   string          `json:"object"`
	Line     int64           `json:"line"` // from 1
	Type     string          `json:"type"`
	Valid    bool            `json:"valid"`
	Event    json.RawMessage `json:"event"`
	Findings []findingJSON   `json:"findings"`
	Rows     []stepJSON      `json:"rows"`
}

type findingJSON struct {
	Rule   string `json:"rule"`
	Effect string `json:"effect"`
	Path   string `json:"path"`
	Field  string `json:"field"`
	Why    string `json:"why"`
	Value  string `json:"value,omitempty"`
}

type rowJSON struct {
	Row  string   `json:"row"` // as Google numbers it; 74.1 and so on, and +1 to +3, are not Google's
	From []string `json:"from"`
	Path string   `json:"path"`
	Key  string   `json:"key,omitempty"`
	How  string   `json:"how"`
	When string   `json:"when,omitempty"`
	Note string   `json:"note,omitempty"`
}

type stepJSON struct {
	rowJSON
	Field   string   `json:"field,omitempty"`
	Value   string   `json:"value,omitempty"` // its first 80 bytes
	Outcome string   `json:"outcome"`
	Why     string   `json:"why,omitempty"`
	Result  []string `json:"result"`
}

type coverageJSON struct {
	counts
	Events    uint64             `json:"events"`
	Invalid   uint64             `json:"invalid"`
	Demoted   uint64             `json:"demoted"`
	Types     []typeJSON         `json:"types"` // most frequent first
	Findings  []findingCountJSON `json:"findings"`
	Rows      []rowCountJSON     `json:"rows"`
	Never     []string           `json:"rows_never_used"`
	Unmapped  []unmappedJSON     `json:"unmapped"`
	Uncounted uint64             `json:"unmapped_values_not_told_apart"`
}

type typeJSON struct {
	Type   string `json:"type"`
	Events uint64 `json:"events"`
}

type findingCountJSON struct {
	Rule   string `json:"rule"`
	Effect string `json:"effect"`
	Path   string `json:"path"`
	Count  uint64 `json:"count"`
}

type rowCountJSON struct {
	rowJSON
	Hits     uint64            `json:"hits"`
	Outcomes map[string]uint64 `json:"outcomes"` // alerts by what the row did
}

type unmappedJSON struct {
	Field   string `json:"field"`
	Values  uint64 `json:"values"`
	Example string `json:"example"`
}

func rowJSONOf(r udm.Row) rowJSON {
	return rowJSON{Row: r.Name, From: append([]string{}, r.From...), Path: r.Path, Key: r.Key, How: r.How, When: r.When,
		Note: r.Note}
}

// writeJSON writes what was asked for, indented.
func writeJSON(w io.Writer, c *Command, r report) error {
	var out document
	if e := r.explained; e != nil {
		out.Explained = explainedJSONOf(*e)
	}
	if c.Coverage {
		out.Coverage = coverageJSONOf(r)
	}
	encoded, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the preview: %w", err)
	}
	_, err = w.Write(append(text.Visible(encoded), '\n'))
	return err
}

func explainedJSONOf(e explained) *explainedJSON {
	out := &explainedJSON{ID: e.event.ID(), Object: e.object, Line: e.line, Type: e.event.Type(),
		Valid: e.event.Valid(),
		Event: e.event.JSON(), Findings: []findingJSON{}, Rows: []stepJSON{}}
	for _, f := range e.event.Findings() {
		out.Findings = append(out.Findings, findingJSON{string(f.Rule), f.Effect.String(), f.Path, f.Field, f.Why,
			f.Value})
	}
	for _, s := range e.steps {
		out.Rows = append(out.Rows, stepJSON{rowJSONOf(s.Row), s.Field, s.Value, s.Outcome.String(), s.Why,
			append([]string{}, s.Result...)})
	}
	return out
}

func coverageJSONOf(r report) *coverageJSON {
	out := &coverageJSON{counts: r.counts, Events: r.Events, Invalid: r.Invalid, Demoted: r.Demoted,
		Uncounted: r.Uncounted,
		Types:     []typeJSON{}, Findings: []findingCountJSON{}, Rows: []rowCountJSON{}, Never: []string{},
		Unmapped: []unmappedJSON{}}
	for _, t := range r.Types {
		out.Types = append(out.Types, typeJSON{t.Type, t.Count})
	}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, findingCountJSON{string(f.Rule), f.Effect.String(), f.Path, f.Count})
	}
	for _, row := range r.Rows {
		outcomes := map[string]uint64{}
		for outcome, n := range row.By {
			if n > 0 {
				outcomes[udm.Outcome(outcome).String()] = n
			}
		}
		out.Rows = append(out.Rows, rowCountJSON{rowJSONOf(row.Row), row.Hits, outcomes})
		if row.Hits == 0 {
			out.Never = append(out.Never, row.Row.Name)
		}
	}
	for _, u := range r.Unmapped {
		out.Unmapped = append(out.Unmapped, unmappedJSON{u.Path, u.Count, u.Example})
	}
	return out
}
