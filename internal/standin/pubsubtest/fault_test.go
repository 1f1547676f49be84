package pubsubtest_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

// onFirst is a fault of the first push of every message.
func onFirst(f pubsubtest.PushFault) func(pubsubtest.Message) pubsubtest.PushFault {
	return func(m pubsubtest.Message) pubsubtest.PushFault {
		if len(m.Pushes) == 0 {
			return f
		}
		return pubsubtest.PushFault{}
	}
}

func TestPushFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault pubsubtest.PushFault
		fail  int // how many arrivals the endpoint answers 500
		want  []int
		acked []bool // of the pushes, in the order they began
	}{
		{"none", pubsubtest.PushFault{}, 0, []int{0}, []bool{true}},
		{"delay", pubsubtest.PushFault{Delay: time.Minute}, 0, []int{60}, []bool{true}},
		{"unreachable", pubsubtest.PushFault{Unreachable: true}, 0, []int{10}, []bool{false, true}},
		{"unheard", pubsubtest.PushFault{Unheard: true}, 0, []int{0, 10}, []bool{false, true}},
		{"twin", pubsubtest.PushFault{Twin: true}, 0, []int{0, 0}, []bool{true, true}},
		{"twin, both fail", pubsubtest.PushFault{Twin: true}, 2, []int{0, 0, 10}, []bool{false, false, true}},
		{"twin, both unheard", pubsubtest.PushFault{Twin: true, Unheard: true}, 0,
			[]int{0, 0, 10}, []bool{false, false, true}},
		{"again", pubsubtest.PushFault{Again: 5 * time.Hour}, 0, []int{0, 18000}, []bool{true, true}},
		{"again after a twin", pubsubtest.PushFault{Twin: true, Again: time.Hour}, 0,
			[]int{0, 0, 3600}, []bool{true, true, true}},
		{"not again after a failure", pubsubtest.PushFault{Again: time.Hour}, 1, []int{0, 10}, []bool{false, true}},
		{"delayed twin", pubsubtest.PushFault{Delay: time.Minute, Twin: true}, 0, []int{60, 60}, []bool{true, true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				hook := onFirst(test.fault)
				s := &pubsubtest.Server{Concurrency: 1}
				s.PushFault = func(m pubsubtest.Message) pubsubtest.PushFault {
					asked++
					s.Messages() // methods may be called
					return hook(m)
				}
				e := inBubble(t, s)
				e.respond = func(w http.ResponseWriter, _ *http.Request, _ string) {
					failing := len(e.arrivals()) <= test.fail
					time.Sleep(time.Second)
					if failing {
						w.WriteHeader(500)
					}
				}
				s.Publish([]byte("x"), nil)
				acknowledged(t, s)
				quiet(t, s)
				got := e.times()
				for i := range got { // a repetition comes a second of work after its push
					got[i] -= got[i] % 10
				}
				m := s.Messages()[0]
				var acked []bool
				for _, p := range m.Pushes {
					acked = append(acked, p.Acknowledged)
				}
				if !slices.Equal(got, test.want) || !slices.Equal(acked, test.acked) || !m.Acknowledged {
					t.Errorf("arrived at %v, acknowledged %v; want %v, %v", got, acked, test.want, test.acked)
				}
				pushes := len(test.acked)
				if test.fault.Twin {
					pushes-- // the twin shares its fault
				}
				if asked != pushes {
					t.Errorf("asked about %d pushes, want %d", asked, pushes)
				}
				if test.fault.Twin && e.max != 2 {
					t.Errorf("%d at once", e.max)
				}
			})
		})
	}
}

// TestDelayLetsOthersPass also holds that a delayed push takes no place.
func TestDelayLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{Concurrency: 1, PushFault: func(m pubsubtest.Message) pubsubtest.PushFault {
			if string(m.Data) == "a" && len(m.Pushes) == 0 {
				return pubsubtest.PushFault{Delay: time.Hour}
			}
			return pubsubtest.PushFault{}
		}}
		e := inBubble(t, s)
		for _, data := range []string{"a", "b", "c"} {
			s.Publish([]byte(data), nil)
		}
		quiet(t, s)
		if got := e.data(); !slices.Equal(got, []string{"b", "c", "a"}) || !slices.Equal(e.times(), []int{0, 0, 3600}) {
			t.Errorf("%v arrive at %v", got, e.times())
		}
	})
}

// TestOneTwinIsEnough: the message is done when one of the two is answered well.
func TestOneTwinIsEnough(t *testing.T) {
	for _, slow := range []bool{false, true} { // which of them fails: the later or the earlier
		synctest.Test(t, func(t *testing.T) {
			s := &pubsubtest.Server{PushFault: onFirst(pubsubtest.PushFault{Twin: true})}
			e := inBubble(t, s)
			var begun atomic.Int32
			e.respond = func(w http.ResponseWriter, _ *http.Request, _ string) {
				second := begun.Add(1) == 2
				if second {
					time.Sleep(time.Second)
				}
				if second == slow {
					w.WriteHeader(500)
				}
			}
			s.Publish([]byte("x"), nil)
			quiet(t, s)
			if m := s.Messages()[0]; len(m.Pushes) != 2 || !m.Acknowledged {
				t.Errorf("slow one fails %v: %d pushes, acknowledged %v", slow, len(m.Pushes), m.Acknowledged)
			}
		})
	}
}

// TestAgainIsOwedToo: a message that was acknowledged and is delivered again has to be
// acknowledged again.
func TestAgainIsOwedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pubsubtest.Server{PushFault: onFirst(pubsubtest.PushFault{Again: time.Hour}), Retention: 2 * time.Hour}
		e := inBubble(t, s)
		e.respond = func(w http.ResponseWriter, _ *http.Request, _ string) {
			if n := len(e.arrivals()); n == 2 || n == 3 {
				w.WriteHeader(500)
			}
		}
		s.Publish([]byte("x"), nil)
		acknowledged(t, s)
		if n := len(e.arrivals()); n != 1 {
			t.Errorf("acknowledged after %d pushes", n)
		}
		quiet(t, s)
		if got := e.times(); !slices.Equal(got, []int{0, 3600, 3610, 3630}) {
			t.Errorf("pushed at %v", got)
		}

		// And if it never is, it is not said to have expired.
		e.respond = func(w http.ResponseWriter, _ *http.Request, _ string) {
			if n := len(e.arrivals()); n > 5 {
				w.WriteHeader(500)
			}
		}
		s.Publish([]byte("y"), nil)
		quiet(t, s)
		acknowledged(t, s)
		if m := s.Messages()[1]; !m.Acknowledged || m.Expired || len(m.Pushes) < 5 {
			t.Errorf("%+v", m)
		}
	})
}

// TestTwinFreesNoPlace: a twin needs no place, and so leaves none behind.
func TestTwinFreesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		twins := 0
		s := &pubsubtest.Server{Concurrency: 1, PushFault: func(m pubsubtest.Message) pubsubtest.PushFault {
			twins++
			return pubsubtest.PushFault{Twin: twins <= 3}
		}}
		e := inBubble(t, s)
		e.respond = func(http.ResponseWriter, *http.Request, string) { time.Sleep(time.Second) }
		for range 6 {
			s.Publish([]byte("x"), nil)
		}
		quiet(t, s)
		if got := e.times(); !slices.Equal(got, []int{0, 0, 1, 1, 2, 2, 3, 4, 5}) {
			t.Errorf("pushed at %v", got)
		}
	})
}
