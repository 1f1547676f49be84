package gcloudtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Entry is one log entry.
type Entry struct {
	Time     time.Time         // zero means the server's now
	Severity string            // "" means DEFAULT
	Text     string            // the text payload, used if Record is nil
	Record   map[string]any    // the JSON payload
	Resource string            // the resource type; what Invoke returns gets cloud_run_revision
	Labels   map[string]string // of the resource
}

// Log appends an entry to the project's log.
func (s *Server) Log(e Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log(e)
}

func (s *Server) log(e Entry) {
	if e.Time.IsZero() {
		e.Time = s.now()
	}
	s.entries = append(s.entries, e)
}

// render gives the entry as entries.list answers it.
func (s *Server) render(e Entry, n int) object {
	labels := object{"project_id": s.project()}
	for key, v := range e.Labels {
		labels[key] = v
	}
	o := object{
		"insertId": fmt.Sprintf("entry%06d", n), "timestamp": e.Time.UTC().Format("2006-01-02T15:04:05.000000Z"),
		"receiveTimestamp": e.Time.UTC().Format("2006-01-02T15:04:05.000000Z"),
		"severity":         or(e.Severity, "DEFAULT"),
		"logName":          "projects/" + s.project() + "/logs/run.googleapis.com%2Fstderr",
		"resource":         object{"type": or(e.Resource, "global"), "labels": labels},
	}
	if e.Record != nil {
		o["jsonPayload"] = e.Record
	} else {
		o["textPayload"] = e.Text
	}
	return clone(o)
}

// listEntries answers the entries that match a filter. All fit in one page
// unless pageSize says otherwise; there is no second page, so gcloud's --limit
// is met and more than pageSize is never asked for.
func listEntries(s *Server, c *call) (any, error) {
	names, _ := c.body["resourceNames"].([]any)
	if len(names) != 1 || names[0] != any("projects/"+s.project()) {
		return nil, denied("permission denied on the resources %v", names)
	}
	keep, err := parseFilter(text(c.body, "filter"))
	if err != nil {
		return nil, invalid("unparseable filter: %v", err)
	}
	found := []any{}
	for n, e := range s.entries {
		if o := s.render(e, n); keep(o) {
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b any) int {
		return strings.Compare(entryTime(a), entryTime(b))
	})
	switch order := text(c.body, "orderBy"); order {
	case "timestamp desc":
		slices.Reverse(found)
	case "", "timestamp asc", "timestamp":
	default:
		return nil, invalid("orderBy %q is not supported", order)
	}
	if size, ok := c.body["pageSize"].(float64); ok && size > 0 && len(found) > int(size) {
		found = found[:int(size)]
	}
	return object{"entries": found}, nil
}

// entryTime gives a time that sorts as text.
func entryTime(entry any) string {
	o, _ := entry.(object)
	t, err := time.Parse(time.RFC3339Nano, text(o, "timestamp"))
	if err != nil {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000000000")
}
