package ldap_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// retryOf gives the reason of an error that says to ask again later, and when.
func retryOf(t *testing.T, err error) (identity.Reason, time.Duration) {
	t.Helper()
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, identity.ErrUnavailable) {
		t.Fatalf("error = %v, want unavailable", err)
	}
	return retry.Reason, retry.After
}

// TestLDAP37_Bans: a server that refuses everything from here is told apart from one that refuses a user, is reported,
// and is left alone, longer each time; no password is counted as wrong by it.
func TestLDAP37_Bans(t *testing.T) {
	t.Parallel()
	refuseAll := func(request) *answer { return &answer{result: true, code: 53} }
	s, now, log := newFakeServer(), &clock{now: time.Unix(2e9, 0)}, &bytes.Buffer{}
	b := backend(t, options(func(o *ldap.Options) {
		o.Now, o.Logger = now.time, slog.New(slog.NewTextHandler(log, nil))
	}, s))
	e, err := b.Find(t.Context(), "alice", 0)
	if err != nil {
		t.Fatal(err)
	}
	s.on(refuseAll)
	for _, pause := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		var attempts slots
		_, err = b.Prove(t.Context(), e, identity.NewSecret("alice-password"), &attempts)
		if reason, after := retryOf(t, err); reason != identity.ReasonBanned || after != pause {
			t.Fatalf("bind while banned: %s, again in %s, want banned and %s", reason, after, pause)
		}
		attempts.settled(t, guard.NotSent)
		s.forget()
		for range 10 {
			if _, err := b.Find(t.Context(), "bob", 0); err == nil {
				t.Fatal("a banned gate finds somebody")
			}
			if _, err := b.Prove(t.Context(), e, identity.NewSecret("alice-password"), &slots{}); err == nil {
				t.Fatal("a banned gate proves a password")
			}
		}
		if n := s.count(opBind, "") + s.count(opSearch, ""); n != 0 {
			t.Errorf("%d requests reached a server that is left alone", n)
		}
		now.move(pause)
	}
	s.on(nil)
	if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
		t.Errorf("after the ban: %v", err)
	}
	if text := log.String(); strings.Count(text, "refuses everything") != 2*3 || !strings.Contains(text, "GLAuth") {
		t.Errorf("log:\n%s", text)
	}
	now.move(lastBan)
	s.on(refuseAll)
	_, err = b.Find(t.Context(), "alice", 0)
	if reason, after := retryOf(t, err); reason != identity.ReasonBanned || after != time.Minute {
		t.Errorf("banned again after good times: %s, again in %s, want banned and 1m", reason, after)
	}
}

const lastBan = 10 * time.Minute

// TestLDAP37_RefusalOfOneUserIsNoBan: where only a bind is refused, the user is.
func TestLDAP37_RefusalOfOneUserIsNoBan(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	s.on(func(r request) *answer {
		if r.op == opBind && strings.Contains(r.dn, "alice") {
			return &answer{result: true, code: 53}
		}
		return nil
	})
	b := backend(t, options(nil, s))
	if _, err := login(t.Context(), b, "alice", "alice-password"); !errors.Is(err, identity.ErrInvalidCredentials) {
		t.Errorf("refused user: %v, want a refusal", err)
	}
	if _, err := login(t.Context(), b, "bob", "bob-password"); err != nil {
		t.Errorf("another user: %v", err)
	}
}

// TestQuotas: results 11 and 4 of hosted directories are a limit of theirs, and neither a wrong password nor an unknown
// or ambiguous name.
func TestQuotas(t *testing.T) {
	t.Parallel()
	for _, code := range []int64{4, 11} {
		s := newFakeServer()
		b := backend(t, options(nil, s))
		e, err := b.Find(t.Context(), "alice", 0)
		if err != nil {
			t.Fatal(err)
		}
		s.on(func(request) *answer { return &answer{result: true, code: code} })
		_, err = b.Find(t.Context(), "bob", 0)
		if reason, _ := retryOf(t, err); reason != identity.ReasonLimit {
			t.Errorf("search answered %d: %s, want limit", code, reason)
		}
		if code == 4 { // no answer to a bind
			continue
		}
		var attempts slots
		_, err = b.Prove(t.Context(), e, identity.NewSecret("alice-password"), &attempts)
		if reason, _ := retryOf(t, err); reason != identity.ReasonLimit {
			t.Errorf("bind answered %d: %s, want limit", code, reason)
		}
		attempts.settled(t, guard.NotSent)
	}
}
