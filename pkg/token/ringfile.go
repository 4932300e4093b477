package token

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// KeyState is where in its life a key of a [Ring] is. It is a closed set.
type KeyState string

// The states, in the order of a life.
const (
	// KeyStandby is published, so that registries learn of it, and signs nothing yet.
	KeyStandby KeyState = "standby"
	// KeyActive signs.
	KeyActive KeyState = "active"
	// KeyRetiring signs no more, and is still published: tokens that it signed are about.
	KeyRetiring KeyState = "retiring"
	// KeyGone is no more: its private half is deleted and registries need not trust it.
	KeyGone KeyState = "gone"
)

const (
	// ringVersion is the form of a ring's file.
	ringVersion = 1
	// ringLifetime is how long the certificate of a ring's key lives. Registries that know a key by its id do not
	// look at it.
	ringLifetime = 10 * 365 * 24 * time.Hour
	// keptGone is how many keys that are gone a ring remembers.
	keptGone = 16
)

// ringFile is what the file of a ring holds.
type ringFile struct {
	Version   int          `json:"version"`
	Algorithm string       `json:"algorithm"`
	Keys      []ringRecord `json:"keys"`
}

// ringRecord is one key in the file.
type ringRecord struct {
	ID          string    `json:"id"`
	Published   time.Time `json:"published"`
	Activated   time.Time `json:"activated,omitzero"`
	Retired     time.Time `json:"retired,omitzero"`
	RetireUntil time.Time `json:"retire_until,omitzero"`
	Certificate string    `json:"certificate"`
	Private     string    `json:"private_key,omitempty"`
}

// state tells where in its life a key is. A retiring key ends by itself.
func (r *ringRecord) state(now time.Time) KeyState {
	switch {
	case r.Private == "" || !r.RetireUntil.IsZero() && !now.Before(r.RetireUntil):
		return KeyGone
	case !r.Retired.IsZero():
		return KeyRetiring
	case !r.Activated.IsZero():
		return KeyActive
	default:
		return KeyStandby
	}
}

// find gives the one key in a state, or nil.
func (f *ringFile) find(s KeyState, now time.Time) *ringRecord {
	for i := range f.Keys {
		if f.Keys[i].state(now) == s {
			return &f.Keys[i]
		}
	}
	return nil
}

// bury deletes the private halves of keys that are gone, and forgets the oldest of those.
func (f *ringFile) bury(now time.Time) {
	gone := 0
	for i := len(f.Keys) - 1; i >= 0; i-- {
		if f.Keys[i].state(now) != KeyGone {
			continue
		}
		f.Keys[i].Private = ""
		if gone++; gone > keptGone {
			f.Keys = slices.Delete(f.Keys, i, i+1)
		}
	}
}

// readRing reads the file of a ring, which nobody but its owner may be able to read.
func readRing(path string) (*ringFile, error) {
	data, err := readPrivate(path, "the key", ErrInvalidKey)
	if err != nil {
		return nil, err
	}
	var f ringFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %s is not whole: %w", ErrInvalidKey, path, err)
	}
	if f.Version != ringVersion {
		return nil, fmt.Errorf("%w: %s has the form %d; this version reads %d", ErrInvalidKey, path, f.Version, ringVersion)
	}
	return &f, nil
}

// write replaces the file of a ring: all of it or nothing.
func (f *ringFile) write(path string) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the keys: %w", err)
	}
	return replaceFile(path, append(data, '\n'), keyMode)
}

// newRingRecord makes a key for an algorithm, published from now on.
func newRingRecord(algorithm string, now time.Time) (ringRecord, error) {
	key, _, err := newKey(algorithm)
	if err != nil {
		return ringRecord{}, err
	}
	id, err := thumbprint(key.Public())
	if err != nil {
		return ringRecord{}, err
	}
	cert, err := selfSigned(key, now)
	if err != nil {
		return ringRecord{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return ringRecord{}, fmt.Errorf("encode a signing key: %w", err)
	}
	return ringRecord{
		ID: id, Published: now.UTC().Truncate(time.Second), Certificate: string(encodeCertificates(cert)),
		Private: string(pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der})),
	}, nil
}

// selfSigned makes the certificate in which registries get a key. It is no authority: a registry that holds it
// believes that key and no other.
func selfSigned(key crypto.Signer, now time.Time) (*x509.Certificate, error) {
	serial, err := newSerial(rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Wharfgate token signing key"},
		NotBefore: now.Add(-backdate).UTC(), NotAfter: now.Add(ringLifetime).UTC(),
		KeyUsage: x509.KeyUsageDigitalSignature, UnknownExtKeyUsage: purposes(), BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of a signing key: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of a signing key: %w", err)
	}
	return cert, nil
}

// replaceFile writes a file under a temporary name and then gives it its own.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// syncFolder brings the names in a folder to the disk, so that a loss of power brings no old key back.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
