package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// The defaults of [Options].
const (
	DefaultRequestTimeout = 5 * time.Second
	DefaultConcurrency    = 256
	DefaultQueue          = 1024
	DefaultConnections    = 4096
	DefaultRealm          = "wharfgate"
)

// A Granter decides about requests; [authority.Authority] is the one.
type Granter interface {
	// Grant answers one request. Its errors are those of [authority.Authority.Grant]: they match
	// [authority.ErrUnknownService] or the sentinels of package identity; any other is an internal error.
	Grant(ctx context.Context, r authority.Request) (authority.Grant, error)
}

// IssuedAt says whether the answer to a token request holds issued_at.
type IssuedAt bool

// The choices. Without it clients count a token's life from the answer, which no wrong clock disturbs.
const (
	OmitIssuedAt IssuedAt = false
	SendIssuedAt IssuedAt = true
)

// Options are what a [Server] is made of.
type Options struct {
	// Granter decides. It is required.
	Granter Granter
	// Logger takes one line a request. It is required.
	Logger *slog.Logger
	// Services are the configured service names: any other is "unknown" to the Observer.
	Services []string
	// TrustedProxies are the networks whose X-Forwarded-For and X-Request-Id are believed; none by default.
	TrustedProxies []netip.Prefix
	// Realm stands in the Basic challenge; empty means [DefaultRealm].
	Realm string
	// RequestTimeout bounds one request, waiting included; zero means [DefaultRequestTimeout].
	RequestTimeout time.Duration
	// Concurrency is how many requests are worked on at once; zero means [DefaultConcurrency].
	Concurrency int
	// Queue is how many more may wait; zero means [DefaultQueue], less than zero none.
	Queue int
	// Connections is how many may be open at once, idle ones included; further ones wait to be accepted. Zero
	// means [DefaultConnections].
	Connections int
	// Scopes is how many scopes one request may hold; zero means [registry.DefaultScopeLimit].
	Scopes int
	// RefreshServices are the services that take refresh tokens: for them a password without a user name is one.
	RefreshServices []string
	// Paths are answered beside /token and /auth/token, with or without a slash at their end: those of a token server
	// that was here before. They are compared as they are once their percent-encoding is read.
	Paths []string
	// DisablePost makes POST answer 404, so that clients that try it first go on with GET.
	DisablePost bool
	// RefusalTime says how long a directory takes to refuse a password, as a rule: refusals that need no directory
	// are held back for as long, at most a second. Nil means that none is.
	RefusalTime func() time.Duration
	// IssuedAt says whether answers hold issued_at; the zero value leaves it out.
	IssuedAt IssuedAt
	// CertFile and KeyFile are the TLS certificate chain and key in PEM; both empty means plain HTTP.
	CertFile, KeyFile string
	// DrainTimeout bounds how long [Server.Serve] waits for requests at its end; zero means twice
	// RequestTimeout.
	DrainTimeout time.Duration
	// Observer is told what happens; its zero value hears nothing.
	Observer Observer
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// Rand is where request ids and the key of account hashes come from; nil means [rand.Reader]. It must
	// be safe for concurrent use.
	Rand io.Reader
}

// Server answers token requests. It is an [http.Handler], safe for concurrent use.
type Server struct {
	o           Options
	constant    headers
	services    map[string]string
	routes      map[string]func(*exchange) error
	limit       *limiter
	hashKey     [32]byte
	inFlight    atomic.Int64
	buffers     buffers
	certificate *certificate
	tls         *tls.Config // nil without a certificate
}

var _ http.Handler = (*Server)(nil)

// New checks the options, reads the certificate if there is one, and makes a Server. It opens no listener.
func New(o Options) (*Server, error) {
	if o.Granter == nil || o.Logger == nil {
		return nil, errors.New("server: Granter and Logger are required")
	}
	o.setDefaults()
	if strings.ContainsAny(o.Realm, "\"\\\r\n") {
		return nil, fmt.Errorf("server: realm %q cannot be quoted", o.Realm)
	}
	s := &Server{
		o:        o,
		constant: newHeaders(o),
		services: make(map[string]string, len(o.Services)),
		limit:    newLimiter(o.Concurrency, o.Queue),
	}
	for _, name := range o.Services {
		s.services[name] = name
	}
	var err error
	if s.routes, err = s.newRoutes(o.Paths); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(o.Rand, s.hashKey[:]); err != nil {
		return nil, fmt.Errorf("server: make a key: %w", err)
	}
	if o.CertFile != "" || o.KeyFile != "" {
		c, err := newCertificate(o.CertFile, o.KeyFile, o.Now, o.Logger, o.Observer)
		if err != nil {
			return nil, err
		}
		s.certificate = c
		s.tls = &tls.Config{
			MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"},
		}
	}
	return s, nil
}

// setDefaults fills in zero values.
func (o *Options) setDefaults() {
	if o.Realm == "" {
		o.Realm = DefaultRealm
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = DefaultRequestTimeout
	}
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Queue == 0 {
		o.Queue = DefaultQueue
	}
	if o.Connections <= 0 {
		o.Connections = DefaultConnections
	}
	if o.Scopes <= 0 {
		o.Scopes = registry.DefaultScopeLimit
	}
	if o.DrainTimeout <= 0 {
		o.DrainTimeout = 2 * o.RequestTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
}

// ServeHTTP answers one request. Paths are compared as they are: [http.ServeMux] would answer //token and the
// like with a redirect, which turns a POST into a GET in many clients.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.begin(w, r)
	defer s.end(r.Context(), x)
	err := s.admit(x)
	if err == nil {
		err = x.route(x)
	}
	if err != nil {
		s.fail(x, err)
	}
}

// admit finds the route and checks the method.
func (s *Server) admit(x *exchange) error {
	route, ok := s.routes[x.r.URL.Path]
	if !ok {
		return errNoPath
	}
	x.handler, x.route = HandlerToken, route
	switch x.r.Method {
	case http.MethodGet:
		return nil
	case http.MethodPost:
		if s.o.DisablePost {
			return errNoPost
		}
		return nil
	default:
		return errMethod
	}
}

// token answers a token request. Its time counts from here, that of its body and of waiting included.
func (s *Server) token(x *exchange) error {
	ctx, cancel := context.WithTimeout(x.r.Context(), s.o.RequestTimeout)
	defer cancel()
	if err := s.parse(x); err != nil {
		return err
	}
	grant, err := s.ask(ctx, x)
	if err != nil {
		s.pad(ctx, x, err)
		return err
	}
	x.grant, x.granted = grant, true
	s.writeGrant(x)
	return nil
}

// ask waits for its turn and asks the Granter. The turn is over before the answer is written, as a client may
// be slow to take it.
func (s *Server) ask(ctx context.Context, x *exchange) (authority.Grant, error) {
	if err := s.turn(ctx); err != nil {
		return authority.Grant{}, err
	}
	defer s.limit.release()
	x.began = s.o.Now()
	grant, err := s.o.Granter.Grant(ctx, x.req)
	if err != nil {
		return authority.Grant{}, fmt.Errorf("grant: %w", err)
	}
	return grant, nil
}

// turn waits until a request may be worked on.
func (s *Server) turn(ctx context.Context) error {
	if s.limit.tryAcquire() {
		return nil
	}
	start := s.o.Now()
	err := s.limit.acquire(ctx)
	if s.o.Observer.Queued != nil {
		s.o.Observer.Queued(s.o.Now().Sub(start))
	}
	return err
}
