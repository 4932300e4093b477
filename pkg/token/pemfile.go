package token

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readCertificates reads every certificate of a PEM file; there must be one at least, and nothing else. Files that
// are not fit match kind.
func readCertificates(path string, kind error) ([]*x509.Certificate, error) {
	data, err := readFile(path, nil)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != pemCertificate {
			return nil, fmt.Errorf("%w: %s holds a %s besides certificates", kind, path, block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", kind, path, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%w: %s holds no PEM certificate", kind, path)
	}
	return certs, nil
}

// parseCertificate reads the first certificate of a PEM text.
func parseCertificate(path string, data []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != pemCertificate {
		return nil, fmt.Errorf("%w: %s holds a key without its certificate", ErrInvalidKey, path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalidKey, path, err)
	}
	return cert, nil
}

// readKey reads the first private key of a PEM file that only its owner may read.
func readKey(path string, kind error) (crypto.Signer, error) {
	data, err := readPrivate(path, kind)
	if err != nil {
		return nil, err
	}
	return parseKey(path, data, kind)
}

// readPrivate reads a file that only its owner may read, who must be the gate's own user, or root.
func readPrivate(path string, kind error) ([]byte, error) {
	return readFile(path, func(info fs.FileInfo) error {
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			return fmt.Errorf("%w: others can read the key in %s (mode %04o); run: chmod 600 %s", kind, path, mode, path)
		}
		if owner, ok := ownerOf(info); ok {
			return ownerFault(path, owner, os.Geteuid(), kind)
		}
		return nil
	})
}

// ownerFault is an error unless a file belongs to us or to root. Root is told to be the gate's user: what it gave to
// itself the gate could not read any more.
func ownerFault(path string, owner, us int, kind error) error {
	remedy := fmt.Sprintf("run: chown %d %s", us, path)
	switch {
	case owner == us, owner == 0:
		return nil
	case us == 0:
		remedy = fmt.Sprintf("run the command as the user that the gate runs as, such as: sudo -u '#%d' wharfgate ...", owner)
	}
	return fmt.Errorf("%w: %s belongs to user %d, who could replace the key; %s", kind, path, owner, remedy)
}

// readFile reads a file within a bound, if what the file system says of it is accepted.
func readFile(path string, accept func(fs.FileInfo) error) ([]byte, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	defer func() { _ = f.Close() }()
	if accept != nil {
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
		if err := accept(info); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPEM))
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return data, nil
}

// parseKey reads a private key in one of the three usual PEM forms.
func parseKey(path string, data []byte, kind error) (crypto.Signer, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch {
		case encrypted(block):
			return nil, fmt.Errorf("%w: the key in %s is encrypted; write it without a password, for the gate's user alone: openssl pkey -in %s -out new.key", kind, path, path)
		case block.Type == pemKey:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case block.Type == "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default:
			continue // such as EC PARAMETERS, or a certificate
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the key in %s cannot be read: %w", kind, path, err)
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("%w: the key in %s cannot sign", kind, path)
	}
	return nil, fmt.Errorf("%w: %s holds no PEM private key, or not all of it", kind, path)
}

// encrypted reports whether a block is a key under a password: PKCS#8 (RFC 5958 section 3), or RFC 1421 headers.
func encrypted(block *pem.Block) bool {
	return block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED")
}
