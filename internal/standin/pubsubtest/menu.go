package pubsubtest

import "time"

// Menu is what goes wrong at random: shares, 0 to 1, of publish requests and of
// pushes. What is drawn for a push is a function of Server.Seed, of the message's
// place in the order of publishing and of how often it was pushed before; for a
// publish request, of Server.Seed and of its number. So the same seed makes the same
// trouble however goroutines run. The zero value is no trouble.
type Menu struct {
	// Refused are publish requests answered 429 or 503, with nothing published.
	Refused float64
	// AnswerLost are publish requests executed whose answer is lost in one of the
	// four ways of Lost.
	AnswerLost float64

	// Delayed are pushes that begin late, by up to MaxDelay. Zero MaxDelay: a minute.
	Delayed  float64
	MaxDelay time.Duration
	// Unreachable are pushes that do not reach the endpoint.
	Unreachable float64
	// Unheard are pushes whose answer is lost.
	Unheard float64
	// Twins are pushes sent twice at the same moment.
	Twins float64
	// Again are first pushes after whose acknowledgement the message is pushed again,
	// up to MaxAgain later. Zero MaxAgain: six hours.
	Again    float64
	MaxAgain time.Duration
}

func (menu Menu) publishFault(seed, n uint64) (f PublishFault) {
	d := dice{seed, n, 0x7075626c697368}
	switch {
	case d.below(menu.Refused):
		f = Exhausted()
		if d.below(0.5) {
			f = Unavailable()
		}
	case d.below(menu.AnswerLost):
		f.Lost = []Lost{LostByReset, LostByClose, LostAs503, LostAs504}[int(d.share()*4)]
	}
	return f
}

func (menu Menu) pushFault(seed, number uint64, pushes int) (f PushFault) {
	d := dice{seed, number<<16 | uint64(pushes), 0x70757368}
	if d.below(menu.Delayed) {
		f.Delay = d.within(menu.MaxDelay, time.Minute)
	}
	f.Unreachable = d.below(menu.Unreachable)
	f.Unheard = d.below(menu.Unheard)
	f.Twin = d.below(menu.Twins)
	if pushes == 0 && d.below(menu.Again) {
		f.Again = d.within(menu.MaxAgain, 6*time.Hour)
	}
	return f
}

// dice are a sequence of pseudo-random numbers for one decision.
type dice struct{ seed, subject, state uint64 }

// share draws a number in [0, 1).
func (d *dice) share() float64 {
	d.state = scramble(d.seed^d.state, d.subject)
	return float64(d.state>>11) / (1 << 53)
}

func (d *dice) below(share float64) bool { return d.share() < share }

// within draws a duration above 0 and up to limit.
func (d *dice) within(limit, otherwise time.Duration) time.Duration {
	if limit <= 0 {
		limit = otherwise
	}
	return 1 + time.Duration(d.share()*float64(limit-1))
}
