package ldap_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// always is a guard.Attempts that counts nothing.
type always struct{}

func (always) Reserve(context.Context) (settle func(guard.Outcome), err error) {
	return func(guard.Outcome) {}, nil
}

// yesServer answers every bind with success, over a real socket, without allocating.
func yesServer(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go sayYes(c)
		}
	}()
	return l.Addr().String()
}

// sayYes echoes the message id of each request, whose messages are short, with a bind response.
func sayYes(c net.Conn) {
	defer func() { _ = c.Close() }()
	in, out := make([]byte, 256), make([]byte, 0, 64)
	for {
		if _, err := io.ReadFull(c, in[:2]); err != nil {
			return
		}
		n := int(in[1])
		if n > 127 {
			length := in[:1]
			if _, err := io.ReadFull(c, length); err != nil {
				return
			}
			n = int(length[0])
		}
		if _, err := io.ReadFull(c, in[:n]); err != nil {
			return
		}
		id := in[:2+in[1]]
		out = append(out[:0], 0x30, byte(len(id)+9))
		out = append(out, id...)
		out = append(out, 0x61, 7, 0x0a, 1, 0, 4, 0, 4, 0)
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func BenchmarkProve(b *testing.B) {
	address := yesServer(b)
	o := options(func(o *ldap.Options) { o.Dialer = nil }, newFakeServer())
	o.Servers = []string{"ldap://" + address}
	backend, stop := running(b, o)
	defer stop()
	e, secret := alice(), identity.NewSecret("alice-password")
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := backend.Prove(ctx, e, secret, always{}); err != nil {
				b.Error(err)
			}
		}
	})
}
