package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// readHeaderTimeout bounds how long the head of a request may take.
	readHeaderTimeout = 5 * time.Second
	// idleTimeout is how long a connection without a request is kept.
	idleTimeout = 90 * time.Second
	// writeSlack is how long an answer may take to reach the client.
	writeSlack = 10 * time.Second
	// maxHeader bounds the head of a request. Mirrors ask for dozens of scopes in one query.
	maxHeader = 64 << 10
)

// Serve answers requests on the listener until ctx ends, then lets those in flight finish within
// [Options].DrainTimeout. It always closes the listener, and returns nil after a clean end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := s.httpServer(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		if s.certificate != nil {
			done <- h.ServeTLS(l, "", "")
			return
		}
		done <- h.Serve(l)
	}()
	select {
	case err := <-done:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.DrainTimeout)
	defer cancel()
	err := h.Shutdown(drain)
	if err != nil {
		err = fmt.Errorf("drain: %w", errors.Join(err, h.Close()))
	}
	if end := <-done; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve: %w", end))
	}
	return err
}

// ReloadCertificate loads the TLS certificate and key now, changed or not. On an error the old pair stays in
// service. Without TLS it does nothing.
func (s *Server) ReloadCertificate() error {
	if s.certificate == nil {
		return nil
	}
	return s.certificate.reload()
}

// httpServer makes the HTTP server; requests in flight outlive the end of Serve's context.
func (s *Server) httpServer(ctx context.Context) *http.Server {
	read := readHeaderTimeout + 2*s.o.RequestTimeout
	h := &http.Server{
		Handler:                      s,
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  read,
		WriteTimeout:                 read + writeSlack,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelInfo),
	}
	if s.certificate != nil {
		h.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate.get}
	}
	return h
}
