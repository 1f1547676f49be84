package check

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// forbidden is Cloud Storage's refusal of what a permission would allow.
var forbidden = gcstest.Fault{Status: http.StatusForbidden}

func TestCheckPermissions(t *testing.T) {
	const leftover = "gs://alerts-bucket/netskope/check/alerts/check_"
	for _, test := range []struct {
		name   string
		denied []string // by what testIamPermissions says
		fault  func(gcstest.Request) gcstest.Fault
		want   []expected
	}{
		{"create", []string{"storage.objects.create"}, nil, []expected{
			{"bucket.permissions", Fail, "missing: storage.objects.create|roles/storage.objectUser"},
			{"bucket.create", Fail, "answered 403|" + leftover}, {"bucket.move", Skip, "no object could be made"},
			{"bucket.cleanup", Pass, ""}}},
		{"get", []string{"storage.objects.get"}, nil, []expected{
			{"bucket.permissions", Fail, "missing: storage.objects.get"}, {"bucket.create", Pass, ""},
			{"bucket.read", Fail, "answered 403"},
			{"bucket.move", Pass, ""}, {"bucket.precondition", Pass, "create-only write"}, {"bucket.delete", Pass, ""},
			{"bucket.cleanup", Pass, ""}, {"state.content", Fail, "read gs://|403"}}},
		{"list", []string{"storage.objects.list"}, nil, []expected{
			{"bucket.permissions", Fail, "missing: storage.objects.list"}, {"bucket.list", Fail, "answered 403"},
			{"bucket.cleanup", Pass, ""}, {"feed.folder", Fail, "403|objectUser"}}},
		{"delete", []string{"storage.objects.delete"}, nil, []expected{
			{"bucket.permissions", Fail, "missing: storage.objects.delete|objectUser"},
			{"bucket.delete", Fail, "answered 403"},
			{"bucket.cleanup", Warn, leftover + "|answered 403|gcloud storage rm --all-versions " + leftover}}},
		{"granted but refused", nil, onStorage(forbidden, gcstest.ReadMedia), []expected{
			{"bucket.permissions", Warn, "storage.objects.get is granted but was refused|condition"},
			{"bucket.read", Fail, ""}}},
		{"attributes hidden", nil, onStorage(forbidden, gcstest.GetBucket), []expected{
			{"bucket.attributes", Warn, "storage.buckets.get|a run does without|legacyBucketReader"},
			{"bucket.retention", Skip, "may not be seen"}, {"bucket.create", Pass, ""},
			{"bucket.permissions", Pass, "and worked"}}},
		{"permissions hidden", nil, onStorage(forbidden, gcstest.TestPermissions),
			[]expected{{"bucket.permissions", Warn, "testIamPermissions: answered 403"}, {"bucket.create", Pass, ""}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			checked(t, &netskopetest.Server{}, 20, func(w *world) {
				w.cloud.Deny = test.denied
				w.faults(nil, test.fault)
				w.check().wantAll(t, test.want)
			})
		})
	}
}

// TestCheckConditionalGrant: a grant on a condition is not seen by testIamPermissions on
// the bucket.
func TestCheckConditionalGrant(t *testing.T) {
	checked(t, &netskopetest.Server{}, 20, func(w *world) {
		w.cloud.DenyReported = []string{"storage.objects.list", "storage.objects.delete"}
		w.check().want(t, "bucket.permissions", Warn,
			"storage.objects.list is not granted but worked; storage.objects.delete is not granted but worked",
			"look for a condition")
	})
}

