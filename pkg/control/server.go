package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"
)

const (
	// maxBody bounds a question and an answer.
	maxBody = 64 << 10
	// maxHeader bounds the headers of a question.
	maxHeader = 8 << 10
	// patience bounds reading a question and answering it.
	patience = 30 * time.Second
	// prefix begins the path of every operation.
	prefix = "/v1/"
)

// ErrInvalidOptions means that [New] was given options that make no sense.
var ErrInvalidOptions = errors.New("invalid options of the control socket")

// Path is where the socket of a gate with that state folder is.
func Path(stateDir string) string { return filepath.Join(stateDir, "control.sock") }

// Options are what [New] needs.
type Options struct {
	// Path is where the socket is; its folder must exist. It must not be empty.
	Path string
	// Operations are what can be asked for, by name.
	Operations map[string]http.Handler
	// Logger takes what goes wrong with single connections; nil discards it.
	Logger *slog.Logger
}

// Server answers at a socket. Make one with [New], open it with [Server.Listen] and run it with [Server.Serve], each
// once.
type Server struct {
	path     string
	http     *http.Server
	listener *listener
}

// New makes a Server. It opens nothing.
func New(o Options) (*Server, error) {
	if o.Path == "" || len(o.Operations) == 0 {
		return nil, fmt.Errorf("%w: no path or no operations", ErrInvalidOptions)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	for name, h := range o.Operations {
		mux.Handle("POST "+prefix+name, h)
	}
	return &Server{path: o.Path, http: &http.Server{
		Handler: mux, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: patience, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelInfo),
	}}, nil
}

// Listen opens the socket. Errors match [ErrInUse] if another process answers there, [ErrNotASocket] or
// [ErrPathTooLong], or say why else it could not be opened.
func (s *Server) Listen(ctx context.Context) error {
	l, err := listen(ctx, s.path)
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	s.listener = l
	return nil
}

// Serve answers until ctx ends, lets questions in flight finish and removes the socket. It returns nil after a clean
// end.
func (s *Server) Serve(ctx context.Context) error {
	defer s.listener.remove()
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("control socket: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.http.Shutdown(end); err != nil {
		return errors.Join(fmt.Errorf("control socket: %w", err), s.http.Close())
	}
	return nil
}
