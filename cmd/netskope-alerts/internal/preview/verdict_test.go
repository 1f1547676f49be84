package preview

import (
	"strings"
	"testing"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// TestVerdict: a sentence that says that all is well says it only where it is.
func TestVerdict(t *testing.T) {
	const (
		well  = `{"_id":"1","timestamp":1,"action":"block"}` + "\n"
		lost  = `{"_id":"2","timestamp":1,"action":"useralert"}` + "\n"
		weak  = `{"_id":"3","timestamp":1,"hostname":"h","domain":"d","protocol":"HTTP"}` + "\n"
		odd   = `{"_id":"4","timestamp":1,"user":"anna"}` + "\n"
		never = `{"_id":"5"}` + "\n"
	)
	for _, test := range []struct {
		lines string
		want  text.Verdict
		says  string
	}{
		{well, text.Pass, "1 record became a UDM event, all valid and nothing lost."},
		{well + lost + lost, text.Warn, "3 records became UDM events, all valid, but 2 lost a value."},
		{well + weak, text.Warn, "2 records became UDM events, all valid, but 1 is of a weaker type than a row asks for."},
		{lost + weak + weak + odd, text.Warn, "4 records became UDM events, all valid, but 1 lost a value, " +
			"2 are of a weaker type than a row asks for and 1 has a value that looks wrong, or no id."},
		{lost + never, text.Fail, "2 records became UDM events; Google would refuse 1 of them."},
		{lost + "{\n", text.Fail, "1 record became a UDM event; 1 line is not readable."},
		{"{\n", text.Fail, "No line is an alert or event."},
	} {
		p, _, _ := previewed(t, &Command{}, test.lines)
		r := reportOf(p)
		if is, sentence := r.verdict(); is != test.want || sentence != test.says {
			t.Errorf("%q: %s %s, want %s %s", test.lines, is, sentence, test.want, test.says)
		}
		// What the sentence does not say of the flaws, a row does.
		summary := printed(t, 200, false, &Command{Coverage: true}, r)
		for _, flaw := range []string{"lost a value", "weaker type"} {
			if n := strings.Count(summary, flaw); n != min(strings.Count(r.flaws(), flaw), 1) {
				t.Errorf("%q is there %d times:\n%s", flaw, n, summary)
			}
		}
	}
}

func TestTopValues(t *testing.T) {
	values := func(counts ...uint64) (values []udm.ValueCount) {
		for i, n := range counts {
			values = append(values, udm.ValueCount{Value: string(rune('a' + i)), Count: n})
		}
		return values
	}
	for want, f := range map[string]udm.FindingCount{
		"":                             {Count: 3},
		"a: 9,000, b: 1":               {Values: values(9000, 1)},
		"a: 6, b: 5, c: 4, d: 3, e: 2": {Values: values(6, 5, 4, 3, 2)},
		"a: 6, b: 5, c: 4, d: 3, e: 2, 2 others: 3": {Values: values(6, 5, 4, 3, 2, 2, 1)},
		"a: 6, others: 7": {Values: values(6), OtherValues: 7},
		"ab: 1":           {Values: []udm.ValueCount{{Value: "a\x1bb", Count: 1}}},
	} {
		if got := topValues(f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestProvenance(t *testing.T) {
	for of, want := range map[udm.LogType]string{
		udm.NetskopeAlert:   "Rows: 1 to 114 of Google's page, 74.1 to 74.22 of the page before it, +1 to +3 chosen here.",
		udm.NetskopeAlertV2: "Rows: 1 to 37 of Google's page, L1 to L20 of the parser's change log, +1 to +4 chosen here.",
	} {
		if got := provenance(of.Rows()); got != want {
			t.Errorf("%s: %q, want %q", of, got, want)
		}
	}
}
