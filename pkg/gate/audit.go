package gate

import (
	"fmt"
	"io"
	"sync"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/config"
)

// newAudit opens the audit record: the configured file, or out.
func newAudit(cfg config.Config, out io.Writer, o audit.Observer) (*audit.Writer, error) {
	options := audit.Options{File: cfg.Audit.File, Queue: cfg.Audit.Queue, Observer: o}
	if options.File == "" {
		options.Output = out
	}
	w, err := audit.New(options)
	if err != nil {
		return nil, fmt.Errorf("audit.file: %w", err)
	}
	return w, nil
}

// lockedWriter lets two cores write their audit records to one writer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes whole or not at all beside others.
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
