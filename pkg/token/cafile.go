package token

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The names of the CA's files in the state directory.
const (
	// CACertFile is the certificate that registries get.
	CACertFile = "ca.crt"
	// CAKeyFile is the private key.
	CAKeyFile = "ca.key"
)

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY"
	// maxPEM bounds what is read of a certificate or key file.
	maxPEM = 1 << 20

	dirMode  fs.FileMode = 0o700
	certMode fs.FileMode = 0o644
	keyMode  fs.FileMode = 0o600
)

// CreateCA makes a signing CA that is valid from now and writes it to [CACertFile] and [CAKeyFile] in dir,
// which is made if absent. Either file appears whole or not at all, and neither is ever overwritten: if one
// is there, the error matches [ErrCAExists]. Serial numbers are read from rand; keys come from the system.
func CreateCA(dir string, now time.Time, rand io.Reader) (*CA, error) {
	ca, err := newCA(now, rand)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		return nil, fmt.Errorf("encode the key of the signing CA: %w", err)
	}
	certPath, keyPath := filepath.Join(dir, CACertFile), filepath.Join(dir, CAKeyFile)
	if _, err := os.Lstat(certPath); err == nil {
		return nil, fmt.Errorf("%w: %s", ErrCAExists, certPath)
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	if err := writeNew(keyPath, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), keyMode); err != nil {
		return nil, err
	}
	if err := writeNew(certPath, ca.Bundle(), certMode); err != nil {
		return nil, errors.Join(err, os.Remove(keyPath))
	}
	return ca, nil
}

// writeNew writes a file that does not exist yet: to a temporary name first, then linked to its own.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write the signing CA: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write the signing CA: %w", err)
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", ErrCAExists, path)
	}
	if err != nil {
		return fmt.Errorf("write the signing CA: %w", err)
	}
	return nil
}

// CAPaths are the files that a signing CA is read from.
type CAPaths struct {
	// Cert and Key are its certificate and its private key, in PEM; both must be set.
	Cert, Key string
	// KeyPassword is a file that holds the password of the key and nothing else; empty for a key without one.
	KeyPassword string
}

// LoadCA reads a signing CA. The certificate file may hold several CAs, of which one must match the key and
// all go into the bundle of the registries. All must pass [CheckSinglePurpose], and nobody but the owner
// may be able to read the key and its password. Errors match [ErrInvalidCA], or are those of the file system.
func LoadCA(p CAPaths) (*CA, error) {
	key, err := keyFile{path: p.Key, password: p.KeyPassword, option: caKeyPasswordOption, kind: ErrInvalidCA}.read()
	if err != nil {
		return nil, err
	}
	certs, err := readAuthorities(p.Cert)
	if err != nil {
		return nil, err
	}
	var own *x509.Certificate
	for _, cert := range certs {
		if own == nil && samePublicKey(cert.PublicKey, key.Public()) {
			own = cert
		}
	}
	if own == nil {
		return nil, fmt.Errorf("%w: the key in %s belongs to no certificate in %s", ErrInvalidCA, p.Key, p.Cert)
	}
	return &CA{cert: own, key: key, authorities: certs}, nil
}

// ReadBundle reads what a registry needs in its rootcertbundle from the certificate file of a signing CA, without
// its key. A file that [LoadCA] would refuse, such as one that holds a private key, is an error that matches
// [ErrInvalidCA].
func ReadBundle(certPath string) ([]byte, error) {
	certs, err := readAuthorities(certPath)
	if err != nil {
		return nil, err
	}
	return encodeCertificates(certs...), nil
}

// ReadAnchor reads what a registry holds to believe a brought key whose tokens carry their certificates: the last
// certificate of the file, in PEM. The error matches [ErrInvalidKey], or is that of the file system.
func ReadAnchor(certPath string) ([]byte, error) {
	certs, err := readCertificates(certPath, ErrInvalidKey)
	if err != nil {
		return nil, err
	}
	return encodeCertificates(certs[len(certs)-1]), nil
}

// readAuthorities reads the certificates of signing CAs, and refuses any that may do more.
func readAuthorities(path string) ([]*x509.Certificate, error) {
	certs, err := readCertificates(path, ErrInvalidCA)
	if err != nil {
		return nil, err
	}
	for _, cert := range certs {
		if err := CheckSinglePurpose(cert); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if err := checkKey(cert.PublicKey); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return certs, nil
}

// samePublicKey compares the public half of two keys.
func samePublicKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
