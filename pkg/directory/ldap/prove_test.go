package ldap_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// alice is an entry of the company, as a memory would hold it.
func alice() directory.Entry {
	return directory.Entry{ID: "id-alice", DN: "uid=alice,ou=people,dc=example,dc=org", Name: "alice"}
}

// prove proves alice's right password and gives the slots.
func prove(ctx context.Context, b *ldap.Backend) (directory.Proof, *slots, error) {
	a := &slots{}
	p, err := b.Prove(ctx, alice(), identity.NewSecret("alice-password"), a)
	return p, a, err
}

// onUserBind answers binds of users.
func onUserBind(a func(request) *answer) func(request) *answer {
	return func(r request) *answer {
		if r.op == opBind && r.dn != serviceDN {
			return a(r)
		}
		return nil
	}
}

// TestProveAnswers: what each answer of a bind means for the account and its slot.
func TestProveAnswers(t *testing.T) {
	t.Parallel()
	const unavailable identity.Reason = "" // stands for ErrUnavailable
	tests := []struct {
		name     string
		code     int64
		controls *ber.Packet
		reason   identity.Reason
		outcome  guard.Outcome
	}{
		{"right", 0, nil, identity.ReasonOK, guard.OK},
		{"grace login", 0, graceLeft(3), identity.ReasonOK, guard.OK},
		{"must change", 0, policyError(2), identity.ReasonMustChange, guard.Refused},
		{"locked although it succeeds", 0, policyError(1), identity.ReasonLocked, guard.Refused},
		{"wrong", 49, nil, identity.ReasonWrongPassword, guard.Wrong},
		{"locked", 49, policyError(1), identity.ReasonLocked, guard.Refused},
		{"expired", 49, policyError(0), identity.ReasonPasswordExpired, guard.Refused},
		{"constraint", 19, nil, identity.ReasonRefused, guard.Refused},
		{"locked as 389 says it", 19, policyError(1), identity.ReasonLocked, guard.Refused},
		{"unwilling", 53, nil, identity.ReasonRefused, guard.Refused},
		{"gone", 32, nil, identity.ReasonNotFound, guard.Refused},
		{"not encrypted", 13, nil, unavailable, guard.NotSent},
		{"other", 80, nil, unavailable, guard.Unknown},
		{"operations error", 1, nil, unavailable, guard.Unknown},
		{"control that cannot be read", 0, controls(passwordPolicy, []byte{0x30, 3, 0x81, 1, 99}), unavailable, guard.Unknown},
		{"control that is cut off", 0, controls(passwordPolicy, []byte{0x30, 9}), unavailable, guard.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			s.on(onUserBind(func(request) *answer { return &answer{result: true, code: tt.code, controls: tt.controls} }))
			p, a, err := prove(t.Context(), backend(t, options(nil, s)))
			a.settled(t, tt.outcome)
			refusal, refused := errors.AsType[*identity.AccountError](err)
			switch {
			case tt.reason == unavailable:
				if !errors.Is(err, identity.ErrUnavailable) || refused {
					t.Errorf("Prove: %v, want ErrUnavailable", err)
				}
			case tt.reason == identity.ReasonOK:
				if err != nil || p.IsZero() || p.Server != "ldap://ldap1.example.org" {
					t.Errorf("Prove = %+v, %v, want a proof", p, err)
				}
			case !refused || refusal.Reason != tt.reason || refusal.ID != "id-alice":
				t.Errorf("Prove: %v, want %q", err, tt.reason)
			}
			if n := s.count(opBind, "uid="); n != 1 {
				t.Errorf("%d binds, want 1", n)
			}
		})
	}
}

func TestProveNeedsSecretAndDN(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	b := backend(t, options(nil, s))
	a := &slots{}
	if _, err := b.Prove(t.Context(), alice(), identity.Secret{}, a); !errors.Is(err, identity.ErrInvalidCredentials) {
		t.Errorf("Prove of an empty password: %v, want a refusal", err)
	}
	if _, err := b.Prove(t.Context(), directory.Entry{ID: "x"}, identity.NewSecret("x"), a); !errors.Is(err, identity.ErrInvalidCredentials) {
		t.Errorf("Prove without a DN: %v, want a refusal", err)
	}
	if a.reserved != 0 || s.opened() != 0 {
		t.Errorf("%d slots and %d connections, want none", a.reserved, s.opened())
	}
}

