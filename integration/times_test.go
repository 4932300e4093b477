package integration_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestP24_P25_P58_TimesOfRealTokens: what an answer says about times is what its token says, and what the clock says.
func TestP24_P25_P58_TimesOfRealTokens(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := startGate(t, d, func(s gate.Settings) { s["issued_at"] = true })
	for scope, life := range map[string]time.Duration{"": 5 * time.Minute, "repository:payments/a:push": 30 * time.Minute} {
		for method, ask := range eachForm(g.Asker(serviceV3)) {
			before := time.Now().Truncate(time.Second)
			answer, err := ask(t.Context(), "alice", d.Password, scope)
			after := time.Now()
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("%s = %d, %v", method, answer.Status, err)
			}
			var said struct {
				ExpiresIn int64  `json:"expires_in"`
				IssuedAt  string `json:"issued_at"`
			}
			var claims struct{ Exp, Nbf, Iat int64 }
			if err := json.Unmarshal([]byte(answer.Body), &said); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(claimsText(t, answer.Token)), &claims); err != nil {
				t.Fatal(err)
			}
			if said.ExpiresIn < 60 || said.ExpiresIn != int64(life.Seconds()) {
				t.Errorf("%s %q: expires_in = %d, want %v", method, scope, said.ExpiresIn, life)
			}
			issued, err := time.Parse("2006-01-02T15:04:05Z", said.IssuedAt)
			if err != nil || issued.Before(before) || issued.After(after) {
				t.Errorf("%s: issued_at = %q, %v, asked between %v and %v", method, said.IssuedAt, err, before.UTC(), after.UTC())
			}
			if claims.Nbf > issued.Unix() || claims.Iat > issued.Unix() {
				t.Errorf("%s: nbf %d and iat %d are in the future of %d", method, claims.Nbf, claims.Iat, issued.Unix())
			}
			if left := claims.Exp - issued.Unix(); left < said.ExpiresIn-1 || left > said.ExpiresIn+1 {
				t.Errorf("%s: the token lives %d s, expires_in is %d", method, left, said.ExpiresIn)
			}
		}
	}
}

// TestAddressBehindAProxy: a proxy that is trusted says where a request comes from; another's word counts nothing.
func TestAddressBehindAProxy(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	for name, test := range map[string]struct {
		trusted []string
		want    string
	}{
		"trusted":     {[]string{"127.0.0.0/8", "::1/128"}, "203.0.113.9"},
		"not trusted": {nil, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGate(t, d, func(s gate.Settings) {
				if test.trusted != nil {
					s["trusted_proxies"] = test.trusted
				}
			})
			target, err := url.Parse(g.URL)
			if err != nil {
				t.Fatal(err)
			}
			proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Header.Set("X-Forwarded-For", "198.51.100.1, 203.0.113.9") // the client wrote the first itself
			}})
			t.Cleanup(proxy.Close)
			a := client.Asker{Realm: proxy.URL + "/auth/token", Service: serviceV3}
			mark := g.Process.Err.Len()
			answer, err := a.Ask(t.Context(), "alice", d.Password)
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("token through the proxy = %d, %v", answer.Status, err)
			}
			if r := auditRecord(t, g, answer.Claims.ID); r.Client.Address != test.want {
				t.Errorf("audit record has the address %s, want %s", r.Client.Address, test.want)
			}
			if line := requestLine(t, g, mark, answer.Claims.ID); line["client"] != test.want {
				t.Errorf("log line has the address %v, want %s", line["client"], test.want)
			}
		})
	}
}
