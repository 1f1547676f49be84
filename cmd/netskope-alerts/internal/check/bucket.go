package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/gcs"
)

const (
	// storagePatience bounds one step in the bucket, with the client's own repetitions.
	storagePatience = 20 * time.Second
	// grant is how to give the permissions of a run.
	grant = "grant this account roles/storage.objectUser on the bucket"
)

// neededPermissions are those of a run. Replacing an object takes delete besides
// create; moving one takes get and delete for its old name and create for its new one
// (Cloud Storage: IAM permissions for JSON methods); without list, Cloud Storage
// answers 403 for an object that does not exist.
var neededPermissions = []string{"storage.objects.create", "storage.objects.get", "storage.objects.list",
	"storage.objects.delete"}

// checkBucket looks at the bucket's settings and permissions, and tries out what a run
// does. It returns the bucket, or why there is none to look into.
func (c *checkup) checkBucket(ctx context.Context) (*gcs.Bucket, string) {
	opened, err := c.options.Bucket(c.config.BucketName)
	if err != nil {
		c.fail("bucket.client", "log in with: gcloud auth application-default login",
			"there is no client for Cloud Storage: %v", err)
		c.skipRest("there is no client for Cloud Storage", bucketSubjects)
		return nil, "there is no client for Cloud Storage"
	}
	c.pass("bucket.client", "there is a client for Cloud Storage")
	bucket := opened.Handle()
	attributes, reason := c.checkAttributes(ctx, bucket)
	if reason != "" {
		c.skipRest(reason, bucketSubjects)
		return nil, reason
	}
	granted, err := within(ctx, func(ctx context.Context) ([]string, error) {
		return bucket.IAM().TestPermissions(ctx, neededPermissions)
	})
	if isStatus(err, http.StatusNotFound) && !isElsewhere(err) {
		c.fail("bucket.permissions", "make the bucket, or correct GCS_BUCKET", "there is no bucket gs://%s",
			c.config.BucketName)
		c.skipRest("there is no such bucket", bucketSubjects)
		return nil, "there is no such bucket"
	}
	if attributes != nil {
		c.checkSettings(attributes)
	}
	t := &trial{checkup: c, bucket: bucket, did: map[string]bool{},
		versioned: attributes != nil && attributes.VersioningEnabled}
	if reason := keepsWhatIsWritten(attributes); reason != "" {
		c.skip(reason+", so nothing is tried out", trialSubjects...)
	} else {
		t.run(ctx)
	}
	c.checkPermissions(granted, err, t.did)
	return opened, ""
}

// checkAttributes returns the bucket's attributes, or nil if they may not be seen, or
// why nothing else can be asked.
func (c *checkup) checkAttributes(ctx context.Context, bucket *storage.BucketHandle) (*storage.BucketAttrs, string) {
	const subject = "bucket.attributes"
	a, err := within(ctx, bucket.Attrs)
	switch seen, remedy := c.storageTrouble(err); {
	case err == nil:
		c.pass(subject, "gs://%s, %s, %s", a.Name, a.Location, a.StorageClass)
		return a, ""
	case errors.Is(err, storage.ErrBucketNotExist) && !isElsewhere(err):
		c.fail(subject, "make the bucket, or correct GCS_BUCKET", "there is no bucket gs://%s", c.config.BucketName)
		return nil, "there is no such bucket"
	case lacksPermission(err):
		c.warn(subject,
			"to see the bucket's settings, give whoever runs the check roles/storage.legacyBucketReader on it",
			"they may not be seen (storage.buckets.get); a run does without: %s", seen)
		c.skip("the bucket's attributes may not be seen", settingSubjects...)
		return nil, ""
	case isStatus(err, http.StatusBadRequest) && strings.Contains(strings.ToLower(err.Error()), "requester pays"):
		c.skip("the requester has to pay", subject)
		c.fail("bucket.requester_pays", requesterRemedy(c.config.BucketName), "%s", seen)
		return nil, "the requester has to pay"
	default:
		c.fail(subject, remedy, "%s", seen)
		return nil, "the bucket cannot be looked at"
	}
}

func requesterRemedy(bucket string) string {
	return "turn it off: gcloud storage buckets update gs://" + bucket + " --no-requester-pays"
}

// keepsWhatIsWritten says why an object that is made in the bucket could not be
// removed again.
func keepsWhatIsWritten(a *storage.BucketAttrs) string {
	switch {
	case a == nil:
	case a.RetentionPolicy != nil:
		return "the retention policy keeps what is written"
	case a.DefaultEventBasedHold:
		return "the default hold keeps what is written"
	}
	return ""
}

