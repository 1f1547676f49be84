package status

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
	"netskope-alerts.internal/collector/internal/ledger"
)

// typeNames are types as tenants have them, the most frequent first.
var typeNames = []string{"DLP", "policy", "Malware", "uba", "anomaly", "Compromised Credential", "malsite", "(none)",
	"Security Assessment", browsertest.Hostile}

// sampleStatus is of a collector that has caught up, with about the number of alerts, of
// so many types. It is the same every time.
func sampleStatus(alerts int64, types int) Status {
	random := rand.New(rand.NewPCG(7, uint64(alerts)))
	at := time.Date(2026, 11, 23, 11, 27, 12, 0, time.UTC)
	s := Status{
		At: at, Bucket: "acme-alerts", Folder: "netskope/alerts", State: "netskope/state/alerts.json",
		Quarantine: "netskope/quarantine/alerts/",
		Tenant:     "https://acme.goskope.com",
		Through:    at.Truncate(time.Hour).Add(15 * time.Minute), Next: at.Truncate(time.Hour).Add(20 * time.Minute),
		NextDue: at.Truncate(time.Hour).Add(28 * time.Minute), Saved: at.Add(-4 * time.Minute),
		Lag:        12*time.Minute + 12*time.Second,
		LedgerFrom: at.AddDate(0, 0, -9).Truncate(time.Hour), Cells: 288,
	}
	names := slices.Clone(typeNames)
	for i := len(names); i < types; i++ {
		names = append(names, fmt.Sprintf("type %d", i+1))
	}
	names = names[:types]
	for i := range 25 {
		h := Hour{Start: at.Truncate(time.Hour).Add(time.Duration(i-24) * time.Hour), Complete: i < 24,
			Types: map[string]int64{}}
		day := 1.2 - float64((h.Start.Hour()+9)%24)/24 + random.Float64()/2 // busier at some hours
		for j, name := range names {
			n := int64(float64(alerts) / 25 * day * float64(2*(types-j)) / float64(types*(types+1)))
			if i == 24 {
				n /= 4
			}
			if n > 0 {
				h.Types[name] = n
				h.Alerts += n
			}
		}
		s.Hours = append(s.Hours, h)
	}
	if alerts == 1 {
		s.Hours[20].Alerts, s.Hours[20].Types[names[0]] = 1, 1
	}
	if alerts == 0 {
		return s
	}
	deliver(&s)
	return s
}

// deliver sets what follows from the alerts of the hours.
func deliver(s *Status) {
	counts := map[string]int64{}
	s.Alerts = 0
	for _, h := range s.Hours {
		s.Alerts += h.Alerts
		for name, n := range h.Types {
			counts[name] += n
		}
	}
	s.Types = nil
	for name, n := range counts {
		s.Types = append(s.Types, TypeCount{Type: name, Alerts: n})
	}
	slices.SortFunc(s.Types, func(a, b TypeCount) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(a.Type, b.Type))
	})
	s.LastEvent = s.Through.Add(-57 * time.Second)
	s.Bytes, s.Stored = s.Alerts*2431, s.Alerts*2431/5
	s.Objects = int(min(s.Alerts, 251))
	s.Present = s.Objects / 7
	s.Lateness = sampleLateness(s.Alerts)
	s.Lag = s.At.Sub(s.Through)
}

// stopAt takes away what was delivered of the time after through, or before the ledger.
func stopAt(s *Status, through time.Time) {
	s.Through = through
	for i := range s.Hours {
		h := &s.Hours[i]
		h.Complete = !h.Start.Add(time.Hour).After(through)
		if !h.Start.Before(through) || !h.Start.Add(time.Hour).After(s.LedgerFrom) {
			h.Alerts, h.Types = 0, nil
		}
	}
	deliver(s)
}

