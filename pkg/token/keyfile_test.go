package token_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/token"
)

// sesame is the password of every file in testdata/locked.
const sesame = "opensesame"

// lockedKey reads a key that OpenSSL wrote.
func lockedKey(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "locked", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// plainKey is the key in most of the locked files.
func plainKey(tb testing.TB) crypto.Signer {
	tb.Helper()
	block, _ := pem.Decode(lockedKey(tb, "plain.pem"))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	return key.(crypto.Signer)
}

// bringLocked writes a locked key, its password and its certificate.
func bringLocked(tb testing.TB, c *clock, dir, name string) token.RingOptions {
	tb.Helper()
	o := bring(tb, c, plainKey(tb), nil).write(tb, dir)
	o.Now, o.KeyPasswordFile = c.Now, filepath.Join(dir, "own.pw")
	save(tb, o.KeyFile, lockedKey(tb, name))
	save(tb, o.KeyPasswordFile, []byte(sesame+"\n"))
	return o
}

// TestKeysUnderAPassword: keys as OpenSSL locks them are opened, with each cipher and hash that is understood.
func TestKeysUnderAPassword(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"aes256-sha256.pem", "aes192-sha512.pem", "aes128-sha384.pem", "iterations.pem"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			ring, err := token.OpenRing(bringLocked(t, c, t.TempDir(), name))
			if err != nil {
				t.Fatal(err)
			}
			trusted, err := ring.Trusted(token.RFC7638)
			if err != nil {
				t.Fatal(err)
			}
			claims := happy()
			claims.Ring, claims.Form = "own", token.RFC7638
			signed, err := ringIssuer(t, c, ring).Sign(claims)
			if err != nil || !believed(t, c, signed.Token.Reveal(), trusted) {
				t.Errorf("Sign = %v, or nobody believes it", err)
			}
		})
	}
	for name, want := range map[string]string{"rsa.pem": token.RS256, "ed25519.pem": token.EdDSA} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := bringLocked(t, newClock(), t.TempDir(), name)
			o.CertFile = ""
			ring, err := token.OpenRing(o)
			if err != nil || ring.Algorithm() != want {
				t.Errorf("OpenRing = %v, want a key for %s", err, want)
			}
		})
	}
}

// TestPasswordFiles: the password is the whole of its file but for one line break.
func TestPasswordFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		sesame:                     "",
		sesame + "\n":              "",
		sesame + "\r\n":            "",
		" " + sesame:               "does not open the key",
		sesame + " \n":             "does not open the key",
		"other\n":                  "does not open the key in",
		"":                         "own.pw (key_password_file) is empty; write the password",
		"\n":                       "is empty",
		sesame + "\n\n":            "has more than one line",
		sesame + "\nsecond\n":      "has more than one line",
		"\xff\xfe":                 "is not UTF-8",
		strings.Repeat("x", 5_000): "is larger than 4096 bytes",
	} {
		c := newClock()
		o := bringLocked(t, c, t.TempDir(), "aes256-sha256.pem")
		save(t, o.KeyPasswordFile, []byte(text))
		_, err := token.OpenRing(o)
		switch {
		case want == "" && err != nil:
			t.Errorf("the password file %q: %v, want it to open the key", text, err)
		case want != "" && (!errors.Is(err, token.ErrInvalidKey) || !strings.Contains(err.Error(), want)):
			t.Errorf("the password file %.20q: %v, want ErrInvalidKey and %q", text, err, want)
		case err != nil && strings.Contains(err.Error(), sesame):
			t.Errorf("the error %q tells the password", err)
		}
	}
}

// TestP71_LockedKeysThatAreNotFit: each fault says what to do, and names its file.
func TestP71_LockedKeysThatAreNotFit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file string
		edit func(t *testing.T, o *token.RingOptions)
		want []string
	}{
		"no password file is named": {"aes256-sha256.pem", func(_ *testing.T, o *token.RingOptions) {
			o.KeyPasswordFile = ""
		}, []string{"own.key is encrypted; name a file with its password in key_password_file, or", "openssl pkey"}},
		"the password file is gone": {"aes256-sha256.pem", func(t *testing.T, o *token.RingOptions) {
			t.Helper()
			if err := os.Remove(o.KeyPasswordFile); err != nil {
				t.Fatal(err)
			}
		}, []string{"own.pw", "write the password of the key into it"}},
		"others can read the password": {"aes256-sha256.pem", func(t *testing.T, o *token.RingOptions) {
			t.Helper()
			if err := os.Chmod(o.KeyPasswordFile, 0o640); err != nil {
				t.Fatal(err)
			}
		}, []string{"others can read the password of the key in", "own.pw (mode 0640); run: chmod 600"}},
		"a key without a password": {"plain.pem", nil, []string{"own.key has no password; remove key_password_file", "openssl pkcs8 -topk8 -in"}},
		"scrypt":                   {"refused-scrypt.pem", nil, []string{"own.key cannot be opened", "not PBKDF2", "openssl pkcs8 -topk8 -v2 aes-256-cbc -in"}},
		"SHA-1":                    {"refused-sha1.pem", nil, []string{"does not use SHA-256", "openssl pkcs8 -topk8"}},
		"triple DES":               {"refused-3des.pem", nil, []string{"not AES-CBC", "openssl pkcs8 -topk8"}},
		"PBES1":                    {"refused-pbes1.pem", nil, []string{"not PBES2", "openssl pkcs8 -topk8"}},
		"RFC 1421":                 {"refused-rfc1421.pem", nil, []string{"own.key is encrypted in an old form", "openssl pkcs8 -topk8"}},
		"another kind of key":      {"refused-ed448.pem", nil, []string{"own.key cannot be read"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := bringLocked(t, newClock(), t.TempDir(), tt.file)
			if tt.edit != nil {
				tt.edit(t, &o)
			}
			_, err := token.OpenRing(o)
			if !errors.Is(err, token.ErrInvalidKey) && !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("OpenRing = %v, want ErrInvalidKey or that there is no file", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("OpenRing = %v, want %q", err, want)
				}
			}
		})
	}
}

