package guard

import (
	"fmt"
	"time"
)

const (
	// margin is how far below a directory's threshold our failed binds stay: one for the password that was right
	// before and is wrong by now, and one for the owner at the desk.
	margin = 2
	// sane is how many binds may fail where the directory would let more through.
	sane = 10
	// defaultLimit and defaultWindow are the failed binds of an account whose directory does not tell its rule.
	defaultLimit  = 3
	defaultWindow = 30 * time.Minute
	// neverForgets is the window for a directory that forgets failures at a success only, and does not show how
	// many it counts.
	neverForgets = 24 * time.Hour
)

// Lockout is how a directory locks an account after wrong passwords. The zero Lockout is not known.
type Lockout struct {
	// Known is true if the directory told; all that follows is then its own, and else what is to be feared.
	Known bool
	// Threshold is the number of the wrong password that locks; zero means that none does.
	Threshold int
	// Window is how long a wrong password counts; zero means until the next right one.
	Window time.Duration
	// Duration is how long a lock lasts; zero means until somebody ends it.
	Duration time.Duration
	// Origin says for people where this was read, or why it is not known.
	Origin string
}

// Seen is what the directory itself counts for one account. The zero Seen is nothing.
type Seen struct {
	// Failures is how many wrong passwords it counts.
	Failures int
	// Last is when the last of them came; zero if it does not tell.
	Last time.Time
	// Times are when each of them came, for a directory that also keeps those that count no more; empty where all of
	// them end together, with the window after the last one.
	Times []time.Time
	// Locked is true if it says that the account is locked; also of a lock that may have ended since.
	Locked bool
}

// counting is how many of the failures still count for a rule.
func (s Seen) counting(rule Lockout, now time.Time) int {
	counts := func(t time.Time) bool { return rule.Window <= 0 || t.IsZero() || t.Add(rule.Window).After(now) }
	if len(s.Times) == 0 {
		if !counts(s.Last) {
			return 0
		}
		return s.Failures
	}
	n := 0
	for _, t := range s.Times {
		if counts(t) {
			n++
		}
	}
	return n
}

// MayLock reports whether an account of which the directory tells this may be locked.
func (l Lockout) MayLock(s Seen, now time.Time) bool {
	return s.Locked || l.Known && l.Threshold > 0 && s.counting(l, now) >= l.Threshold
}

// drift is how far the directory's clock may be from this machine's.
const drift = 10 * time.Second

// locksAgain reports whether an account with as many failures as lock it may be open again while they still count, so
// that the next one locks it once more.
func (s Seen) locksAgain(rule Lockout, now time.Time) bool {
	if rule.Duration <= 0 || rule.Window > 0 && rule.Duration >= rule.Window {
		return false
	}
	return s.Last.IsZero() || !s.Last.Add(rule.Duration-drift).After(now)
}

// Limits say how many binds of an account may fail at most, whatever its directory allows. The zero value leaves it
// to the directory's own rule: two less than its threshold, at least 1 and at most 10, in its window; and 3 in 30
// minutes where the rule is not known.
type Limits struct {
	// Max bounds the number; zero means no bound of its own.
	Max int
	// Window is the shortest window; zero means that of the directory.
	Window time.Duration
}

// validate refuses what makes no sense.
func (l Limits) validate() error {
	if l.Max < 0 || l.Window < 0 {
		return fmt.Errorf("%w: %d failed binds in %v", ErrInvalidOptions, l.Max, l.Window)
	}
	return nil
}

// Under gives the limit for accounts under a rule.
func (l Limits) Under(rule Lockout) Limit {
	limit := Limit{Max: l.Max, Window: max(l.Window, rule.Window)}
	switch {
	case !rule.Known:
		most := defaultLimit
		if rule.Threshold > 0 {
			most = min(most, below(rule.Threshold))
		}
		return Limit{Max: orDefault(l.Max, most), Window: max(orDefault(l.Window, defaultWindow), rule.Window)}
	case rule.Threshold <= 0:
		return Limit{Max: orDefault(l.Max, sane), Window: orDefault(limit.Window, defaultWindow)}
	case rule.Window == 0:
		limit.Window = max(l.Window, neverForgets)
	}
	most := min(below(rule.Threshold), sane)
	limit.Max = min(orDefault(l.Max, most), most)
	limit.Ceiling = rule.Threshold - 1
	return limit
}

// below is how many of our binds may fail under a threshold.
func below(threshold int) int { return max(threshold-margin, 1) }

// Limit bounds the failed binds of one account.
type Limit struct {
	// Max is how many of ours may count; [Unbounded] counts them and refuses none.
	Max int
	// Window is how long they count after the last of them.
	Window time.Duration
	// Ceiling is how many wrong passwords, those of others included, leave the account unlocked; zero means that it
	// is not known, or that there is no such number.
	Ceiling int
}

// Seeing gives the limit for an account whose failures the directory shows: a directory that never forgets them need
// not be imitated then.
func (l Limit) Seeing(seen Seen, rule Lockout) Limit {
	if l.Ceiling > 0 && rule.Window == 0 && seen.Failures > 0 {
		l.Window = defaultWindow
	}
	return l
}

// orDefault gives n, or the default for zero.
func orDefault[T int | time.Duration](n, fallback T) T {
	if n == 0 {
		return fallback
	}
	return n
}