// sampleLateness spreads the alerts over two humps: seconds, and hours.
func sampleLateness(alerts int64) Latenesses {
	l := Latenesses{P50: 9 * time.Second, P90: 4*time.Minute + 15*time.Second,
		P99: 8*time.Hour + 31*time.Minute, Max: 26*time.Hour + 41*time.Minute}
	weights := []struct {
		upTo   time.Duration
		weight int64
	}{
		{0, 10}, {time.Second, 40}, {2 * time.Second, 55}, {3 * time.Second, 75}, {5 * time.Second, 130},
		{7 * time.Second, 140}, {9 * time.Second, 120},
		{15 * time.Second, 90}, {27 * time.Second, 70}, {59 * time.Second, 55}, {95 * time.Second, 50},
		{255 * time.Second, 65}, {703 * time.Second, 30},
		{2047 * time.Second, 8}, {7167 * time.Second, 12}, {14335 * time.Second, 22}, {30719 * time.Second, 18},
		{57343 * time.Second, 6}, {97000 * time.Second, 4},
	}
	left := alerts
	for _, w := range weights {
		if n := min(alerts*w.weight/1000, left); n > 0 {
			l.Buckets = append(l.Buckets, LatenessBucket{UpTo: w.upTo, Alerts: n})
			left -= n
		}
	}
	if left > 0 {
		l.Buckets = append(l.Buckets, LatenessBucket{UpTo: 26*time.Hour + 41*time.Minute, Alerts: left})
	}
	if alerts == 1 {
		l.P50, l.P90, l.P99 = l.Max, l.Max, l.Max
	}
	return l
}

// samples are the statuses that every form of presentation has to do with.
func samples() map[string]Status {
	at := sampleStatus(0, 1).At
	usual := sampleStatus(20_000, 7)

	troubled := sampleStatus(400_000, 25)
	troubled.Quarantined, troubled.Undated, troubled.Late = 3, 1, 12_345
	troubled.LedgerFrom = troubled.Hours[5].Start.Add(20 * time.Minute)
	stopAt(&troubled, troubled.Through.Add(-7*time.Hour))
	troubled.Next, troubled.NextDue = troubled.Through.Add(5*time.Minute), troubled.Through.Add(10*time.Minute)

	stalled := sampleStatus(2_000, 3)
	stalled.Saved = at.Add(-190 * time.Minute)
	stopAt(&stalled, stalled.Saved.Truncate(time.Hour))
	stalled.Next, stalled.NextDue = stalled.Through.Add(5*time.Minute), stalled.Through.Add(10*time.Minute)

	waiting := sampleStatus(20_000, 2)
	waiting.Saved, waiting.NextDue = at.Add(-50*time.Minute), at.Add(-49*time.Minute)

	hostile := sampleStatus(50_000, 9)
	for i := range hostile.Hours {
		if types := hostile.Hours[i].Types; types["policy"] > 0 {
			types[browsertest.Hostile] = types["policy"]
			delete(types, "policy")
		}
	}
	deliver(&hostile)

	emptyLedger := sampleStatus(0, 1)
	emptyLedger.LedgerFrom, emptyLedger.Cells = time.Time{}, 0

	lost := sampleStatus(20_000, 7)
	lost.GoneFrom, lost.Pending = lost.Hours[2].Start, 2
	lost.Strange = []string{"netskope/ledger/alerts/", "netskope/ledger/alerts/note.txt"}

	hole := sampleStatus(20_000, 7)
	hole.Holes = []ledger.Span{
		{From: hole.Hours[3].Start, To: hole.Hours[4].Start},
		{From: hole.Hours[7].Start, To: hole.Hours[8].Start.Add(9 * time.Second)},
	}

	return map[string]Status{
		"usual":        usual,
		"lost":         lost,
		"hole":         hole,
		"troubled":     troubled,
		"stalled":      stalled,
		"waiting":      waiting,
		"hostile":      hostile,
		"one-alert":    sampleStatus(1, 1),
		"no-alerts":    sampleStatus(0, 1),
		"empty-ledger": emptyLedger,
		"no-state":     {At: at, Bucket: usual.Bucket, Folder: usual.Folder, State: usual.State, Tenant: usual.Tenant},
		"ten-million":  sampleStatus(10_000_000, 10),
		"25-types":     sampleStatus(123_456, 25),
	}
}
