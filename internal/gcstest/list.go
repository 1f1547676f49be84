package gcstest

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// maxPage is the most items and prefixes a page has, and what it has if
// maxResults does not say less.
const maxPage = 1000

// prepareList answers with a page of objects, sorted by name. See
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
		token, err := base64.URLEncoding.DecodeString(get("pageToken"))
		if err != nil {
			return failed(http.StatusBadRequest, "", "Invalid page token")
		}
		page := listing{
			prefix: get("prefix"), delimiter: get("delimiter"),
			end: get("endOffset"), after: string(token), limit: int(limit),
		}
		first := max(page.prefix, get("startOffset"), page.after)
		page.fill(s.store.from(c.request.Bucket, first))
		return ok(page.resource(r))
	}
}

// listing is one page.
type listing struct {
	prefix, delimiter string
	end               string // names from here on are left out, unless empty
	after             string // the name or prefix with which the page before ended
	limit             int

	objects  []*object
	prefixes []string
	more     bool
}

func (l *listing) fill(objects []*object) {
	last := l.after // the latest item or prefix, of this page or the one before
	for _, o := range objects {
		if !strings.HasPrefix(o.name, l.prefix) || l.end != "" && o.name >= l.end {
			break
		}
		entry := l.entry(o.name)
		if entry == last {
			continue // more of a prefix that is listed, or the last page's end
		}
		if len(l.objects)+len(l.prefixes) == l.limit {
			l.more = true
			break
		}
		last = entry
		if l.folds(o.name) {
			l.prefixes = append(l.prefixes, entry)
		} else {
			l.objects = append(l.objects, o)
		}
	}
	l.after = last
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
		list.NextPageToken = base64.URLEncoding.EncodeToString([]byte(l.after))
	}
	return list
}
