package token

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// readBrought reads a key and the certificates that the operator brought; without a certificate file the key is
// known by its id alone.
func readBrought(file keyFile, certPath string, now time.Time) (*ringContent, error) {
	key, err := file.read()
	if err != nil {
		return nil, err
	}
	if err := checkSigningKey(key.Public()); err != nil {
		return nil, fmt.Errorf("%s: %w", file.path, err)
	}
	var chain []*x509.Certificate
	if certPath != "" {
		if chain, err = readChain(certPath, file.path, key, now); err != nil {
			return nil, err
		}
	}
	leaves, err := newLeaves(key, chain, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.path, err)
	}
	id, err := thumbprint(key.Public())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.path, err)
	}
	k := RingKey{ID: id, Algorithm: algorithmOf(key.Public()), State: KeyActive, Key: key.Public()}
	if len(chain) > 0 {
		k.Certificate, k.NotAfter = chain[0], chain[0].NotAfter
	}
	return &ringContent{keys: []RingKey{k}, leaves: leaves}, nil
}

// readChain reads the certificate of a key, and those above it.
func readChain(path, keyPath string, key crypto.Signer, now time.Time) ([]*x509.Certificate, error) {
	chain, err := readCertificates(path, ErrInvalidKey)
	if err != nil {
		return nil, err
	}
	own := chain[0]
	switch {
	case !samePublicKey(own.PublicKey, key.Public()):
		return nil, fmt.Errorf("%w: the first certificate in %s does not belong to the key in %s", ErrInvalidKey, path, keyPath)
	case own.IsCA:
		return nil, fmt.Errorf("%w: the first certificate in %s is an authority; a registry that holds it would believe every certificate under it", ErrInvalidKey, path)
	case now.Before(own.NotBefore):
		return nil, fmt.Errorf("%w: the certificate in %s is not valid before %s", ErrInvalidKey, path, own.NotBefore.Format(time.RFC3339))
	case !now.Before(own.NotAfter):
		return nil, fmt.Errorf("%w: the certificate in %s ended on %s", ErrInvalidKey, path, own.NotAfter.Format(time.RFC3339))
	}
	for i, cert := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(cert); err != nil {
			return nil, fmt.Errorf("%w: certificate %d in %s is not signed by the one that follows it: %w", ErrInvalidKey, i+1, path, err)
		}
	}
	return chain, nil
}

// newLeaves makes what signs with a key, for each form that can name it. The form x5c is for who wants it and needs a
// certificate.
func newLeaves(key crypto.Signer, chain []*x509.Certificate, x5c bool) (map[Form]*leaf, error) {
	algorithm := algorithmOf(key.Public())
	method, err := methodOf(algorithm)
	if err != nil {
		return nil, err
	}
	base := leaf{key: key, method: method}
	if len(chain) > 0 {
		base.cert = chain[0]
	}
	leaves := make(map[Form]*leaf)
	for _, form := range []Form{Libtrust, RFC7638, JWKS} {
		id, err := KeyID(form, key.Public())
		if errors.Is(err, ErrInvalidKey) {
			continue // this form does not know such keys
		}
		if err != nil {
			return nil, err
		}
		l := base
		if l.header, err = encodeHeader(algorithm, id, nil); err != nil {
			return nil, err
		}
		leaves[form] = &l
	}
	if x5c && len(chain) > 0 {
		l := base
		if l.header, err = encodeHeader(algorithm, "", chain); err != nil {
			return nil, err
		}
		leaves[X5C] = &l
	}
	return leaves, nil
}
