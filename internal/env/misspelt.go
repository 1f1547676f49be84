package env

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"netskope-alerts.internal/collector/internal/plain"
)

// Misspelt are the variables among names that are set, are none of those that were asked for so
// far, and are so near to one of these that a person may have meant it: each a problem with the
// question as its remedy. No value is shown. Variables of other programs are far from ours.
func (v *Variables) Misspelt(names []string) []*Problem {
	var all []*Problem
	for _, name := range slices.Sorted(slices.Values(names)) {
		if value, ok := v.lookup(name); !ok || strings.TrimSpace(value) == "" || v.asked[name] {
			continue
		}
		if meant := nearest(name, slices.Sorted(maps.Keys(v.asked))); meant != "" {
			all = append(all, &Problem{Name: plain.Text(name, v.secret, 60), Wrong: "is set, but nothing reads it",
				Remedy: "do you mean " + meant + "?"})
		}
	}
	return all
}

// nearest is the one of the known names that the name is near to, or nothing. deploy.sh has the
// same rule: TestMisspeltAsDeployHasIt.
func nearest(name string, known []string) string {
	best, least := "", 1000
	for _, k := range known {
		letters := len(bare(k))
		limit := 2
		switch {
		case letters <= 5: // LAG is near to LANG
			limit = 0
		case letters <= 9:
			limit = 1
		}
		d := distance(bare(name), bare(k))
		if d > limit {
			if d = extraWords(name, k); d == 0 {
				continue
			}
			d += 10 // a slip of the finger is likelier
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// extraWords is by how many words one of two names of a namespace of ours is longer than the
// other, whose words it all has, as NETSKOPE_API_TOKEN has those of NETSKOPE_TOKEN; 0 if they
// are not so.
func extraWords(a, b string) int {
	x, y := words(a), words(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) < 2 || x[0] != y[0] || x[0] != "NETSKOPE" && x[0] != "GCS" {
		return 0
	}
	for _, word := range x {
		if !slices.Contains(y, word) {
			return 0
		}
	}
	return len(y) - len(x)
}

func words(name string) []string {
	return strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool { return !isNameRune(r) })
}

// bare is the name without what people leave out or write otherwise: case and underscores.
func bare(name string) string { return strings.Join(words(name), "") }

func isNameRune(r rune) bool {
	return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// distance is how many letters have to be put in, left out, replaced, or exchanged with their
// neighbour to make b of a.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
