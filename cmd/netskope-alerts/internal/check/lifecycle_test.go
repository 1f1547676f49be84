package check

import (
	"testing"
	"time"

	"cloud.google.com/go/storage"
)

func TestCheckLifecycle(t *testing.T) {
	const (
		state      = "the state"
		ledger     = "the ledger"
		staged     = "staged objects"
		quarantine = "quarantined alerts"
		feed       = "alerts in the feed's folder"
	)
	remove := storage.LifecycleAction{Type: storage.DeleteAction}
	now := time.Now()
	for _, test := range []struct {
		name string
		rule storage.LifecycleRule
		// want are the places that are warned of, the state's being a failure, and
		// passed is part of the finding if there is none.
		want   []string
		passed string
	}{
		{"no rule", storage.LifecycleRule{}, nil, "no rule deletes"},
		{"all objects", storage.LifecycleRule{Action: remove, Condition: storage.LifecycleCondition{AllObjects: true}},
			[]string{state, ledger, staged, quarantine, feed}, ""},
		{"three days", storage.LifecycleRule{Action: remove, Condition: storage.LifecycleCondition{AgeInDays: 3}},
			[]string{state, ledger, quarantine, feed}, ""},
		{"a year", storage.LifecycleRule{Action: remove, Condition: storage.LifecycleCondition{AgeInDays: 365}},
			[]string{state, ledger}, ""},
		{"the feed's folder, a month", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 30, MatchesPrefix: []string{"netskope/alerts/"}}}, nil,
			"rules delete alerts in the feed's folder after 30 days"},
		{"the feed's folder, seven days", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 7, MatchesPrefix: []string{"netskope/alerts/"}}}, nil,
			"after 7 days"},
		{"the feed's folder, six days", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 6, MatchesPrefix: []string{"netskope/alerts/"}}},
			[]string{feed}, ""},
		{"the folder without its slash", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 40, MatchesPrefix: []string{"netskope/alerts"}}}, nil,
			"rules delete alerts in the feed's folder after 40 days"},
		{"the folder above", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 40, MatchesPrefix: []string{"other", "netskope"}}},
			[]string{state, ledger}, ""},
		{"a part of the feed's folder", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"netskope/alerts/2026/"}}},
			[]string{feed}, ""},
		{"the state's folder", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 100, MatchesPrefix: []string{"netskope/state/"}}},
			[]string{state}, ""},
		{"longer than the state's name", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 100,
				MatchesPrefix: []string{"netskope/state/alerts.json.old"}}}, nil, "no rule deletes"},
		{"other names", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"logs/", "tmp/"}}}, nil,
			"no rule deletes"},
		{"staged objects, two days", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 2, MatchesPrefix: []string{"netskope/staging/alerts/"}}},
			nil, "staged objects after 2 days"},
		{"staged objects, one day", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"netskope/staging/alerts/"}}},
			[]string{staged}, ""},
		{"quarantine, 29 days", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 29,
				MatchesPrefix: []string{"netskope/quarantine/alerts/"}}}, []string{quarantine}, ""},
		{"by the state's ending", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 100, MatchesSuffix: []string{".json"}}}, []string{state},
			""},
		{"by the ledger's ending", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 100, MatchesSuffix: []string{".ids"}}}, []string{ledger},
			""},
		{"by the feed's ending", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 3, MatchesSuffix: []string{"Z.ndjson"},
				MatchesPrefix: []string{"netskope/alerts/"}}}, []string{feed}, ""},
		{"by the ending of compressed alerts",
			storage.LifecycleRule{Action: remove,
				Condition: storage.LifecycleCondition{AgeInDays: 3, MatchesSuffix: []string{".gz"},
					MatchesPrefix: []string{"netskope/alerts/"}}}, []string{feed}, ""},
		{"by another ending", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 3, MatchesSuffix: []string{".tmp"},
				MatchesPrefix: []string{"netskope/alerts/", "netskope/state"}}}, nil, "no rule deletes"},
		{"earlier versions only", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 1, Liveness: storage.Archived}}, nil, "no rule deletes"},
		{"live ones", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 100, Liveness: storage.Live}}, []string{state, ledger},
			""},
		{"after so many versions", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{NumNewerVersions: 3}}, nil, "no rule deletes"},
		{"days as an earlier version", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{DaysSinceNoncurrentTime: 3}}, nil, "no rule deletes"},
		{"noncurrent before", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{NoncurrentTimeBefore: now}}, nil, "no rule deletes"},
		{"by custom time", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{DaysSinceCustomTime: 3}}, nil, "no rule deletes"},
		{"before a custom time", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{CustomTimeBefore: now}}, nil, "no rule deletes"},
		{"of another class", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 1, MatchesStorageClasses: []string{"NEARLINE"}}}, nil,
			"no rule deletes"},
		{"of this class", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{AgeInDays: 50,
				MatchesStorageClasses: []string{"NEARLINE", "STANDARD"}}}, []string{state, ledger}, ""},
		{"made before a day that is over", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{CreatedBefore: now.Add(-time.Hour)}}, nil, "no rule deletes"},
		{"made before a day to come", storage.LifecycleRule{Action: remove,
			Condition: storage.LifecycleCondition{CreatedBefore: now.Add(time.Hour),
				MatchesPrefix: []string{"netskope/alerts/"}}}, []string{feed}, ""},
		{"the state's class", storage.LifecycleRule{Action: storage.LifecycleAction{Type: storage.SetStorageClassAction,
			StorageClass: "COLDLINE"}, Condition: storage.LifecycleCondition{AgeInDays: 30,
			MatchesPrefix: []string{"netskope/state/"}}}, []string{"COLDLINE"}, ""},
		{"the alerts' class", storage.LifecycleRule{Action: storage.LifecycleAction{Type: storage.SetStorageClassAction,
			StorageClass: "COLDLINE"}, Condition: storage.LifecycleCondition{AgeInDays: 30,
			MatchesPrefix: []string{"netskope/alerts/"}}}, nil, "no rule deletes"},
		{"unfinished uploads",
			storage.LifecycleRule{Action: storage.LifecycleAction{Type: storage.AbortIncompleteMPUAction},
				Condition: storage.LifecycleCondition{AgeInDays: 1}}, nil, "no rule deletes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var all findings
			c := newCheckup(Options{}, all.add)
			c.config.Prefix, c.config.StateKey = "netskope/alerts", "netskope/state/alerts.json"
			a := &storage.BucketAttrs{Name: "b", StorageClass: "STANDARD"}
			if test.rule.Action.Type != "" {
				a.Lifecycle.Rules = []storage.LifecycleRule{
					{Action: remove, Condition: storage.LifecycleCondition{AgeInDays: 400,
						MatchesPrefix: []string{"unrelated/"}}}, test.rule,
				}
			}
			c.checkLifecycle(a)
			if len(all) != max(len(test.want), 1) {
				t.Fatalf("want %q, found:\n%v", test.want, all)
			}
			for i, what := range test.want {
				level := Warn
				if what == state {
					level = Fail
				}
				findings{all[i]}.want(t, "bucket.lifecycle", level, what)
			}
			if len(test.want) == 0 {
				all.want(t, "bucket.lifecycle", Pass, test.passed)
			}
		})
	}

	// Of several rules the first to act counts.
	p := place{"", "netskope/alerts/", nil, 7, ""}
	a := &storage.BucketAttrs{Lifecycle: storage.Lifecycle{Rules: []storage.LifecycleRule{
		{Action: remove, Condition: storage.LifecycleCondition{AgeInDays: 9}},
		{Action: remove, Condition: storage.LifecycleCondition{AgeInDays: 4}},
		{Action: remove, Condition: storage.LifecycleCondition{AgeInDays: 8}}}}}
	if days, ok := p.deleted(a, now); !ok || days != 4 {
		t.Errorf("deleted after %d days, %v", days, ok)
	}
}
