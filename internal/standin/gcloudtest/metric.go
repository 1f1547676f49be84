package gcloudtest

import (
	"regexp"
	"slices"
)

// metricID is the form that the Logging API documents for names of log-based
// metrics.
var metricID = regexp.MustCompile(`^[A-Za-z0-9_\-.,+!*',()%/]{1,100}$`)

func createMetric(s *Server, c *call) (any, error) {
	id := text(c.body, "name")
	if !metricID.MatchString(id) {
		return nil, invalid("%q is no name of a metric", id)
	}
	if err := checkMetric(c.body); err != nil {
		return nil, err
	}
	fields := clone(c.body)
	fields["createTime"], fields["updateTime"] = s.stamp(), s.stamp()
	r, err := s.insert(metrics, c.name+"/"+id, fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

// updateMetric replaces the metric, and makes one that is missing, as
// projects.metrics.update documents it.
func updateMetric(s *Server, c *call) (any, error) {
	if err := checkMetric(c.body); err != nil {
		return nil, err
	}
	fields := clone(c.body)
	fields["createTime"], fields["updateTime"] = s.stamp(), s.stamp()
	if old, ok := s.stored[metrics][c.name]; ok {
		fields["createTime"] = old.fields["createTime"]
		delete(s.stored[metrics], c.name)
	}
	fields["name"] = base(c.name)
	r, err := s.insert(metrics, c.name, fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

// checkMetric refuses filters that cannot be read, distributions without an
// extractor and labels without one, and the other way round.
func checkMetric(metric object) error {
	if text(metric, "filter") == "" {
		return invalid("a metric needs a filter")
	}
	if _, err := parseFilter(text(metric, "filter")); err != nil {
		return invalid("invalid filter: %v", err)
	}
	distribution := text(metric, "metricDescriptor", "valueType") == "DISTRIBUTION"
	if extractor := text(metric, "valueExtractor"); distribution != (extractor != "") {
		return invalid("a value extractor is for metrics of value type DISTRIBUTION, and these need one")
	}
	extractors, _ := metric["labelExtractors"].(object)
	var labels []string
	list, _ := dig(metric, "metricDescriptor", "labels").([]any)
	for _, v := range list {
		label, _ := v.(object)
		labels = append(labels, text(label, "key"))
	}
	slices.Sort(labels)
	if !slices.Equal(labels, sorted(extractors)) {
		return invalid("the labels of the descriptor %v are not those of the extractors %v", labels, sorted(extractors))
	}
	return nil
}
