package bench_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// posts is the script that posts forms.
const posts = "testdata/post.lua"

// BenchmarkRefresh compares tokens for refresh tokens with tokens for passwords, and with what signing and serving the
// same answer takes alone. Run it with -benchtime 1x.
func BenchmarkRefresh(b *testing.B) {
	const users, connections, half = 2_000, 16, 0.5
	others, _, _ := strings.Cut(readFile("/proc/loadavg"), " ")
	s := &session{plan: planned(), others: others, directory: startDirectory(b, users)}
	p := startProgram(b, s.directory.url, warmFor("24h"), func(g gate.Settings) {
		g["registries"].([]gate.Settings)[0]["refresh_tokens"] = gate.Settings{"enabled": true}
	})
	s.say("logging %d people in", users)
	refreshes, passwords, example := forms(b, p, users)
	bare := serveSigned(b, example)
	wrkBy(b, posts, p.URL, passwords, connections, time.Second) // opens as many connections as so many clients need
	wrkBy(b, posts, p.URL, refreshes, connections, time.Second)
	var refreshed, proven, alone, shares, forRefresh, forAlone []float64
	var seen operations
	for n := range s.rounds {
		own := ownProcessor(b)
		l := wrkBy(b, posts, bare, refreshes, connections, s.round)
		alone, forAlone = append(alone, l.rate), append(forAlone, each(ownProcessor(b)-own+l.used, float64(l.requests)))
		before, cpu := s.directory.look(b), processor(b, p.process)
		l = wrkBy(b, posts, p.URL, refreshes, connections, s.round)
		refreshed, forRefresh = append(refreshed, l.rate), append(forRefresh, each(processor(b, p.process)-cpu+l.used, float64(l.requests)))
		seen = seen.plus(s.directory.look(b).minus(before))
		proven = append(proven, wrkBy(b, posts, p.URL, passwords, connections, s.round).rate)
		shares = append(shares, refreshed[n]/alone[n])
		s.say("round %d: signing and serving %.0f, refresh %.0f, password %.0f a second: %.2f of signing and serving", n+1, alone[n], refreshed[n], proven[n], shares[n])
	}
	perSecond := func(what string, values []float64) {
		s.add(what, fmt.Sprintf("%.0f/s (%s)", median(values), spread("%.0f", values)), "", none)
	}
	perSecond("tokens signed and served with no other work, 16 connections", alone)
	perSecond("tokens for refresh tokens, 16 connections", refreshed)
	perSecond("tokens for passwords, a bind each, 16 connections", proven)
	s.add("refresh tokens / signing and serving", fmt.Sprintf("%.2f (%s)", median(shares), spread("%.2f", shares)), "at least 0.5", judge(median(shares) >= half))
	s.add("the same by processor time", fmt.Sprintf("%.0f / %.0f µs: %.2f", median(forAlone), median(forRefresh), median(forAlone)/median(forRefresh)), "", none)
	s.add("LDAP operations for refresh tokens under load", fmt.Sprintf("%d binds, %d searches", seen.binds, seen.searches),
		"0, but for the gate's own looks at its server", judge(seen.binds == 0 && seen.searches <= s.rounds))
	s.add("connections opened meanwhile", fmt.Sprintf("%d", seen.connections), "0", judge(seen.connections == 0))
	stop(b, p)
	s.print(b, refreshBegin)
}

// BenchmarkRefreshToken is one token for a refresh token after another on one connection.
func BenchmarkRefreshToken(b *testing.B) {
	d := startDirectory(b, 50)
	address := startInProcess(b, d, func(g gate.Settings) {
		g["registries"].([]gate.Settings)[0]["refresh_tokens"] = gate.Settings{"enabled": true}
	})
	f := newFrugal(b, address, 0)
	a := client.Asker{Realm: "http://" + address + "/auth/token", Service: gate.Service}
	for i := range d.users {
		in, err := a.Offline(b.Context(), login(i), password)
		if err != nil || in.RefreshToken() == "" {
			b.Fatalf("%s logs in: %d %s, %v", login(i), in.Status, in.Body, err)
		}
		body := url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {in.RefreshToken()}, "service": {gate.Service},
			"scope": {"repository:" + team(i) + "/app:pull,push"},
		}.Encode()
		f.requests = append(f.requests, fmt.Appendf(nil,
			"POST /auth/token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", address, len(body), body))
	}
	f.round(b)
	b.ReportAllocs()
	for b.Loop() {
		f.ask(b)
	}
}

// forms logs people in and writes what they post: refresh tokens, and passwords. The example is one answer.
func forms(t testing.TB, p *program, users int) (refreshes, passwords string, example answer) {
	t.Helper()
	var byToken, byPassword strings.Builder
	a := client.Asker{Realm: p.URL + "/auth/token", Service: gate.Service}
	for i := range users {
		in, err := a.Offline(t.Context(), login(i), password)
		if err != nil || in.RefreshToken() == "" {
			t.Fatalf("%s logs in: %d %s, %v", login(i), in.Status, in.Body, err)
		}
		scope := "repository:" + team(i) + "/app:pull,push"
		common := url.Values{"service": {gate.Service}, "client_id": {"docker"}, "scope": {scope}}
		with := func(more url.Values) string {
			all := maps.Clone(common)
			maps.Copy(all, more)
			return all.Encode() + "\n"
		}
		byToken.WriteString(with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {in.RefreshToken()}}))
		byPassword.WriteString(with(url.Values{"grant_type": {"password"}, "username": {login(i)}, "password": {password}}))
		if i == 0 {
			out, err := a.Refresh(t.Context(), in.RefreshToken(), scope)
			if err != nil || out.Status != http.StatusOK {
				t.Fatalf("%s refreshes: %d %s, %v", login(i), out.Status, out.Body, err)
			}
			example = answer{out.Status, out.Header, []byte(out.Body)}
		}
	}
	dir := t.TempDir()
	refreshes, passwords = filepath.Join(dir, "refreshes"), filepath.Join(dir, "passwords")
	writeFile(t, refreshes, byToken.String())
	writeFile(t, passwords, byPassword.String())
	return refreshes, passwords, example
}

// serveSigned reads a form, makes one ES256 signature over a text as long as a token's, and sends an answer of the gate:
// nothing else. It returns its URL.
func serveSigned(t testing.TB, a answer) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", loopback.Address(loopback.Ports(t, 1)))
	if err != nil {
		t.Fatal(err)
	}
	header := a.header.Clone()
	header.Del("Date") // net/http writes a fresh one
	text := a.body[:len(a.body)/2]
	server := &http.Server{ReadHeaderTimeout: bindTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, errBody := io.Copy(io.Discard, r.Body)
		sum := sha256.Sum256(text)
		_, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err = errors.Join(errBody, err); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		maps.Copy(w.Header(), header)
		_, _ = w.Write(a.body)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("signing server: %v", err)
		}
	})
	return "http://" + listener.Addr().String()
}
