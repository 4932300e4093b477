package gate

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// ErrNoSuchTrust means that a registry's keys cannot be given in a form.
var ErrNoSuchTrust = errors.New("not in this form")

// TrustOf gives the form in which the software of a kind takes the keys of a registry; the zero kind is the registry's
// own. A kind that cannot verify the registry's tokens is an error that says why.
func TrustOf(r config.Registry, kind registry.Kind) (registry.Trust, error) {
	if kind == "" {
		kind = registry.Kind(r.Kind)
	}
	way, err := registry.ProfileOf(kind).Way(r.KeyForm, r.Algorithm)
	return way.Trust, err
}

// Trusted gives what a registry must hold to believe its tokens: a bundle of certificates, a JWK Set, or a single
// certificate. No private key is in it.
func Trusted(cfg config.Config, r config.Registry, t registry.Trust) ([]byte, error) {
	name := ringOf(r)
	if name == "" {
		if t != registry.TrustBundle {
			return nil, fmt.Errorf("%w: tokens for %s carry a certificate under the signing CA, which registries hold as a bundle", ErrNoSuchTrust, r.Service)
		}
		return Bundle(cfg)
	}
	if r.KeyForm == string(token.X5C) {
		return broughtBundle(r, t)
	}
	ring, err := ringFor(cfg, name)
	if err != nil {
		return nil, err
	}
	switch t {
	case registry.TrustJWKS:
		keys, err := ring.Trusted(token.Form(r.KeyForm))
		if err != nil {
			return nil, err
		}
		return token.EncodeJWKS(keys)
	case registry.TrustKey:
		return ring.ActiveCertificate()
	default:
		bundle := ring.Bundle()
		if len(bundle) == 0 {
			return nil, fmt.Errorf("%w: a bundle holds certificates, and %s has none; set cert_file", ErrNoSuchTrust, r.KeyFile)
		}
		return bundle, nil
	}
}

// broughtBundle gives the last certificate that a brought x5c key comes with: the authority, or the certificate itself.
func broughtBundle(r config.Registry, t registry.Trust) ([]byte, error) {
	if t != registry.TrustBundle {
		return nil, fmt.Errorf("%w: tokens for %s carry the certificate in %s, which registries hold as a bundle", ErrNoSuchTrust, r.Service, r.CertFile)
	}
	return token.ReadAnchor(r.CertFile)
}

// PublicKeys gives the keys that a registry should hold, with the ids that its tokens carry. Tokens under a CA have none.
func PublicKeys(cfg config.Config, r config.Registry) ([]token.PublicKey, error) {
	name := ringOf(r)
	if name == "" || r.KeyForm == string(token.X5C) {
		return nil, fmt.Errorf("%w: tokens for %s carry their certificate", ErrNoSuchTrust, r.Service)
	}
	ring, err := ringFor(cfg, name)
	if err != nil {
		return nil, err
	}
	return ring.Trusted(token.Form(r.KeyForm))
}

// ringFor opens the ring of a name for a look.
func ringFor(cfg config.Config, name string) (*token.Ring, error) {
	for _, ro := range ringOptions(cfg) {
		if ro.Name != name {
			continue
		}
		ring, err := token.OpenRing(ro.RingOptions)
		if errors.Is(err, fs.ErrNotExist) && ro.File != "" {
			return nil, noKeys(ro.File)
		}
		return ring, err
	}
	return nil, fmt.Errorf("%w: %q", token.ErrUnknownRing, name)
}
