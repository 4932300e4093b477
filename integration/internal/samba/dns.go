package samba

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// SRV is one record that names a server of a service.
type SRV struct {
	Priority, Weight, Port uint16
	// Target is a host name.
	Target string
}

// SetSRV replaces the records of a name in the domain, such as "_ldap._tcp.corp.example"; no record removes the name.
func (s *Server) SetSRV(t testing.TB, name string, records ...SRV) {
	t.Helper()
	var bodies []dnsmessage.ResourceBody
	for _, r := range records {
		bodies = append(bodies, &dnsmessage.SRVResource{Priority: r.Priority, Weight: r.Weight, Port: r.Port, Target: full(t, r.Target)})
	}
	s.update(t, name, dnsmessage.TypeSRV, bodies)
}

// SetAddress replaces the addresses of a host name in the domain; none removes it.
func (s *Server) SetAddress(t testing.TB, host string, addresses ...string) {
	t.Helper()
	var bodies []dnsmessage.ResourceBody
	for _, a := range addresses {
		address, err := netip.ParseAddr(a)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, &dnsmessage.AResource{A: address.As4()})
	}
	s.update(t, host, dnsmessage.TypeA, bodies)
}

// Resolver asks this domain's DNS server alone.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.DNS)
	}}
}

// Sections and classes of a dynamic update (RFC 2136 section 2).
const (
	opUpdate    dnsmessage.OpCode = 5
	recordTTL                     = 1
	dnsPatience                   = 10 * time.Second
)

// update removes the records of one name and type and adds others, in one message.
func (s *Server) update(t testing.TB, name string, kind dnsmessage.Type, bodies []dnsmessage.ResourceBody) {
	t.Helper()
	zone := s.Domain
	if strings.HasSuffix(strings.TrimSuffix(name, "."), "._msdcs."+s.Domain) {
		zone = "_msdcs." + s.Domain
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 1, OpCode: opUpdate},
		Questions: []dnsmessage.Question{{Name: full(t, zone), Type: dnsmessage.TypeSOA, Class: dnsmessage.ClassINET}},
		Authorities: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: full(t, name), Class: dnsmessage.ClassANY},
			Body:   &dnsmessage.UnknownResource{Type: kind},
		}},
	}
	for _, b := range bodies {
		h := dnsmessage.ResourceHeader{Name: full(t, name), Class: dnsmessage.ClassINET, TTL: recordTTL}
		m.Authorities = append(m.Authorities, dnsmessage.Resource{Header: h, Body: b})
	}
	if err := s.send(t.Context(), m); err != nil {
		t.Fatalf("update the DNS records of %s: %v", name, err)
	}
}

// send sends one message and reads the answer's code.
func (s *Server) send(ctx context.Context, m dnsmessage.Message) error {
	packed, err := m.Pack()
	if err != nil {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "udp", s.DNS)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	answer := make([]byte, 512)
	if err := errors.Join(conn.SetDeadline(time.Now().Add(dnsPatience)), write(conn, packed)); err != nil {
		return err
	}
	n, err := conn.Read(answer)
	if err != nil {
		return err
	}
	var p dnsmessage.Parser
	h, err := p.Start(answer[:n])
	if err == nil && h.RCode != dnsmessage.RCodeSuccess {
		err = fmt.Errorf("the server answers %v", h.RCode)
	}
	return err
}

func write(conn net.Conn, b []byte) error { _, err := conn.Write(b); return err }

// full is a name with the dot at its end.
func full(t testing.TB, name string) dnsmessage.Name {
	t.Helper()
	n, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		t.Fatal(err)
	}
	return n
}
