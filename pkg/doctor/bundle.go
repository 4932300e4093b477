package doctor

import (
	"crypto/x509"
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/token"
)

// bundles looks at the certificates that registries believe: whoever gets a certificate from one of them can sign tokens.
func (d *Doctor) bundles() {
	d.bundle(d.o.Trusted, "what wharfgate registry prints")
	if h := d.o.Holds; h != nil {
		d.bundle(h.Trust, "what the registry holds")
	}
}

// bundle looks at one of them. A JWK Set has no authorities in it.
func (d *Doctor) bundle(data []byte, whose string) {
	if len(data) == 0 {
		return
	}
	keys, err := readTrust(data)
	if err != nil {
		d.report.fault(CheckBundle, fmt.Sprintf("%s cannot be used: %s", whose, bounded(err.Error())), "replace it with what wharfgate registry --format bundle prints")
		return
	}
	right := true
	for _, c := range keys.certificates {
		right = d.authority(c, whose) && right
	}
	if right {
		d.report.ok(CheckBundle, "nobody but the gate can sign tokens with "+whose)
	}
}

// authority reports whether a certificate of a bundle is one that belongs there.
func (d *Doctor) authority(c *x509.Certificate, whose string) bool {
	now := d.o.Now()
	name := bounded(c.Subject.String())
	if now.After(c.NotAfter) || now.Before(c.NotBefore) {
		d.report.warn(CheckBundle, fmt.Sprintf("%s holds %q, which is not valid now", whose, name), "take it out, or replace it")
	}
	if !c.IsCA {
		return true // the certificate of a key
	}
	if err := token.CheckSinglePurpose(c); err != nil {
		d.report.fault(CheckBundle, fmt.Sprintf("%s holds the authority %q, and everybody with a certificate of it can sign tokens: %v", whose, name, err),
			"take it out of the bundle; a signing CA is for tokens alone, as wharfgate keys init makes it")
		return false
	}
	return true
}
