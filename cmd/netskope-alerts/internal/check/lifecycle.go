package check

import (
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/settings"
)

// place is where the collector keeps objects of one kind.
type place struct {
	what    string
	name    string   // of the one object, or of the folder with its slash
	endings []string // of the names in the folder
	least   int64    // days that an object has to stay; forever is for good
	loss    string   // what becomes of it if it does not
}

// forever is longer than any rule waits, in days.
const forever = 1 << 40

func places(c settings.Config) []place {
	lines, folders := []string{".ndjson", ".ndjson.gz"}, c.Folders()
	return []place{
		{"the state", c.StateKey, nil, forever, "after which alerts are delivered again"},
		{"the ledger", folders.Ledger, []string{".ids"}, forever, "without which nobody knows what was delivered"},
		{"staged objects", folders.Staging, lines, 2, "while a run may still need them"},
		{"quarantined alerts", folders.Quarantine, lines, 30, "perhaps before anybody has looked at them"},
		{"alerts in the feed's folder", folders.Feed, lines, 7, "perhaps before the feed has read them"},
	}
}

// checkLifecycle judges the rules by which the bucket deletes and changes objects.
func (c *checkup) checkLifecycle(a *storage.BucketAttrs) {
	const subject = "bucket.lifecycle"
	remedy := "let the rule match other names only: gcloud storage buckets update gs://" + a.Name +
		" --lifecycle-file=FILE"
	var harmless []string
	found := false
	for _, p := range places(c.config) {
		days, deleted := p.deleted(a, time.Now())
		switch {
		case deleted && p.least == forever && p.name == c.config.StateKey:
			found = true
			c.fail(subject, remedy, "a rule deletes %s %s, %s", p.what, afterDays(days), p.loss)
		case deleted && days < p.least:
			found = true
			c.warn(subject, remedy, "a rule deletes %s %s, %s", p.what, afterDays(days), p.loss)
		case deleted:
			harmless = append(harmless, p.what+" "+afterDays(days))
		}
		if class := p.reclassed(a); class != "" && p.name == c.config.StateKey {
			found = true
			c.warn(subject, remedy, "a rule makes %s %s, where every saving costs the deletion of an earlier one",
				p.what, class)
		}
	}
	switch {
	case found:
	case len(harmless) > 0:
		c.pass(subject, "rules delete %s", strings.Join(harmless, ", "))
	default:
		c.pass(subject, "no rule deletes what is the collector's")
	}
}

func afterDays(days int64) string {
	if days == 0 {
		return "at once"
	}
	return "after " + text.Plural(days, "day")
}

// deleted is after how many days the first rule deletes a live object of the place.
func (p place) deleted(a *storage.BucketAttrs, now time.Time) (days int64, ok bool) {
	for _, rule := range a.Lifecycle.Rules {
		if rule.Action.Type != storage.DeleteAction || !p.met(rule.Condition, a.StorageClass, now) {
			continue
		}
		if age := rule.Condition.AgeInDays; !ok || age < days {
			days, ok = age, true
		}
	}
	return days, ok
}

// reclassed is the class to which a rule changes live objects of the place, or nothing.
func (p place) reclassed(a *storage.BucketAttrs) string {
	for _, rule := range a.Lifecycle.Rules {
		if rule.Action.Type == storage.SetStorageClassAction && p.met(rule.Condition, a.StorageClass, time.Now()) {
			return rule.Action.StorageClass
		}
	}
	return ""
}

// met reports whether a live object of the place, as the collector writes it, meets the
// condition sooner or later. All parts of a condition have to be met (Cloud Storage:
// object lifecycle management).
func (p place) met(l storage.LifecycleCondition, class string, now time.Time) bool {
	switch {
	case l.Liveness == storage.Archived, l.DaysSinceNoncurrentTime > 0, !l.NoncurrentTimeBefore.IsZero(),
		l.NumNewerVersions > 0:
		return false // of earlier versions only
	case !l.CustomTimeBefore.IsZero(), l.DaysSinceCustomTime > 0:
		return false // the collector sets no custom time
	case len(l.MatchesStorageClasses) > 0 && !slices.Contains(l.MatchesStorageClasses, class):
		return false // it writes the bucket's class
	case !l.CreatedBefore.IsZero() && !l.CreatedBefore.After(now):
		return false // all that is written from now on is younger
	}
	return p.begins(l.MatchesPrefix) && p.ends(l.MatchesSuffix)
}

// begins reports whether names of the place begin with one of the prefixes.
func (p place) begins(prefixes []string) bool {
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(prefix string) bool {
		return strings.HasPrefix(p.name, prefix) || p.isFolder() && strings.HasPrefix(prefix, p.name)
	})
}

// ends reports whether names of the place may end with one of the suffixes.
func (p place) ends(suffixes []string) bool {
	return len(suffixes) == 0 || slices.ContainsFunc(suffixes, func(suffix string) bool {
		if !p.isFolder() {
			return strings.HasSuffix(p.name, suffix)
		}
		return len(p.endings) == 0 || slices.ContainsFunc(p.endings, func(ending string) bool {
			return strings.HasSuffix(ending, suffix) || strings.HasSuffix(suffix, ending)
		})
	})
}

func (p place) isFolder() bool { return strings.HasSuffix(p.name, "/") }
