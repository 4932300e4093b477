package ldap

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// refusals remembers that servers said that one password of the service account is wrong. The servers of a directory and
// its catalogs share their counts of failures: asking all of them would lock the account. So at first two are told the
// password and later one at a time, with longer and longer pauses, and until one has taken it no more of them at once.
type refusals struct {
	mu       sync.Mutex
	secret   identity.Secret
	taken    bool          // a server has taken the secret since one refused it
	by       []*server     // who refused it
	round    int           // how many of them since the last pause
	pause    time.Duration // the last one; zero before the first refusal
	fault    *serverError
	until    time.Time
	trying   int           // binds whose outcome is open
	answered chan struct{} // closed with the next outcome
}

const (
	// mostRefusals is how many servers are told one wrong password before the first pause. The second one may know a
	// new password already that the first does not know yet.
	mostRefusals = 2
	// precedence is for how long after a pause those servers come first that have not refused the password.
	precedence = 30 * time.Second
	// patience is how long one bind waits for the outcome of others: a server that hangs must not hold up all.
	patience = fairTime
)

// newRefusals makes an empty memory.
func newRefusals() *refusals { return &refusals{answered: make(chan struct{})} }

// begin waits until a server may be told the secret; end is called with what it said, or with nil where it took it. Or it
// gives the last refusal.
func (r *refusals) begin(ctx context.Context, s *server, secret identity.Secret) (end func(*serverError), f *serverError) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for wait := true; ; {
		r.mu.Lock()
		if secret != r.secret {
			r.clearLocked(secret)
		}
		if f := r.blockedLocked(s, s.now()); f != nil {
			r.mu.Unlock()
			return nil, f
		}
		if r.taken || !wait || r.trying+r.round < r.mostLocked() || r.trying == 0 {
			r.trying++
			r.mu.Unlock()
			return func(f *serverError) { r.end(s, secret, f) }, nil
		}
		answered := r.answered
		r.mu.Unlock()
		select {
		case <-answered:
		case <-late.C:
			wait = false
		case <-ctx.Done():
			return nil, lateServiceBind(ctx)
		}
	}
}

// end takes note of what a server said.
func (r *refusals) end(s *server, secret identity.Secret, f *serverError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trying--
	close(r.answered)
	r.answered = make(chan struct{})
	switch {
	case secret != r.secret:
	case f == nil:
		r.clearLocked(secret)
		r.taken = true
	case f.code == resultInvalidCredentials:
		r.addLocked(s, f)
	}
}

// addLocked counts a refusal.
func (r *refusals) addLocked(s *server, f *serverError) {
	now := s.now()
	if r.pause == 0 || !now.Before(r.until) {
		r.round, r.pause = 0, min(max(2*r.pause, firstRefusedPause), lastRefusedPause)
	}
	if !slices.Contains(r.by, s) {
		r.by = append(r.by, s)
	}
	r.round++
	r.taken, r.fault, r.until = false, f, now.Add(r.pause)
}

// mostLocked is how many servers are told the secret before the next pause.
func (r *refusals) mostLocked() int {
	if r.pause <= firstRefusedPause {
		return mostRefusals
	}
	return 1
}

// blockedLocked gives the last refusal where it says enough. At the end of a pause the next round begins.
func (r *refusals) blockedLocked(s *server, now time.Time) *serverError {
	switch {
	case r.pause == 0:
		return nil
	case now.Before(r.until):
		if r.round < r.mostLocked() {
			return nil
		}
		return r.fault
	case slices.Contains(r.by, s) && now.Before(r.until.Add(precedence)):
		return r.fault
	}
	return nil
}

// blocked gives the last refusal of the secret where a server need not be asked, or nil.
func (r *refusals) blocked(s *server, secret identity.Secret) *serverError {
	r.mu.Lock()
	defer r.mu.Unlock()
	if secret != r.secret {
		return nil
	}
	return r.blockedLocked(s, s.now())
}

// clearLocked begins anew with a secret.
func (r *refusals) clearLocked(secret identity.Secret) {
	r.secret, r.taken, r.by, r.round, r.pause, r.fault = secret, false, nil, 0, 0, nil
}

// forget lets every server be asked again.
func (r *refusals) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clearLocked(identity.Secret{})
}

// errNoCertificate means that there is no client certificate to show.
var errNoCertificate = errors.New("there is no client certificate")

// certificateDigest names the client certificate that is shown now, so that a new one is known from a refused one.
func certificateDigest(c *tls.Config) (identity.Secret, error) {
	var shown *tls.Certificate
	switch {
	case c == nil:
	case c.GetClientCertificate != nil:
		var err error
		if shown, err = c.GetClientCertificate(&tls.CertificateRequestInfo{Version: tls.VersionTLS13}); err != nil {
			return identity.Secret{}, err
		}
	case len(c.Certificates) > 0:
		shown = &c.Certificates[0]
	}
	if shown == nil || len(shown.Certificate) == 0 {
		return identity.Secret{}, errNoCertificate
	}
	digest := sha256.Sum256(shown.Certificate[0])
	return identity.NewSecret(hex.EncodeToString(digest[:])), nil
}
