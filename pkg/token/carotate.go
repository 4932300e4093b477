package token

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// CANextKeyFile is the private key of the CA that follows, in the state directory, while registries learn of it.
const CANextKeyFile = "ca-next.key"

// CAState describes one CA of the certificate file.
type CAState struct {
	// Certificate is its certificate. It must not be changed.
	Certificate *x509.Certificate
	// State is where in its life it is.
	State KeyState
	// Published is when registries could first learn of it.
	Published time.Time
	// RetireUntil is when it may leave the bundle, for a retiring CA.
	RetireUntil time.Time
}

// CAStates describes every CA in the certificate file of dir: the active one signs certificates, one that stands by
// follows it, and those that retire were before it. retireFor is as in [Rotation].
func CAStates(dir string, retireFor time.Duration) ([]CAState, error) {
	files := caFiles{dir}
	ca, err := LoadCA(files.paths())
	if err != nil {
		return nil, err
	}
	next, found, err := files.next(ca)
	if err != nil {
		return nil, err
	}
	since, err := files.activated()
	if err != nil {
		return nil, err
	}
	states := make([]CAState, 0, len(ca.authorities))
	for _, cert := range ca.authorities {
		s := CAState{Certificate: cert, State: KeyRetiring, Published: cert.NotBefore.Add(backdate), RetireUntil: since.Add(retireFor)}
		switch {
		case cert.Equal(ca.cert):
			s.State, s.RetireUntil = KeyActive, time.Time{}
		case found && cert.Equal(next):
			s.State, s.RetireUntil = KeyStandby, time.Time{}
		}
		states = append(states, s)
	}
	return states, nil
}

// RotateCA takes the next step with the CA in dir: where none stands by, it makes one and puts its certificate into the
// bundle beside the present one; else that CA signs from now on. The one before it stays in the bundle for RetireFor and
// leaves it with the step after that. Each step is whole or not at all, also if the process dies in the midst of it.
// Errors match [ErrTooEarly] or [ErrInvalidCA], or are those of the file system.
func RotateCA(dir string, r Rotation) (Step, error) {
	unlock, err := lockFolder(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	files := caFiles{dir}
	ca, err := LoadCA(files.paths())
	if err != nil {
		return "", err
	}
	next, found, err := files.next(ca)
	if err != nil {
		return "", err
	}
	if !found {
		return StepPublished, files.publish(ca, r)
	}
	if err := r.ready(next.NotBefore.Add(backdate)); err != nil {
		return "", err
	}
	if err := os.Chtimes(filepath.Join(dir, CANextKeyFile), r.Now, r.Now); err != nil { // since when it signs
		return "", fmt.Errorf("rotate the signing CA: %w", err)
	}
	if err := os.Rename(filepath.Join(dir, CANextKeyFile), files.key()); err != nil {
		return "", fmt.Errorf("rotate the signing CA: %w", err)
	}
	return StepActivated, nil
}

// caFiles are the files of a CA in a folder.
type caFiles struct{ dir string }

func (f caFiles) cert() string { return filepath.Join(f.dir, CACertFile) }
func (f caFiles) key() string  { return filepath.Join(f.dir, CAKeyFile) }

// paths are those of the active CA.
func (f caFiles) paths() CAPaths { return CAPaths{Cert: f.cert(), Key: f.key()} }

// next gives the certificate of the CA that stands by, if there is one. A key whose certificate was not written is none:
// publish makes another one.
func (f caFiles) next(ca *CA) (next *x509.Certificate, found bool, err error) {
	path := filepath.Join(f.dir, CANextKeyFile)
	key, err := keyFile{path: path, kind: ErrInvalidCA}.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	for _, cert := range ca.authorities {
		if samePublicKey(cert.PublicKey, key.Public()) {
			return cert, true, nil
		}
	}
	return nil, false, nil
}

// activated is since when the active CA signs.
func (f caFiles) activated() (time.Time, error) {
	info, err := os.Stat(f.key())
	if err != nil {
		return time.Time{}, fmt.Errorf("read the key of the signing CA: %w", err)
	}
	return info.ModTime(), nil
}

// publish makes the next CA: its key first, so that every certificate in the bundle has one.
func (f caFiles) publish(ca *CA, r Rotation) error {
	since, err := f.activated()
	if err != nil {
		return err
	}
	next, err := newCA(r.Now, rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(next.key)
	if err != nil {
		return fmt.Errorf("encode the key of the signing CA: %w", err)
	}
	path := filepath.Join(f.dir, CANextKeyFile)
	if err := replaceFile(path, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), keyMode); err != nil {
		return err
	}
	authorities := ca.Authorities()
	if !r.Now.Before(since.Add(r.RetireFor)) { // the tokens of those before have ended
		authorities = []*x509.Certificate{ca.cert}
	}
	authorities = slices.Concat(authorities, []*x509.Certificate{next.cert})
	return replaceFile(f.cert(), encodeCertificates(authorities...), certMode)
}
