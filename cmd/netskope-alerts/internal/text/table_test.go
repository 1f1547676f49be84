package text

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	columns := []Column{{Head: "row"}, {Head: "n", Right: true}, {Head: "a name"}}
	rows := [][]string{{"a.longer.name.that.breaks", "1,234", "short"},
		{"over all of it, and so long that it goes on in the line below"}, {"b", "5", "two\nlines of it"}}
	got := Terminal{Width: 40}.Table(columns, rows)
	want := `row                       n  a name
a.longer.name.that.   1,234  short
breaks
over all of it, and so long that it goes
on in the line below
b                         5  two
                             lines of it`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if wide := (Terminal{Width: 200}).Table(columns, rows); strings.Contains(wide, "breaks\n") ||
		!strings.Contains(wide, "lines of it") {
		t.Errorf("with room enough it is\n%s", wide)
	}
}

func TestBroken(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 5, ""},
		{"12345", 5, "12345"},
		{"12345 6", 5, "12345|6"},
		{"123 456", 5, "123|456"},
		{"1234567", 5, "12345|67"},
		{"abcd.efgh", 6, "abcd.|efgh"},
		{"a.bcdefgh", 6, "a.bcde|fgh"},
		{"漢字漢字", 5, "漢字|漢字"},
		{"漢字", 1, "漢|字"},
	} {
		if got := strings.Join(broken(test.text, test.width), "|"); got != test.want {
			t.Errorf("%q at %d: %q, want %q", test.text, test.width, got, test.want)
		}
	}
}
