package company

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"
)

// Server is the company's LDAP server.
type Server struct {
	entries []*entry
	byKey   map[string]*entry
	server  *gldap.Server
	done    chan error

	mu    sync.Mutex
	bound map[int]bool // connections that somebody bound
}

// Serve starts the server on an address with a port and returns when it takes connections.
func Serve(ctx context.Context, address string, people []Person) (*Server, error) {
	s := &Server{entries: entries(people), byKey: map[string]*entry{}, bound: map[int]bool{}, done: make(chan error, 1)}
	for _, e := range s.entries {
		s.byKey[e.key] = e
	}
	server, err := gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()), gldap.WithOnClose(s.forget))
	if err != nil {
		return nil, fmt.Errorf("make directory server: %w", err)
	}
	routes, err := gldap.NewMux()
	if err != nil {
		return nil, fmt.Errorf("make directory server: %w", err)
	}
	if err := errors.Join(routes.Bind(s.bind), routes.Search(s.search), server.Router(routes)); err != nil {
		return nil, fmt.Errorf("make directory server: %w", err)
	}
	s.server = server
	go func() { s.done <- server.Run(address) }()
	return s, s.awaitListener(ctx, address)
}

// awaitListener waits until the server takes a connection, or has failed.
func (s *Server) awaitListener(ctx context.Context, address string) error {
	const step = 5 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case err := <-s.done:
			return fmt.Errorf("serve directory: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("serve directory: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// Close ends the server once its clients have closed their connections.
func (s *Server) Close() error { return s.server.Stop() }

// bind proves a simple bind.
func (s *Server) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	response := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { _ = w.Write(response) }()
	m, err := r.GetSimpleBindMessage()
	if err != nil {
		response.SetResultCode(gldap.ResultProtocolError)
		return
	}
	s.set(r.ConnectionID(), false) // a bind makes the connection anonymous before it is tried
	if m.Password == "" {
		if m.UserName == "" {
			response.SetResultCode(gldap.ResultSuccess)
			return
		}
		response.SetResultCode(gldap.ResultUnwillingToPerform)
		response.SetDiagnosticMessage("unauthenticated bind (DN with no password) disallowed")
		return
	}
	e := s.byKey[normal(m.UserName)]
	if e == nil || e.password == "" || subtle.ConstantTimeCompare([]byte(e.password), []byte(m.Password)) != 1 {
		return
	}
	s.set(r.ConnectionID(), true)
	response.SetResultCode(gldap.ResultSuccess)
}

func (s *Server) set(connection int, bound bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound[connection] = bound
}

func (s *Server) isBound(connection int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound[connection]
}

func (s *Server) forget(connection int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.bound, connection)
}
