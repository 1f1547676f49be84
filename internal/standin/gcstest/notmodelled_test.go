package gcstest_test

import (
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// Whatever would change a request's meaning and is not modelled is refused.
func TestNotModelledIsRefused(t *testing.T) {
	s := &gcstest.Server{}
	s.Put(bucket, "a", nil)
	c := overPipe(t, s)
	const o, insert = "/storage/v1/b/alerts/o", "/upload/storage/v1/b/alerts/o?name=b&uploadType="
	for _, r := range []struct{ method, path, body, header, names string }{
		{"GET", o + "?includeTrailingDelimiter=true", "", "", "includeTrailingDelimiter"},
		{"GET", o + "?matchGlob=**", "", "", "matchGlob"},
		{"GET", o + "?softDeleted=true", "", "", "softDeleted"},
		{"GET", o + "?invented=1", "", "", "invented"},
		{"GET", o + "?ifGenerationMatch=1", "", "", "ifGenerationMatch"},
		{"GET", o + "/a?userProject=p", "", "", "userProject"},
		{"GET", o + "/a", "", "If-None-Match", "If-None-Match"},
		{"GET", o + "/a?alt=media", "", "Range=bytes=0-1,3-4", "several ranges"},
		{"GET", o + "/a/acl", "", "", "acl"},
		{"POST", o + "/a/rewriteTo/b/alerts/o/b", "{}", "", "rewriteTo"},
		{"POST", o + "/a/compose", "{}", "", "compose"},
		{"POST", o, "{}", "", "POST"},
		{"GET", "/storage/v1/b?project=p", "", "", "JSON API"},
		{"POST", "/storage/v1/b?project=p", "{}", "", "JSON API"},
		{"PATCH", "/storage/v1/b/alerts", "{}", "", "PATCH"},
		{"GET", "/storage/v1/b/alerts?ifMetagenerationMatch=1", "", "", "ifMetagenerationMatch"},
		{"GET", "/storage/v1/b/alerts/iam", "", "", "iam"},
		{"POST", "/batch/storage/v1", "", "", "batch"},
		{"POST", insert + "media&predefinedAcl=private", "", "", "predefinedAcl"},
		{"POST", insert + "media&kmsKeyName=k", "", "", "kmsKeyName"},
		{"POST", insert + "media", "x", "X-Goog-Encryption-Key", "X-Goog-Encryption-Key"},
		{"POST", insert + "media", "x", "X-Goog-Hash=sha256=x", "sha256"},
		{"POST", insert + "resumable", `{"retention":{"mode":"Locked"}}`, "", "retention"},
		{"POST", insert + "resumable", `{"eventBasedHold":true}`, "", "eventBasedHold"},
		{"POST", insert + "resumable", `{"storageClass":"COLDLINE"}`, "", "COLDLINE"},
		{"POST", insert + "resumable", `{}`, "X-Goog-Hash=crc32c=AAAAAA==", "X-Goog-Hash"},
		{"PATCH", o + "/a", `{"customTime":"2026-01-01T00:00:00Z"}`, "", "customTime"},
		{"PATCH", o + "/a", `{"acl":[{}]}`, "", "acl"},
		{"GET", "/alerts", "", "", "XML"},
		{"PUT", "/alerts/b", "x", "", "XML"},
		{"GET", "/alerts/a?versionId=1", "", "", "versionId"},
		{"GET", "/alerts/a", "", "If-Modified-Since", "If-Modified-Since"},
	} {
		var headers []string
		if name, value, _ := strings.Cut(r.header, "="); name != "" {
			headers = []string{name, value}
		}
		resp := send(t, c, r.method, r.path, r.body, headers...)
		if resp.code != 501 || !strings.Contains(resp.body, r.names) {
			t.Errorf("%s %s %s: %d %s; want 501 and a word of %s", r.method, r.path, r.header, resp.code, resp.body, r.names)
		}
	}
	uri := startSession(t, c, `{"metadata":{"k":"v"}}`, "name=m")
	put(t, c, uri, nil, 0, 0)
	for range 20 { // fields come in any order
		if resp := send(t, c, "PATCH", o+"/m", `{"metadata":{"k":"w"},"acl":[{}]}`); resp.code != 501 {
			t.Errorf("patch: %d %s; want 501", resp.code, resp.body)
		}
	}
	if m, _ := s.Object(bucket, "m"); m.Metadata["k"] != "v" {
		t.Errorf("a refused patch left %v", m.Metadata)
	}
	s.Delete(bucket, "m")
	if all := s.Objects(bucket, ""); len(all) != 1 || all[0].Metageneration != 1 {
		t.Errorf("refused requests left %+v", all)
	}
}

// Parameters and fields that ask for nothing, as the client sends them, are no
// reason to refuse; wrong values are the caller's mistake.
func TestValuesOfParameters(t *testing.T) {
	s := &gcstest.Server{}
	c := overPipe(t, s)
	const o, insert = "/storage/v1/b/alerts/o", "/upload/storage/v1/b/alerts/o?uploadType="
	for _, r := range []struct {
		method, path, body string
		code               int
	}{
		{"GET", o + "?versions=false&matchGlob=&projection=full&prettyPrint=false&fields=items(name)", "", 200},
		{"POST", insert + "resumable&name=b", `{"retention":null,"eventBasedHold":false,"acl":[],"id":"x","generation":"1"}`, 200},
		{"POST", insert + "resumable", `{"name":"b"}`, 200},
		{"POST", insert + "resumable", `{}`, 400},
		{"POST", insert + "resumable&name=b", `not JSON`, 400},
		{"POST", insert + "resumable&name=b", `{"bucket":"other"}`, 400},
		{"POST", insert + "resumable&name=b", `{"metadata":{"a":1}}`, 400},
		{"POST", insert + "other&name=b", ``, 400},
		{"POST", insert + "multipart&name=b", ``, 400},
		{"GET", o + "/b?ifGenerationMatch=x", "", 400},
		{"GET", o + "/b?generation=x", "", 400},
		{"GET", o + "/b?generation=1&generation=2", "", 400},
		{"GET", o + "?maxResults=-1", "", 400},
		{"GET", o + "?pageToken=%25", "", 400},
		{"GET", o + "?pageToken=YQ==", "", 400},
		{"GET", o + "?versions=maybe", "", 400},
	} {
		if resp := send(t, c, r.method, r.path, r.body); resp.code != r.code {
			t.Errorf("%s %s %s: %d %s; want %d", r.method, r.path, r.body, resp.code, resp.body, r.code)
		}
	}
}
