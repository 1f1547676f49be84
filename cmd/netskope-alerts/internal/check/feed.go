package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
)

const (
	mostListed     = 20_000 // names
	fewNames       = 3
	listPatience   = time.Minute
	stagedTooLong  = 24 * time.Hour
	leftoverRemedy = "run netskope-alerts collect, which moves what the ledger has decided, " +
		"and delete what is then left"
)

// checkFeed looks for what is in the way: foreign objects in the feed's folder, which
// the feed reads as logs, and staged objects that no run will finish.
func (c *checkup) checkFeed(ctx context.Context, bucket *gcs.Bucket) {
	folders := c.config.Folders()
	ours := func(o gcs.Object) bool {
		feed, collected := layout.Collected(o.Name)
		return o.Name == c.config.StateKey || c.adopts && o.Name == layout.OriginalStateKey(c.config.Prefix) ||
			collected && feed == folders.Feed
	}
	c.checkFolder(ctx, bucket, "feed.folder", folders.Feed, ours, "move what is not the collector's out of the folder",
		"not the collector's")
	now := time.Now()
	young := func(o gcs.Object) bool { return now.Sub(o.Created) < stagedTooLong }
	c.checkFolder(ctx, bucket, "feed.staging", folders.Staging, young, leftoverRemedy,
		"older than a day: left by runs that did not finish")
}

// checkFolder lists a folder and warns of the objects that are not good.
func (c *checkup) checkFolder(ctx context.Context, bucket *gcs.Bucket, subject, folder string,
	good func(gcs.Object) bool, remedy, wrong string) {
	ctx, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	var names []string
	listed, bad, cut := 0, 0, ""
	err := bucket.List(ctx, gcs.Names{Prefix: folder}, func(o gcs.Object) error {
		if listed == mostListed {
			cut = fmt.Sprintf(" (of the first %d names; there are more)", mostListed)
			return gcs.Enough
		}
		listed++
		if !good(o) {
			if bad++; bad <= fewNames {
				names = append(names, o.Name)
			}
		}
		return nil
	})
	if err != nil {
		seen, remedy := c.storageTrouble(err)
		c.fail(subject, remedy, "listing gs://%s/%s fails: %s", c.config.BucketName, folder, seen)
		return
	}
	switch {
	case bad > 0:
		c.warn(subject, remedy, "%s in %s%s %s %s: %s%s", text.Plural(int64(bad), "object"), folder, cut, are(bad),
			wrong, strings.Join(names, ", "), andMore(bad-len(names)))
	case listed == 0:
		c.pass(subject, "%s is empty", folder)
	default:
		c.pass(subject, "%s in %s%s, nothing amiss", text.Plural(int64(listed), "object"), folder, cut)
	}
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
