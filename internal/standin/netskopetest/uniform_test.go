package netskopetest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

func TestUniform(t *testing.T) {
	for _, size := range []int{256, 1000, 2048, 5000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			const n = 1000
			ids := make(map[string]bool)
			alerts := netskopetest.Uniform(11, dayStart, dayEnd, n, size)
			for i, a := range alerts {
				var r struct {
					ID          string `json:"_id"`
					Inserted    int64  `json:"_insertion_epoch_timestamp"`
					Event       int64  `json:"timestamp"`
					Transaction int64  `json:"transaction_id"`
				}
				if err := json.Unmarshal(a.JSON, &r); err != nil || len(a.JSON) != size {
					t.Fatalf("%d bytes, %v", len(a.JSON), err)
				}
				if r.ID != a.ID || ids[a.ID] || len(a.ID) != 24 ||
					r.Inserted != a.Inserted.Unix() || r.Event != a.Event.Unix() || r.Transaction < 1<<53 {
					t.Fatalf("record %+v of alert %q", r, a.ID)
				}
				ids[a.ID] = true
				want := dayStart.Add(dayEnd.Sub(dayStart) * time.Duration(i) / n).Truncate(time.Second)
				if !a.Inserted.Equal(want) || a.Visible.After(a.Inserted) {
					t.Fatalf("alert %d inserted at %v, visible at %v; want %v", i, a.Inserted, a.Visible, want)
				}
			}
			if k := keysOf(t, alerts[0].JSON); size == 2048 && len(k) < 50 {
				t.Errorf("only %d keys", len(k))
			}
			again := netskopetest.Uniform(11, dayStart, dayEnd, n, size)
			other := netskopetest.Uniform(12, dayStart, dayEnd, n, size)
			if !bytes.Equal(again[n-1].JSON, alerts[n-1].JSON) || other[0].ID == alerts[0].ID {
				t.Error("not a function of the seed")
			}
		})
	}
}
