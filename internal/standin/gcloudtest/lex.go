package gcloudtest

import (
	"fmt"
	"strings"
)

// lexeme is a word, a quoted string or a sign of a filter.
type lexeme struct {
	text   string
	quoted bool
	sign   bool // parenthesis or comparison
}

func (l lexeme) is(text string) bool { return !l.quoted && l.text == text }

var signs = []string{"!=", "!~", "=~", ">=", "<=", "=", ">", "<", ":", "(", ")", ","}

func lex(filter string) ([]lexeme, error) {
	var out []lexeme
	for i := 0; i < len(filter); {
		rest := filter[i:]
		switch {
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			i++
			continue
		case strings.HasPrefix(rest, "--"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				return out, nil
			}
			i += end
			continue
		case rest[0] == '"':
			value, n, err := unquote(rest)
			if err != nil {
				return nil, err
			}
			out = append(out, lexeme{text: value, quoted: true})
			i += n
			continue
		case rest[0] == '-':
			out = append(out, lexeme{text: "NOT"})
			i++
			continue
		}
		if sign := signAt(rest); sign != "" {
			out = append(out, lexeme{text: sign, sign: true})
			i += len(sign)
			continue
		}
		n := strings.IndexAny(rest, " \t\r\n\"=!<>:(),~")
		switch {
		case n < 0:
			n = len(rest)
		case n == 0:
			return nil, fmt.Errorf("unexpected %q", rest[:1])
		}
		out = append(out, lexeme{text: rest[:n]})
		i += n
	}
	return out, nil
}

func signAt(s string) string {
	for _, sign := range signs {
		if strings.HasPrefix(s, sign) {
			return sign
		}
	}
	return ""
}

// unquote reads a string in double quotes and returns how long it was in the
// filter.
func unquote(s string) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i + 1, nil
		case '\\':
			i++
			if i == len(s) {
				break
			}
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '"', '\\':
				b.WriteByte(s[i])
			default: // kept, for regular expressions
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, fmt.Errorf("a string is not closed: %s", s)
}
