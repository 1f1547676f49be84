package gcloudstub

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	valueFormat = regexp.MustCompile(`^value(?:\[separator='(.*)'\])?\((.*)\)$`)
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

// text is what stands in a row under a key, as in "a.b", "list[0]" or "list[].c".
func text(row object, key string) string {
	var v any = row
	for part := range strings.SplitSeq(key, ".") {
		part, index, indexed := strings.Cut(part, "[")
		part = strings.Trim(part, `"'`)
		if all, ok := v.([]any); ok {
			inner := []any{}
			for _, one := range all {
				if members, ok := one.(object); ok && members[part] != nil {
					inner = append(inner, members[part])
				}
			}
			v = inner
			continue
		}
		members, ok := v.(object)
		if !ok {
			return ""
		}
		v = members[part]
		if n, err := strconv.Atoi(strings.TrimSuffix(index, "]")); indexed && err == nil {
			if list, ok := v.([]any); ok && n < len(list) {
				v = list[n]
			}
		}
	}
	return display(v)
}

// display prints a value; the parts of a list with semicolons between them.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "True"
		}
		return "False"
	case []any:
		parts := []string{}
		for _, one := range v {
			parts = append(parts, display(one))
		}
		return strings.Join(parts, ";")
	default:
		return fmt.Sprint(v)
	}
}
