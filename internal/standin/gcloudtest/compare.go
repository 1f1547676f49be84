package gcloudtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// severities in ascending order.
// https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#logseverity
var severities = []string{"DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}

// filterFields are the fields of an entry that a filter may name. A typing
// error in one of them is answered with an error, not with no entries.
var filterFields = []string{
	"jsonPayload", "textPayload", "protoPayload", "severity", "timestamp", "receiveTimestamp", "resource", "logName",
	"labels", "insertId", "httpRequest", "operation", "trace",
}

func anywhere(word string) matcher {
	return func(o object) bool {
		b, err := json.Marshal(o)
		return err == nil && strings.Contains(strings.ToLower(string(b)), strings.ToLower(word))
	}
}

func compare(field, operator string, value lexeme) (matcher, error) {
	path := strings.Split(field, ".")
	if !slices.Contains(filterFields, path[0]) {
		return nil, fmt.Errorf("field not found: %q", field)
	}
	var pattern *regexp.Regexp
	if operator == "=~" || operator == "!~" {
		var err error
		if pattern, err = regexp.Compile(value.text); err != nil {
			return nil, err
		}
	}
	if path[0] == "severity" && pattern == nil && !slices.Contains(severities, value.text) {
		return nil, fmt.Errorf("unknown severity %q", value.text)
	}
	if path[0] == "timestamp" {
		if _, err := time.Parse(time.RFC3339Nano, value.text); err != nil {
			return nil, err
		}
	}
	return func(o object) bool {
		have := dig(o, path...)
		if have == nil {
			return false // as documented, also for != and !~
		}
		switch operator {
		case ":":
			if value.is("*") {
				return true
			}
			return strings.Contains(strings.ToLower(fmt.Sprint(have)), strings.ToLower(value.text))
		case "=~":
			return pattern.MatchString(fmt.Sprint(have))
		case "!~":
			return !pattern.MatchString(fmt.Sprint(have))
		}
		order, ok := rank(path[0], have, value.text)
		switch operator {
		case "=":
			return ok && order == 0
		case "!=":
			return !ok || order != 0
		case ">":
			return ok && order > 0
		case ">=":
			return ok && order >= 0
		case "<":
			return ok && order < 0
		}
		return ok && order <= 0
	}, nil
}

// rank compares an entry's value with a filter's, by the type of the entry's;
// it returns false if the two cannot be compared.
func rank(field string, have any, want string) (int, bool) {
	switch v := have.(type) {
	case float64:
		w, err := strconv.ParseFloat(want, 64)
		switch {
		case err != nil:
			return 0, false
		case v < w:
			return -1, true
		case v > w:
			return 1, true
		}
		return 0, true
	case bool:
		return strings.Compare(strconv.FormatBool(v), strings.ToLower(want)), true
	case string:
		switch field {
		case "severity":
			return slices.Index(severities, v) - slices.Index(severities, want), true
		case "timestamp":
			a, errA := time.Parse(time.RFC3339Nano, v)
			b, errB := time.Parse(time.RFC3339Nano, want)
			return a.Compare(b), errA == nil && errB == nil
		}
		return strings.Compare(strings.ToLower(v), strings.ToLower(want)), true
	}
	return 0, false
}
