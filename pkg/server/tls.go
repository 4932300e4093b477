package server

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// certificateInterval is how often the certificate's files are looked at, at most.
const certificateInterval = time.Second

// certificate is a TLS certificate and key that follow their files: they are looked at during handshakes,
// once an interval at most. A pair that cannot be loaded leaves the old one in service; as the two files
// change one after the other, that happens in every renewal and heals with the second file.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	logger            *slog.Logger
	observer          Observer
	pair              atomic.Pointer[tls.Certificate]

	mu     sync.Mutex // one look at a time; it guards what follows
	looked time.Time
	seen   [2]fs.FileInfo
}

// newCertificate loads a certificate, or says why it cannot.
func newCertificate(certFile, keyFile string, now func() time.Time, l *slog.Logger, o Observer) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, logger: l, observer: o}
	if err := c.reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// get gives the certificate of a handshake.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.mu.TryLock() { // whoever comes while another one looks goes on with what there is
		c.look()
		c.mu.Unlock()
	}
	return c.pair.Load(), nil
}

// reload loads the files now.
func (c *certificate) reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load(c.stat())
}

// look loads the files if they changed since the last look and the interval is over.
func (c *certificate) look() {
	now := c.now()
	if now.Sub(c.looked) < certificateInterval {
		return
	}
	c.looked = now
	files := c.stat()
	if same(files[0], c.seen[0]) && same(files[1], c.seen[1]) {
		return
	}
	if err := c.load(files); err != nil {
		c.logger.Error("tls certificate not reloaded", "error", err)
		return
	}
	c.logger.Info("tls certificate reloaded", "not_after", c.pair.Load().Leaf.NotAfter)
}

// stat looks at both files; a file that cannot be seen is nil.
func (c *certificate) stat() (files [2]fs.FileInfo) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			files[i] = info
		}
	}
	return files
}

// load reads the pair. The files were looked at before they are read, so that a change in between is seen at
// the next look.
func (c *certificate) load(files [2]fs.FileInfo) error {
	c.seen = files
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		err = fmt.Errorf("load tls certificate %s and key %s: %w", c.certFile, c.keyFile, err)
		if c.observer.CertificateError != nil {
			c.observer.CertificateError(err)
		}
		return err
	}
	c.pair.Store(&pair)
	if c.observer.Certificate != nil {
		c.observer.Certificate(pair.Leaf.NotAfter)
	}
	return nil
}

// same reports whether two looks saw the same file.
func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}
