package doctortest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/doctor"
)

// proxy is a reverse proxy before an address, with something on the way in and on the way out. It gives its host and port.
func proxy(t *testing.T, target string, in func(http.ResponseWriter, *http.Request) (passed bool), out func(*http.Response) error) string {
	t.Helper()
	s := httptest.NewServer(passing(t, target, in, out))
	t.Cleanup(s.Close)
	return strings.Replace(s.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
}

func passing(t *testing.T, target string, in func(http.ResponseWriter, *http.Request) bool, out func(*http.Response) error) http.Handler {
	t.Helper()
	to := &url.URL{Scheme: "http", Host: target}
	p := &httputil.ReverseProxy{ModifyResponse: out, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = target
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if in == nil || in(w, r) {
			p.ServeHTTP(w, r)
		}
	})
}

// behind starts a gate whose public_url is a proxy's, and a registry that sends its clients there.
func behind(t *testing.T, in func(http.ResponseWriter, *http.Request) bool, out func(*http.Response) error) (g *gate.Gate, password, registry string) {
	t.Helper()
	d, _ := shared(t)
	port := loopback.Ports(t, 1)
	front := proxy(t, loopback.Address(port), in, out)
	g = gate.Start(t, d, policy, func(s gate.Settings) {
		s["listen"], s["public_url"] = loopback.Address(port), "http://"+front
	})
	registry, _ = start(t, "3", right(g))
	return g, d.Password, registry
}

// nginx refuses what nginx refuses with large_client_header_buffers of so many bytes, in its words.
func nginx(limit int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if len(r.Method+" "+r.RequestURI+" "+r.Proto+"\r\n") > limit {
			http.Error(w, "<html><center><h1>414 Request-URI Too Large</h1></center>", http.StatusRequestURITooLong)
			return false
		}
		for name, values := range r.Header {
			for _, v := range values {
				if len(name+": "+v+"\r\n") > limit {
					http.Error(w, "<html><center>Request Header Or Cookie Too Large</center>", http.StatusBadRequest)
					return false
				}
			}
		}
		return true
	}
}

// TestProxyLimits: a proxy with the limits of nginx, before the registry and before the gate.
func TestProxyLimits(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	const kib = 1 << 10
	for _, tt := range []struct {
		limit  int
		status doctor.Status
	}{{4 * kib, doctor.Fault}, {8 * kib, doctor.Warning}, {64 * kib, doctor.OK}} {
		t.Run(strconv.Itoa(tt.limit), func(t *testing.T) {
			t.Parallel()
			for _, generation := range generations() {
				host, _ := start(t, generation, right(g))
				s := look(t, g, d.Password, "--registry", proxy(t, host, nginx(tt.limit), nil))
				s.want(t, doctor.CheckHeaders, tt.status, "the registry")
				s.want(t, doctor.CheckHeaders, doctor.OK, "reaches the gate")
			}
			fronted, password, registry := behind(t, nginx(tt.limit), nil)
			s := look(t, fronted, password, "--registry", registry)
			s.want(t, doctor.CheckHeaders, tt.status, "the gate")
			s.want(t, doctor.CheckToken, doctor.OK, "")
		})
	}
}

// TestPOSTThatDoesNotArrive: switched off, and refused or turned away by a proxy.
func TestPOSTThatDoesNotArrive(t *testing.T) {
	t.Parallel()
	d, _ := shared(t)
	g := gate.Start(t, d, policy, func(s gate.Settings) { s.Section("limits")["post"] = false })
	s := look(t, g, d.Password)
	s.faultsAre(t)
	s.want(t, doctor.CheckPost, doctor.Warning, "POST is answered 404")
	for _, status := range []int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusMovedPermanently, http.StatusBadGateway} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			g, password, registry := behind(t, func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPost {
					return true
				}
				w.Header().Set("Location", "https://elsewhere.test/")
				w.WriteHeader(status)
				return false
			}, nil)
			look(t, g, password, "--registry", registry).faultsAre(t, doctor.CheckPost)
			look(t, g, "", "--registry", registry).faultsAre(t, doctor.CheckPost)
		})
	}
}

