package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/settings"
)

// checkPaging looks at how pages follow each other, how large they become, and what
// their alerts are like. first is the answer to q, which asks for a small page by the
// configured time, or err why there is none.
func (c *checkup) checkPaging(ctx context.Context, p *probe, q netskope.Request, first sample, err error) {
	if err != nil {
		c.skip("there was no answer by "+string(c.config.TimeField)+" time", "tenant.paging", "tenant.page_size",
			"tenant.alerts")
		return
	}
	c.checkNextPage(ctx, p, q, first)
	c.checkAlerts(c.checkPageSize(ctx, p, q, first))
}

func (c *checkup) checkNextPage(ctx context.Context, p *probe, q netskope.Request, first sample) {
	const subject = "tenant.paging"
	dialect := "by offset"
	switch {
	case first.operation != "":
		q.Operation = first.operation
		dialect = "by cursor (operation)"
	case first.alerts < smallPage:
		c.skip(fmt.Sprintf("not to be seen: the last day has only %s", text.Plural(int64(first.alerts), "alert")),
			subject)
		return
	default:
		q.Offset = first.alerts
	}
	second, err := p.ask(ctx, q, askPatience)
	switch seen, remedy := tenantTrouble(err); {
	case errors.Is(err, errAsked):
		c.skip(err.Error(), subject)
	case err != nil:
		c.fail(subject, remedy, "the second page, %s, fails: %s", dialect, seen)
	case first.repeats(second):
		c.fail(subject, "ask Netskope's support why the second page repeats the first",
			"the second page, %s, holds only alerts of the first: all further ones are out of reach", dialect)
	case second.alerts == 0:
		c.skip(fmt.Sprintf("not to be seen: the second page, %s, is empty", dialect), subject)
	default:
		c.pass(subject, "pages follow each other %s", dialect)
	}
}

// checkPageSize asks for one page as a run does. It returns what the alerts are
// like, or, if there was no such page, first.
func (c *checkup) checkPageSize(ctx context.Context, p *probe, q netskope.Request, first sample) sample {
	const subject = "tenant.page_size"
	size := c.config.PageSize
	q.Limit = size
	whole, err := p.ask(ctx, q, pagePatience)
	var failure *netskope.Error
	switch seen, remedy := tenantTrouble(err); {
	case errors.Is(err, errAsked):
		c.skip(err.Error(), subject)
		return first
	case err != nil:
		if errors.As(err, &failure) && (failure.Status == 0 || failure.Status == http.StatusBadRequest) {
			remedy = "set PAGE_SIZE=" + strconv.Itoa(smallerPage(size))
		}
		c.fail(subject, remedy, "no page of %d alerts: %s", size, seen)
		return first
	case whole.alerts >= size:
		c.pass(subject, "it gives pages of %d alerts, here %.1f MB", whole.alerts, float64(whole.bytes)/1e6)
		return whole
	case whole.alerts == 0:
		c.skip("not to be seen: the last day has no alerts", subject)
		return whole
	}
	more := whole.operation != ""
	if !more {
		q.Limit, q.Offset = smallPage, whole.alerts
		rest, err := p.ask(ctx, q, askPatience)
		more = err == nil && rest.alerts > 0 && !whole.repeats(rest)
	}
	if more {
		c.warn(subject, "set PAGE_SIZE="+strconv.Itoa(whole.alerts),
			"it gives %d of the %d alerts asked for, and has more: pages are capped", whole.alerts, size)
	} else {
		c.pass(subject, "a page of %d takes all %s of the last day", size, text.Plural(int64(whole.alerts), "alert"))
	}
	return whole
}

// smallerPage is the page size to try after one that was refused.
func smallerPage(size int) int {
	if size > settings.SafePageSize {
		return settings.SafePageSize
	}
	return max(size/5, 1)
}

// checkAlerts looks for what alerts are told apart by, and for what cells are cut by.
func (c *checkup) checkAlerts(s sample) {
	const subject = "tenant.alerts"
	switch {
	case s.alerts == 0:
		c.skip("not to be seen: the last day has no alerts", subject)
	case s.undated > 0 && c.config.TimeField == alert.InsertionTime:
		c.warn(subject, "set TIME_FIELD=event if it stays at that and most have none",
			"%d of %d alerts have no _insertion_epoch_timestamp, by which alerts are collected; they are kept",
			s.undated, s.alerts)
	case s.noID > 0:
		c.warn(subject, "ask Netskope's support for alerts with _id",
			"%d of %d alerts have no _id; of two with the same bytes in one cell, one is kept", s.noID, s.alerts)
	case s.undated > 0:
		c.pass(subject, "all %d have _id; %d have no _insertion_epoch_timestamp, which TIME_FIELD=event does without",
			s.alerts, s.undated)
	default:
		c.pass(subject, "all %d have _id and _insertion_epoch_timestamp", s.alerts)
	}
}

// checkRate shows the tenant's rate limit, as its last answer had it.
func (c *checkup) checkRate(saw sighting) {
	const subject = "tenant.rate"
	var told []string
	for _, name := range []string{"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} {
		if value := saw.header.Get(name); value != "" {
			told = append(told, name+" "+value)
		}
	}
	headers := strings.Join(told, ", ")
	if headers == "" {
		headers = "no RateLimit headers"
	}
	limit, err := strconv.ParseFloat(saw.header.Get("RateLimit-Limit"), 64)
	reset := saw.header.Get("RateLimit-Reset")
	tooFast := err == nil && limit > 0 && (reset == "0" || reset == "1") &&
		(c.config.RequestsPerSecond == 0 || c.config.RequestsPerSecond > limit)
	switch {
	case tooFast:
		c.warn(subject, fmt.Sprintf("set REQUESTS_PER_SECOND=%g", limit), "%s, but REQUESTS_PER_SECOND=%g", headers,
			c.config.RequestsPerSecond)
	case saw.limited > 0:
		c.warn(subject, "find out who else asks this tenant: all its consumers share one quota",
			"%s; %s limited the rate (429)", headers, text.Plural(int64(saw.limited), "answer"))
	default:
		c.pass(subject, "%s", headers)
	}
}
