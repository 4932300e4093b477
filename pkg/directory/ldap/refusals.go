package ldap

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// refusals remembers which servers said that one password of the service account is wrong. The servers share their
// counts of failures: where several refuse it, asking all the others would lock the account.
type refusals struct {
	mu     sync.Mutex
	secret identity.Secret
	by     []*server
	fault  *serverError
	until  time.Time
}

// mostRefusals is how many servers are told one wrong password in a pause. The second one may know a new password
// already that the first does not know yet.
const mostRefusals = 2

// add counts a refusal.
func (r *refusals) add(s *server, secret identity.Secret, f *serverError, now time.Time) {
	if f.code != resultInvalidCredentials {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if secret != r.secret || !now.Before(r.until) {
		r.by = nil
	}
	if !slices.Contains(r.by, s) {
		r.by = append(r.by, s)
	}
	r.secret, r.fault, r.until = secret, f, now.Add(firstRefusedPause)
}

// blocked gives the last refusal where enough other servers refused the secret, or nil. Those that refused it
// themselves have a memory of their own.
func (r *refusals) blocked(s *server, secret identity.Secret, now time.Time) *serverError {
	r.mu.Lock()
	defer r.mu.Unlock()
	if secret != r.secret || !now.Before(r.until) || len(r.by) < mostRefusals || slices.Contains(r.by, s) {
		return nil
	}
	return r.fault
}

// forget lets every server be asked again.
func (r *refusals) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secret, r.by, r.fault = identity.Secret{}, nil, nil
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
