package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// checkTimeout bounds all checks of one question together.
	checkTimeout = 2 * time.Second
	// drainTimeout bounds how long Serve waits for answers at its end.
	drainTimeout = 2 * time.Second
	// maxReason bounds what is shown of a check's error.
	maxReason = 300
)

// Weight says what a failed check means.
type Weight uint8

// The weights.
const (
	// Required makes the process unready while the check fails.
	Required Weight = iota
	// Informational is only shown, as degraded: a directory that is down leaves the gate ready, as its
	// replicas would all be taken out of service at once for nothing.
	Informational
)

// Check is one thing that readiness depends on or shows.
type Check struct {
	// Name is a short word, as "keys" or "directory/corp".
	Name string
	// Weight says what a failure means; the zero value is [Required].
	Weight Weight
	// Probe looks, without waiting for any network, and gives the reason if all is not well. The text is
	// shown to operators and holds no secret. It is called from many goroutines at once.
	Probe func(ctx context.Context) error
}

// Options are what a [Handler] is made of.
type Options struct {
	// Metrics answers /metrics; nil means that there is none.
	Metrics http.Handler
	// Checks are looked at for /readyz, in this order.
	Checks []Check
	// More gives further checks, which may be others at each question; nil means none.
	More func() []Check
	// Logger takes the faults of [Handler.Serve]; nil discards them.
	Logger *slog.Logger
}

// Handler answers /metrics, /healthz and /readyz. It is safe for concurrent use.
type Handler struct {
	o Options
}

var _ http.Handler = (*Handler)(nil)

// New makes a Handler. It fails for a check without a name or a probe, and for two of one name.
func New(o Options) (*Handler, error) {
	seen := make(map[string]bool, len(o.Checks))
	for _, c := range o.Checks {
		switch {
		case c.Name == "" || strings.ContainsAny(c.Name, " \r\n"):
			return nil, fmt.Errorf("operator: check name %q is empty or holds spaces", c.Name)
		case c.Probe == nil:
			return nil, fmt.Errorf("operator: check %q has no probe", c.Name)
		case seen[c.Name]:
			return nil, fmt.Errorf("operator: check %q is given twice", c.Name)
		}
		seen[c.Name] = true
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{o: o}, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer http.HandlerFunc
	switch r.URL.Path {
	case "/metrics":
		if h.o.Metrics != nil {
			answer = h.o.Metrics.ServeHTTP
		}
	case "/healthz":
		answer = health
	case "/readyz":
		answer = h.ready
	}
	switch {
	case answer == nil:
		text(w, http.StatusNotFound, "not found\n")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		text(w, http.StatusMethodNotAllowed, "method not allowed\n")
	default:
		answer(w, r)
	}
}

// Serve answers requests on the listener until ctx ends. It always closes the listener, and returns nil after
// a clean end.
func (h *Handler) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  10 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               16 << 10,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(h.o.Logger.Handler(), slog.LevelInfo),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = fmt.Errorf("drain: %w", errors.Join(err, server.Close()))
	}
	if end := <-done; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve: %w", end))
	}
	return err
}

// health says that the process is alive, which is all that it says.
func health(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok\n") }

// text answers with a small text that nobody keeps.
func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a client that has gone away misses its answer
}
