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
	LogType   string         `json:"log_type"` // as Google calls it
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
	Unmapped []unmappedJSON  `json:"unmapped"` // fields that no row reads
}

type findingJSON struct {
	Rule   string `json:"rule"`
	Effect string `json:"effect"`
	Path   string `json:"path"`
	Field  string `json:"field"`
	Why    string `json:"why"`
	Value  string `json:"value,omitempty"`
	Remedy string `json:"remedy"` // what to do, as a sentence
}

type rowJSON struct {
	Row    string   `json:"row"`
	Source string   `json:"source"` // page, predecessor of the page, change log of DATE, chosen here
	From   []string `json:"from"`
	Path   string   `json:"path"`
	Key    string   `json:"key,omitempty"`
	How    string   `json:"how"`
	When   string   `json:"when,omitempty"`
	Note   string   `json:"note,omitempty"`
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
	Dropped   uint64             `json:"dropped"` // events that lost a value
	Kept      uint64             `json:"kept"`    // events with a value that looks wrong, or without an id
	Types     []typeJSON         `json:"types"`   // most frequent first
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
	Rule        string      `json:"rule"`
	Effect      string      `json:"effect"`
	Path        string      `json:"path"`
	Field       string      `json:"field"`
	Count       uint64      `json:"count"`
	Values      []valueJSON `json:"values"` // most frequent first
	OtherValues uint64      `json:"values_not_told_apart"`
	Remedy      string      `json:"remedy"` // what to do, as a sentence
}

type valueJSON struct {
	Value string `json:"value"` // its first 80 bytes
	Count uint64 `json:"count"`
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
	return rowJSON{Row: r.Name, Source: r.Source, From: append([]string{}, r.From...), Path: r.Path, Key: r.Key,
		How: r.How, When: r.When, Note: r.Note}
}

// writeJSON writes what was asked for, indented.
func writeJSON(w io.Writer, c *Command, r report) error {
	out := document{LogType: c.LogType.String()}
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
		Event: e.event.JSON(), Findings: []findingJSON{}, Rows: []stepJSON{},
		Unmapped: unmappedJSONOf(e.event.Unmapped())}
	for _, f := range e.event.Findings() {
		out.Findings = append(out.Findings, findingJSON{string(f.Rule), f.Effect.String(), f.Path, f.Field, f.Why,
			f.Value, e.event.Remedy(f)})
	}
	for _, s := range e.steps {
		out.Rows = append(out.Rows, stepJSON{rowJSONOf(s.Row), s.Field, s.Value, s.Outcome.String(), s.Why,
			append([]string{}, s.Result...)})
	}
	return out
}

func coverageJSONOf(r report) *coverageJSON {
	out := &coverageJSON{counts: r.counts, Events: r.Events, Invalid: r.Invalid, Demoted: r.Demoted,
		Dropped: r.Dropped, Kept: r.Kept,
		Uncounted: r.Uncounted,
		Types:     []typeJSON{}, Findings: []findingCountJSON{}, Rows: []rowCountJSON{}, Never: []string{},
		Unmapped: unmappedJSONOf(r.Unmapped)}
	for _, t := range r.Types {
		out.Types = append(out.Types, typeJSON{t.Type, t.Count})
	}
	for _, f := range r.Findings {
		kind := findingCountJSON{string(f.Rule), f.Effect.String(), f.Path, f.Field, f.Count, []valueJSON{},
			f.OtherValues, f.Remedy}
		for _, v := range f.Values {
			kind.Values = append(kind.Values, valueJSON(v))
		}
		out.Findings = append(out.Findings, kind)
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
	return out
}

func unmappedJSONOf(fields []udm.Unmapped) []unmappedJSON {
	out := []unmappedJSON{}
	for _, u := range fields {
		out = append(out, unmappedJSON{u.Path, u.Count, u.Example})
	}
	return out
}
