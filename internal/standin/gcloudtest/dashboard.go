package gcloudtest

import "strconv"

// layouts are the layouts of a dashboard, of which it has one.
// https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards
var layouts = []string{"gridLayout", "mosaicLayout", "rowLayout", "columnLayout"}

func checkDashboard(dashboard object) error {
	if text(dashboard, "displayName") == "" {
		return invalid("field dashboard.displayName had an invalid value: it is empty")
	}
	n := 0
	for _, layout := range layouts {
		if dashboard[layout] != nil {
			n++
		}
	}
	if n != 1 {
		return invalid("field dashboard.layout: a dashboard has one layout, this one has %d", n)
	}
	return nil
}

// createDashboard takes the name from the dashboard if it has one.
func createDashboard(s *Server, c *call) (any, error) {
	if err := checkDashboard(c.body); err != nil {
		return nil, err
	}
	fields := clone(c.body)
	if text(fields, "name") == "" {
		fields["name"] = s.identify("projects/" + s.number() + "/dashboards")
	}
	fields["etag"] = strconv.Itoa(s.next())
	r, err := s.insert(dashboards, c.name+"/"+base(text(fields, "name")), fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

// updateDashboard replaces a dashboard. Its etag has to be the current one, so
// it cannot be left out.
func updateDashboard(s *Server, c *call) (any, error) {
	r, err := s.lookup(dashboards, c.name)
	if err != nil {
		return nil, err
	}
	if err := checkDashboard(c.body); err != nil {
		return nil, err
	}
	if text(c.body, "etag") != text(r.fields, "etag") {
		return nil, aborted()
	}
	fields := clone(c.body)
	fields["name"], fields["etag"] = r.fields["name"], strconv.Itoa(s.next())
	r.fields = fields
	return r.fields, nil
}
