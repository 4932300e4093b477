package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// keys looks at what signs tokens, and whether every registry can verify them.
func (c *checker) keys() {
	if err := keyFaults(c.cfg); err != nil {
		for _, e := range split(err) {
			c.add(Fault, "keys", e.Error())
		}
	}
	if usesCA(c.cfg) {
		c.signingCA()
	}
	var rings []*token.Ring
	for _, ro := range ringOptions(c.cfg) {
		if ring := c.ring(ro); ring != nil {
			rings = append(rings, ring)
		}
	}
	if err := sharedKeyFault(c.cfg, rings); err != nil {
		for _, e := range split(err) {
			c.add(Fault, "keys", e.Error())
		}
	}
	c.shortForZot()
}

// signingCA looks at the signing CA.
func (c *checker) signingCA() {
	files := caFiles(c.cfg)
	cert := files.Cert
	if c.cfg.Keys.AutoCreate && !exists(cert) && !exists(files.Key) {
		c.add(OK, "keys", "no signing CA yet; serve makes one, as keys.auto_create says")
		return
	}
	cfg := c.cfg
	cfg.Keys.AutoCreate = false // a check writes nothing
	ca, err := loadCA(cfg)
	if err != nil {
		c.add(Fault, "keys", err.Error())
		return
	}
	if from := ca.Certificate().NotBefore; time.Now().Before(from) {
		c.add(Fault, "keys", fmt.Sprintf("signing CA %s is not valid before %s; look at this machine's clock", cert, from.UTC().Format(time.RFC3339)))
	}
	c.notAfter("keys", "signing CA "+cert, ca.Certificate().NotAfter)
	if _, err := token.NewKeySet(token.KeySetOptions{CA: ca}); err != nil {
		c.add(Fault, "keys", err.Error())
	}
}

// ring looks at the keys of a name, and gives them if they are fit.
func (c *checker) ring(ro ringOption) *token.Ring {
	ring, err := token.OpenRing(ro.RingOptions)
	switch {
	case errors.Is(err, fs.ErrNotExist) && ro.File != "" && c.cfg.Keys.AutoCreate:
		c.add(OK, "keys", "no signing key "+ro.Name+" yet; serve makes one, as keys.auto_create says")
		return nil
	case errors.Is(err, fs.ErrNotExist) && ro.File != "":
		err = noKeys(ro.File)
	}
	if err != nil {
		c.add(Fault, "keys", err.Error())
		return nil
	}
	for _, k := range ring.Keys() {
		if k.State == token.KeyStandby {
			c.add(OK, "keys", fmt.Sprintf("%s: the next key is published since %s; give it to every registry, then: wharfgate keys rotate %s",
				ro.Name, k.Published.UTC().Format(time.RFC3339), ro.Name))
		}
		if k.State != token.KeyActive {
			continue
		}
		if k.NotAfter.IsZero() {
			c.add(OK, "keys", fmt.Sprintf("%s: %s key %s signs", ro.Name, k.Algorithm, k.ID))
		} else {
			c.notAfter("keys", fmt.Sprintf("%s: %s key %s", ro.Name, k.Algorithm, k.ID), k.NotAfter)
		}
	}
	return ring
}

// shortForZot warns of tokens that end in the midst of a client's work.
func (c *checker) shortForZot() {
	const short = 15 * time.Minute
	for _, r := range c.cfg.Registries {
		if r.Kind == string(registry.Zot) && r.TokenLifetime < short {
			c.add(Warning, "keys", fmt.Sprintf("registry %s: tokens live %s, and zot answers an expired one without telling clients where to get another; set token_lifetime: 30m",
				r.Service, r.TokenLifetime))
		}
	}
}

// split gives the errors that were joined.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
