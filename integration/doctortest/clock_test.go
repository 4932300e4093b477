package doctortest_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/doctor"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// serving is what a server with a certificate needs.
func serving(c certtest.Cert) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.TLS}, MinVersion: tls.VersionTLS12}
}

// TestP80_GateWhoseClockIsWrong: tokens are signed as the gate signs them, with its own key, by a clock that is 90 seconds
// off. The real registries then refuse those that begin later, and the doctor says why.
func TestP80_GateWhoseClockIsWrong(t *testing.T) {
	t.Parallel()
	d, _ := shared(t)
	for _, off := range []time.Duration{90 * time.Second, -90 * time.Second, 0} {
		clock := func() time.Time { return time.Now().Add(off) }
		front := httptest.NewUnstartedServer(nil)
		g := gate.Prepare(t, d, policy, func(s gate.Settings) {
			s["public_url"] = strings.Replace("http://"+front.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
		})
		if got := g.Run(t, "", "keys init"); got.Code != 0 {
			t.Fatal(got.Err)
		}
		front.Config.Handler = signs(t, g, clock)
		front.Start()
		t.Cleanup(front.Close)
		for _, generation := range generations() {
			host, _ := start(t, generation, right(g))
			s := look(t, g, d.Password, "--registry", host)
			switch {
			case off > 0:
				s.faultsAre(t, doctor.CheckClock, doctor.CheckToken)
				s.want(t, doctor.CheckClock, doctor.Fault, "the gate's clock is 1m")
			case off < 0:
				s.faultsAre(t, doctor.CheckClock)
			default:
				s.faultsAre(t)
			}
		}
	}
}

// signs answers like the gate, by another clock.
func signs(t *testing.T, g *gate.Gate, clock func() time.Time) http.Handler {
	t.Helper()
	ca, err := token.LoadCA(token.CAPaths{Cert: filepath.Join(g.StateDir(), token.CACertFile), Key: filepath.Join(g.StateDir(), token.CAKeyFile)})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeySet(token.KeySetOptions{CA: ca, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := token.New(token.Options{Issuer: "wharfgate.test", Keys: keys, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat)) // a proxy's, which is right
		const life = 5 * time.Minute
		signed, err := issuer.Sign(token.Claims{Subject: "alice", Audience: gate.Service, Lifetime: life})
		if err != nil {
			t.Error(err)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"token": signed.Token.Reveal(), "access_token": signed.Token.Reveal(), "expires_in": int(life.Seconds()),
		})
	})
}