// TestProxyThatAnswersItself: pages, redirects and silence in the place of the gate.
func TestProxyThatAnswersItself(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized, http.StatusFound, http.StatusBadGateway} {
		g, password, registry := behind(t, func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Location", "https://login.test/")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>\x1b[2J sign in"))
			return false
		}, nil)
		look(t, g, password, "--registry", registry).faultsAre(t, doctor.CheckGate)
	}
}

// TestWrongPasswordIsOneFailedBind: it is sent once, and said to be refused.
func TestWrongPasswordIsOneFailedBind(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 64)
	g, _, registry := behind(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if _, _, ok := r.BasicAuth(); ok {
			asked <- r.Method
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("password=")) {
			asked <- r.Method
		}
		return true
	}, nil)
	s := look(t, g, "not the password of alice", "--registry", registry)
	s.faultsAre(t, doctor.CheckLogin)
	if len(asked) != 1 {
		t.Errorf("the password was sent %d times", len(asked))
	}
}

// TestTLS: authorities, host names and schemes, with a registry and a gate behind TLS.
func TestTLS(t *testing.T) {
	t.Parallel()
	d, _ := shared(t)
	ca := certtest.NewCA(t)
	cert := ca.Server(t, "localhost")
	g := gate.Start(t, d, policy, func(s gate.Settings) {
		s["tls"] = gate.Settings{"cert_file": cert.CertFile, "key_file": cert.KeyFile}
		s["public_url"] = strings.Replace(s["public_url"].(string), "http:", "https:", 1)
	})
	secure := func(t *testing.T, host string, c certtest.Cert) string {
		t.Helper()
		s := httptest.NewUnstartedServer(passing(t, host, nil, nil))
		s.TLS = serving(c)
		s.StartTLS()
		t.Cleanup(s.Close)
		return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	}
	for _, generation := range generations() {
		t.Run(generation, func(t *testing.T) {
			t.Parallel()
			host, _ := start(t, generation, right(g))
			address := secure(t, host, cert)
			look(t, g, d.Password, "--registry", address, "--ca", ca.CertFile).faultsAre(t)

			s := look(t, g, d.Password, "--registry", address)
			s.faultsAre(t, doctor.CheckTLS)
			s.want(t, doctor.CheckTLS, doctor.Fault, "not known here")

			s = look(t, g, d.Password, "--registry", secure(t, host, ca.Server(t, "registry.test")), "--ca", ca.CertFile)
			s.want(t, doctor.CheckTLS, doctor.Fault, `is not for "localhost", but for "registry.test"`)
			s = look(t, g, d.Password, "--registry", secure(t, host, ca.Expired(t, "localhost")), "--ca", ca.CertFile)
			s.want(t, doctor.CheckTLS, doctor.Fault, "is valid from")
			s = look(t, g, d.Password, "--registry", "https://"+host, "--ca", ca.CertFile)
			s.want(t, doctor.CheckTLS, doctor.Fault, "speaks plain HTTP")

			_, plain := shared(t)
			host, _ = start(t, generation, right(plain))
			s = look(t, plain, d.Password, "--registry", secure(t, host, cert), "--ca", ca.CertFile)
			s.faultsAre(t, doctor.CheckRealm)
			s.want(t, doctor.CheckRealm, doctor.Fault, "the realm is http and the registry https")
		})
	}
}

// TestP80_RegistryWhoseClockIsWrong: what tells the registry's time is 90 seconds off, in both directions.
func TestP80_RegistryWhoseClockIsWrong(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	for _, off := range []time.Duration{-90 * time.Second, 90 * time.Second} {
		for _, generation := range generations() {
			host, _ := start(t, generation, right(g))
			wrong := proxy(t, host, nil, func(r *http.Response) error {
				r.Header.Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
				return nil
			})
			s := look(t, g, d.Password, "--registry", wrong)
			s.faultsAre(t, doctor.CheckClock)
			s.want(t, doctor.CheckClock, doctor.Fault, "and the registry's 1m")
		}
	}
}
