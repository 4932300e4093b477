package token

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

// readPrivate reads a file that only its owner may read, who must be the gate's own user, or root. what is in it.
func readPrivate(path, what string, kind error) ([]byte, error) {
	return readFile(path, func(info fs.FileInfo) error {
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			return fmt.Errorf("%w: others can read %s in %s (mode %04o); run: chmod 600 %s", kind, what, path, mode, path)
		}
		if owner, ok := ownerOf(info); ok {
			return ownerFault(path, what, owner, os.Geteuid(), kind)
		}
		return nil
	})
}

// ownerFault is an error unless a file belongs to us or to root. Root is told to be the gate's user: what it gave to
// itself the gate could not read any more.
func ownerFault(path, what string, owner, us int, kind error) error {
	remedy := fmt.Sprintf("run: chown %d %s", us, path)
	switch {
	case owner == us, owner == 0:
		return nil
	case us == 0:
		remedy = fmt.Sprintf("run the command as the user that the gate runs as, such as: sudo -u '#%d' wharfgate ...", owner)
	}
	return fmt.Errorf("%w: %s belongs to user %d, who could replace %s; %s", kind, path, owner, what, remedy)
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
