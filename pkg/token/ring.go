package token

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// RingOptions are what [OpenRing] needs: a file of the gate's own, or files that the operator brought.
type RingOptions struct {
	// Name is what logs and metrics call the ring; it must be set.
	Name string
	// File is the ring's own file, as [CreateRing] makes it.
	File string
	// KeyFile and CertFile are a private key and its certificates, the key's own first, in PEM. They are used
	// where File is empty.
	KeyFile, CertFile string
	// KeyPasswordFile holds the password of the key in KeyFile and nothing else; empty for a key without one.
	KeyPasswordFile string
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// Observer is told of keys; its zero value tells nobody.
	Observer Observer
}

// Ring holds the keys of one name for registries that know a key by its id or hold its certificate. The keys come
// from files and change when the files do: see [Ring.Reload]. A ring is safe for concurrent use.
type Ring struct {
	options RingOptions
	content atomic.Pointer[ringContent]
	loading sync.Mutex
	stamp   stamp // of the files that content was read from
}

// RingKey describes a key of a ring.
type RingKey struct {
	// ID is its JWK thumbprint (RFC 7638), whatever id tokens carry.
	ID string
	// Algorithm is its RFC 7518 name.
	Algorithm string
	// State is where in its life it is.
	State KeyState
	// Published is when registries could first learn of it, Activated when it began to sign, Retired when it ceased;
	// RetireUntil is when it is gone. Each is zero if that has not come about, and all are for a brought key.
	Published, Activated, Retired, RetireUntil time.Time
	// NotAfter is when its certificate ends; zero without a certificate.
	NotAfter time.Time
	// Key is the public half, and Certificate carries it; nil without one.
	Key         crypto.PublicKey
	Certificate *x509.Certificate
}

// ringContent is what a ring's files say. It is immutable.
type ringContent struct {
	records []ringRecord // empty for brought keys
	keys    []RingKey
	leaves  map[Form]*leaf // of the active key
}

