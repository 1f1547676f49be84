package gcstest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params are a request's parameters.
type params struct {
	conditions conditions
	source     conditions // MoveObject: of the object that is renamed
	generation int64      // 0 for the live one
	query      url.Values
}

// neutral are query parameters that change no result here: they choose formats
// and fields, or say who asks.
var neutral = []string{"alt", "prettyPrint", "fields", "projection", "key", "quotaUser", "$alt", "$.xgafv"}

// known are the query parameters each operation models besides.
var known = map[Op][]string{
	GetObject:       {"generation", ifGen, ifNotGen, ifMeta, ifNotMeta},
	ReadMedia:       {"generation", ifGen, ifNotGen, ifMeta, ifNotMeta},
	Insert:          {"uploadType", "name", "contentEncoding", ifGen, ifNotGen, ifMeta, ifNotMeta},
	StartUpload:     {"uploadType", "name", "contentEncoding", ifGen, ifNotGen, ifMeta, ifNotMeta},
	ListObjects:     {"prefix", "delimiter", "startOffset", "endOffset", "pageToken", "maxResults", "versions"},
	DeleteObject:    {"generation", ifGen, ifNotGen, ifMeta, ifNotMeta},
	PatchObject:     {"generation", ifGen, ifNotGen, ifMeta, ifNotMeta},
	MoveObject:      {ifGen, ifNotGen, ifMeta, ifNotMeta, ifSourceGen, ifSourceNotGen, ifSourceMeta, ifSourceNotMeta},
	GetBucket:       {},
	TestPermissions: {"permissions"},
}

const (
	ifGen     = "ifGenerationMatch"
	ifNotGen  = "ifGenerationNotMatch"
	ifMeta    = "ifMetagenerationMatch"
	ifNotMeta = "ifMetagenerationNotMatch"

	ifSourceGen     = "ifSourceGenerationMatch"
	ifSourceNotGen  = "ifSourceGenerationNotMatch"
	ifSourceMeta    = "ifSourceMetagenerationMatch"
	ifSourceNotMeta = "ifSourceMetagenerationNotMatch"
)

// parse checks everything in a request outside its body that could change its
// meaning, and refuses what is not modelled.
func (c *call) parse(r *http.Request) *answer {
	if refusal := refuseHeaders(r.Header); refusal != nil {
		return refusal
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refuse(failed(http.StatusBadRequest, "", "query: %v", err))
	}
	c.params.query = query
	allowed := known[c.request.Op]
	if c.xml {
		allowed = []string{"generation"}
	}
	for name, values := range query {
		switch {
		case slices.Contains(allowed, name) || !c.xml && slices.Contains(neutral, name):
			if len(values) > 1 && name != "permissions" {
				return refuse(failed(http.StatusBadRequest, "", "%s is given %d times", name, len(values)))
			}
		case !slices.ContainsFunc(values, func(v string) bool { return v != "" && v != "false" }):
			// Asked for nothing: the client sends versions=false and delimiter=.
		default:
			return refuse(notModelled("the query parameter %s of %s", name, c.request.Op))
		}
	}
	if alt := query.Get("alt"); alt != "" && alt != "json" && alt != "media" {
		return refuse(notModelled("alt=%s", alt))
	}
	if c.params.generation, err = number(query.Get("generation")); err != nil {
		return refuse(failed(http.StatusBadRequest, "", "generation: %v", err))
	}
	return c.parseConditions(r.Header)
}

func (c *call) parseConditions(h http.Header) *answer {
	get := c.params.query.Get
	if c.xml {
		get = func(name string) string { return h.Get(xmlConditions[name]) }
	}
	for _, condition := range []struct {
		name string
		into **int64
	}{
		{ifGen, &c.params.conditions.generation},
		{ifNotGen, &c.params.conditions.notGeneration},
		{ifMeta, &c.params.conditions.metageneration},
		{ifNotMeta, &c.params.conditions.notMetageneration},
		{ifSourceGen, &c.params.source.generation},
		{ifSourceNotGen, &c.params.source.notGeneration},
		{ifSourceMeta, &c.params.source.metageneration},
		{ifSourceNotMeta, &c.params.source.notMetageneration},
	} {
		text := get(condition.name)
		if text == "" {
			continue
		}
		n, err := number(text)
		if err != nil {
			return refuse(failed(http.StatusBadRequest, "", "%s: %v", condition.name, err))
		}
		*condition.into = &n
	}
	return nil
}

// xmlConditions are the XML API's headers for preconditions, from
// https://cloud.google.com/storage/docs/xml-api/reference-headers.
var xmlConditions = map[string]string{
	ifGen:  "X-Goog-If-Generation-Match",
	ifMeta: "X-Goog-If-Metageneration-Match",
}

// refuseHeaders refuses headers that would change what a request means.
func refuseHeaders(h http.Header) *answer {
	for name := range h {
		switch {
		case strings.HasPrefix(name, "X-Goog-Encryption-"), strings.HasPrefix(name, "X-Goog-Copy-Source"),
			strings.HasPrefix(name, "X-Goog-Meta-"), name == "X-Goog-Acl", name == "X-Goog-User-Project",
			name == "X-Http-Method-Override",
			name == "If-Match", name == "If-None-Match", name == "If-Range",
			name == "If-Modified-Since", name == "If-Unmodified-Since":
			return refuse(notModelled("the header %s", name))
		}
	}
	return nil
}

func number(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.ParseInt(text, 10, 64)
}
