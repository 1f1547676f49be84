package page

// Eight equal bytes.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

const inNumber = "in a number"

// load returns b[i:i+8] as binary.LittleEndian does. Written out it compiles to
// one load and two comparisons; slicing b first costs three instructions more
// that the load has to wait for.
func load(b []byte, i int) uint64 {
	_, _ = b[i+7], b[i]
	return uint64(b[i]) | uint64(b[i+1])<<8 | uint64(b[i+2])<<16 | uint64(b[i+3])<<24 |
		uint64(b[i+4])<<32 | uint64(b[i+5])<<40 | uint64(b[i+6])<<48 | uint64(b[i+7])<<56
}

// special marks the high bit of the first byte of x, in little endian order,
// that a string cannot hold as it is: a quote, a backslash or a byte below
// 0x20. Bytes behind it may be marked by mistake. A quote with its bit 1
// flipped is 0x20 and no other byte from 0x20 up is below 0x21 then, so one
// subtraction finds it together with the control characters.
func special(x uint64) uint64 {
	return (((x ^ 0x02*ones) - 0x21*ones) | ((x ^ '\\'*ones) - ones)) &^ x & highs
}

// nondigit marks the high bit of the bytes of x that are not 0 to 9.
func nondigit(x uint64) uint64 {
	x ^= '0' * ones
	return ((x&^highs + 0x76*ones) | x) & highs
}

// escape returns the position behind the escape at b[i]. Any other byte there
// is one that has to be escaped.
func escape(b []byte, i int) (int, string) {
	if b[i] != '\\' {
		return i, "in a string"
	}
	i++
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, ""
	case 'u':
	default:
		return i, "in an escape"
	}
	for range 4 {
		i++
		c := b[i] | 0x20 // folds A to F, and nothing else, to a to f
		if b[i]-'0' > 9 && c-'a' > 5 {
			return i, "in an escape"
		}
	}
	return i + 1, ""
}

// fraction returns the position behind the fraction and exponent at b[i].
func fraction(b []byte, i int) (int, string) {
	if b[i] == '.' {
		n := digits(b, i+1)
		if n == i+1 {
			return n, inNumber
		}
		i = n
	}
	if b[i]|0x20 == 'e' {
		i++
		if b[i] == '+' || b[i] == '-' {
			i++
		}
		n := digits(b, i)
		if n == i {
			return n, inNumber
		}
		i = n
	}
	return i, ""
}

// digits returns the position behind the digits at b[i].
func digits(b []byte, i int) int {
	for b[i]-'0' <= 9 {
		i++
	}
	return i
}

// literal returns the position behind word at b[i].
func literal(b []byte, i int, word string) (int, string) {
	for j := range len(word) {
		if b[i+j] != word[j] {
			return i + j, "in a literal"
		}
	}
	return i + len(word), ""
}
