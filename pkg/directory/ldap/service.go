package ldap

import (
	"context"
	"sync"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// serviceAccount remembers that one server refused the service account, so that the same password is not
// sent again for each request: that would lock the account.
type serviceAccount struct {
	turn chan struct{} // held during a service bind, so that a wrong password goes out once

	mu      sync.Mutex
	refused identity.Secret
	fault   *serverError
	until   time.Time
	pause   time.Duration
}

const (
	firstRefusedPause = 5 * time.Minute
	lastRefusedPause  = time.Hour
)

// blocked gives the remembered refusal of this very password, or nil.
func (a *serviceAccount) blocked(s identity.Secret, now time.Time) *serverError {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fault == nil || s != a.refused || !now.Before(a.until) {
		return nil
	}
	return a.fault
}

// remember keeps a refusal for a while, longer each time.
func (a *serviceAccount) remember(s identity.Secret, f *serverError, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pause = min(max(2*a.pause, firstRefusedPause), lastRefusedPause)
	a.refused, a.fault, a.until = s, f, now.Add(a.pause)
}

// forget lets the next request bind again.
func (a *serviceAccount) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused, a.fault, a.pause = identity.Secret{}, nil, 0
}

// serviceConnect opens a connection bound as the service account, ready to be shared.
func (s *server) serviceConnect(ctx context.Context) (*connection, *serverError) {
	if f := s.banned(); f != nil {
		return nil, f
	}
	secret, f := s.serviceSecret()
	if f != nil {
		return nil, f
	}
	c, f := s.connect(ctx, newConnection)
	if f != nil {
		return nil, f
	}
	if f := s.serviceBind(ctx, c, secret); f != nil {
		c.abort()
		return nil, f
	}
	c.conn.SetTimeout(s.timeouts().Operation)
	return c, nil
}

// serviceSecret reads what the service account is proven with, and refuses one that was refused. Where that is a
// certificate, its digest stands for it.
func (s *server) serviceSecret() (identity.Secret, *serverError) {
	o := &s.backend.options
	read, step := o.BindPassword, "read the service account's password"
	switch {
	case o.External:
		read, step = func() (identity.Secret, error) { return certificateDigest(s.tls) }, "read the client certificate"
	case o.BindDN == "":
		return identity.Secret{}, nil
	}
	secret, err := read()
	switch {
	case err != nil:
		return identity.Secret{}, &serverError{class: classConfig, step: step, err: err}
	case secret.IsEmpty():
		return identity.Secret{}, &serverError{class: classConfig, step: step, text: "it is empty"}
	}
	return secret, s.blocked(secret)
}

// blocked gives the remembered refusal of a secret, by this server or by several others.
func (s *server) blocked(secret identity.Secret) *serverError {
	if f := s.service.blocked(secret, s.now()); f != nil {
		return f
	}
	return s.backend.refusals.blocked(s, secret)
}

// lateServiceBind is the fault of a service bind whose turn did not come in time.
func lateServiceBind(ctx context.Context) *serverError {
	return &serverError{class: classTimeout, step: "service bind", text: "another service bind takes too long", err: ctx.Err(), brief: true}
}

// serviceBind binds as the service account, one at a time at this server.
func (s *server) serviceBind(ctx context.Context, c *connection, secret identity.Secret) *serverError {
	o := &s.backend.options
	if o.BindDN == "" && !o.External {
		return nil
	}
	select {
	case s.service.turn <- struct{}{}:
		defer func() { <-s.service.turn }()
	case <-ctx.Done():
		return lateServiceBind(ctx)
	}
	if f := s.service.blocked(secret, s.now()); f != nil {
		return f
	}
	end, f := s.backend.refusals.begin(ctx, s, secret)
	if f != nil {
		return f
	}
	defer func() { end(f) }()
	start := time.Now()
	controls, f := c.bindService(o, secret, s.remaining(ctx))
	s.observer().operation(s.url, "service_bind", f, time.Since(start))
	s.report(c, f)
	f = s.heed(ctx, f)
	policy := readPolicy(controls)
	if f == nil && policy.reason != "" {
		f = &serverError{class: classAnswer}
	}
	if f == nil {
		s.service.forget()
		return nil
	}
	if f.step != "tls" {
		f.step = "service bind"
	}
	if f.class == classAnswer {
		f = &serverError{class: classConfig, code: f.code, step: "service bind", text: policy.beside(f.text) + serviceRemedy(f, policy.reason)}
		s.service.remember(secret, f, s.now())
		s.backend.log.ErrorContext(ctx, "directory server refuses the service account", "server", s.url, "fault", f.text)
	}
	return f
}

// bindService makes the one bind that the options say.
func (c *connection) bindService(o *Options, secret identity.Secret, limit time.Duration) ([]goldap.Control, *serverError) {
	if o.External {
		return nil, c.bindExternal(limit)
	}
	controls, _, f := c.bind(o.BindDN, secret, limit)
	return controls, f
}

// encryptionRemedy says what to do about a server that takes no password in plain text.
const encryptionRemedy = "; the server wants encryption: use ldaps:// or tls.start_tls"

// serviceRemedy says what to do about a refused service account. Where Active Directory or the password policy says why, so
// does it.
func serviceRemedy(f *serverError, policy identity.Reason) string {
	const again = "; it is tried again after a pause, or at once with a new password"
	switch f.code {
	case resultStrongAuthRequired, resultConfidentialityRequired:
		return encryptionRemedy
	}
	_, reason := windowsVerdict(f.text)
	switch orElse(reason, policy) {
	case identity.ReasonLocked:
		return "; the service account (bind.dn) is locked: unlock it in the directory" + again
	case identity.ReasonDisabled:
		return "; the service account (bind.dn) is disabled: enable it in the directory" + again
	case identity.ReasonAccountExpired:
		return "; the service account (bind.dn) has ended: prolong it in the directory" + again
	case identity.ReasonPasswordExpired, identity.ReasonMustChange:
		return "; the service account's password has expired: give it a new one in the directory and in the password file" + again
	case identity.ReasonHours, identity.ReasonWorkstation:
		return "; the domain lets the service account in at other hours or from other workstations only: change that in the directory" + again
	default:
		return "; look at bind.dn and the password file (or at whom the server takes the client certificate for), and whether the account is locked" + again
	}
}

// remaining gives the time that an operation may take now.
func (s *server) remaining(ctx context.Context) time.Duration {
	limit := s.timeouts().Operation
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, max(time.Until(deadline), time.Millisecond))
	}
	return limit
}
