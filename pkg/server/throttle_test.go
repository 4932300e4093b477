package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// throttling is an Authenticator that refuses every attempt for a while: alice's by her entry, everybody else's
// by the name alone.
type throttling struct{}

func (throttling) Authenticate(_ context.Context, c identity.Credentials) (identity.Principal, error) {
	const quiet = 29*time.Minute + time.Millisecond
	err := &identity.RetryError{Err: identity.ErrThrottled, Reason: identity.ReasonThrottled, After: quiet}
	if c.Username == "alice" {
		err.Name, err.ID, err.Source = "alice", "id-1", "corp"
	}
	return identity.Principal{}, err
}

func TestP20_ThrottledIs429ForKnownAndUnknownNames(t *testing.T) {
	t.Parallel()
	a, err := authority.New(authority.Options{
		Services: []registry.Service{{Name: service}}, Authenticator: throttling{}, Policy: policy.NewLive(nil), Issuer: signer{},
	})
	if err != nil {
		t.Fatal(err)
	}
	bodies := make(map[string]bool)
	for _, user := range []string{"alice", "nobody"} {
		r := newRig(t, func(o *server.Options, _ *granter) { o.Granter = a })
		for req, oauth := range map[*http.Request]string{
			get(t, basic(user+":"+password)): "",
			post(t, with("username", user)):  "temporarily_unavailable",
		} {
			w := r.do(req)
			wantFault(t, w, http.StatusTooManyRequests, "TOOMANYREQUESTS", oauth)
			wantHeader(t, w, "Retry-After", "1741")
			wantHeader(t, w, "WWW-Authenticate", "")
			if strings.Contains(w.Body.String(), "token\"") {
				t.Errorf("body %s holds a token", w.Body)
			}
			bodies[req.Method+w.Body.String()] = true
		}
		for _, f := range r.finished {
			if f.Result != server.ResultThrottled {
				t.Errorf("observed %+v, want throttled", f)
			}
		}
	}
	if len(bodies) != 2 {
		t.Errorf("%d bodies, want one for GET and one for POST: %v", len(bodies), bodies)
	}
}
