package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/preview"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/ledger"
)

// searchTime is how long the ledger may take for an alert of 90 days.
const searchTime = 3 * time.Minute

// alertPage is what alert.html shows.
type alertPage struct {
	Head       text.Head
	Search     search
	Notices    []text.Notice
	Deliveries []delivery
	Explained  *preview.Explained
	Alert      string // as it was delivered, on lines of its own
	Cut        bool   // only the beginning of it
}

// delivery is where an alert is.
type delivery struct {
	Title string
	Tiles []text.Tile
}

// shownBytes bounds what of an alert is shown.
const shownBytes = 200_000

func (s *site) alert(w http.ResponseWriter, r *http.Request) {
	id, since := strings.TrimSpace(r.URL.Query().Get("id")), r.URL.Query().Get("since")
	if id == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if !slices.Contains(spans, since) {
		since = spans[len(spans)-1]
	}
	p := alertPage{Head: s.head(), Search: s.searchFor(id, since, r.URL.Query().Get("stream"))}
	p.Head.Title, p.Head.About = "Netskope alert "+text.Clean(id), []string{text.Clean(id)}
	ctx, cancel := bounded(r.Context(), searchTime)
	defer cancel()
	code := http.StatusOK
	if err := s.look(ctx, &p, id, since); err != nil {
		trouble := troubleOf(because(ctx, err), s.collector.BucketName)
		p.Head.Verdict, p.Head.Sentence, p.Head.Remedy = text.Fail, trouble.sentence, trouble.remedy
		p.Notices = append(p.Notices, text.Notice{Verdict: text.Fail, Text: trouble.words})
		code = http.StatusServiceUnavailable
	}
	show(w, alertTemplate, code, p.Head, p)
}

// look looks the alert up in the ledger, and reads it where it lies.
func (s *site) look(ctx context.Context, p *alertPage, id, since string) error {
	now := s.now()
	from, err := cli.ParseMoment(since, now)
	if err != nil {
		return fmt.Errorf("since %w", err)
	}
	var found []ledger.Found
	var also []string // other streams that have it
	first := s
	for _, of := range s.all {
		if p.Search.Stream != "" && of != s {
			continue
		}
		there, err := of.collector.Ledger().Find(ctx, id, from, now)
		switch {
		case err != nil:
			return err
		case len(there) > 0 && len(found) == 0:
			found, first = there, of
		case len(there) > 0:
			also = append(also, of.stream())
		}
	}
	s = first
	if len(found) == 0 {
		return s.lookedInVain(ctx, p, from)
	}
	if name := s.stream(); name != "" {
		p.Head.About = append(p.Head.About, "stream "+name)
		p.Head.Foot = s.head().Foot
	}
	if len(also) > 0 {
		p.Notices = append(p.Notices, text.Notice{Verdict: text.Warn, Text: "A record of this _id is also in the stream " +
			strings.Join(also, " and in ") + "; choose it above to see that."})
	}
	p.Head.Verdict, p.Head.Sentence = text.Pass, "Delivered once, in "+text.Span(found[0].To.Sub(found[0].From))+
		" from "+text.Stamp(found[0].From)+"."
	if len(found) > 1 {
		p.Head.Verdict, p.Head.Sentence = text.Fail, fmt.Sprintf("Delivered %d times.", len(found))
		p.Head.Remedy = text.Remedy{Text: "It should be once. Compare with the tenant:",
			Command: cli.CommandOf(s.stream(), "verify", "--gaps", "--since", found[0].From.UTC().Format(time.RFC3339))}
	}
	for _, f := range found {
		p.Deliveries = append(p.Deliveries, deliveryOf(s.collector.BucketName, now, f))
	}
	at := slices.IndexFunc(found, func(f ledger.Found) bool { return f.Present })
	if at < 0 {
		p.Notices = append(p.Notices, text.Notice{Verdict: text.Warn,
			Text: "The object is no longer there: the feed has taken it, or it was deleted. " +
				"What the alert said is not known here.",
			Remedy: text.Remedy{Text: "What SecOps made of it finds this UDM search:",
				Command: `metadata.product_log_id = ` + jsonText(id)}})
		return nil
	}
	return s.open(ctx, p, found[at])
}

