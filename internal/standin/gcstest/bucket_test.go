package gcstest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// What a bucket's metadata says is what the server's fields say.
func TestBucketAttributes(t *testing.T) {
	attrs, err := emulator(t, &gcstest.Server{}).Bucket(bucket).Attrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if attrs.Name != bucket || attrs.Location != "US" || !attrs.UniformBucketLevelAccess.Enabled ||
		attrs.PublicAccessPrevention != storage.PublicAccessPreventionEnforced || attrs.VersioningEnabled ||
		attrs.RetentionPolicy != nil || attrs.SoftDeletePolicy.RetentionDuration != 0 || len(attrs.Lifecycle.Rules) != 0 ||
		attrs.Created.IsZero() {
		t.Errorf("bucket %+v", attrs)
	}

	attrs, err = emulator(t, &gcstest.Server{
		Location: "EUROPE-WEST6", Versioning: true, Retention: 36 * time.Hour, SoftDelete: 7 * 24 * time.Hour,
		FineGrained: true, PublicAccess: "inherited",
		Lifecycle: []byte(`{"rule": [
			{"action": {"type": "Delete"}, "condition": {"age": 30, "matchesPrefix": ["alerts/", "x/"]}},
			{"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"}, "condition": {"isLive": false, "numNewerVersions": 3}}
		]}`),
	}).Bucket(bucket).Attrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if attrs.Location != "EUROPE-WEST6" || !attrs.VersioningEnabled || attrs.UniformBucketLevelAccess.Enabled ||
		attrs.PublicAccessPrevention != storage.PublicAccessPreventionInherited ||
		attrs.SoftDeletePolicy.RetentionDuration != 7*24*time.Hour || attrs.SoftDeletePolicy.EffectiveTime.IsZero() {
		t.Errorf("bucket %+v", attrs)
	}
	if p := attrs.RetentionPolicy; p == nil || p.RetentionPeriod != 36*time.Hour || p.IsLocked ||
		p.EffectiveTime.IsZero() {
		t.Errorf("retention policy %+v", p)
	}
	rules := attrs.Lifecycle.Rules
	if len(rules) != 2 || rules[0].Action.Type != storage.DeleteAction || rules[0].Condition.AgeInDays != 30 ||
		fmt.Sprint(rules[0].Condition.MatchesPrefix) != "[alerts/ x/]" || rules[1].Action.StorageClass != "COLDLINE" ||
		rules[1].Condition.Liveness != storage.Archived || rules[1].Condition.NumNewerVersions != 3 {
		t.Errorf("lifecycle %+v", rules)
	}

	locked := &gcstest.Server{Retention: time.Second, RetentionLocked: true}
	attrs, err = emulator(t, locked).Bucket(bucket).Attrs(t.Context())
	if err != nil || attrs.RetentionPolicy == nil || !attrs.RetentionPolicy.IsLocked {
		t.Errorf("locked retention policy: %+v, %v", attrs, err)
	}
}

func wantRetained(t *testing.T, what string, err error) {
	t.Helper()
	var apiErr *googleapi.Error
	if !errors.As(err, &apiErr) || apiErr.Code != 403 || apiErr.Errors[0].Reason != "retentionPolicyNotMet" ||
		!strings.Contains(apiErr.Message, "'alerts/a' is subject to bucket's retention policy") {
		t.Errorf("%s: %v; want 403 retentionPolicyNotMet of alerts/a", what, err)
	}
}

