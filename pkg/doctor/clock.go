package doctor

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// leeway is how wrong the time of a token may be at a registry of the distribution project.
	leeway = time.Minute
	// notable is how far clocks may be apart without a word. The Date header counts in seconds.
	notable = 10 * time.Second
	// settled is how far before now the gate lets tokens begin, which is all that registries without leeway forgive.
	settled = 10 * time.Second
)

// skew is how far another clock is ahead of this machine's. The zero skew was not seen.
type skew struct {
	ahead time.Duration
	seen  bool
}

// measure compares a Date header with the time in which it was written. It has whole seconds, so half a one is added.
func measure(date string, sent, received time.Time) skew {
	t, err := http.ParseTime(date)
	if err != nil {
		return skew{}
	}
	middle := sent.Add(received.Sub(sent) / 2)
	return skew{ahead: t.Add(time.Second / 2).Sub(middle).Round(time.Second), seen: true}
}

// words says how far a clock is off.
func (s skew) words() string {
	switch {
	case s.ahead >= notable:
		return fmt.Sprintf("%s ahead of this machine's", s.ahead)
	case s.ahead <= -notable:
		return fmt.Sprintf("%s behind this machine's", -s.ahead)
	default:
		return "as this machine's"
	}
}

// clocks compares the clocks of gate, registry and this machine.
func (d *Doctor) clocks() {
	const remedy = "let every machine follow an NTP server (timedatectl set-ntp true), and look again"
	forgiven := leeway
	if d.o.Profile.OwnKey {
		forgiven = settled
	}
	gate, reg := d.gateClock, d.registryClock
	if !gate.seen {
		d.report.unseen(CheckClock, "the gate told no time", "")
		return
	}
	apart, text := gate.ahead, "the gate's clock is "+gate.words()
	if reg.seen {
		apart -= reg.ahead
		text += ", and the registry's " + reg.words()
	} else if d.registry != nil {
		d.report.unseen(CheckClock, "the registry told no time", "compare its clock by hand")
	}
	switch apart = apart.Abs(); {
	case apart >= forgiven:
		d.report.fault(CheckClock, fmt.Sprintf("%s; a registry refuses tokens whose time is wrong by more than %s", text, forgiven), remedy)
	case apart >= notable || gate.ahead.Abs() >= notable:
		d.report.warn(CheckClock, text, remedy)
	default:
		d.report.ok(CheckClock, text)
	}
}
