package page_test

import (
	"fmt"
	"strings"

	"netskope-alerts.internal/collector/internal/page"
)

func ExampleReader_Read() {
	body := strings.NewReader(`{"ok": 1, "result": [{"_id": "a1", "n": 1.10}, {"_id": "b2"}], "wait_time": 5}`)
	var r page.Reader
	envelope, err := r.Read(body, func(a *page.Alert) error {
		fmt.Printf("%s: %s\n", a.ID, a.Line)
		return nil
	})
	fmt.Printf("%d alerts, ok %s, wait %s s, error %v\n", envelope.Alerts, envelope.OK, envelope.WaitTime, err)
	// Output:
	// "a1": {"_id":"a1","n":1.10}
	// "b2": {"_id":"b2"}
	// 2 alerts, ok 1, wait 5 s, error <nil>
}
