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
	if err := writeNew(certPath, ca.bundle, certMode); err != nil {
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

// LoadCA reads a signing CA. The certificate file may hold several CAs, of which one must match the key and
// all go into the bundle of the registries. All must pass [CheckSinglePurpose], and nobody but the owner
// may be able to read the key. Errors match [ErrInvalidCA], or are those of the file system.
func LoadCA(certPath, keyPath string) (*CA, error) {
	key, err := readKey(keyPath)
	if err != nil {
		return nil, err
	}
	certs, err := readAuthorities(certPath)
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
		return nil, fmt.Errorf("%w: the key in %s belongs to no certificate in %s", ErrInvalidCA, keyPath, certPath)
	}
	return &CA{cert: own, key: key, bundle: encodeCertificates(certs...)}, nil
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

// readAuthorities reads the certificates of signing CAs, and refuses any that may do more.
func readAuthorities(path string) ([]*x509.Certificate, error) {
	certs, err := readCertificates(path)
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

// readCertificates reads every certificate of a PEM file; there must be one at least, and nothing else.
func readCertificates(path string) ([]*x509.Certificate, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("read the signing CA: %w", err)
	}
	defer func() { _ = f.Close() }()
	rest, err := io.ReadAll(io.LimitReader(f, maxPEM))
	if err != nil {
		return nil, fmt.Errorf("read the signing CA: %w", err)
	}
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != pemCertificate {
			return nil, fmt.Errorf("%w: %s holds a %s besides certificates", ErrInvalidCA, path, block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrInvalidCA, path, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%w: %s holds no PEM certificate", ErrInvalidCA, path)
	}
	return certs, nil
}

// readKey reads the first private key of a PEM file that only its owner may read.
func readKey(path string) (crypto.Signer, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("read the key of the signing CA: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the key of the signing CA: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%w: others can read the key in %s (mode %04o); run: chmod 600 %s", ErrInvalidCA, path, mode, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPEM))
	if err != nil {
		return nil, fmt.Errorf("read the key of the signing CA: %w", err)
	}
	return parseKey(path, data)
}

// parseKey reads a private key in one of the three usual PEM forms.
func parseKey(path string, data []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case pemKey:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default:
			continue // such as EC PARAMETERS, or a certificate
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the key in %s cannot be read: %w", ErrInvalidCA, path, err)
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("%w: the key in %s cannot sign", ErrInvalidCA, path)
	}
	return nil, fmt.Errorf("%w: %s holds no unencrypted PEM private key", ErrInvalidCA, path)
}
