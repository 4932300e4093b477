package ldap

import (
	"context"
	"runtime"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Prove binds as the entry, once. It tries another connection or server only while not a byte of the bind
// has left, or where the server answered that it did not process it (results 51 and 52). The caller's
// deadline bounds the bind, but a caller that merely goes away does not end it: its outcome is counted.
func (b *Backend) Prove(ctx context.Context, e directory.Entry, s identity.Secret, attempts guard.Attempts) (directory.Proof, error) {
	if s.IsEmpty() {
		return directory.Proof{}, b.refuse(identity.ReasonWrongPassword, e, "empty password")
	}
	if e.DN == "" { // a bind without a name proves nothing
		return directory.Proof{}, b.refuse(identity.ReasonNotFound, e, "the entry has no DN")
	}
	ctx, cancel := b.stage(ctx)
	defer cancel()
	p := proving{backend: b, entry: e, secret: s, attempts: attempts, outcome: guard.NotSent}
	defer p.settle()
	return p.prove(ctx)
}

// proving is one bind on its way.
type proving struct {
	backend  *Backend
	entry    directory.Entry
	secret   identity.Secret
	attempts guard.Attempts
	reserved func(guard.Outcome) // nil until a slot is reserved
	outcome  guard.Outcome
}

// settle tells what became of the reserved slot.
func (p *proving) settle() {
	if p.reserved != nil {
		p.reserved(p.outcome)
	}
}

// prove looks for a server that takes the bind.
func (p *proving) prove(ctx context.Context) (directory.Proof, error) {
	if ctx.Err() != nil {
		return directory.Proof{}, p.backend.unavailableFor(gone(ctx), p.entry)
	}
	if f := p.backend.discovered(ctx); f != nil {
		return directory.Proof{}, p.backend.unavailableFor(f, p.entry)
	}
	var last *serverError
	t := p.backend.fleet.tour()
	for s := t.next(nil); s != nil; s = t.next(nil) {
		t.try(s)
		proof, f, err := p.at(ctx, s, t.next(nil))
		if f == nil {
			t.stick(s)
			return proof, err
		}
		last = f
		if p.outcome != guard.NotSent || f.class == classCaller || f.class == classFull || ctx.Err() != nil {
			break
		}
	}
	if last == nil {
		last = p.backend.allAway()
	}
	return directory.Proof{}, p.backend.unavailableFor(last, p.entry)
}

// at binds at one server. A fault means that it could not be asked there; p.outcome says whether the bind
// may go on to another one.
func (p *proving) at(ctx context.Context, s, next *server) (directory.Proof, *serverError, error) {
	for {
		c, f := p.connection(ctx, s, next)
		if f != nil {
			return directory.Proof{}, f, nil
		}
		if err := p.reserve(ctx); err != nil {
			s.binds.put(c)
			return directory.Proof{}, nil, err
		}
		proven := c.proven.Load()
		start := time.Now()
		name, byID := s.bindName(ctx, p.entry)
		controls, sent, f := c.bind(name, p.secret, s.remaining(ctx))
		s.observer().operation(s.url, "user_bind", f, time.Since(start))
		s.report(c, f)
		if f.answered() {
			if s.binds.put(c) == handedOver {
				runtime.Gosched() // whoever waited sends its bind before this one's token is made
			}
			if f != nil && f.class == classAway {
				return directory.Proof{}, f, nil
			}
			if ban := s.suspect(ctx, f); ban != nil {
				return directory.Proof{}, ban, nil
			}
			proof, f, err := p.answer(s, f, readPolicy(controls))
			proof.ByID = byID && !proof.IsZero()
			return proof, f, err
		}
		s.binds.drop(c)
		if sent {
			p.outcome = guard.Unknown
			return directory.Proof{}, f, nil
		}
		if !proven || f.class != classNetwork || ctx.Err() != nil {
			return directory.Proof{}, f, nil
		} // else it died while idle, and a fresh connection may do
	}
}

// reserve takes the slot, once, however many connections are tried.
func (p *proving) reserve(ctx context.Context) error {
	if p.reserved != nil {
		return nil
	}
	settle, err := p.attempts.Reserve(ctx)
	if err != nil {
		return err
	}
	p.reserved = settle
	return nil
}

// connection takes a connection to a server, leaving time for the next one where there is one.
func (p *proving) connection(ctx context.Context, s, next *server) (*connection, *serverError) {
	if f := s.banned(); f != nil {
		return nil, f
	}
	if c := s.binds.getIdle(); c != nil { // the usual case needs no deadline of its own
		return c, nil
	}
	ctx, cancel := p.backend.share(ctx, next)
	defer cancel()
	return s.binds.get(ctx)
}

// answer reads the server's answer.
func (p *proving) answer(s *server, f *serverError, policy policyAnswer) (directory.Proof, *serverError, error) {
	b := p.backend
	if f == nil {
		if policy.reason != "" {
			p.outcome = guard.Refused
			return directory.Proof{}, nil, b.refuse(policy.reason, p.entry, policy.beside("")+", although the bind succeeded")
		}
		p.outcome = guard.OK
		if policy.grace >= 0 {
			b.log.Info("bind used a grace login: the password has expired", "server", s.url, "account", p.entry.ID, "grace_left", policy.grace)
		}
		return directory.Proof{Server: s.url, At: b.options.Now()}, nil, nil
	}
	outcome, reason := verdict(f, policy.reason)
	p.outcome = outcome
	if reason == "" {
		f.text += bindRemedy(f.code)
		return directory.Proof{}, f, nil
	}
	return directory.Proof{}, nil, b.refuse(reason, p.entry, policy.beside(f.text))
}

// verdict says what a refused bind means for the slot and for the account. No reason means that
// the server could not be asked; the outcome NotSent then means that the password was not looked at.
func verdict(f *serverError, policy identity.Reason) (guard.Outcome, identity.Reason) {
	switch f.code {
	case resultInvalidCredentials:
		if policy != "" {
			return guard.Refused, policy
		}
		if outcome, reason := windowsVerdict(f.text); reason != "" {
			return outcome, reason
		}
		if reason := reasonInText(f.text); reason != "" {
			return guard.Refused, reason
		}
		return guard.Wrong, identity.ReasonWrongPassword
	case resultNoSuchObject:
		return guard.Refused, identity.ReasonNotFound
	case resultConstraintViolation, resultUnwillingToPerform, resultInappropriateAuth, resultInsufficientAccess, resultInvalidDNSyntax:
		return guard.Refused, orElse(reasonInText(f.text), orElse(policy, identity.ReasonRefused))
	case resultStrongAuthRequired, resultConfidentialityRequired, resultReferral, resultAdminLimitExceeded:
		return guard.NotSent, "" // a quota that is used up looks at no password either
	default:
		return guard.Unknown, ""
	}
}

// bindRemedy says what to do about a bind that the server does not take.
func bindRemedy(code uint16) string {
	if code == resultStrongAuthRequired || code == resultConfidentialityRequired {
		return encryptionRemedy
	}
	return ""
}
