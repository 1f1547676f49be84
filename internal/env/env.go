// Package env reads settings from environment variables, and gathers every problem that it
// meets as a value: which variable, what it holds, what is wrong with that, what to do.
package env

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problem is a variable that will not do.
type Problem struct {
	Name   string // of the variable
	Value  string // what it holds, cut, without the token; empty if it is not set or not to be shown
	Wrong  string // what is wrong, following the name and value in a sentence; empty if Remedy says it all
	Remedy string // what to set instead
}

// Error is one line: the name, the value if it can be shown, what is wrong, and the remedy.
func (p *Problem) Error() string {
	switch {
	case p.Value == "":
		return p.Name + " " + p.Wrong + ": " + p.Remedy
	case p.Wrong == "":
		return fmt.Sprintf("%s=%q: %s", p.Name, p.Value, p.Remedy)
	}
	return fmt.Sprintf("%s=%q: %s; %s", p.Name, p.Value, p.Wrong, p.Remedy)
}

// Variables reads the environment through a function that has the form of [os.LookupEnv]. A
// variable set to nothing, or to white space, counts as not set.
type Variables struct {
	lookup   func(string) (string, bool)
	secret   string // never to appear in a problem
	problems []error
	asked    map[string]bool // names; see Misspelt
}

// New reads through lookup. The API token, if there is one, is in no problem that is met.
func New(lookup func(string) (string, bool)) *Variables {
	v := &Variables{lookup: lookup, asked: map[string]bool{}}
	v.secret = (&Variables{lookup: lookup, asked: map[string]bool{}}).Token() // whose problems are none here
	return v
}

// Err joins the problems that were met, each a [*Problem]; nil if there were none.
func (v *Variables) Err() error { return errors.Join(v.problems...) }

// Problems are the problems that an error of [Variables.Err] joins.
func Problems(err error) []*Problem {
	var all []*Problem
	for ; err != nil; err = errors.Unwrap(err) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range joined.Unwrap() {
				if p := (*Problem)(nil); errors.As(one, &p) {
					all = append(all, p)
				}
			}
			return all
		}
	}
	return all
}

// Get is the variable's value without white space around it, and whether it is set.
func (v *Variables) Get(name string) (string, bool) {
	v.asked[name] = true
	value, ok := v.lookup(name)
	value = strings.TrimSpace(value)
	return value, ok && value != ""
}

// Refuse notes that the value of name will not do. The value is cut, and a token that was
// pasted into the wrong variable is taken out.
func (v *Variables) Refuse(name, value, wrong, remedy string) {
	if v.secret != "" { // before the value is cut, which might leave a part of it
		value = strings.ReplaceAll(value, v.secret, "(the token)")
	}
	if len(value) > 200 {
		value = strings.ToValidUTF8(value[:200], "") + "…"
	}
	v.problems = append(v.problems, &Problem{name, value, wrong, remedy})
}

// Gone refuses a variable that is no setting any more. It is none that another one may have been
// meant for.
func (v *Variables) Gone(name, wrong, remedy string) {
	if value, ok := v.lookup(name); ok && strings.TrimSpace(value) != "" {
		v.Refuse(name, strings.TrimSpace(value), wrong, remedy)
	}
}

// hide notes a problem of a value that must not be shown.
func (v *Variables) hide(name, wrong, remedy string) {
	v.problems = append(v.problems, &Problem{Name: name, Wrong: wrong, Remedy: remedy})
}

func (v *Variables) missing(name, remedy string) { v.hide(name, "is not set", remedy) }

// Integer reads a whole number from low to high; meaning says what it stands for.
func (v *Variables) Integer(name string, standard, low, high int, meaning string) int {
	value, ok := v.Get(name)
	if !ok {
		return standard
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		v.Refuse(name, value, "", fmt.Sprintf("want a whole number from %d to %d (%s)", low, high, meaning))
		return standard
	}
	return n
}

// Number reads a number from low to high.
func (v *Variables) Number(name string, standard, low, high float64) float64 {
	value, ok := v.Get(name)
	if !ok {
		return standard
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n >= low && n <= high) {
		v.Refuse(name, value, "", fmt.Sprintf("want a number from %g to %g", low, high))
		return standard
	}
	return n
}

// Duration reads a duration with its unit, in whole seconds, from low to high.
func (v *Variables) Duration(name string, standard, low, high time.Duration) time.Duration {
	value, ok := v.Get(name)
	if !ok {
		return standard
	}
	d, err := time.ParseDuration(value)
	switch _, bare := strconv.ParseFloat(value, 64); {
	case bare == nil && value != "0":
		v.Refuse(name, value, "has no unit", fmt.Sprintf("write %ss for seconds or %sm for minutes", value, value))
	case err != nil:
		v.Refuse(name, value, "", fmt.Sprintf("want a duration with its unit, as in %s", short(standard)))
	case d < low || d > high:
		v.Refuse(name, value, "", fmt.Sprintf("want a duration from %s to %s", short(low), short(high)))
	case d%time.Second != 0:
		v.Refuse(name, value, "", "want whole seconds; the tenant's times have no finer grain")
	default:
		return d
	}
	return standard
}

// short is d without the zero units that [time.Duration.String] appends.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// OneOf reads a choice, in any case of letters; the first is the default.
func OneOf[T ~string](v *Variables, name string, choices ...T) T {
	value, ok := v.Get(name)
	if !ok {
		return choices[0]
	}
	names := make([]string, len(choices))
	for i, choice := range choices {
		if strings.EqualFold(value, string(choice)) {
			return choice
		}
		names[i] = string(choice)
	}
	v.Refuse(name, value, "", "want "+strings.Join(names, " or "))
	return choices[0]
}

// Several reads choices with commas or blanks between them, in any case of letters, each once and
// in the order of the choices; the first is the default.
func Several[T fmt.Stringer](v *Variables, name string, choices ...T) []T {
	value, ok := v.Get(name)
	if !ok {
		return choices[:1]
	}
	chosen, names := map[int]bool{}, make([]string, len(choices))
	for i, choice := range choices {
		names[i] = choice.String()
	}
	words := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	for _, word := range words {
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, word) })
		if i < 0 {
			v.Refuse(name, value, "", "want one or more of "+strings.Join(names, ", ")+", with commas between them")
			return choices[:1]
		}
		chosen[i] = true
	}
	if len(words) == 0 {
		v.Refuse(name, value, "", "want one or more of "+strings.Join(names, ", "))
		return choices[:1]
	}
	var all []T
	for i, choice := range choices {
		if chosen[i] {
			all = append(all, choice)
		}
	}
	return all
}

// LogLevel reads the severity below which nothing is logged.
func (v *Variables) LogLevel(name string) slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(OneOf(v, name, "info", "debug", "warn", "error"))) // its choices are all levels
	return level
}
