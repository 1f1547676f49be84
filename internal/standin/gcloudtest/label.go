package gcloudtest

import "regexp"

// labelKey and labelValue are the forms that Google Cloud documents for labels.
// https://cloud.google.com/resource-manager/docs/labels-overview
var (
	labelKey   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
)

// checkLabels refuses labels of another form. Those of Cloud Monitoring are
// called user labels: what it calls labels is something else.
func checkLabels(service string, body object) error {
	field := "labels"
	if service == "monitoring" {
		field = "userLabels"
	}
	labels, _ := body[field].(object)
	for key, v := range labels {
		value, isText := v.(string)
		if !labelKey.MatchString(key) || v != nil && !(isText && labelValue.MatchString(value)) {
			return invalid("invalid label %q=%v", key, v)
		}
	}
	return nil
}
