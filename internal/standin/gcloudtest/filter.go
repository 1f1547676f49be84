package gcloudtest

import (
	"errors"
	"fmt"
)

// matcher tells whether a log entry, as entries.list answers it, matches.
type matcher func(entry object) bool

// parseFilter reads a filter in the Logging query language: comparisons,
// words that may stand anywhere, parentheses, NOT or -, OR, and AND, which may
// be left out. OR binds tighter than AND. Functions such as SEARCH and sample
// are refused.
// https://cloud.google.com/logging/docs/view/logging-query-language
func parseFilter(filter string) (matcher, error) { return parseWith(filter, compare) }

// parseWith reads a filter whose comparisons are made by compare.
func parseWith(filter string, compare comparer) (matcher, error) {
	lexemes, err := lex(filter)
	if err != nil {
		return nil, err
	}
	p := &parser{rest: lexemes, compare: compare}
	if len(p.rest) == 0 {
		return func(object) bool { return true }, nil
	}
	m, err := p.all()
	if err != nil {
		return nil, err
	}
	if len(p.rest) > 0 {
		return nil, fmt.Errorf("unexpected %q", p.rest[0].text)
	}
	return m, nil
}

// comparer makes the matcher of one comparison of a field with a value.
type comparer func(field, operator string, value lexeme) (matcher, error)

type parser struct {
	rest    []lexeme
	compare comparer
}

func (p *parser) at(text string) bool { return len(p.rest) > 0 && p.rest[0].is(text) }

func (p *parser) skip(text string) bool {
	if !p.at(text) {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

var errEnds = errors.New("the filter ends too early")

func (p *parser) all() (matcher, error) {
	m, err := p.either()
	for err == nil {
		if !p.skip("AND") && (len(p.rest) == 0 || p.at(")")) {
			break
		}
		var next matcher
		next, err = p.either()
		first := m
		m = func(o object) bool { return first(o) && next(o) }
	}
	return m, err
}

func (p *parser) either() (matcher, error) {
	m, err := p.one()
	for err == nil && p.skip("OR") {
		var next matcher
		next, err = p.one()
		first := m
		m = func(o object) bool { return first(o) || next(o) }
	}
	return m, err
}

func (p *parser) one() (matcher, error) {
	if len(p.rest) == 0 {
		return nil, errEnds
	}
	if p.skip("NOT") {
		m, err := p.one()
		return func(o object) bool { return !m(o) }, err
	}
	if p.skip("(") {
		m, err := p.all()
		if err == nil && !p.skip(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return m, err
	}
	word := p.rest[0]
	if word.sign || word.is("AND") || word.is("OR") {
		return nil, fmt.Errorf("unexpected %q", word.text)
	}
	p.rest = p.rest[1:]
	if len(p.rest) == 0 || !p.rest[0].sign || p.at("(") || p.at(")") || p.at(",") {
		if p.at("(") {
			return nil, fmt.Errorf("the function %q is not supported", word.text)
		}
		return anywhere(word.text), nil
	}
	operator := p.rest[0].text
	p.rest = p.rest[1:]
	if p.skip("(") {
		return p.alternatives(word.text, operator)
	}
	return p.comparison(word.text, operator)
}

// alternatives reads the rest of FIELD = ("a" OR "b").
func (p *parser) alternatives(field, operator string) (matcher, error) {
	m, err := p.comparison(field, operator)
	for err == nil && p.skip("OR") {
		var next matcher
		next, err = p.comparison(field, operator)
		first := m
		m = func(o object) bool { return first(o) || next(o) }
	}
	if err == nil && !p.skip(")") {
		err = errors.New("a parenthesis is not closed, or not only OR within a value")
	}
	return m, err
}

func (p *parser) comparison(field, operator string) (matcher, error) {
	if len(p.rest) == 0 {
		return nil, errEnds
	}
	value := p.rest[0]
	p.rest = p.rest[1:]
	negative := value.is("NOT") && len(p.rest) > 0
	if negative { // a minus sign before a number
		value = lexeme{text: "-" + p.rest[0].text}
		p.rest = p.rest[1:]
	}
	if value.sign {
		return nil, fmt.Errorf("unexpected %q", value.text)
	}
	return p.compare(field, operator, value)
}
