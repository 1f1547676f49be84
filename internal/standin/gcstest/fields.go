package gcstest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// fields are the parts of an object's metadata that its uploader sets and that a
// patch can change. See
// https://cloud.google.com/storage/docs/json_api/v1/objects#resource.
type fields struct {
	CacheControl       string            `json:"cacheControl,omitempty"`
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	ContentEncoding    string            `json:"contentEncoding,omitempty"`
	ContentLanguage    string            `json:"contentLanguage,omitempty"`
	ContentType        string            `json:"contentType,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
}

// resource is an object as the JSON API shows it.
type resource struct {
	Kind                    string `json:"kind"`
	ID                      string `json:"id"`
	SelfLink                string `json:"selfLink"`
	MediaLink               string `json:"mediaLink"`
	Name                    string `json:"name"`
	Bucket                  string `json:"bucket"`
	Generation              string `json:"generation"`
	Metageneration          string `json:"metageneration"`
	StorageClass            string `json:"storageClass"`
	Size                    string `json:"size"`
	MD5Hash                 string `json:"md5Hash,omitempty"`
	CRC32C                  string `json:"crc32c"`
	Etag                    string `json:"etag"`
	TimeCreated             string `json:"timeCreated"`
	Updated                 string `json:"updated"`
	TimeStorageClassUpdated string `json:"timeStorageClassUpdated"`
	TimeFinalized           string `json:"timeFinalized"`
	TimeDeleted             string `json:"timeDeleted,omitempty"`
	RetentionExpirationTime string `json:"retentionExpirationTime,omitempty"`
	fields
}

// set are the fields of a resource that only the service sets; it ignores them
// in what it is sent.
var set = []string{
	"kind", "id", "selfLink", "mediaLink", "generation", "metageneration", "size", "etag", "timeCreated",
	"updated", "timeStorageClassUpdated", "timeFinalized", "owner", "componentCount", "timeDeleted",
	"retentionExpirationTime",
}

func (o *object) resource(r *http.Request) resource {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	path := "storage/v1/b/" + url.PathEscape(o.bucket) + "/o/" + url.PathEscape(o.name)
	generation := strconv.FormatInt(o.Generation, 10)
	return resource{
		Kind:                    "storage#object",
		ID:                      o.bucket + "/" + o.name + "/" + generation,
		SelfLink:                scheme + "://" + r.Host + "/" + path,
		MediaLink:               scheme + "://" + r.Host + "/download/" + path + "?generation=" + generation + "&alt=media",
		Name:                    o.name,
		Bucket:                  o.bucket,
		Generation:              generation,
		Metageneration:          strconv.FormatInt(o.Metageneration, 10),
		StorageClass:            storageClass,
		Size:                    strconv.FormatInt(o.content.size, 10),
		MD5Hash:                 o.content.md5Text(),
		CRC32C:                  o.content.crcText(),
		Etag:                    o.etag(),
		TimeCreated:             timeText(o.created),
		Updated:                 timeText(o.updated),
		TimeStorageClassUpdated: timeText(o.created),
		TimeFinalized:           timeText(o.created),
		TimeDeleted:             timeText(o.deleted),
		RetentionExpirationTime: timeText(o.retained),
		fields:                  o.fields,
	}
}

const storageClass = "STANDARD"

func (o *object) etag() string {
	return strconv.FormatInt(o.Generation, 36) + "/" + strconv.FormatInt(o.Metageneration, 36)
}

// timeText has the service's form: UTC with milliseconds. It is empty for the
// zero time.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// upload is the metadata with which an upload starts.
type upload struct {
	name   string
	fields fields
	want   checksums
}

// parseUpload reads the resource that comes with an upload; no bytes mean none.
func (c *call) parseUpload(body []byte) (upload, *answer) {
	u := upload{name: c.params.query.Get("name")}
	given := make(map[string]json.RawMessage)
	if len(bytes.TrimSpace(body)) > 0 {
		if err := json.Unmarshal(body, &given); err != nil {
			return u, refuse(failed(http.StatusBadRequest, "parseError", "object resource: %v", err))
		}
	}
	var name, bucket, class string
	for key, into := range map[string]*string{
		"name": &name, "bucket": &bucket, "storageClass": &class, "crc32c": &u.want.crc, "md5Hash": &u.want.md5,
	} {
		if err := take(given, key, into); err != nil {
			return u, err
		}
	}
	if u.name == "" {
		u.name = name
	}
	c.request.Object = u.name
	switch {
	case class != "" && class != storageClass:
		return u, refuse(notModelled("the storage class %s", class))
	case bucket != "" && bucket != c.request.Bucket:
		return u, refuse(failed(http.StatusBadRequest, "",
			"bucket %q in the resource is not the request's %q", bucket, c.request.Bucket))
	}
	if refusal := checkName(u.name); refusal != nil {
		return u, refusal
	}
	refusal := u.fields.patch(given)
	if encoding := c.params.query.Get("contentEncoding"); encoding != "" {
		u.fields.ContentEncoding = encoding
	}
	return u, refusal
}

func take(given map[string]json.RawMessage, key string, into *string) *answer {
	value, found := given[key]
	delete(given, key)
	if !found {
		return nil
	}
	if err := json.Unmarshal(value, into); err != nil {
		return refuse(failed(http.StatusBadRequest, "parseError", "%s: %v", key, err))
	}
	return nil
}

// patch applies JSON merge patch semantics, https://www.rfc-editor.org/rfc/rfc7396:
// what is null is removed, what is absent stays.
func (f *fields) patch(given map[string]json.RawMessage) *answer {
	f.Metadata = maps.Clone(f.Metadata)
	texts := map[string]*string{
		"cacheControl": &f.CacheControl, "contentDisposition": &f.ContentDisposition,
		"contentEncoding": &f.ContentEncoding, "contentLanguage": &f.ContentLanguage, "contentType": &f.ContentType,
	}
	for key, value := range given {
		null := string(value) == "null"
		switch text := texts[key]; {
		case slices.Contains(set, key):
		case text != nil && null:
			*text = ""
		case text != nil:
			if err := json.Unmarshal(value, text); err != nil {
				return refuse(failed(http.StatusBadRequest, "parseError", "%s: %v", key, err))
			}
		case key == "metadata" && null:
			f.Metadata = nil
		case key == "metadata":
			if err := f.patchMetadata(value); err != nil {
				return refuse(failed(http.StatusBadRequest, "parseError", "metadata: %v", err))
			}
		case null, string(value) == "false", string(value) == `""`, string(value) == "[]", string(value) == "{}":
			// Asked for nothing.
		default:
			return refuse(notModelled("the object field %s", key))
		}
	}
	return nil
}

func (f *fields) patchMetadata(value json.RawMessage) error {
	var changes map[string]*string
	if err := json.Unmarshal(value, &changes); err != nil {
		return err
	}
	for key, text := range changes {
		if text == nil {
			delete(f.Metadata, key)
			continue
		}
		if f.Metadata == nil {
			f.Metadata = make(map[string]string)
		}
		f.Metadata[key] = *text
	}
	return nil
}