// https://cloud.google.com/storage/docs/bucket-lock: an object can be deleted or
// replaced once it is as old as the retention period, not before.
func TestRetention(t *testing.T) {
	s := &gcstest.Server{Retention: time.Hour}
	inBubble(t, s, func(t *testing.T, c *storage.Client) {
		a := c.Bucket(bucket).Object("a")
		attrs := mustWrite(t, a, []byte("first"))
		if want := attrs.Created.Add(time.Hour); !attrs.RetentionExpirationTime.Equal(want) {
			t.Errorf("retained until %v; want %v", attrs.RetentionExpirationTime, want)
		}
		s.Put(bucket, "b", nil)
		time.Sleep(time.Hour - time.Nanosecond)
		young := s.Put(bucket, "c", nil)
		wantRetained(t, "delete", a.Delete(t.Context()))
		wantRetained(t, "delete of a generation", a.Generation(attrs.Generation).Delete(t.Context()))
		wantRetained(t, "overwrite", write(t, a, nil))
		wantRetained(t, "overwrite by a session", write(t, a, noise(600_000)))
		if n := s.Requests(gcstest.UploadChunk, gcstest.FinishUpload); n != 0 {
			t.Errorf("a refused session got %d chunks", n)
		}
		_, err := move(t, a, "x", nil)
		wantRetained(t, "move away", err)
		wantCode(t, write(t, a.If(create), nil), 412)
		updated, err := a.Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "a/b"})
		if err != nil || updated.RetentionExpirationTime.IsZero() {
			t.Errorf("metadata can be changed: %+v, %v", updated, err)
		}
		wantContent(t, s, a, []byte("first"))

		time.Sleep(time.Nanosecond)
		_, err = move(t, a, "c", nil)
		wantCode(t, err, 403) // c is young
		if _, err = move(t, c.Bucket(bucket).Object("b"), "a", nil); err != nil {
			t.Errorf("move of an old object onto an old one: %v", err)
		}
		wantNames(t, s, "a", "c")
		_, err = move(t, a, "d", nil)
		wantRetained(t, "move away of what was just moved here", err)
		time.Sleep(time.Hour)
		if err := a.Delete(t.Context()); err != nil {
			t.Errorf("delete of an old object: %v", err)
		}
		if err := write(t, c.Bucket(bucket).Object("c"), []byte("x")); err != nil {
			t.Errorf("overwrite of an old object: %v", err)
		}
		if o, _ := s.Object(bucket, "c"); o.Generation == young.Generation || !s.Delete(bucket, "c") {
			t.Error("not overwritten, or Delete heeds the retention policy")
		}
	})
}

// With versioning, a retained object can become noncurrent, and is then retained
// as such.
func TestRetentionOfGenerations(t *testing.T) {
	s := &gcstest.Server{Retention: time.Hour, Versioning: true}
	inBubble(t, s, func(t *testing.T, c *storage.Client) {
		a := c.Bucket(bucket).Object("a")
		first := mustWrite(t, a, nil)
		second := mustWrite(t, a, nil)
		if _, err := move(t, a, "b", nil); err != nil {
			t.Fatal(err)
		}
		third := mustWrite(t, a, nil)
		if err := a.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		fourth := mustWrite(t, a, nil)
		for _, o := range []*storage.ObjectAttrs{first, second, third, fourth} {
			wantRetained(t, "delete of a generation", a.Generation(o.Generation).Delete(t.Context()))
		}
		time.Sleep(time.Hour)
		for _, o := range []*storage.ObjectAttrs{first, second, third, fourth} {
			if err := a.Generation(o.Generation).Delete(t.Context()); err != nil {
				t.Errorf("delete of an old generation: %v", err)
			}
		}
		wantNames(t, s, "b")
	})
}

// An upload that was started before somebody else's object was there is refused
// at its end.
func TestRetentionIsCheckedAtTheEnd(t *testing.T) {
	s := &gcstest.Server{Retention: time.Hour}
	s.Fault = func(r gcstest.Request) gcstest.Fault {
		if r.Op == gcstest.FinishUpload {
			s.Put(bucket, "a", []byte("theirs"))
		}
		return gcstest.Fault{}
	}
	a := emulator(t, s).Bucket(bucket).Object("a")
	wantRetained(t, "end of an upload", write(t, a, noise(600_000)))
	wantContent(t, s, a, []byte("theirs"))
}
