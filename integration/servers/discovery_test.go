package servers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/pkg/certtest"
)

// startDomain starts a domain controller that has several names, and gives what makes a gate find it by them.
func startDomain(t *testing.T, hosts ...string) (d *samba.Server, discover func(gate.Settings)) {
	t.Helper()
	ca := certtest.NewCA(t)
	cert := ca.Server(t, hosts...)
	d = samba.Start(t, samba.Options{CertFile: cert.CertFile, KeyFile: cert.KeyFile})
	for _, h := range hosts {
		d.SetAddress(t, h, d.Address)
	}
	return d, func(s gate.Settings) {
		delete(s.Directory(), "servers")
		s.Directory()["discover"] = gate.Settings{"domain": d.Domain, "site": "Berlin", "refresh": "10s", "dns_servers": []string{d.DNS}}
		s.Directory()["tls"] = gate.Settings{"ca_file": ca.CertFile}
	}
}

// found is the servers that the gate said last that it found.
func found(g *gate.Gate) []string {
	var last []string
	for _, line := range g.Process.Err.Lines() {
		var said struct {
			Msg     string   `json:"msg"`
			Servers []string `json:"servers"`
		}
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "directory servers found by DNS" {
			last = said.Servers
		}
	}
	return last
}

// awaitFound waits until the gate has found these servers, in this order.
func awaitFound(t *testing.T, g *gate.Gate, want ...string) {
	t.Helper()
	loopback.Eventually(t, recovery, func() error {
		if got := found(g); !slices.Equal(got, want) {
			return fmt.Errorf("servers = %q, want %q", got, want)
		}
		return nil
	})
}

// TestLDAP48_DomainsOwnDNS: the servers of a real domain are found by its own DNS: those of the site first, then by
// priority, at the port of TLS. The list changes while logins go on, and none of them fails. What is not in the domain
// is not asked.
func TestLDAP48_DomainsOwnDNS(t *testing.T) {
	t.Parallel()
	const dc, berlin, munich = "dc1.corp.example", "berlin.corp.example", "munich.corp.example"
	d, discover := startDomain(t, dc, berlin, munich)
	g := start(t, d, uncached, discover)
	awaitFound(t, g, "ldaps://"+dc)
	g.MustGrant(t, "alice", d.Password)
	load := startLoadOf(t, g, d.Password, 4, func(i int) string { return fmt.Sprintf("u%04d", 1+i) })

	const site = "_ldap._tcp.Berlin._sites.dc._msdcs.corp.example"
	d.SetSRV(t, site, samba.SRV{Priority: 10, Weight: 100, Port: 389, Target: munich}, samba.SRV{Priority: 5, Weight: 100, Port: 389, Target: berlin},
		samba.SRV{Priority: 1, Weight: 100, Port: 389, Target: "dc.evil.example"})
	awaitFound(t, g, "ldaps://"+berlin, "ldaps://"+munich, "ldaps://"+dc)
	if !strings.Contains(g.Process.Err.String(), "dc.evil.example") {
		t.Error("the gate does not say that DNS names a server outside the domain")
	}
	binds := func(host string) float64 {
		return g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`, `server="ldaps://`+host+`"`)
	}
	loopback.Eventually(t, recovery, func() error { // stays where it is, and moves to a better rank
		if binds(berlin) == 0 {
			return errors.New("the site's first server is not in use")
		}
		return nil
	})
	d.SetSRV(t, site, samba.SRV{Priority: 1, Weight: 1, Port: 389, Target: munich})
	awaitFound(t, g, "ldaps://"+munich, "ldaps://"+dc)
	loopback.Eventually(t, recovery, func() error {
		if binds(munich) == 0 {
			return errors.New("the new server is not in use")
		}
		return nil
	})
	if strings.Contains(g.Metrics(t), berlin) {
		t.Error("a server that is gone still has metrics")
	}
	load.Stop(t)
	if n := load.Answers(http.StatusServiceUnavailable); n > 0 || load.Answers(http.StatusOK) == 0 {
		t.Errorf("%d logins failed while the list changed", n)
	}
	said := g.Run(t, "", "check --online")
	if !strings.Contains(said.Out+said.Err, "ldaps://"+munich+" answers") {
		t.Errorf("check --online = %d\n%s%s", said.Code, said.Out, said.Err)
	}
}

// TestLDAP48_NoRecords: while DNS names nobody, a gate that runs keeps the last list; one that starts answers 503, and
// serves once DNS names somebody.
func TestLDAP48_NoRecords(t *testing.T) {
	t.Parallel()
	const dc = "dc1.corp.example"
	d, discover := startDomain(t, dc)
	g := start(t, d, uncached, discover)
	awaitGrant(t, g, "alice", d.Password)
	d.SetSRV(t, "_ldap._tcp.dc._msdcs.corp.example")
	loopback.Eventually(t, recovery, func() error {
		if !strings.Contains(g.Process.Err.String(), "directory servers not found by DNS") {
			return errors.New("the gate does not notice that the records are gone")
		}
		return nil
	})
	g.MustGrant(t, "u0009", d.Password)

	said := g.Run(t, "", "check --online")
	if text := said.Out + said.Err; said.Code == 0 || !strings.Contains(text, "dns:_ldap._tcp.Berlin._sites.dc._msdcs.corp.example") || !strings.Contains(text, "no SRV record") {
		t.Errorf("check --online without records = %d\n%s", said.Code, text)
	}
	other := start(t, d, discover)
	if answer := other.Ask(t, "alice", d.Password); answer.Status != http.StatusServiceUnavailable || answer.Took > worst {
		t.Errorf("without servers = %d after %v, want 503", answer.Status, answer.Took)
	}
	d.SetSRV(t, "_ldap._tcp.dc._msdcs.corp.example", samba.SRV{Weight: 100, Port: 389, Target: dc})
	awaitGrant(t, other, "alice", d.Password)
}