func TestCheckBucketTrouble(t *testing.T) {
	for _, test := range []struct {
		name   string
		set    func(*world)
		want   []expected
		hidden bool // the bucket's attributes
	}{
		{"no bucket", func(w *world) { w.cloud.Buckets = []string{"another"} }, []expected{
			{"bucket.attributes", Fail, "there is no bucket gs://alerts-bucket|make the bucket"},
			{"bucket.create", Skip, "no such bucket"}, {"state.content", Skip, ""}, {"feed.folder", Skip, ""}}, false},
		{"no bucket, attributes hidden", func(w *world) { w.cloud.Buckets = []string{"another"} }, []expected{
			{"bucket.attributes", Warn, ""}, {"bucket.permissions", Fail, "there is no bucket"},
			{"bucket.create", Skip, ""}, {"state.content", Skip, "no such bucket"}}, true},
		{"login expired", func(w *world) { w.faults(nil, onStorage(gcstest.Fault{Status: 401}, gcstest.GetBucket)) },
			[]expected{
				{"bucket.attributes", Fail, "answered 401|gcloud auth application-default login"},
				{"bucket.create", Skip, "cannot be looked at"}}, false},
		{"dead", func(w *world) {
			w.faults(nil, func(gcstest.Request) gcstest.Fault { return gcstest.Fault{Delay: 24 * time.Hour} })
		}, []expected{
			{"bucket.attributes", Fail, "no answer within 20 seconds|let this machine reach storage.googleapis.com"}},
			false},
		{"broken", func(w *world) {
			w.faults(nil, func(gcstest.Request) gcstest.Fault { return gcstest.Fault{Status: 503} })
		}, []expected{{"bucket.attributes", Fail, "answered 503"}}, false},
		{"retention", func(w *world) { w.cloud.Retention = 30 * 24 * time.Hour }, []expected{
			{"bucket.retention", Fail,
				"retention policy of 30 days: the state cannot be replaced|--clear-retention-period"},
			{"bucket.create", Skip, "the retention policy keeps"},
			{"bucket.cleanup", Skip, ""}, {"bucket.permissions", Pass, "not all were tried"}}, false},
		{"locked retention", func(w *world) { w.cloud.Retention, w.cloud.RetentionLocked = time.Hour, true },
			[]expected{{"bucket.retention", Fail, "locked|another bucket"}}, false},
		{"retention and versioning", func(w *world) { w.cloud.Retention, w.cloud.Versioning = time.Hour, true },
			[]expected{{"bucket.retention", Warn, "only because versioning"}, {"bucket.create", Skip, ""}}, false},
		{"retention that is not seen", func(w *world) {
			w.cloud.Retention = time.Hour
			w.faults(nil, onStorage(forbidden, gcstest.GetBucket))
		}, []expected{{"bucket.create", Pass, ""}, {"bucket.overwrite", Fail, "retention"}, {"bucket.delete", Fail, ""},
			{"bucket.cleanup", Warn, "netskope/check/alerts/check_"}}, false},
		{"open", func(w *world) { w.cloud.PublicAccess, w.cloud.FineGrained = "inherited", true }, []expected{
			{"bucket.public_access", Warn, "--public-access-prevention"},
			{"bucket.uniform_access", Warn, "--uniform-bucket-level-access"}}, false},
		{"soft delete", func(w *world) { w.cloud.SoftDelete = 7 * 24 * time.Hour },
			[]expected{{"bucket.soft_delete", Pass, "7 days longer"}}, false},
		{"lifecycle", func(w *world) {
			w.cloud.Lifecycle = json.RawMessage(
				`{"rule":[{"action":{"type":"Delete"},"condition":{"age":5,"matchesPrefix":["netskope/alerts/"]}}]}`)
		}, []expected{{"bucket.lifecycle", Warn, "deletes alerts in the feed's folder after 5 days"}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			checked(t, &netskopetest.Server{}, 20, func(w *world) {
				test.set(w)
				bucket := w.bucket
				if test.hidden {
					bucket = storageThrough(w.t, hidden{serve(w.t, w.cloud)})
				}
				w.checkThrough(w.t.Context(), bucket).wantAll(t, test.want)
			})
		})
	}
}

// hidden refuses to show buckets, before it looks whether they exist.
type hidden struct{ to http.RoundTripper }

func (h hidden) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/storage/v1/b/alerts-bucket") {
		return answer(r, http.StatusForbidden,
			`{"error":{"code":403,"message":"me@example.com does not have storage.buckets.get access"}}`), nil
	}
	return h.to.RoundTrip(r)
}

// TestCheckSettings holds what the stand-in does not model.
func TestCheckSettings(t *testing.T) {
	for _, test := range []struct {
		attributes storage.BucketAttrs
		subject    string
		level      Level
		part       string
	}{
		{storage.BucketAttrs{Name: "b", RequesterPays: true}, "bucket.requester_pays", Fail, "--no-requester-pays"},
		{storage.BucketAttrs{Name: "b", DefaultEventBasedHold: true}, "bucket.holds", Fail,
			"--no-default-event-based-hold"},
		{storage.BucketAttrs{Name: "b", VersioningEnabled: true}, "bucket.versioning", Pass, "earlier states are kept"},
		{storage.BucketAttrs{Name: "b"}, "bucket.versioning", Pass, "off"},
		{storage.BucketAttrs{Name: "b"}, "bucket.soft_delete", Pass, "gone"},
	} {
		var all findings
		c := newCheckup(Options{}, all.add)
		c.config.Prefix, c.config.StateKey = "p", "s"
		c.checkSettings(&test.attributes)
		all.want(t, test.subject, test.level, test.part)
		all.once(t, settingSubjects)
	}
	if keepsWhatIsWritten(&storage.BucketAttrs{DefaultEventBasedHold: true}) == "" ||
		keepsWhatIsWritten(&storage.BucketAttrs{}) != "" || keepsWhatIsWritten(nil) != "" {
		t.Error("wrong about what keeps objects")
	}
}

// TestCheckRequesterPays: the very first request is refused.
func TestCheckRequesterPays(t *testing.T) {
	checked(t, &netskopetest.Server{}, 20, func(w *world) {
		bucket := storageThrough(w.t, requesterPays{})
		w.checkThrough(w.t.Context(), bucket).wantAll(t,
			[]expected{{"bucket.requester_pays", Fail, "requester pays bucket but no user project|--no-requester-pays"},
				{"bucket.create", Skip, ""}})
	})
}

type requesterPays struct{}

func (requesterPays) RoundTrip(r *http.Request) (*http.Response, error) {
	return answer(r, http.StatusBadRequest,
		`{"error":{"code":400,"message":"Bucket is a requester pays bucket but no user project `+
			`provided.","errors":[{"reason":"required"}]}}`), nil
}

