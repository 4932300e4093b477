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

// ErrNoKeys means that there is no signing CA yet.
var ErrNoKeys = errors.New("no signing CA")

// caFiles gives the paths of the signing CA.
func caFiles(cfg config.Config) (cert, key string) {
	if cfg.Keys.CACertFile != "" {
		return cfg.Keys.CACertFile, cfg.Keys.CAKeyFile
	}
	return filepath.Join(cfg.StateDir, token.CACertFile), filepath.Join(cfg.StateDir, token.CAKeyFile)
}

// InitKeys makes the signing CA in the state directory and gives the paths of its files. An existing CA is
// never overwritten: the error matches [token.ErrCAExists].
func InitKeys(cfg config.Config) (cert, key string, err error) {
	if cfg.Keys.CACertFile != "" {
		return "", "", fmt.Errorf("keys.ca_cert_file is set to %s: the CA is yours to make", cfg.Keys.CACertFile)
	}
	if _, err := token.CreateCA(cfg.StateDir, time.Now(), rand.Reader); err != nil {
		return "", "", err
	}
	cert, key = caFiles(cfg)
	return cert, key, nil
}

// Bundle gives the certificates that registries trust, in PEM. It needs no private key, and never gives one.
func Bundle(cfg config.Config) ([]byte, error) {
	cert, _ := caFiles(cfg)
	bundle, err := token.ReadBundle(cert)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noKeys(cert)
	}
	return bundle, err
}

// loadCA reads the signing CA, or makes it where the configuration allows that.
func loadCA(cfg config.Config) (*token.CA, error) {
	cert, key := caFiles(cfg)
	ca, err := token.LoadCA(cert, key)
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return ca, err
	case exists(cert) || exists(key) || cfg.Keys.CACertFile != "":
		return nil, err
	case !cfg.Keys.AutoCreate:
		return nil, noKeys(cert)
	}
	return token.CreateCA(cfg.StateDir, time.Now(), rand.Reader)
}

// noKeys is the error for a missing CA, with its remedy.
func noKeys(cert string) error {
	return fmt.Errorf("%w: %s does not exist; make it once with: wharfgate keys init -c FILE", ErrNoKeys, cert)
}

// exists reports whether there is a file of that name.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// newKeySet makes the signing keys of every algorithm that a registry uses.
func newKeySet(cfg config.Config, o token.Observer) (*token.KeySet, error) {
	ca, err := loadCA(cfg)
	if err != nil {
		return nil, err
	}
	var algorithms []string
	for _, r := range cfg.Registries {
		algorithms = append(algorithms, r.Algorithm)
	}
	return token.NewKeySet(token.KeySetOptions{CA: ca, Algorithms: algorithms, Observer: o})
}