// lookedInVain says what it means that the ledger does not have an alert.
func (s *site) lookedInVain(ctx context.Context, p *alertPage, since time.Time) error {
	begins, err := s.collector.Ledger().Start(ctx)
	if err != nil {
		return err
	}
	p.Head.Verdict = text.Warn
	switch {
	case begins.IsZero():
		p.Head.Sentence = "Not in the ledger, which is empty: nothing is known."
		p.Head.Remedy = text.Remedy{Text: "The first run fills it. See whether one is due:", Command: "./deploy.sh status"}
		return nil
	case begins.After(since):
		p.Head.Sentence = "Not in the ledger, which begins at " + text.Stamp(begins) + "."
		since = begins
	default:
		p.Head.Sentence = "Not in the ledger since " + text.Stamp(since) + "."
	}
	p.Head.Remedy = text.Remedy{Text: "An _id counts letter for letter; the newest alerts are not due yet. " +
		"Whether the tenant has alerts that were not delivered says an audit:",
		Command: cli.CommandOf(p.Search.Stream, "verify", "--gaps", "--since", since.UTC().Format(time.RFC3339))}
	return nil
}

func deliveryOf(bucket string, now time.Time, f ledger.Found) delivery {
	there := "It is still there."
	if !f.Present {
		there = "It is no longer there."
	}
	kind := "by a run"
	if f.Late {
		kind = "by a repair, late"
	}
	d := delivery{Title: "gs://" + bucket + "/" + text.Clean(f.Object), Tiles: []text.Tile{
		{Label: "Line", Value: text.Number(f.Line), Note: there},
		{Label: "Cell", Value: text.Span(f.To.Sub(f.From)), Note: text.Stamp(f.From) + " to " + text.OnDay(f.To, f.From)},
		{Label: "Delivered", Value: text.Span(now.Sub(f.Delivered)) + " ago", Note: text.Stamp(f.Delivered) + ", " + kind},
	}}
	if f.Quarantined {
		d.Tiles[0].Note += " In quarantine: the feed did not get it."
	}
	return d
}

// open reads the alert, and makes its event.
func (s *site) open(ctx context.Context, p *alertPage, f ledger.Found) error {
	line, err := s.line(ctx, f.Object, f.Line)
	if err != nil {
		return err
	}
	if f.Quarantined {
		var kept struct {
			Reason string
			Alert  json.RawMessage
		}
		if json.Unmarshal(line, &kept) == nil && kept.Alert != nil {
			line = kept.Alert
		}
		p.Notices = append(p.Notices, text.Notice{Verdict: text.Warn,
			Text: "It was kept out of the feed's folder: " + text.Clean(kept.Reason), Remedy: text.Remedy{
				Text: "Mend it, and put it into the feed's folder by hand, if SecOps is to have it."}})
	}
	shown := line
	if p.Cut = len(shown) > shownBytes; p.Cut {
		shown = shown[:shownBytes]
	}
	p.Alert = preview.Indented(shown)
	if p.Explained, err = preview.Explain("gs://"+s.collector.BucketName+"/"+f.Object, f.Line, line); err != nil {
		p.Notices = append(p.Notices, text.Notice{Verdict: text.Warn, Text: "No event can be made of it: " +
			text.Clean(strings.TrimPrefix(err.Error(), "map alert: ")), Remedy: text.Remedy{Text: "What is wrong with it says:",
			Command: "netskope-alerts lint " + quoted("gs://"+s.collector.BucketName+"/"+f.Object)}})
		return nil
	}
	return nil
}

var errNoLine = errors.New("the object has fewer lines than the ledger says")

// line reads the nth line of the object.
func (s *site) line(ctx context.Context, object string, n int64) (text []byte, err error) {
	bucket := func(string) (*storage.BucketHandle, error) { return s.collector.Bucket.Handle(), nil }
	inputs := ndjson.Inputs{Bucket: bucket}
	err = inputs.Each(ctx, []string{"gs://" + s.collector.BucketName + "/" + object}, func(source ndjson.Source) error {
		content, err := source.Content(ctx)
		if err != nil {
			return err
		}
		defer content.Close()
		for lines := ndjson.NewLines(content.Reader, alert.MaxLine+1<<10); ; {
			at, err := lines.Read()
			switch {
			case err == io.EOF:
				return errNoLine
			case err != nil:
				return err
			case at.Number == n:
				text = slices.Clone(at.Text)
				return ndjson.ErrStop
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read line %d of gs://%s/%s: %w", n, s.collector.BucketName, object, err)
	}
	return text, nil
}

// jsonText is the text as JSON, and as UDM search, write it.
func jsonText(s string) string {
	encoded, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text.Visible(encoded))
}