// TestReloadUnderAPassword: a wrong password leaves the key that signs as it is; the right one, written later, is
// enough to take the next key over.
func TestReloadUnderAPassword(t *testing.T) {
	t.Parallel()
	c := newClock()
	var failed []error
	o := bringLocked(t, c, t.TempDir(), "aes256-sha256.pem")
	o.CertFile = ""
	o.Observer.RingFailed = func(_ string, err error) { failed = append(failed, err) }
	ring, err := token.OpenRing(o)
	if err != nil {
		t.Fatal(err)
	}
	before := ring.Keys()[0].ID
	save(t, o.KeyPasswordFile, []byte("the wrong password\n"))
	if changed, err := ring.Reload(); changed || !errors.Is(err, token.ErrInvalidKey) {
		t.Fatalf("Reload with a wrong password = %v, %v, want ErrInvalidKey", changed, err)
	}
	save(t, o.KeyFile, lockedKey(t, "rsa.pem"))
	if changed, err := ring.Reload(); changed || !errors.Is(err, token.ErrInvalidKey) {
		t.Fatalf("Reload of the next key with a wrong password = %v, %v, want ErrInvalidKey", changed, err)
	}
	if now := ring.Keys()[0].ID; now != before || len(failed) != 2 {
		t.Fatalf("the key %s was %s before; observed %v, want two errors", now, before, failed)
	}
	claims := happy()
	claims.Ring, claims.Form = "own", token.RFC7638
	if _, err := ringIssuer(t, c, ring).Sign(claims); err != nil {
		t.Errorf("Sign = %v while the files are wrong", err)
	}
	save(t, o.KeyPasswordFile, []byte(sesame))
	if changed, err := ring.Reload(); err != nil || !changed || ring.Algorithm() != token.RS256 {
		t.Errorf("Reload with the right password = %v, %v, want the next key", changed, err)
	}
}

// TestCAUnderAPassword: a signing CA of one's own may be locked, too, and follows its password.
func TestCAUnderAPassword(t *testing.T) {
	t.Parallel()
	block, _ := pem.Decode(lockedKey(t, "aes256-sha256.pem"))
	files := caFiles(t, block, certify(t, authority(), plainKey(t)))
	if _, err := token.LoadCA(files); !errors.Is(err, token.ErrInvalidCA) || !strings.Contains(err.Error(), "ca_key_password_file") {
		t.Errorf("LoadCA without a password = %v, want ErrInvalidCA and ca_key_password_file", err)
	}
	files.KeyPassword = filepath.Join(filepath.Dir(files.Key), "own.pw")
	if _, err := token.LoadCA(files); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), files.KeyPassword) {
		t.Errorf("LoadCA with no such password file = %v, want its name", err)
	}
	save(t, files.KeyPassword, []byte("the wrong password"))
	if _, err := token.LoadCA(files); !errors.Is(err, token.ErrInvalidCA) || !strings.Contains(err.Error(), "does not open the key") {
		t.Errorf("LoadCA with a wrong password = %v, want ErrInvalidCA", err)
	}
	save(t, files.KeyPassword, []byte(sesame))
	ca, err := token.LoadCA(files)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *token.KeySetOptions) { o.CA = ca })
	if _, err := r.reader().read(r.sign(t, happy())); err != nil {
		t.Error(err)
	}
	follower := r.keys.Follow(files)
	save(t, files.KeyPassword, []byte("the wrong password"))
	if changed, err := follower.Reload(); changed || !errors.Is(err, token.ErrInvalidCA) || !bytes.Equal(r.keys.CA().Bundle(), ca.Bundle()) {
		t.Errorf("Reload with a wrong password = %v, %v, want ErrInvalidCA and the CA as before", changed, err)
	}
	save(t, files.KeyPassword, []byte(sesame))
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(files.KeyPassword, later, later); err != nil {
		t.Fatal(err)
	}
	if changed, err := follower.Reload(); !changed || err != nil {
		t.Errorf("Reload with the right password = %v, %v, want it taken over", changed, err)
	}
}
