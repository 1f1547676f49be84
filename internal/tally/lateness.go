package tally

import (
	"math/bits"
	"time"
)

// Lateness counts durations of whole seconds in buckets that are an eighth of their
// value wide, so that its size does not depend on the number of alerts.
type Lateness struct {
	counts [64 * 8]int64
	total  int64
	max    int64
}

func (l *Lateness) add(seconds int64) {
	seconds = max(seconds, 0)
	l.max = max(l.max, seconds)
	l.counts[bucketOf(seconds)]++
	l.total++
}

// bucketOf numbers 0 to 7 exactly, and then eight buckets for every power of two.
func bucketOf(seconds int64) int {
	if seconds < 8 {
		return int(seconds)
	}
	shift := bits.Len64(uint64(seconds)) - 4
	return shift*8 + int(seconds>>shift)
}

// limitOf is the largest number of seconds in the bucket.
func limitOf(bucket int) int64 {
	if bucket < 16 {
		return int64(bucket)
	}
	shift := bucket/8 - 1
	return (int64(bucket-shift*8)+1)<<shift - 1
}

// Merge adds the other's counts.
func (l *Lateness) Merge(other *Lateness) {
	for bucket, n := range other.counts {
		l.counts[bucket] += n
	}
	l.total += other.total
	l.max = max(l.max, other.max)
}

// Quantile is how late an alert was at most, for the given share of the alerts (0.5 is the
// median), rounded up by an eighth at most.
func (l *Lateness) Quantile(share float64) time.Duration {
	left := int64(share * float64(l.total))
	for bucket, n := range l.counts {
		if left -= n; left <= 0 && n > 0 {
			return time.Duration(min(limitOf(bucket), l.max)) * time.Second
		}
	}
	return time.Duration(l.max) * time.Second
}

// Each hands the buckets that are not empty to each, the shortest first: how many alerts
// were at most upTo late, and later than the bucket before.
func (l *Lateness) Each(each func(upTo time.Duration, alerts int64)) {
	for bucket, n := range l.counts {
		if n > 0 {
			each(time.Duration(limitOf(bucket))*time.Second, n)
		}
	}
}
