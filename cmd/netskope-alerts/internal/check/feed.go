package check

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

const (
	mostListed     = 20_000 // names
	fewNames       = 3
	listPatience   = time.Minute
	stagedTooLong  = 24 * time.Hour
	leftoverRemedy = "run netskope-alerts collect, which moves what the ledger has decided, " +
		"and delete what is then left"
)

// feedName is what the collector calls its objects in the feed's folder.
var feedName = regexp.MustCompile(
	`^\d{4}/\d\d/\d\d/(alerts_\d{8}T\d{6}Z_\d{8}T\d{6}Z|late_\d{8}T\d{6}Z_\d{8}T\d{6}Z_\d+)\.ndjson(\.gz)?$`)

// checkFeed looks for what is in the way: foreign objects in the feed's folder, which
// the feed reads as logs, and staged objects that no run will finish.
func (c *checkup) checkFeed(ctx context.Context, bucket *storage.BucketHandle) {
	folder := c.config.Folders().Feed
	ours := func(o *storage.ObjectAttrs) bool {
		return o.Name == c.config.StateKey || c.adopts && o.Name == c.config.OriginalStateKey() ||
			feedName.MatchString(strings.TrimPrefix(o.Name, folder))
	}
	c.checkFolder(ctx, bucket, "feed.folder", folder, ours, "move what is not the collector's out of the folder",
		"not the collector's")
	now := time.Now()
	young := func(o *storage.ObjectAttrs) bool { return now.Sub(o.Created) < stagedTooLong }
	c.checkFolder(ctx, bucket, "feed.staging", c.config.Folders().Staging, young, leftoverRemedy,
		"older than a day: left by runs that did not finish")
}

// checkFolder lists a folder and warns of the objects that are not good.
func (c *checkup) checkFolder(ctx context.Context, bucket *storage.BucketHandle, subject, folder string,
	good func(*storage.ObjectAttrs) bool, remedy, wrong string) {
	ctx, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	query := &storage.Query{Prefix: folder}
	if err := query.SetAttrSelection([]string{"Name", "Created"}); err != nil {
		panic(err) // these attributes exist
	}
	objects := bucket.Objects(ctx, query)
	var names []string
	listed, bad, cut := 0, 0, ""
	for {
		o, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			seen, remedy := c.storageTrouble(err)
			c.fail(subject, remedy, "listing gs://%s/%s fails: %s", c.config.Bucket, folder, seen)
			return
		}
		if listed++; listed > mostListed {
			listed, cut = mostListed, fmt.Sprintf(" (of the first %d names; there are more)", mostListed)
			break
		}
		if !good(o) {
			if bad++; bad <= fewNames {
				names = append(names, o.Name)
			}
		}
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
