package token

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// The keys of the configuration that name the file with the password of a private key.
const (
	keyPasswordOption   = "key_password_file"
	caKeyPasswordOption = "ca_key_password_file"
)

const (
	// pemLockedKey is the PEM type of a PKCS#8 key under a password.
	pemLockedKey = "ENCRYPTED PRIVATE KEY"
	// maxPassword bounds the file of a password.
	maxPassword = 4 << 10
)

// keyFile is a private key in a PEM file that only its owner may read, and what opens it.
type keyFile struct {
	path string
	// password is the path of a file that holds the key's password; empty for a key without one.
	password string
	// option is the key of the configuration that sets password; empty where a key cannot have one.
	option string
	// kind is what the errors of files that are not fit match.
	kind error
}

// read reads the first private key of the file.
func (k keyFile) read() (crypto.Signer, error) {
	data, err := readPrivate(k.path, "the key", k.kind)
	if err != nil {
		return nil, err
	}
	return k.parse(data)
}

// parse reads a private key in one of the usual PEM forms.
func (k keyFile) parse(data []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch {
		case block.Type == pemLockedKey:
			key, err = k.unlock(block)
		case strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"): // RFC 1421
			return nil, fmt.Errorf("%w: the key in %s is encrypted in an old form; %s", k.kind, k.path, k.rewrite())
		case block.Type == pemKey:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case block.Type == "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default:
			continue // such as EC PARAMETERS, or a certificate
		}
		switch signer, ok := key.(crypto.Signer); {
		case errors.Is(err, k.kind):
			return nil, err
		case err != nil:
			return nil, fmt.Errorf("%w: the key in %s cannot be read: %w", k.kind, k.path, err)
		case !ok:
			return nil, fmt.Errorf("%w: the key in %s cannot sign", k.kind, k.path)
		case k.password != "" && block.Type != pemLockedKey:
			return nil, fmt.Errorf("%w: the key in %s has no password; remove %s, or give it one: openssl pkcs8 -topk8 -in %s -out new.key", k.kind, k.path, k.option, k.path)
		default:
			return signer, nil
		}
	}
	return nil, fmt.Errorf("%w: %s holds no PEM private key, or not all of it", k.kind, k.path)
}

// unlock reads a PKCS#8 key under a password.
func (k keyFile) unlock(block *pem.Block) (any, error) {
	const plain = "write it without a password, for the gate's user alone: openssl pkey -in %s -out new.key"
	switch {
	case k.option == "":
		return nil, fmt.Errorf("%w: the key in %s is encrypted; "+plain, k.kind, k.path, k.path)
	case k.password == "":
		return nil, fmt.Errorf("%w: the key in %s is encrypted; name a file with its password in %s, or "+plain, k.kind, k.path, k.option, k.path)
	}
	password, err := k.readPassword()
	if err != nil {
		return nil, err
	}
	der, err := unlock(block.Bytes, password)
	switch {
	case errors.Is(err, errWrongPassword):
		return nil, fmt.Errorf("%w: the password in %s does not open the key in %s; write the right one into the file that %s names", k.kind, k.password, k.path, k.option)
	case err != nil:
		return nil, fmt.Errorf("%w: the key in %s cannot be opened: %w; %s", k.kind, k.path, err, k.rewrite())
	}
	return x509.ParsePKCS8PrivateKey(der)
}

// rewrite tells how a key gets the form that is understood.
func (k keyFile) rewrite() string {
	return fmt.Sprintf("write it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -in %s -out new.key", k.path)
}

// readPassword reads the password of the key: the whole of a file of one line.
func (k keyFile) readPassword() (identity.Secret, error) {
	data, err := readPrivate(k.password, "the password of the key", k.kind)
	if err != nil {
		return identity.Secret{}, passwordFault(err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	var fault string
	switch {
	case text == "":
		fault = "is empty; write the password of the key into it"
	case len(text) > maxPassword:
		fault = fmt.Sprintf("is larger than %d bytes", maxPassword)
	case strings.Contains(text, "\n"):
		fault = "has more than one line; leave nothing but the password of the key in it"
	case !utf8.ValidString(text):
		fault = "is not UTF-8"
	default:
		return identity.NewSecret(text), nil
	}
	return identity.Secret{}, fmt.Errorf("%w: %s (%s) %s", k.kind, k.password, k.option, fault)
}

// passwordFault says what to do where there is no file with the password of a key.
func passwordFault(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; write the password of the key into it, for the gate's user alone", err)
	}
	return err
}
