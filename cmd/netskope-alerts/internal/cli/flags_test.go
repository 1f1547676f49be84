package cli

import "testing"

func TestAtMost(t *testing.T) {
	for text, want := range map[string]int64{"all": 1<<63 - 1, "none": 0, "0": 0, "25": 25, "": -1, "-1": -1,
		"many": -1, "99999999999": -1} {
		var n AtMost
		if err := n.UnmarshalText([]byte(text)); (err != nil) != (want < 0) || want >= 0 && int64(n) != want {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}
