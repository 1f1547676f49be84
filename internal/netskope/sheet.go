package netskope

import (
	"context"
	"encoding/binary"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// sheet is one page, as far as it shows where the paging is.
type sheet struct {
	alerts      int
	fresh       int // of alerts, those not met before
	unseen      int // of alerts, those not met before by whole answers of this pass
	known       int // of alerts, those met before by whole answers of this pass
	first, last alert.Key
	at          int    // where the alert is that was looked for; -1 if it is not there
	twice       int    // of alerts, those that the same page held before
	operation   string // cursor of the next page; empty for none
	wait        time.Duration
}

// ask asks for a page, and looks for an alert in it.
func (p *paging) ask(ctx context.Context, q Request, look alert.Key) (sheet, error) {
	return p.askIn(ctx, p.r, q, look)
}

func (p *paging) askIn(ctx context.Context, r Range, q Request, look alert.Key) (sheet, error) {
	q.Field, q.From, q.To = p.settings.Field, r.From, r.To
	if q.Limit == 0 {
		q.Limit = p.settings.PageSize
	}
	var s sheet
	envelope, err := p.page(ctx, q.query(), func() func(*page.Alert) error {
		p.answers++
		p.seen -= s.known // they were met last by an answer that broke off, and this one counts them as unseen
		s = sheet{at: -1}
		return func(a *page.Alert) error {
			key := alert.KeyOf(a)
			if s.alerts == 0 {
				s.first = key
			}
			s.last = key
			if key == look && s.at < 0 {
				s.at = s.alerts
			}
			s.alerts++
			earlier, known := p.meet(key)
			if earlier == p.answers {
				s.twice++
			}
			switch {
			case p.whole[earlier]:
				s.known++
			case earlier != p.answers:
				s.unseen++
			}
			if known {
				if earlier != p.answers {
					p.Again++
				}
				return nil
			}
			s.fresh++
			p.fresh++
			at, dated := alert.Time(a, p.settings.Field)
			p.order.follow(at, dated)
			if dated && at >= p.r.From && at <= p.r.To {
				if !p.dated {
					p.dated, p.oldest, p.newest = true, at, at
				}
				p.oldest, p.newest = min(p.oldest, at), max(p.newest, at)
			}
			if p.fresh == sample && p.crowded(sample) {
				return ErrDeep
			}
			if p.failed = p.each(a, key); p.failed != nil {
				return errEach
			}
			return nil
		}
	})
	if err != nil {
		return s, err
	}
	p.whole[p.answers] = true
	p.seen += s.unseen
	s.operation, s.wait = cursor(envelope.Operation), cursorWait(envelope.WaitTime)
	if s.operation != "" {
		p.cursors.Store(true)
	}
	return s, nil
}

// meeting is an alert that was met: the checksum of its bytes, and the answer that held it last,
// counted from 1.
type meeting struct {
	sum    uint32
	answer int32
}

// meet notes that the answer under way holds the alert, and returns the answer that held it last.
func (p *paging) meet(key alert.Key) (earlier int32, known bool) {
	id, sum := key.ID(), binary.BigEndian.Uint32(key[12:])
	first, known := p.met[id]
	if !known || first.sum == sum {
		p.met[id] = meeting{sum, p.answers}
		return first.answer, known
	}
	earlier, known = p.clashes[key] // another alert of the same _id
	if !known {
		p.Clashes++
	}
	if p.clashes == nil {
		p.clashes = map[alert.Key]int32{}
	}
	p.clashes[key] = p.answers
	return earlier, known
}
