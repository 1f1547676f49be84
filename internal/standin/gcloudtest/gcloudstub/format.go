package gcloudstub

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	valueFormat = regexp.MustCompile(`^value(?:\[separator='(.*)'\])?\((.*)\)$`)
	element     = regexp.MustCompile(`^(.+)\[(\d+)\]$`)
)

// format prints what a command answers as gcloud's --format=value(...) does: the keys
// separated by tabs, a line for every resource, nothing for a missing key.
func format(answer any, flatten, form string) (string, error) {
	var rows []object
	switch a := answer.(type) {
	case nil:
		return "", nil
	case string:
		return a, nil
	case object:
		rows = []object{a}
	case []object:
		rows = a
	}
	switch flatten {
	case "":
	case "bindings[].members":
		rows = flat(rows)
	default:
		return "", fmt.Errorf("--flatten=%s is not modelled", flatten)
	}
	if form == "" {
		return "", nil // for people
	}
	m := valueFormat.FindStringSubmatch(form)
	if m == nil {
		return "", fmt.Errorf("--format=%s is not modelled", form)
	}
	separator := "\t"
	if m[1] != "" {
		separator = strings.ReplaceAll(m[1], `\n`, "\n")
	}
	var b strings.Builder
	for _, row := range rows {
		for n, key := range strings.Split(m[2], ",") {
			if n > 0 {
				b.WriteString(separator)
			}
			b.WriteString(text(row, key))
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// flat makes a row for every member of every binding of policies.
func flat(policies []object) []object {
	var rows []object
	for _, policy := range policies {
		for _, b := range objects(policy["bindings"]) {
			members, _ := b["members"].([]any)
			for _, member := range members {
				one := object{"role": b["role"], "members": member, "condition": b["condition"]}
				rows = append(rows, object{"bindings": one})
			}
		}
	}
	return rows
}

func text(row object, key string) string {
	var v any = row
	for part := range strings.SplitSeq(key, ".") {
		index := -1
		if m := element.FindStringSubmatch(part); m != nil {
			part, index = m[1], int(m[2][0]-'0')
		}
		members, ok := v.(object)
		if !ok {
			return ""
		}
		v = members[part]
		if list, ok := v.([]any); ok && index >= 0 && index < len(list) {
			v = list[index]
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "True"
		}
		return "False"
	default:
		return fmt.Sprint(v)
	}
}
