package gate

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// startDNS answers on loopback until the test ends: every question for a name that starts with known gets the address
// 127.0.0.1, every other one that there is no such name.
func startDNS(t *testing.T, known string) string {
	t.Helper()
	c, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		const header, most = 12, 512
		buffer := make([]byte, most)
		for {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			question := buffer[header:n]
			name := strings.ToLower(string(question[1 : 1+len(known)]))
			end := header + strings.IndexByte(string(question), 0) + 5
			answer := append([]byte{}, buffer[:end]...)
			binary.BigEndian.PutUint16(answer[2:], 0x8180)
			binary.BigEndian.PutUint16(answer[6:], 0)  // answers
			binary.BigEndian.PutUint16(answer[8:], 0)  // authorities
			binary.BigEndian.PutUint16(answer[10:], 0) // additional
			switch {
			case name != known:
				answer[3] |= 3 // no such name
			case answer[end-3] == 1: // type A
				binary.BigEndian.PutUint16(answer[6:], 1)
				answer = append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
			}
			_, _ = c.WriteTo(answer, from)
		}
	}()
	return c.LocalAddr().String()
}

// TestResolvers: the address of a server comes from the DNS servers of the configuration, from the next one where one
// does not answer.
func TestResolvers(t *testing.T) {
	t.Parallel()
	silent, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := newResolvers([]string{silent.LocalAddr().String(), startDNS(t, "dc1")})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	for range 2 {
		start := time.Now()
		c, err := r.dial(ctx, "tcp", net.JoinHostPort("dc1.corp.example", port))
		if err != nil {
			t.Fatalf("dial: %v", err)
		}
		_ = c.Close()
		if r.first.Load() != 1 {
			t.Errorf("after %v the silent one is still asked first", time.Since(start))
		}
	}
	_, _, err = r.LookupSRV(ctx, "", "", "_ldap._tcp.corp.example.")
	if e, ok := errors.AsType[*net.DNSError](err); !ok || !e.IsNotFound || e.Server != r.list[1].address {
		t.Errorf("LookupSRV of an unknown name: %v, want one that says so, and names %s", err, r.list[1].address)
	}
}
