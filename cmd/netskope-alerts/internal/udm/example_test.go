package udm_test

import (
	"bytes"
	"encoding/json"
	"fmt"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// One alert, its event, what is wrong with it, and what became of one row.
func Example() {
	alert := []byte(
		`{"_id":"5a01","timestamp":1793448000,"hostname":"H1","domain":"files.example.net",` +
			`"protocol":"HTTPS/1.1","action":"useralert"}`)
	event, err := udm.NetskopeAlert.Map(alert)
	if err != nil {
		fmt.Println(err)
		return
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, event.JSON(), "", "  "); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(indented.String())
	for _, finding := range event.Findings() {
		fmt.Println(finding)
	}
	coverage := udm.NetskopeAlert.NewCoverage(0)
	coverage.Add(event)
	fmt.Println(coverage.Summary().Types)
	steps, _ := udm.NetskopeAlert.Explain(alert)
	s := steps[20]
	fmt.Println("row", s.Row.Name, s.Field, s.Value, s.Row.Path, s.Outcome, s.Result)
	// Output:
	// {
	//   "metadata": {
	//     "event_type": "NETWORK_CONNECTION",
	//     "event_timestamp": "2026-10-31T12:00:00Z",
	//     "vendor_name": "Netskope",
	//     "product_name": "Netskope Alert",
	//     "product_log_id": "5a01"
	//   },
	//   "principal": {
	//     "hostname": "H1",
	//     "asset": {
	//       "hostname": "H1"
	//     }
	//   },
	//   "target": {
	//     "hostname": "files.example.net",
	//     "asset": {
	//       "hostname": "files.example.net"
	//     }
	//   },
	//   "network": {
	//     "application_protocol": "HTTPS"
	//   }
	// }
	// 5a01: security_result.action from action: has no member in Action: "useralert" (enum, left out)
	// 5a01: target.url from url, Url: NETWORK_HTTP needs it; the next type that fits is taken instead (required, demoted)
	// [{NETWORK_CONNECTION 1}]
	// row 21 protocol HTTPS/1.1 network.application_protocol set [HTTPS]
}
