package server

import (
	"context"
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
	// usualRequest is the least time for a request that the time-outs of connections allow for, as the next
	// Server may take longer for one than the first.
	usualRequest = 10 * time.Second
	// idleTimeout is how long a connection without a request is kept.
	idleTimeout = 90 * time.Second
	// writeSlack is how long an answer may take to reach the client.
	writeSlack = 10 * time.Second
	// maxHeader bounds the head of a request. Mirrors ask for dozens of scopes in one query.
	maxHeader = 64 << 10
)

// Serve answers requests on the listener until ctx ends, then lets those in flight finish within
// [Options].DrainTimeout. It always closes the listener, and returns nil after a clean end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error { return NewLive(s).Serve(ctx, l) }

// Serve is [Server.Serve] for the Servers that are in force one after the other. Time-outs and number of
// connections are those of the first.
func (l *Live) Serve(ctx context.Context, on net.Listener) error {
	h := l.httpServer(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	bounded := boundConnections(on, l.load().o.Connections)
	go func() { done <- h.Serve(&listener{Listener: bounded, live: l}) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.load().o.DrainTimeout)
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
func (l *Live) httpServer(ctx context.Context) *http.Server {
	o := &l.load().o
	read := readHeaderTimeout + 2*max(o.RequestTimeout, usualRequest)
	return &http.Server{
		Handler:                      l,
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  read,
		WriteTimeout:                 read + writeSlack,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(o.Logger.Handler(), slog.LevelInfo),
	}
}