// checkSettings judges what the bucket does with objects by itself, and who pays.
func (c *checkup) checkSettings(a *storage.BucketAttrs) {
	update := "gcloud storage buckets update gs://" + a.Name + " "
	if a.RequesterPays {
		c.fail("bucket.requester_pays", requesterRemedy(a.Name),
			"the requester pays; the collector names no project that would")
	} else {
		c.pass("bucket.requester_pays", "the bucket's project pays")
	}
	if r := a.RetentionPolicy; r == nil {
		c.pass("bucket.retention", "no retention policy")
	} else if a.VersioningEnabled {
		c.warn("bucket.retention", "remove it: "+update+"--clear-retention-period",
			"a retention policy of %s: objects can be replaced and moved only because versioning keeps what they were",
			text.Roughly(r.RetentionPeriod))
	} else if r.IsLocked {
		c.fail("bucket.retention", "use another bucket: a locked policy cannot be removed",
			"a locked retention policy of %s: the state cannot be replaced, nor objects moved",
			text.Roughly(r.RetentionPeriod))
	} else {
		c.fail("bucket.retention", "remove it: "+update+"--clear-retention-period",
			"a retention policy of %s: the state cannot be replaced, nor objects moved",
			text.Roughly(r.RetentionPeriod))
	}
	if a.DefaultEventBasedHold {
		c.fail("bucket.holds", "turn it off: "+update+"--no-default-event-based-hold",
			"every new object is held: the state cannot be replaced, nor objects moved")
	} else {
		c.pass("bucket.holds", "new objects are not held")
	}
	c.checkLifecycle(a)
	if s := a.SoftDeletePolicy; s != nil && s.RetentionDuration > 0 {
		c.pass("bucket.soft_delete", "what is deleted can be restored, and is paid for, %s longer",
			text.Roughly(s.RetentionDuration))
	} else {
		c.pass("bucket.soft_delete", "off: what is deleted is gone")
	}
	if a.VersioningEnabled {
		c.pass("bucket.versioning", "on: earlier states are kept, and paid for")
	} else {
		c.pass("bucket.versioning", "off")
	}
	if a.PublicAccessPrevention == storage.PublicAccessPreventionEnforced {
		c.pass("bucket.public_access", "prevented")
	} else {
		c.warn("bucket.public_access", "enforce it: "+update+"--public-access-prevention",
			"public access is not prevented on the bucket itself")
	}
	if a.UniformBucketLevelAccess.Enabled {
		c.pass("bucket.uniform_access", "uniform")
	} else {
		c.warn("bucket.uniform_access", "turn it on: "+update+"--uniform-bucket-level-access",
			"objects have access lists of their own")
	}
}

// checkPermissions compares the permissions that IAM says there are with what the
// trial found: each was allowed, refused, or not tried.
func (c *checkup) checkPermissions(granted []string, err error, did map[string]bool) {
	const subject = "bucket.permissions"
	if err != nil {
		seen, remedy := c.storageTrouble(err)
		c.warn(subject, remedy, "testIamPermissions: %s", seen)
		return
	}
	var missing, odd []string
	for _, permission := range neededPermissions {
		has := slices.Contains(granted, permission)
		worked, tried := did[permission]
		switch {
		case tried && worked != has && has:
			odd = append(odd, permission+" is granted but was refused")
		case tried && worked != has:
			odd = append(odd, permission+" is not granted but worked")
		case !has:
			missing = append(missing, permission)
		}
	}
	switch {
	case len(missing) > 0:
		c.fail(subject, grant, "missing: %s", strings.Join(append(missing, odd...), "; "))
	case len(odd) > 0:
		c.warn(subject, "look for a condition in the bucket's IAM policy, and, if the policy has just been changed, "+
			"wait some minutes", "IAM and what happened disagree: %s", strings.Join(odd, "; "))
	case len(did) < len(neededPermissions):
		c.pass(subject, "create, get, list and delete are granted; not all were tried")
	default:
		c.pass(subject, "create, get, list and delete are granted, and worked")
	}
}

// within bounds one step in the bucket.
func within[T any](ctx context.Context, step func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, storagePatience)
	defer cancel()
	return step(ctx)
}

func isStatus(err error, status int) bool {
	var e *googleapi.Error
	return errors.As(err, &e) && e.Code == status
}

// isElsewhere reports whether something else than Cloud Storage has answered.
func isElsewhere(err error) bool {
	refusal := gcs.RefusalOf(err)
	return refusal != nil && refusal.Cause == gcs.CauseProxy
}

// lacksPermission reports whether the storage refuses this account, and not whatever else answers 403.
func lacksPermission(err error) bool {
	refusal := gcs.RefusalOf(err)
	return refusal != nil && refusal.Cause == gcs.CausePermission
}

// conditionFailed reports whether a precondition was not met, and not whatever else answers 412.
func conditionFailed(err error) bool {
	refusal := gcs.RefusalOf(err)
	return refusal != nil && refusal.Status == http.StatusPreconditionFailed && refusal.Cause == gcs.CauseOther
}

// storageTrouble is what an error of the storage's says, and the one thing to do.
func (c *checkup) storageTrouble(err error) (seen, remedy string) {
	if err == nil {
		return "", ""
	}
	refusal := gcs.RefusalOf(err)
	switch {
	case refusal != nil:
	case strings.Contains(err.Error(), "oauth2"), strings.Contains(err.Error(), "credentials"):
		return err.Error(), "log in again: gcloud auth application-default login"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, gcs.ErrOutage):
		return "no answer within " + text.Roughly(storagePatience) + ": " + err.Error(),
			"let this machine reach storage.googleapis.com"
	default:
		return err.Error(), "run the check again"
	}
	seen = refusal.Said
	if refusal.Status != 0 {
		seen = fmt.Sprintf("answered %d: %s", refusal.Status, refusal.Said)
	}
	switch {
	case refusal.Cause == gcs.CausePermission:
		return seen, grant
	case refusal.Remedy != "":
		return fmt.Sprintf("%s is in the way: %s", refusal.Cause, seen), refusal.Remedy
	case refusal.Status == http.StatusUnauthorized:
		return seen, "log in again: gcloud auth application-default login"
	case refusal.Status == http.StatusNotFound:
		return seen, "check GCS_BUCKET"
	}
	return seen, "run the check again in a while"
}
