package text

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Clean makes a text that came over the network fit to be shown: no control character
// reaches the terminal, and none that turns the direction of writing.
func Clean(text string) string {
	if text = strings.TrimSpace(Printable(text, -1, -1)); text == "" {
		return "(not printable)"
	}
	return text
}

// Printable is the text with a space for every white space, and with others in the place of
// what a terminal obeys, or does not show; a negative one leaves it out.
func Printable(text string, control, other rune) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return control
		case !unicode.IsPrint(r):
			return other
		}
		return r
	}, text)
}

// Visible writes the characters that a terminal would act upon, or not show, as JSON
// escapes: the text means the same. Outside of strings JSON has none but newlines.
func Visible(text []byte) []byte {
	var out bytes.Buffer
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out.Write(text[:n])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		text = text[n:]
	}
	return out.Bytes()
}
