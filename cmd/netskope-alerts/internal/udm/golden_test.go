package udm

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the events of testdata to its golden files")

// alerts are the hand-made alerts of testdata, by file name without .json: one of
// every alert_type that has been seen, one in the second dialect, and some odd ones.
func alerts(t testing.TB) map[string][]byte {
	t.Helper()
	return jsonFiles(t, "testdata")
}

// jsonFiles are the files of a folder that end in .json, by name without it.
func jsonFiles(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no events in %s: %v", folder, err)
	}
	events := map[string][]byte{}
	for _, file := range files {
		event, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		events[strings.TrimSuffix(filepath.Base(file), ".json")] = event
	}
	return events
}

// streamEvents are hand-made events of the streams, by the stream's name and
// what is odd about the event, of the fields that Netskope's field catalogue
// (github.com/netskopeoss/Data-Schema) has for the stream.
func streamEvents(t testing.TB) map[string][]byte {
	t.Helper()
	return jsonFiles(t, "testdata/streams")
}

// all are the alerts and the events of the other streams.
func all(t testing.TB) map[string][]byte {
	t.Helper()
	all := alerts(t)
	maps.Copy(all, streamEvents(t))
	return all
}

// TestGolden holds the events of all streams by NETSKOPE_ALERT_V2, and those of alerts by
// NETSKOPE_ALERT, against files: the event, what is wrong with it, and what no row reads.
func TestGolden(t *testing.T) {
	checkGolden(t, NetskopeAlert, "testdata", alerts(t))
	checkGolden(t, NetskopeAlertV2, "testdata/v2", all(t))
}

func checkGolden(t *testing.T, of LogType, folder string, alerts map[string][]byte) {
	for name, alert := range alerts {
		event, err := of.Map(alert)
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
		for _, u := range event.Unmapped() {
			got.WriteString("not mapped: " + u.Path + "\n")
		}
		file := filepath.Join(folder, name+".golden")
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
			t.Errorf("%s, %s: got\n%swant\n%s(go test -run Golden -update ./internal/udm writes it anew)", of, name,
				got.Bytes(), want)
		}
	}
	golden, _ := filepath.Glob(folder + "/*.golden")
	for _, file := range golden {
		if name := strings.TrimSuffix(filepath.Base(file), ".golden"); alerts[name] == nil {
			t.Errorf("%s is of no alert", file)
		}
	}
}

// TestEveryStreamIsTried: of every stream there is an event.
func TestEveryStreamIsTried(t *testing.T) {
	tried := map[string]bool{}
	for name := range streamEvents(t) {
		stream, _, _ := strings.Cut(name, "_")
		tried[stream] = true
	}
	if want := of("alert", "application", "audit", "infrastructure", "network", "page"); !slices.Equal(
		slices.Sorted(maps.Keys(tried)), want) {
		t.Errorf("of the streams %q there are events of %q", want, slices.Sorted(maps.Keys(tried)))
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