// OpenRing reads the keys. Errors match [ErrInvalidOptions] or [ErrInvalidKey], or are those of the file system.
func OpenRing(o RingOptions) (*Ring, error) {
	if o.Name == "" || (o.File == "") == (o.KeyFile == "") {
		return nil, fmt.Errorf("%w: a ring needs a name, and a file of its own or a key file", ErrInvalidOptions)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Ring{options: o}
	if _, err := r.Reload(); err != nil {
		return nil, err
	}
	return r, nil
}

// Name is what logs and metrics call the ring.
func (r *Ring) Name() string { return r.options.Name }

// Reload reads the files again if they changed, and reports whether they did. Files that are not fit leave the keys
// as they are, and are looked at again with the next change.
func (r *Ring) Reload() (changed bool, err error) {
	r.loading.Lock()
	defer r.loading.Unlock()
	now, err := stampOf(r.options.File, r.options.KeyFile, r.options.CertFile, r.options.KeyPasswordFile)
	if err == nil && now == r.stamp {
		return false, nil
	}
	var content *ringContent
	if err == nil {
		content, err = r.read()
	}
	if err != nil {
		if now != r.stamp { // once a change
			r.options.Observer.ringFailed(r.options.Name, err)
		}
		r.stamp = now
		return false, err
	}
	r.stamp = now
	r.content.Store(content)
	r.options.Observer.ring(r.options.Name, r.Keys())
	return true, nil
}

// Keys describes the keys as of now, in the order in which they were made.
func (r *Ring) Keys() []RingKey {
	c := r.content.Load()
	keys := make([]RingKey, len(c.keys))
	copy(keys, c.keys)
	for i := range c.records {
		keys[i].State = c.records[i].state(r.options.Now())
	}
	return keys
}

// Algorithm is the one of the key that signs.
func (r *Ring) Algorithm() string {
	for _, k := range r.Keys() {
		if k.State == KeyActive {
			return k.Algorithm
		}
	}
	return ""
}

// Trusted gives the keys that registries should hold, with their ids in a form: those that are not gone.
func (r *Ring) Trusted(form Form) ([]PublicKey, error) {
	var all []PublicKey
	for _, k := range r.Keys() {
		if k.State == KeyGone {
			continue
		}
		id, err := KeyID(form, k.Key)
		if err != nil {
			return nil, fmt.Errorf("ring %s: %w", r.options.Name, err)
		}
		all = append(all, PublicKey{ID: id, Algorithm: k.Algorithm, Key: k.Key})
	}
	return all, nil
}

// Bundle is the PEM of the certificates of the keys that registries should hold.
func (r *Ring) Bundle() []byte {
	var certs []*x509.Certificate
	for _, k := range r.Keys() {
		if k.State != KeyGone && k.Certificate != nil {
			certs = append(certs, k.Certificate)
		}
	}
	return encodeCertificates(certs...)
}

// ActiveCertificate is the PEM of what a registry with room for a single key holds: the certificate of the key that
// signs, or the bare public key where there is none.
func (r *Ring) ActiveCertificate() ([]byte, error) {
	for _, k := range r.Keys() {
		switch {
		case k.State != KeyActive:
		case k.Certificate != nil:
			return encodeCertificates(k.Certificate), nil
		default:
			der, err := x509.MarshalPKIXPublicKey(k.Key)
			if err != nil {
				return nil, fmt.Errorf("encode the public key: %w", err)
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
		}
	}
	return nil, fmt.Errorf("%w: ring %s has no active key", ErrInvalidKey, r.options.Name)
}

// leafFor gives the key that signs a token that ends at expiry.
func (r *Ring) leafFor(form Form, now, expiry time.Time) (*leaf, error) {
	l := r.content.Load().leaves[form]
	switch {
	case l == nil:
		return nil, fmt.Errorf("%w: the active key of %s cannot be named in the form %s", ErrInvalidKey, r.options.Name, form)
	case l.cert == nil:
		return l, nil
	case l.premature(now):
		return nil, fmt.Errorf("%w: the certificate of %s begins at %s", ErrExpiringKey, r.options.Name, l.cert.NotBefore.Format(time.RFC3339))
	case !l.outlasts(expiry):
		return nil, fmt.Errorf("%w: the certificate of %s ends at %s", ErrExpiringKey, r.options.Name, l.cert.NotAfter.Format(time.RFC3339))
	}
	return l, nil
}

// read reads the files.
func (r *Ring) read() (*ringContent, error) {
	if r.options.File == "" {
		key := keyFile{path: r.options.KeyFile, password: r.options.KeyPasswordFile, option: keyPasswordOption, kind: ErrInvalidKey}
		return readBrought(key, r.options.CertFile, r.options.Now())
	}
	f, err := readRing(r.options.File)
	if err != nil {
		return nil, err
	}
	return f.content(r.options.File, r.options.Now())
}

// content makes keys of records.
func (f *ringFile) content(path string, now time.Time) (*ringContent, error) {
	c := &ringContent{records: f.Keys}
	active := 0
	for i := range f.Keys {
		record := &f.Keys[i]
		cert, err := record.certificate(path, f.Algorithm)
		if err != nil {
			return nil, err
		}
		state := record.state(now)
		if state == KeyActive {
			active++
			key, err := keyFile{path: path, kind: ErrInvalidKey}.parse([]byte(record.Private))
			if err != nil {
				return nil, err
			}
			if !samePublicKey(cert.PublicKey, key.Public()) {
				return nil, fmt.Errorf("%w: the private key %s in %s does not belong to its certificate, which registries hold", ErrInvalidKey, record.ID, path)
			}
			if c.leaves, err = newLeaves(key, []*x509.Certificate{cert}, false); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		c.keys = append(c.keys, RingKey{
			ID: record.ID, Algorithm: f.Algorithm, State: state, Published: record.Published, Activated: record.Activated,
			Retired: record.Retired, RetireUntil: record.RetireUntil, NotAfter: cert.NotAfter, Key: cert.PublicKey, Certificate: cert,
		})
	}
	if active != 1 {
		return nil, fmt.Errorf("%w: %s has %d active keys, not one", ErrInvalidKey, path, active)
	}
	return c, nil
}

// certificate reads the certificate of a key, which must be that of its id and of the algorithm.
func (r *ringRecord) certificate(path, algorithm string) (*x509.Certificate, error) {
	cert, err := parseCertificate(path, []byte(r.Certificate))
	if err != nil {
		return nil, err
	}
	id, err := thumbprint(cert.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if id != r.ID || algorithmOf(cert.PublicKey) != algorithm {
		return nil, fmt.Errorf("%w: the key %q in %s is not what its certificate says", ErrInvalidKey, r.ID, path)
	}
	return cert, nil
}

// stamp tells whether files changed: by what the file system says of them.
type stamp struct {
	file, key, cert, password fileStamp
}

type fileStamp struct {
	modified time.Time
	size     int64
}

// stampOf looks at files; an empty name is no file.
func stampOf(file, key, cert, password string) (s stamp, err error) {
	for _, f := range []struct {
		path string
		to   *fileStamp
	}{{file, &s.file}, {key, &s.key}, {cert, &s.cert}, {password, &s.password}} {
		if f.path == "" {
			continue
		}
		info, err := os.Stat(f.path)
		if err != nil {
			err = fmt.Errorf("read keys: %w", err)
			if f.to == &s.password {
				err = passwordFault(err)
			}
			return s, err
		}
		*f.to = fileStamp{info.ModTime(), info.Size()}
	}
	return s, nil
}
