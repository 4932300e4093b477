package token

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// lockedBlock reads a file that OpenSSL wrote.
func lockedBlock(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "locked", name))
	if err != nil {
		tb.Fatal(err)
	}
	block, _ := pem.Decode(data)
	return block.Bytes
}

// lockParts are what a locked key is made of.
type lockParts struct {
	locked lockedKey
	scheme pbes2Parameters
	kdf    pbkdf2Parameters
	start  []byte
}

// relock takes a locked key apart, lets edit change it, and puts it together again.
func relock(t *testing.T, der []byte, edit func(*lockParts)) []byte {
	t.Helper()
	var p lockParts
	take := func(der []byte, to any) {
		t.Helper()
		if _, err := asn1.Unmarshal(der, to); err != nil {
			t.Fatal(err)
		}
	}
	take(der, &p.locked)
	take(p.locked.Algorithm.Parameters.FullBytes, &p.scheme)
	take(p.scheme.KeyDerivation.Parameters.FullBytes, &p.kdf)
	take(p.scheme.Encryption.Parameters.FullBytes, &p.start)
	edit(&p)
	put := func(from any) []byte {
		t.Helper()
		der, err := asn1.Marshal(from)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	p.scheme.KeyDerivation.Parameters = asn1.RawValue{FullBytes: put(p.kdf)}
	p.scheme.Encryption.Parameters = asn1.RawValue{FullBytes: put(p.start)}
	p.locked.Algorithm.Parameters = asn1.RawValue{FullBytes: put(p.scheme)}
	return put(p.locked)
}

// TestUnlockWhatIsNotWhole: a locked key with a part that is wrong is an error, and nothing worse.
func TestUnlockWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	der, plain := lockedBlock(t, "aes256-sha256.pem"), lockedBlock(t, "plain.pem")
	tests := map[string]struct {
		edit func(*lockParts)
		want error // nil: it opens
	}{
		"nothing is changed":     {func(*lockParts) {}, nil},
		"the length of the key":  {func(p *lockParts) { p.kdf.KeyLength = 32 }, nil},
		"another length":         {func(p *lockParts) { p.kdf.KeyLength = 16 }, errLock},
		"the last byte is gone":  {func(p *lockParts) { p.locked.Data = p.locked.Data[:len(p.locked.Data)-1] }, errLock},
		"the last block is gone": {func(p *lockParts) { p.locked.Data = p.locked.Data[:len(p.locked.Data)-16] }, errWrongPassword},
		"no data":                {func(p *lockParts) { p.locked.Data = nil }, errLock},
		"a short start":          {func(p *lockParts) { p.start = p.start[:8] }, errLock},
		"another start":          {func(p *lockParts) { p.start[0] ^= 0xff }, errWrongPassword},
		"another salt":           {func(p *lockParts) { p.kdf.Salt[0]++ }, errWrongPassword},
		"no iterations":          {func(p *lockParts) { p.kdf.Iterations = 0 }, errLock},
		"fewer than none":        {func(p *lockParts) { p.kdf.Iterations = -1 }, errLock},
		"one too many":           {func(p *lockParts) { p.kdf.Iterations = maxIterations + 1 }, errLock},
		"another number of them": {func(p *lockParts) { p.kdf.Iterations++ }, errWrongPassword},
		"no hash, which is SHA-1": {func(p *lockParts) {
			p.kdf.Hash.Algorithm, p.kdf.Hash.Parameters = nil, asn1.RawValue{}
		}, errLock},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := unlock(relock(t, der, tt.edit), identity.NewSecret("opensesame"))
			switch {
			case !errors.Is(err, tt.want):
				t.Errorf("unlock = %v, want %v", err, tt.want)
			case err == nil && !bytes.Equal(got, plain):
				t.Error("unlock gave another key")
			}
		})
	}
	for n := range der {
		if _, err := unlock(der[:n], identity.NewSecret("opensesame")); !errors.Is(err, errLock) {
			t.Errorf("unlock of the first %d bytes = %v, want errLock", n, err)
		}
	}
	if _, err := unlock(append(bytes.Clone(der), 0), identity.NewSecret("opensesame")); !errors.Is(err, errLock) {
		t.Errorf("unlock with a byte behind it = %v, want errLock", err)
	}
}

// FuzzUnlock: whatever a file holds, it is opened or refused by one of two errors, and nothing panics.
func FuzzUnlock(f *testing.F) {
	files, err := filepath.Glob("testdata/locked/*.pem")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, file := range files {
		f.Add(lockedBlock(f, filepath.Base(file)), "opensesame")
	}
	f.Fuzz(func(t *testing.T, der []byte, password string) {
		if asksForMuch(der) {
			return // its work is bounded, and too long for here; the files that ask for so much have tests of their own
		}
		plain, err := unlock(der, identity.NewSecret(password))
		if err == nil {
			_, _ = x509.ParsePKCS8PrivateKey(plain) // may know no such key; it must come back
			return
		}
		if !errors.Is(err, errWrongPassword) && !errors.Is(err, errLock) {
			t.Errorf("unlock = %v, want errWrongPassword or errLock", err)
		}
	})
}

// asksForMuch reports whether a locked key asks for more iterations than a test has time for.
func asksForMuch(der []byte) bool {
	var p lockParts
	for _, step := range []struct {
		from func() []byte
		to   any
	}{
		{func() []byte { return der }, &p.locked},
		{func() []byte { return p.locked.Algorithm.Parameters.FullBytes }, &p.scheme},
		{func() []byte { return p.scheme.KeyDerivation.Parameters.FullBytes }, &p.kdf},
	} {
		if _, err := asn1.Unmarshal(step.from(), step.to); err != nil {
			return false
		}
	}
	const much = 10_000
	return p.kdf.Iterations > much
}
