package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// exchange is one request and what becomes of it.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	start  time.Time
	began  time.Time // when its turn came; zero as long as it waits
	id     string
	client netip.Addr

	handler string
	route   func(*exchange) error

	// What the parser found; typed is the name as it was typed, which is never logged.
	req            authority.Request
	typed          string
	accountDiffers bool
	asked          bool
	dropped        []registry.Dropped

	// What came of it. Status is 0 as long as nothing was written.
	grant   authority.Grant
	granted bool
	status  int
	err     error
	problem problem
	stack   []byte

	// values are what this answer's own headers say, and raw is what its request id is made of: memory that
	// would else be asked for piece by piece.
	values [2]string
	raw    [12]byte
}

// begin opens the frame around a request.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{w: w, r: r, start: s.o.Now(), handler: HandlerNone}
	var fromProxy bool
	x.client, fromProxy = clientAddr(r.RemoteAddr, r.Header, s.o.TrustedProxies)
	if id := r.Header.Get("X-Request-Id"); fromProxy && validRequestID(id) {
		x.id = id
	} else {
		x.id = s.newID(x.raw[:])
	}
	n := s.inFlight.Add(1)
	if s.o.Observer.InFlight != nil {
		s.o.Observer.InFlight(int(n))
	}
	return x
}

// end closes the frame. It is deferred, and so is also where a panic ends.
func (s *Server) end(ctx context.Context, x *exchange) {
	if v := recover(); v != nil {
		x.stack = debug.Stack()
		s.fail(x, fmt.Errorf("panic: %v", v))
	}
	n := s.inFlight.Add(-1)
	took := s.o.Now().Sub(x.start)
	s.log(ctx, x, took)
	if s.o.Observer.InFlight != nil {
		s.o.Observer.InFlight(int(n))
	}
	if s.o.Observer.Finished != nil {
		s.o.Observer.Finished(s.finished(x, took))
	}
}

// finished describes the exchange in closed sets.
func (s *Server) finished(x *exchange, took time.Duration) Finished {
	f := Finished{Handler: x.handler, Method: "other", Code: x.status, Duration: took, Service: UnknownService}
	if x.r.Method == http.MethodGet || x.r.Method == http.MethodPost {
		f.Method = x.r.Method
	}
	if name, ok := s.services[x.req.Service]; ok {
		f.Service = name
	}
	if x.req.Grant != "" {
		f.Grant, f.Result = x.req.Grant, x.result()
	}
	return f
}

// result says what came of a token request.
func (x *exchange) result() Result {
	if x.err != nil {
		return x.problem.result
	}
	switch {
	case len(x.dropped) == 0 && x.grant.Complete():
		return ResultGranted
	case len(x.grant.Granted) == 0:
		return ResultEmpty
	default:
		return ResultPartial
	}
}

// newID makes a request id, in the memory that it is given.
func (s *Server) newID(raw []byte) string {
	if _, err := io.ReadFull(s.o.Rand, raw); err != nil {
		return "unknown" // an id is no secret: without chance the request is answered all the same
	}
	return hex.EncodeToString(raw)
}

// accountHash tells requests for one account apart from those for another without naming it: a typed name may
// be a password in the wrong field. The key lives as long as the process.
func (s *Server) accountHash(typed string) string {
	h := hmac.New(sha256.New, s.hashKey[:])
	_, _ = io.WriteString(h, identity.Fold(typed))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// validRequestID matches [A-Za-z0-9._-]{1,64}.
func validRequestID(id string) bool {
	const legal = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return id != "" && len(id) <= 64 && strings.Trim(id, legal) == ""
}

// bounded cuts a text to n bytes of valid UTF-8.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "?")
}
