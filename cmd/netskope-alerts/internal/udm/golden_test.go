package udm

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the events of testdata/*.json to testdata/*.golden")

// alerts are the hand-made alerts of testdata, by file name without .json: one of
// every alert_type that has been seen, one in the second dialect, and some odd ones.
func alerts(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no alerts in testdata: %v", err)
	}
	alerts := map[string][]byte{}
	for _, file := range files {
		alert, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		alerts[strings.TrimSuffix(filepath.Base(file), ".json")] = alert
	}
	return alerts
}

func TestGolden(t *testing.T) {
	for name, alert := range alerts(t) {
		event, err := NetskopeAlert.Map(alert)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got bytes.Buffer
		if err := json.Indent(&got, event.JSON(), "", " "); err != nil {
			t.Errorf("%s: %v in %s", name, err, event.JSON())
			continue
		}
		got.WriteByte('\n')
		for _, f := range event.Findings() {
			got.WriteString(f.String() + "\n")
		}
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: got\n%swant\n%s(go test -run Golden -update ./internal/udm writes it anew)", name,
				got.Bytes(), want)
		}
	}
	golden, _ := filepath.Glob("testdata/*.golden")
	for _, file := range golden {
		if _, err := os.Stat(strings.TrimSuffix(file, "golden") + "json"); err != nil {
			t.Errorf("%s is of no alert: %v", file, err)
		}
	}
}

// TestEveryAlertTypeIsTried lists the alert types that Netskope's field catalogue
// (github.com/netskopeoss/Data-Schema) and recorded alerts show.
func TestEveryAlertTypeIsTried(t *testing.T) {
	tried := map[string]bool{}
	for name, alert := range alerts(t) {
		var fields struct {
			AlertType *string `json:"alert_type"`
		}
		if err := json.Unmarshal(alert, &fields); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if fields.AlertType != nil {
			tried[strings.ToLower(*fields.AlertType)] = true
		}
	}
	for _, want := range of("", "anomaly", "c2", "compromised credential", "content", "ctep", "device", "dlp", "dns",
		"ips",
		"legal hold", "malsite", "malware", "policy", "quarantine", "remediation", "security assessment", "uba",
		"watchlist") {
		if !tried[want] {
			t.Errorf("no alert of type %q in testdata", want)
		}
	}
}
