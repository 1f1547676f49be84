package udm

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestLogTypeNames(t *testing.T) {
	for _, of := range LogTypes() {
		var got LogType
		if err := got.UnmarshalText([]byte(strings.ToLower(of.String()))); err != nil || got != of {
			t.Errorf("%s is read as %s, %v", of, got, err)
		}
		event, err := of.Map([]byte("{}"))
		if err != nil || event.LogType() != of || of.NewCoverage(0).Summary().LogType != of {
			t.Errorf("%s: event of %s, %v", of, event.LogType(), err)
		}
	}
	var got LogType
	if err := got.UnmarshalText([]byte("NETSKOPE")); err == nil ||
		err.Error() != `"NETSKOPE": want NETSKOPE_ALERT_V2 or NETSKOPE_ALERT` {
		t.Errorf("error %v", err)
	}
}

// TestDefaultIsTheFeeds: what is shown without a log type is what a feed is set up with,
// and the feed may have every log type that there is a table of.
func TestDefaultIsTheFeeds(t *testing.T) {
	find := func(file, pattern string) string {
		t.Helper()
		text, err := os.ReadFile("../../../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s has no %s", file, pattern)
		}
		return string(found[1])
	}
	var zero LogType
	if feed := find("settings.sh", `FEED_LOG_TYPE=\$\{FEED_LOG_TYPE:-(\w+)\}`); feed != zero.String() {
		t.Errorf("a feed takes %s, the preview %s", feed, zero)
	}
	var taken []string
	allowed := regexp.MustCompile(find("validate.sh", `\$FEED_LOG_TYPE =~ (\S+) `))
	for _, of := range append(of("NETSKOPE_ALERT_V3", "NETSKOPE_ALERT_"), names[:]...) {
		if allowed.MatchString(of) {
			taken = append(taken, of)
		}
	}
	if strings.Join(taken, " ") != strings.Join(names[:], " ") {
		t.Errorf("a feed may be of %q, there are tables of %q", taken, names)
	}
	if one, err := Map([]byte(`{"_id":"a"}`)); err != nil || one.LogType() != zero {
		t.Errorf("Map is of %s, %v", one.LogType(), err)
	}
	if steps, err := Explain([]byte(`{"_id":"a"}`)); err != nil || len(steps) != len(zero.Rows()) {
		t.Errorf("Explain has %d steps, %v", len(steps), err)
	}
}
