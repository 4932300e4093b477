package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// maxIterations bounds the work that a file may ask for: some seconds. OpenSSL writes 2048, the advice is 600,000.
const maxIterations = 10_000_000

var (
	errWrongPassword = errors.New("the password does not open it")
	errLock          = errors.New("it is not locked in a way that is understood")
)

// lockedKey is an EncryptedPrivateKeyInfo (RFC 5958 section 3).
type lockedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2Parameters are those of the one way of locking that is understood (RFC 8018 appendix A.4).
type pbes2Parameters struct {
	KeyDerivation, Encryption pkix.AlgorithmIdentifier
}

// pbkdf2Parameters say how a password becomes a key (RFC 8018 appendix A.2).
type pbkdf2Parameters struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	Hash       pkix.AlgorithmIdentifier `asn1:"optional"`
}

// unlock opens a PKCS#8 key that a password locks by PBES2, PBKDF2 and AES-CBC (RFC 8018 section 6.2), which is what
// OpenSSL writes, and gives the PKCS#8 key in it. Errors match [errWrongPassword] or [errLock].
func unlock(der []byte, password identity.Secret) ([]byte, error) {
	var locked lockedKey
	if err := decode(der, &locked); err != nil {
		return nil, err
	}
	if got := locked.Algorithm.Algorithm; !got.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}) {
		return nil, fmt.Errorf("%w: its algorithm is %s, not PBES2", errLock, got)
	}
	var scheme pbes2Parameters
	if err := decode(locked.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	size, err := keySize(scheme.Encryption.Algorithm)
	if err != nil {
		return nil, err
	}
	key, err := deriveKey(scheme.KeyDerivation, password, size)
	if err != nil {
		return nil, err
	}
	var start []byte
	if err := decode(scheme.Encryption.Parameters.FullBytes, &start); err != nil {
		return nil, err
	}
	return decrypt(key, start, locked.Data)
}

// keySize gives the size of the key of AES-CBC with 128, 192 or 256 bits.
func keySize(algorithm asn1.ObjectIdentifier) (int, error) {
	switch algorithm.String() {
	case "2.16.840.1.101.3.4.1.2":
		return 16, nil
	case "2.16.840.1.101.3.4.1.22":
		return 24, nil
	case "2.16.840.1.101.3.4.1.42":
		return 32, nil
	default:
		return 0, fmt.Errorf("%w: its cipher is %s, not AES-CBC", errLock, algorithm)
	}
}

// deriveKey makes a key of a password by PBKDF2 with HMAC and SHA-2.
func deriveKey(kdf pkix.AlgorithmIdentifier, password identity.Secret, size int) ([]byte, error) {
	if !kdf.Algorithm.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}) {
		return nil, fmt.Errorf("%w: its key derivation is %s, not PBKDF2", errLock, kdf.Algorithm)
	}
	var p pbkdf2Parameters
	if err := decode(kdf.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	if p.Iterations < 1 || p.Iterations > maxIterations || p.KeyLength != 0 && p.KeyLength != size {
		return nil, fmt.Errorf("%w: %d iterations for a key of %d bytes", errLock, p.Iterations, p.KeyLength)
	}
	var sum func() hash.Hash
	switch p.Hash.Algorithm.String() {
	case "1.2.840.113549.2.9":
		sum = sha256.New
	case "1.2.840.113549.2.10":
		sum = sha512.New384
	case "1.2.840.113549.2.11":
		sum = sha512.New
	default:
		return nil, fmt.Errorf("%w: its key derivation does not use SHA-256, SHA-384 or SHA-512", errLock)
	}
	key, err := pbkdf2.Key(sum, password.Reveal(), p.Salt, p.Iterations, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLock, err)
	}
	return key, nil
}

// decrypt undoes AES-CBC with its padding (RFC 8018 section 6.1.1). What is not a PKCS#8 key then was not opened.
func decrypt(key, start, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLock, err)
	}
	if len(start) != aes.BlockSize || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: not all of it is there", errLock)
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, start).CryptBlocks(plain, data)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize {
		return nil, errWrongPassword
	}
	for _, b := range plain[len(plain)-padding:] {
		if int(b) != padding {
			return nil, errWrongPassword
		}
	}
	plain = plain[:len(plain)-padding]
	var opened struct { // PrivateKeyInfo, RFC 5958 section 2
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if err := decode(plain, &opened); err != nil {
		return nil, errWrongPassword
	}
	return plain, nil
}

// decode reads one ASN.1 value that is the whole of a text.
func decode(der []byte, to any) error {
	rest, err := asn1.Unmarshal(der, to)
	if err == nil && len(rest) > 0 {
		err = errors.New("something follows it")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errLock, err)
	}
	return nil
}
