package tally

import "testing"

func TestLateness(t *testing.T) {
	var l Lateness
	for seconds := range int64(1000) {
		l.add(seconds)
	}
	for share, want := range map[float64]float64{0.5: 500, 0.99: 990, 1: 999} {
		got := l.Quantile(share).Seconds()
		if got < want-1 || got > want*1.125 {
			t.Errorf("%v: got %v, want %v to an eighth more", share, got, want)
		}
	}
	for seconds := int64(1); seconds > 0; seconds = seconds*3 + 1 {
		bucket := bucketOf(seconds)
		if limit := limitOf(bucket); limit < seconds || float64(limit) > 1.125*float64(seconds) || limitOf(bucket-1) >= seconds {
			t.Errorf("%d is in bucket %d, up to %d", seconds, bucket, limit)
		}
	}
}
