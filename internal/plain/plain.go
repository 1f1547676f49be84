// Package plain makes text that came from elsewhere fit to be shown: in a log record, in an
// error, on a terminal.
package plain

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shortestSecret is the shortest secret, in bytes, that is looked for: a shorter one is
// none, and would be found in ordinary words.
const shortestSecret = 6

// Text is the text without the secret, in whatever case of letters (a host's name keeps none),
// and without characters that a terminal obeys rather than shows: controls become spaces, and
// what is otherwise not printable, such as a bidirectional override or a byte that is no UTF-8,
// becomes U+FFFD. It is cut to most characters.
func Text(text, secret string, most int) string {
	if len(secret) >= shortestSecret {
		text = regexp.MustCompile("(?i)"+regexp.QuoteMeta(secret)).ReplaceAllLiteralString(text, "(the token)")
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case !unicode.IsPrint(r):
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}

// IsControl reports whether a terminal, or a log, may act upon the character instead of
// showing it.
func IsControl(r rune) bool { return unicode.IsControl(r) || !unicode.IsPrint(r) }
