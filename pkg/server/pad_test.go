package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// TestRefusalsTakeAsLong: 401 and 429 take as long as a refusal by the directory does as a rule, whatever they took;
// nothing else is held back.
func TestRefusalsTakeAsLong(t *testing.T) {
	t.Parallel()
	const usual = 200 * time.Millisecond
	tests := []struct {
		name        string
		err         error
		took, usual time.Duration
		want        time.Duration
		status      int
	}{
		{"unknown name", &identity.AccountError{Reason: identity.ReasonNotFound}, time.Millisecond, usual, usual, http.StatusUnauthorized},
		{"wrong password", identity.ErrInvalidCredentials, usual, usual, usual, http.StatusUnauthorized},
		{"slow", identity.ErrInvalidCredentials, 2 * usual, usual, 2 * usual, http.StatusUnauthorized},
		{"throttled", identity.ErrThrottled, 0, usual, usual, http.StatusTooManyRequests},
		{"slow directory", identity.ErrInvalidCredentials, 0, time.Minute, time.Second, http.StatusUnauthorized},
		{"nothing known yet", identity.ErrInvalidCredentials, 0, 0, 0, http.StatusUnauthorized},
		{"unavailable", identity.ErrUnavailable, time.Millisecond, usual, time.Millisecond, http.StatusServiceUnavailable},
		{"granted", nil, time.Millisecond, usual, time.Millisecond, http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *server.Options, g *granter) {
					o.RefusalTime = func() time.Duration { return tt.usual }
					g.grant = func(ctx context.Context, q authority.Request) (authority.Grant, error) {
						time.Sleep(tt.took)
						if tt.err != nil {
							return authority.Grant{}, tt.err
						}
						return grantAll(ctx, q)
					}
				})
				start := time.Now()
				w := r.do(get(t))
				if took := time.Since(start); w.Code != tt.status || took != tt.want {
					t.Errorf("answered %d after %v, want %d after %v", w.Code, took, tt.status, tt.want)
				}
			})
		})
	}
}

// TestPaddingHoldsNoTurn: a refusal that is held back does not keep the next request waiting.
func TestPaddingHoldsNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *server.Options, g *granter) {
			o.Concurrency, o.RefusalTime = 1, func() time.Duration { return time.Second }
			g.grant = failing(identity.ErrThrottled)
		})
		answers := make(chan *httptest.ResponseRecorder, 10)
		start := time.Now()
		for range 10 {
			go func() { answers <- r.do(get(t)) }()
		}
		for range 10 {
			<-answers
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("10 refusals took %v, want the second of one", took)
		}
	})
}

// TestPaddingEndsWithTheClient: nobody waits for a client that has gone.
func TestPaddingEndsWithTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *server.Options, g *granter) {
			o.RefusalTime = func() time.Duration { return time.Second }
			g.grant = failing(identity.ErrThrottled)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		start := time.Now()
		r.do(get(t).WithContext(ctx))
		if took := time.Since(start); took != time.Millisecond {
			t.Errorf("went on for %v, want a millisecond", took)
		}
	})
}
