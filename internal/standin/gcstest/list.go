package gcstest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// maxPage is the most items and prefixes a page has, and what it has if
// maxResults does not say less.
const maxPage = 1000

// prepareList answers with a page of objects, sorted by name; several of one name
// are sorted by generation. See
// https://cloud.google.com/storage/docs/json_api/v1/objects/list.
func (s *Server) prepareList(c *call, r *http.Request) func() answer {
	return func() answer {
		get := c.params.query.Get
		limit, err := number(get("maxResults"))
		if err != nil || limit < 0 {
			return failed(http.StatusBadRequest, "", "maxResults %q is no number of results", get("maxResults"))
		}
		if limit == 0 || limit > maxPage {
			limit = maxPage
		}
		all, err := strconv.ParseBool(cmp.Or(get("versions"), "false"))
		if err != nil {
			return failed(http.StatusBadRequest, "", "versions %q is not true or false", get("versions"))
		}
		after, err := parsePlace(get("pageToken"))
		if err != nil {
			return failed(http.StatusBadRequest, "", "Invalid page token")
		}
		page := listing{
			prefix: get("prefix"), delimiter: get("delimiter"),
			end: get("endOffset"), after: after, limit: int(limit), all: all,
		}
		first := max(page.prefix, get("startOffset"), after.entry)
		page.fill(s.store.from(c.request.Bucket, first, all))
		return ok(page.resource(r))
	}
}

// place is how far a listing has come: its latest item or prefix, and the item's
// generation.
type place struct {
	entry      string
	generation int64
}

// token stands for a place. No name has a line feed.
func (p place) token() string {
	return base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "%s\n%d", p.entry, p.generation))
}

func parsePlace(token string) (p place, err error) {
	if token == "" {
		return place{}, nil
	}
	text, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		return place{}, err
	}
	entry, generation, _ := strings.Cut(string(text), "\n")
	p.entry = entry
	p.generation, err = strconv.ParseInt(generation, 10, 64)
	return p, err
}

// listing is one page.
type listing struct {
	prefix, delimiter string
	end               string // names from here on are left out, unless empty
	after             place  // the end of the page before, then of this one
	limit             int
	all               bool // every generation is an item, not only the live one

	objects  []*object
	prefixes []string
	more     bool
}

func (l *listing) fill(objects []*object) {
	for _, o := range objects {
		if !strings.HasPrefix(o.name, l.prefix) || l.end != "" && o.name >= l.end {
			break
		}
		if l.has(o) {
			continue
		}
		if len(l.objects)+len(l.prefixes) == l.limit {
			l.more = true
			break
		}
		l.after = place{l.entry(o.name), o.Generation}
		if l.folds(o.name) {
			l.prefixes = append(l.prefixes, l.after.entry)
		} else {
			l.objects = append(l.objects, o)
		}
	}
}

// has reports whether an object is listed already, as an item of its own or in a
// prefix, on this page or the one before.
func (l *listing) has(o *object) bool {
	if l.entry(o.name) != l.after.entry {
		return false
	}
	return !l.all || l.folds(o.name) || o.Generation <= l.after.generation
}

// entry is what a name is listed as: itself, or its part up to the delimiter.
func (l *listing) entry(name string) string {
	if !l.folds(name) {
		return name
	}
	at := strings.Index(name[len(l.prefix):], l.delimiter)
	return name[:len(l.prefix)+at+len(l.delimiter)]
}

func (l *listing) folds(name string) bool {
	return l.delimiter != "" && strings.Contains(name[len(l.prefix):], l.delimiter)
}

func (l *listing) resource(r *http.Request) any {
	list := struct {
		Kind          string     `json:"kind"`
		NextPageToken string     `json:"nextPageToken,omitempty"`
		Prefixes      []string   `json:"prefixes,omitempty"`
		Items         []resource `json:"items,omitempty"`
	}{Kind: "storage#objects", Prefixes: l.prefixes}
	for _, o := range l.objects {
		list.Items = append(list.Items, o.resource(r))
	}
	if l.more {
		list.NextPageToken = l.after.token()
	}
	return list
}