// TestCheckNoClient: without credentials there is nothing to look at.
func TestCheckNoClient(t *testing.T) {
	var all findings
	c := newCheckup(Options{Bucket: func(string) (*gcs.Bucket, error) {
		return nil, fmt.Errorf("could not find default credentials")
	}}, all.add)
	if bucket, reason := c.checkBucket(t.Context()); bucket != nil || reason == "" {
		t.Errorf("got %v, %q", bucket, reason)
	}
	all.want(t, "bucket.client", Fail, "default credentials", "gcloud auth application-default login")
	all.want(t, "bucket.cleanup", Skip)
}

// TestCheckBrokenStorage: storage that does not do what Cloud Storage does is found out,
// and still left as it was.
func TestCheckBrokenStorage(t *testing.T) {
	ignore := func(names ...string) func(*http.Request) {
		return func(r *http.Request) {
			query := r.URL.Query()
			for _, name := range names {
				if query.Get(name) != "" && !strings.Contains(r.URL.Path, "/iam/") {
					query.Del(name)
				}
			}
			r.URL.RawQuery = query.Encode()
		}
	}
	for _, test := range []struct {
		name   string
		change func(*http.Request)
		want   []expected
	}{
		{"ignores all conditions", ignore("ifGenerationMatch", "ifSourceGenerationMatch"), []expected{
			{"bucket.precondition", Fail, "what must not be done is done: " +
				"create-only write, write on another generation, move to a name that is taken|Cloud Storage itself"},
			{"bucket.overwrite", Pass, ""}, {"bucket.delete", Pass, ""}, {"bucket.cleanup", Pass, ""}}},
		{"ignores conditions of moves", func(r *http.Request) {
			if strings.Contains(r.URL.Path, "/moveTo/") {
				ignore("ifGenerationMatch")(r)
			}
		}, []expected{{"bucket.precondition", Fail, "is done: move to a name that is taken"},
			{"bucket.cleanup", Pass, ""}}},
		{"ignores conditions of deletions", func(r *http.Request) {
			if r.Method == http.MethodDelete {
				ignore("ifGenerationMatch")(r)
			}
		}, []expected{{"bucket.precondition", Fail, "is done: deletion on another generation"},
			{"bucket.delete", Pass, ""}, {"bucket.cleanup", Pass, ""}}},
		{"cannot move", func(r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "/moveTo/", "/unheardOf/", 1)
			r.URL.RawPath = strings.Replace(r.URL.RawPath, "/moveTo/", "/unheardOf/", 1)
		}, []expected{{"bucket.move", Fail, "moving gs://alerts-bucket/netskope/check/alerts/check_"},
			{"bucket.precondition", Pass, "create-only write"}, {"bucket.delete", Pass, ""},
			{"bucket.cleanup", Pass, ""}}},
		{"lists nothing", func(r *http.Request) {
			if query := r.URL.Query(); strings.Contains(query.Get("prefix"), "/check/") {
				query.Set("prefix", "nothing")
				r.URL.RawQuery = query.Encode()
			}
		}, []expected{{"bucket.list", Fail, "lacks the object"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			checked(t, &netskopetest.Server{}, 20, func(w *world) {
				bucket := storageThrough(w.t, rewrite{serve(w.t, w.cloud), test.change})
				w.checkThrough(w.t.Context(), bucket).wantAll(t, test.want)
			})
		})
	}
	t.Run("answers with other content", func(t *testing.T) {
		checked(t, &netskopetest.Server{}, 20, func(w *world) {
			bucket := storageThrough(w.t, otherContent{serve(w.t, w.cloud)})
			w.checkThrough(w.t.Context(), bucket).wantAll(t,
				[]expected{{"bucket.read", Fail, "what is read is not what was written"}, {"bucket.cleanup", Pass, ""}})
		})
	})
}

type otherContent struct{ to http.RoundTripper }

func (o otherContent) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("alt") == "media" && strings.Contains(r.URL.Path, "/check/") {
		return answer(r, http.StatusOK, "something else"), nil
	}
	return o.to.RoundTrip(r)
}

// TestCheckVersioning: not even earlier versions are left.
func TestCheckVersioning(t *testing.T) {
	checked(t, &netskopetest.Server{}, 20, func(w *world) {
		w.cloud.Versioning = true
		names := map[string]bool{}
		w.cloud.Visible = func(o gcstest.Object) { names[o.Name] = true }
		w.check().wantAll(t, []expected{{"bucket.versioning", Pass, "on"}, {"bucket.cleanup", Pass, ""}})
		for name := range names {
			if n := len(w.cloud.Versions(w.config.BucketName, name)); n > 0 {
				t.Errorf("%d versions of %s are left", n, name)
			}
		}
		if len(names) != 2 {
			t.Errorf("names %v", names)
		}
		w.faults(nil, func(r gcstest.Request) gcstest.Fault {
			if r.Op == gcstest.ListObjects && r.N > 0 {
				return forbidden
			}
			return gcstest.Fault{}
		})
		w.check().want(t, "bucket.cleanup", Warn, "earlier versions of gs://", "--all-versions")
	})
}
