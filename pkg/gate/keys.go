package gate

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// ErrNoKeys means that there is no signing CA, or no signing key, yet.
var ErrNoKeys = errors.New("no signing keys")

// caFiles gives the paths of the signing CA.
func caFiles(cfg config.Config) token.CAPaths {
	if k := cfg.Keys; k.CACertFile != "" {
		return token.CAPaths{Cert: k.CACertFile, Key: k.CAKeyFile, KeyPassword: k.CAKeyPasswordFile}
	}
	return token.CAPaths{Cert: filepath.Join(cfg.StateDir, token.CACertFile), Key: filepath.Join(cfg.StateDir, token.CAKeyFile)}
}

// InitKeys makes what the registries need and is not there yet: the signing CA, and the first key of every name. It
// gives the paths of the files that it made. What exists is never overwritten; where nothing is missing, the error
// matches [token.ErrCAExists] or [token.ErrRingExists].
func InitKeys(cfg config.Config) (made []string, err error) {
	if err := keyFaults(cfg); err != nil {
		return nil, err
	}
	var there error
	if usesCA(cfg) {
		if cfg.Keys.CACertFile != "" {
			return nil, fmt.Errorf("keys.ca_cert_file is set to %s: the CA is yours to make", cfg.Keys.CACertFile)
		}
		_, err := token.CreateCA(cfg.StateDir, time.Now(), rand.Reader)
		switch ca := caFiles(cfg); {
		case err == nil:
			made = append(made, ca.Cert, ca.Key)
		case errors.Is(err, token.ErrCAExists):
			there = err
		default:
			return made, err
		}
	}
	for _, ro := range ringOptions(cfg) {
		if ro.File == "" {
			continue
		}
		switch err := token.CreateRing(ro.File, ro.algorithm, time.Now()); {
		case err == nil:
			made = append(made, ro.File)
		case errors.Is(err, token.ErrRingExists):
			there = errors.Join(there, err)
		default:
			return made, err
		}
	}
	if len(made) == 0 {
		return nil, there
	}
	return made, nil
}

// Bundle gives the certificates that registries trust, in PEM. It needs no private key, and never gives one.
func Bundle(cfg config.Config) ([]byte, error) {
	cert := caFiles(cfg).Cert
	bundle, err := token.ReadBundle(cert)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noKeys(cert)
	}
	return bundle, err
}

// loadCA reads the signing CA, or makes it where the configuration allows that.
func loadCA(cfg config.Config) (*token.CA, error) {
	files := caFiles(cfg)
	ca, err := token.LoadCA(files)
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return ca, err
	case exists(files.Cert) || exists(files.Key) || cfg.Keys.CACertFile != "":
		return nil, err
	case !cfg.Keys.AutoCreate:
		return nil, noKeys(files.Cert)
	}
	return token.CreateCA(cfg.StateDir, time.Now(), rand.Reader)
}

// noKeys is the error for missing keys, with its remedy.
func noKeys(path string) error {
	return fmt.Errorf("%w: %s does not exist; make it once with: wharfgate keys init -c FILE", ErrNoKeys, path)
}

// exists reports whether there is a file of that name.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
