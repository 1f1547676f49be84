package gcstest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions
func TestPermissions(t *testing.T) {
	asked := []string{"storage.objects.create", "storage.objects.delete", "storage.objects.list"}
	for _, c := range []struct{ deny, reported, want []string }{
		{nil, nil, asked},
		{[]string{"storage.objects.delete"}, nil, []string{"storage.objects.create", "storage.objects.list"}},
		{asked, nil, nil},
		{asked, []string{}, asked},
		{nil, asked[:2], asked[2:]},
	} {
		s := &gcstest.Server{Deny: c.deny, DenyReported: c.reported}
		got, err := emulator(t, s).Bucket(bucket).IAM().TestPermissions(t.Context(), asked)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("denied %q, reported %q: %q, %v; want %q", c.deny, c.reported, got, err, c.want)
		}
	}
}

// deniedIn returns the permission whose lack an error reports, "" for no error.
func deniedIn(t *testing.T, what string, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var apiErr *googleapi.Error
	if !errors.As(err, &apiErr) || apiErr.Code != 403 {
		return err.Error()
	}
	text := apiErr.Message
	if text == "" { // the XML API's
		text = apiErr.Body
	} else if len(apiErr.Errors) != 1 || apiErr.Errors[0].Reason != "forbidden" {
		t.Errorf("%s: errors %+v; want the reason forbidden", what, apiErr.Errors)
	}
	_, after, _ := strings.Cut(text, " does not have ")
	permission, after, _ := strings.Cut(after, " access to the Google Cloud Storage ")
	kind := "object"
	if permission == "storage.objects.list" || permission == "storage.buckets.get" {
		kind = "bucket"
	}
	if want := fmt.Sprintf("%s. Permission '%s' denied on resource (or it may not exist).", kind, permission); !strings.HasPrefix(strings.ReplaceAll(after, "&#39;", "'"), want) {
		t.Errorf("%s: %q; want a message that ends in %q", what, text, want)
	}
	return permission
}

// Every operation needs its permissions, from
// https://cloud.google.com/storage/docs/access-control/iam-json.
func TestDeniedPermissions(t *testing.T) {
	const (
		create, remove = "storage.objects.create", "storage.objects.delete"
		get, list      = "storage.objects.get", "storage.objects.list"
		moving, update = "storage.objects.move", "storage.objects.update"
		bucketsRead    = "storage.buckets.get"
	)
	operations := map[string]func(t *testing.T, b *storage.BucketHandle) error{
		"create":      func(t *testing.T, b *storage.BucketHandle) error { return write(t, b.Object("new"), nil) },
		"create long": func(t *testing.T, b *storage.BucketHandle) error { return write(t, b.Object("new"), noise(600_000)) },
		"overwrite":   func(t *testing.T, b *storage.BucketHandle) error { return write(t, b.Object("a"), nil) },
		"overwrite long": func(t *testing.T, b *storage.BucketHandle) error {
			return write(t, b.Object("a"), noise(600_000))
		},
		"read": func(t *testing.T, b *storage.BucketHandle) error { _, err := read(t, b.Object("a")); return err },
		"read missing": func(t *testing.T, b *storage.BucketHandle) error {
			return but404(read(t, b.Object("none")))
		},
		"attrs": func(t *testing.T, b *storage.BucketHandle) error {
			_, err := b.Object("a").Attrs(t.Context())
			return err
		},
		"attrs missing": func(t *testing.T, b *storage.BucketHandle) error {
			return but404(b.Object("none").Attrs(t.Context()))
		},
		"list": func(t *testing.T, b *storage.BucketHandle) error {
			_, err := b.Objects(t.Context(), nil).Next()
			return err
		},
		"bucket": func(t *testing.T, b *storage.BucketHandle) error { _, err := b.Attrs(t.Context()); return err },
		"delete": func(t *testing.T, b *storage.BucketHandle) error { return b.Object("a").Delete(t.Context()) },
		"delete missing": func(t *testing.T, b *storage.BucketHandle) error {
			return but404(0, b.Object("none").Delete(t.Context()))
		},
		"update": func(t *testing.T, b *storage.BucketHandle) error {
			_, err := b.Object("a").Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "a/b"})
			return err
		},
		"update missing": func(t *testing.T, b *storage.BucketHandle) error {
			return but404(b.Object("none").Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "a/b"}))
		},
		"move": func(t *testing.T, b *storage.BucketHandle) error {
			_, err := move(t, b.Object("a"), "new", nil)
			return err
		},
		"move onto": func(t *testing.T, b *storage.BucketHandle) error {
			_, err := move(t, b.Object("a"), "b", nil)
			return err
		},
		"move missing": func(t *testing.T, b *storage.BucketHandle) error {
			return but404(move(t, b.Object("none"), "new", nil))
		},
		"test": func(t *testing.T, b *storage.BucketHandle) error {
			_, err := b.IAM().TestPermissions(t.Context(), []string{create})
			return err
		},
	}
	for _, c := range []struct {
		deny    []string
		refused map[string]string // the operations that are refused, and for lack of what
	}{
		{nil, nil},
		{[]string{create}, map[string]string{
			"create": create, "create long": create, "overwrite": create, "overwrite long": create,
			"move": create, "move onto": create, "move missing": create}},
		{[]string{remove}, map[string]string{
			"overwrite": remove, "overwrite long": remove, "delete": remove, "delete missing": remove,
			"move onto": remove}},
		{[]string{get}, map[string]string{"read": get, "read missing": get, "attrs": get, "attrs missing": get}},
		{[]string{list}, map[string]string{"list": list, "read missing": list, "attrs missing": list, "delete missing": list,
			"update missing": list, "move missing": list}},
		{[]string{bucketsRead}, map[string]string{"bucket": bucketsRead}},
		{[]string{update}, map[string]string{"update": update, "update missing": update}},
		{[]string{moving}, nil},
		{[]string{moving, get}, map[string]string{"read": get, "read missing": get, "attrs": get, "attrs missing": get,
			"move": get, "move onto": get, "move missing": get}},
		{[]string{moving, remove}, map[string]string{
			"overwrite": remove, "overwrite long": remove, "delete": remove, "delete missing": remove,
			"move": remove, "move onto": remove, "move missing": remove}},
		{[]string{create, remove, get, list, moving, update, bucketsRead}, map[string]string{
			"create": create, "create long": create, "overwrite": create, "overwrite long": create,
			"read": get, "read missing": get, "attrs": get, "attrs missing": get,
			"list": list, "bucket": bucketsRead, "delete": remove, "delete missing": remove,
			"update": update, "update missing": update, "move": create, "move onto": create, "move missing": create}},
	} {
		for _, options := range []bool{false, true} {
			for name, do := range operations {
				s := &gcstest.Server{Deny: c.deny}
				s.Put(bucket, "a", []byte("a"))
				s.Put(bucket, "b", nil)
				before := s.Objects(bucket, "")
				var client *storage.Client
				if options {
					client = piped(t, s, storage.WithJSONReads())
				} else {
					client = piped(t, s)
				}
				what := fmt.Sprintf("%s without %q", name, c.deny)
				if got := deniedIn(t, what, do(t, client.Bucket(bucket))); got != c.refused[name] {
					t.Errorf("%s: refused for lack of %q; want %q", what, got, c.refused[name])
				}
				if after := s.Objects(bucket, ""); c.refused[name] != "" && fmt.Sprint(after) != fmt.Sprint(before) {
					t.Errorf("%s left %v", what, after)
				}
			}
		}
	}
}

