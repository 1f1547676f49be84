package audit

import "testing"

// TestFirstGaps: a summary describes gaps, and nothing else, and so few that it stays small.
func TestFirstGaps(t *testing.T) {
	var s Summary
	for i := range 100 {
		s.add(&Result{Missing: int64(i % 2), Delivered: int64(i)})
	}
	if s.Gaps != 50 || len(s.FirstGaps) != maxFirstGaps {
		t.Fatalf("%d gaps, %d described", s.Gaps, len(s.FirstGaps))
	}
	for i, g := range s.FirstGaps {
		if g.Missing != 1 || g.Delivered != int64(2*i+1) {
			t.Errorf("gap %d is %+v", i, g)
		}
	}
}
