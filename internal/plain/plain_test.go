package plain

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, test := range []struct {
		text, secret string
		most         int
		want         string
	}{
		{"as it is, größer 漢字 😀", "", 100, "as it is, größer 漢字 😀"},
		{"a\x00b\nc\td\re\x1b[31mf\x7fg", "", 100, "a b c d e [31mf g"},
		{"a\u0085b\u00a0c\u2028d\u3000e", "", 100, "a b c d e"},
		{"a\u202eb\u200bc\ufeffd\ue000e", "", 100, "a\ufffdb\ufffdc\ufffdd\ufffde"},
		{"a\xffb\xc3", "", 100, "a\ufffdb\ufffd"},
		{"abcdef", "", 3, "abc…"},
		{"größer", "", 3, "grö…"},
		{"abc", "", 3, "abc"},
		{"Bearer s3cr3t-token; s3cr3t-token", "s3cr3t-token", 100, "Bearer (the token); (the token)"},
		{"s3cr3t-TOKEN.example.org", "S3cr3t-token", 100, "(the token).example.org"},
		{"a+b.c$1", "a+b.c$", 100, "(the token)1"}, {"aab_c$", "a+b.c$", 100, "aab_c$"},
		{"s3cr3t-token", "s3cr3t-token", 5, "(the …"}, // taken out before the text is cut
		{"a word is no secret", "word", 100, "a word is no secret"},
		{"", "s3cr3t-token", 100, ""},
	} {
		if got := Text(test.text, test.secret, test.most); got != test.want {
			t.Errorf("%q without %q, %d at most: %q, want %q", test.text, test.secret, test.most, got, test.want)
		}
	}
}

// FuzzText holds that a text is never longer than asked for, and has nothing that a terminal
// obeys.
func FuzzText(f *testing.F) {
	f.Add("a\x1b]0;x\x07b\u202ec\xff", "secret", 4)
	f.Add("secsecretret", "secret", 100)
	f.Fuzz(func(t *testing.T, text, secret string, most int) {
		if most < 0 {
			return
		}
		got := Text(text, secret, most)
		bad := func(r rune) bool { return r != utf8.RuneError && IsControl(r) }
		if !utf8.ValidString(got) || strings.ContainsFunc(got, bad) || utf8.RuneCountInString(got)-1 > most {
			t.Errorf("%q, %d at most: %q", text, most, got)
		}
	})
}

func TestIsControl(t *testing.T) {
	for r, want := range map[rune]bool{'a': false, ' ': false, 'ß': false, '😀': false, 0: true, '\n': true, 0x7f: true,
		0x9b: true, 0x202e: true, 0x200b: true, 0x2028: true, 0xa0: true} {
		if got := IsControl(r); got != want {
			t.Errorf("%U: %v", r, got)
		}
	}
}