// but404 takes away an error that says that there is no such object.
func but404(_ any, err error) error {
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil
	}
	return err
}

// A precondition comes before what overwriting takes; a fault comes before any
// permission; by hand everything is allowed.
func TestOrderOfPermissions(t *testing.T) {
	s := &gcstest.Server{Deny: []string{"storage.objects.delete", "storage.objects.get"}}
	s.Put(bucket, "a", nil)
	c := emulator(t, s)
	a := c.Bucket(bucket).Object("a")
	for _, size := range []int{10, 600_000} {
		wantCode(t, write(t, a.If(create), noise(size)), 412)
	}
	_, err := move(t, a, "a2", nil)
	if err != nil {
		t.Errorf("move with its own permission: %v", err)
	}
	s.Put(bucket, "a", []byte("by hand"))
	s.Put(bucket, "a", []byte("by hand again"))
	if !s.Delete(bucket, "a") {
		t.Error("not deleted by hand")
	}
	s = &gcstest.Server{Deny: []string{"storage.objects.get"}, Fault: on(gcstest.GetObject, 1, gcstest.Fault{Status: 404})}
	_, err = emulator(t, s).Bucket(bucket).Object("a").Attrs(t.Context())
	wantCode(t, err, 404)
}

// What came into being during an upload cannot be overwritten without the
// permission either, and the XML API reports in its own form.
func TestDeniedAtTheEndAndByXML(t *testing.T) {
	s := &gcstest.Server{Deny: []string{"storage.objects.delete", "storage.objects.get"}}
	s.Fault = func(r gcstest.Request) gcstest.Fault {
		if r.Op == gcstest.FinishUpload {
			s.Put(bucket, "a", []byte("theirs"))
		}
		return gcstest.Fault{}
	}
	err := write(t, emulator(t, s).Bucket(bucket).Object("a"), noise(600_000))
	if got := deniedIn(t, "end of an upload", err); got != "storage.objects.delete" {
		t.Errorf("end of an upload: %q", got)
	}
	if o, _ := s.Object(bucket, "a"); string(o.Content) != "theirs" {
		t.Errorf("stored %d bytes", o.Size)
	}
	resp := send(t, overPipe(t, s), "GET", "/alerts/a", "")
	if resp.code != 403 || !strings.Contains(resp.body, "<Code>AccessDenied</Code><Message>Access denied.</Message><Details>caller") {
		t.Errorf("XML read: %d %s", resp.code, resp.body)
	}
}
