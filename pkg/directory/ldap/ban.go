package ldap

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// firstBan is how long a server that refuses everything is left alone at first; GLAuth's bans last as long.
	firstBan = time.Minute
	// lastBan is the longest time.
	lastBan = 10 * time.Minute
)

// ban remembers that a server refuses everything that comes from here, as GLAuth does for a while after a few wrong
// passwords, whoever typed them. Going on asking would tell everybody that their password is wrong.
type ban struct {
	mu    sync.Mutex
	fault *serverError
	until time.Time
	pause time.Duration
}

// isBan reports whether an answer may be that of a server that refuses everything: result 53 without a word about the
// account, or with that of GLAuth.
func isBan(f *serverError) bool {
	if f == nil || f.class != classAnswer || f.code != resultUnwillingToPerform {
		return false
	}
	_, words, _ := strings.Cut(f.text, "):")
	return strings.TrimSpace(words) == "" || strings.Contains(strings.ToLower(words), "in a timeout")
}

// banned gives the fault of asking a server that is left alone, or nil.
func (s *server) banned() *serverError {
	s.ban.mu.Lock()
	defer s.ban.mu.Unlock()
	left := s.ban.until.Sub(s.now())
	if s.ban.fault == nil || left <= 0 {
		return nil
	}
	f := *s.ban.fault
	f.after = left
	return &f
}

// heed looks at the answer to a search or a service bind. Where the server refuses everything, it is left alone for a
// while, longer each time; the fault then says so. Any other answer ends the row.
func (s *server) heed(ctx context.Context, f *serverError) *serverError {
	if !f.answered() {
		return f
	}
	s.ban.mu.Lock()
	if !isBan(f) {
		if s.ban.fault != nil && !s.now().Before(s.ban.until) {
			s.ban.fault, s.ban.pause = nil, 0
		}
		s.ban.mu.Unlock()
		return f
	}
	fresh := s.ban.fault == nil || !s.now().Before(s.ban.until)
	if fresh {
		s.ban.pause = min(max(2*s.ban.pause, firstBan), lastBan)
		s.ban.until = s.now().Add(s.ban.pause)
		s.ban.fault = &serverError{
			class: classAway, code: f.code, step: f.step, reason: identity.ReasonBanned, err: f.err,
			text: f.text + ": the server refuses everything from here, as GLAuth does after a few wrong passwords: take the gate's address out of its limit of failed binds",
		}
	}
	pause, fault := s.ban.pause, *s.ban.fault
	s.ban.mu.Unlock()
	if fresh {
		s.backend.log.WarnContext(ctx, "directory server refuses everything and is left alone", "server", s.url, "pause", pause.String(), "fault", fault.text)
	}
	fault.after = pause
	return &fault
}

// suspect finds out whether a server that refused a user's bind without a word refuses everything: it is asked for its own
// entry. It gives the fault of that, or nil where the refusal was of the user.
func (s *server) suspect(ctx context.Context, f *serverError) *serverError {
	if !isBan(f) {
		return nil
	}
	_ = s.ping(ctx) // what it finds is remembered
	return s.banned()
}
