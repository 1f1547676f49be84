package gcloudtest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func createJob(s *Server, c *call) (any, error) {
	name := text(c.body, "name")
	if !strings.HasPrefix(name, c.name+"/") {
		return nil, invalid("job name %q must begin with %q", name, c.name)
	}
	fields := clone(c.body)
	if text(fields, "timeZone") == "" {
		fields["timeZone"] = "Etc/UTC"
	}
	fields["state"], fields["userUpdateTime"] = "ENABLED", s.stamp()
	if err := s.schedule(fields); err != nil {
		return nil, err
	}
	r, err := s.insert(jobs, name, fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func updateJob(s *Server, c *call) (any, error) {
	r, err := s.lookup(jobs, c.name)
	if err != nil {
		return nil, err
	}
	fields := clone(r.fields)
	if paths := c.first("updateMask"); paths != "" {
		mask(fields, c.body, paths)
	} else {
		merge(fields, c.body)
	}
	fields["userUpdateTime"] = s.stamp()
	if err := s.schedule(fields); err != nil {
		return nil, err
	}
	r.fields = fields
	return r.fields, nil
}

// setJob pauses and resumes; a job that is not in the state before is refused.
func setJob(before, after string) handler {
	return func(s *Server, c *call) (any, error) {
		r, err := s.lookup(jobs, c.name)
		if err != nil {
			return nil, err
		}
		if state := text(r.fields, "state"); state != before {
			return nil, precondition("the job is in the state %s, not %s", state, before)
		}
		r.fields["state"] = after
		return r.fields, nil
	}
}

// schedule checks a job's time and place, and says when it runs next. Only the
// unix-cron form is modelled, not "every 2 hours".
func (s *Server) schedule(job object) error {
	zone, err := time.LoadLocation(text(job, "timeZone"))
	if err != nil {
		return invalid("schedule or time zone is invalid")
	}
	cron, ok := parseCron(text(job, "schedule"))
	if !ok {
		return invalid("schedule or time zone is invalid")
	}
	if t := text(job, "pubsubTarget", "topicName"); t != "" && !strings.HasPrefix(t, "projects/"+s.project()+"/topics/") {
		return invalid("the topic %q is not in the job's project", t)
	}
	job["scheduleTime"] = ""
	for t, n := s.now().In(zone).Truncate(time.Minute).Add(time.Minute), 0; n < 366*24*60; t, n = t.Add(time.Minute), n+1 {
		if cron.matches(t) {
			job["scheduleTime"] = t.UTC().Format(time.RFC3339)
			break
		}
	}
	return nil
}

// cron holds the allowed values of minute, hour, day of month, month and day of
// week.
type cron struct {
	fields [5][]bool
	any    [5]bool
}

var cronRanges = [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}}

var cronNames = [5][]string{
	3: {"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
	4: {"sun", "mon", "tue", "wed", "thu", "fri", "sat"},
}

// parseCron reads a schedule in unix-cron form, as Cloud Scheduler documents
// it: *, lists, ranges and steps.
// https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules
func parseCron(schedule string) (cron, bool) {
	var out cron
	fields := strings.Fields(schedule)
	if len(fields) != 5 {
		return out, false
	}
	for i, field := range fields {
		low, high := cronRanges[i][0], cronRanges[i][1]
		out.fields[i] = make([]bool, high+1)
		out.any[i] = field == "*"
		for part := range strings.SplitSeq(field, ",") {
			span, step, stepped := strings.Cut(part, "/")
			from, to, width := low, high, 1
			ok := true
			if span != "*" {
				a, b, ranged := strings.Cut(span, "-")
				from, ok = cronNumber(i, a)
				switch {
				case ranged && ok:
					to, ok = cronNumber(i, b)
				case !stepped:
					to = from
				}
			}
			if stepped && ok {
				var err error
				width, err = strconv.Atoi(step)
				ok = err == nil && width > 0
			}
			if !ok || from < low || to > high || from > to {
				return out, false
			}
			for v := from; v <= to; v += width {
				out.fields[i][v] = true
			}
		}
	}
	out.fields[4][0] = out.fields[4][0] || out.fields[4][7]
	return out, true
}

func cronNumber(field int, s string) (int, bool) {
	if n := slices.Index(cronNames[field], strings.ToLower(s)); n >= 0 && s != "" {
		return n, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// matches follows cron in that the two kinds of day are alternatives if both
// are restricted.
func (c cron) matches(t time.Time) bool {
	day, weekday := c.fields[2][t.Day()], c.fields[4][int(t.Weekday())]
	days := day && weekday
	if !c.any[2] && !c.any[4] {
		days = day || weekday
	}
	return c.fields[0][t.Minute()] && c.fields[1][t.Hour()] && c.fields[3][int(t.Month())] && days
}