// TestLDAP49_BusyFailsOver: 51 and 52 move a bind to the next server; 49 never does.
func TestLDAP49_BusyFailsOver(t *testing.T) {
	t.Parallel()
	for _, code := range []int64{51, 52, 49} {
		first, second := newFakeServer(), newFakeServer()
		first.on(func(request) *answer { return &answer{result: true, code: code} })
		if code == 49 {
			first.on(onUserBind(func(request) *answer { return &answer{result: true, code: code} }))
		}
		b := backend(t, options(nil, first, second))
		p, a, err := prove(t.Context(), b)
		if code == 49 {
			a.settled(t, guard.Wrong)
			if n := second.count(opBind, "uid="); n != 0 || err == nil {
				t.Errorf("after 49: %d binds at the second server, %v", n, err)
			}
			continue
		}
		a.settled(t, guard.OK)
		if err != nil || p.Server != "ldap://ldap2.example.org" {
			t.Errorf("after %d: proof %+v, %v, want one of the second server", code, p, err)
		}
		if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
			t.Errorf("login after %d: %v", code, err)
		}
	}
}

// TestLDAP36_LostAnswer: a bind whose answer is lost is not sent again, and its outcome is unknown.
func TestLDAP36_LostAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer answer
		least  time.Duration
	}{
		{"silence", answer{}, 3 * time.Second},
		{"hang up", answer{hangUp: true}, 0},
		{"half an answer", answer{raw: []byte{0x30, 0x0c, 0x02, 0x01}, hangUp: true}, 0},
		{"garbage", answer{raw: []byte("HTTP/1.1 400 Bad Request\r\n\r\n")}, 0},
		{"malformed", answer{raw: []byte{0x30, 0x03, 0x02, 0x01, 0x01}}, 0},
		{"announced too large", answer{raw: []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}}, 0},
		{"another message's id", answer{raw: message(999, resultOf(opBindResponse, 0))}, 3 * time.Second},
		{"notice of disconnection", answer{raw: message(0, resultOf(opExtendedResponse, 52)), hangUp: true}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				first, second := newFakeServer(), newFakeServer()
				first.on(onUserBind(func(request) *answer { return &tt.answer }))
				b, stop := running(t, options(nil, first, second))
				defer stop()
				start := time.Now()
				_, a, err := prove(t.Context(), b)
				took := time.Since(start)
				a.settled(t, guard.Unknown)
				if !errors.Is(err, identity.ErrUnavailable) {
					t.Errorf("Prove: %v, want ErrUnavailable", err)
				}
				if n := first.count(opBind, "uid=") + second.count(opBind, "uid="); n != 1 {
					t.Errorf("%d binds sent, want 1", n)
				}
				if took < tt.least || took > 4*time.Second {
					t.Errorf("took %v, want between %v and 4s", took, tt.least)
				}
				first.on(nil)
				if _, _, err := prove(t.Context(), b); err != nil {
					t.Errorf("the next bind: %v", err)
				}
			})
		})
	}
}

// TestLDAP67_BadMessages: nothing that a server sends harms more than its connection.
func TestLDAP67_BadMessages(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"no answer at all":       {},
		"malformed":              {0x30, 0x03, 0x02, 0x01, 0x01},
		"not a sequence":         {0x02, 0x01, 0x00},
		"indefinite length":      {0x30, 0x80, 0x02, 0x01, 0x01, 0x00, 0x00},
		"oversized":              {0x30, 0x84, 0x10, 0x00, 0x00, 0x00},
		"length of lengths":      {0x30, 0xff},
		"unexpected message":     message(77, resultOf(opDone, 0)),
		"notice":                 message(0, resultOf(opExtendedResponse, 52)),
		"entry without contents": message(2, ber.Encode(ber.ClassApplication, ber.TypeConstructed, opEntry, nil, "")),
		"answer to a bind":       message(2, resultOf(opBindResponse, 0)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFakeServer()
				b, stop := running(t, options(nil, s))
				defer stop()
				s.on(func(r request) *answer {
					if r.op == opSearch && r.dn != "" {
						return &answer{raw: raw}
					}
					return nil
				})
				start := time.Now()
				_, err := b.Find(t.Context(), "alice", 0)
				if !errors.Is(err, identity.ErrUnavailable) {
					t.Errorf("Find: %v, want ErrUnavailable", err)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %v, want at most 5s", took)
				}
				s.on(nil)
				if _, err := b.Find(t.Context(), "alice", 0); err != nil {
					t.Errorf("the next search: %v", err)
				}
			})
		})
	}
}
