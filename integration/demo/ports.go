package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
)

// ports are where the parts of the demo listen; zero takes any free port.
type ports struct{ Registry, Gate, Operator, Directory int }

// wellKnown are the ports that the demo prefers. Where one is taken, it takes another.
func wellKnown() ports { return ports{Registry: 5055, Gate: 5001, Operator: 9091, Directory: 3893} }

// settle replaces each port that is zero or taken by a free one.
func (p ports) settle(ctx context.Context) (ports, error) {
	for _, port := range []*int{&p.Registry, &p.Gate, &p.Operator, &p.Directory} {
		l, err := listen(ctx, *port)
		if err != nil {
			l, err = listen(ctx, 0)
		}
		if err != nil {
			return ports{}, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }() // all at the end, so that none is found twice
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			*port = a.Port
		}
	}
	return p, nil
}

// listen opens a port of the loopback interface.
func listen(ctx context.Context, port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address(port))
}

// address is the address of a port, host the name of it that clients use.
func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
func host(port int) string    { return net.JoinHostPort("localhost", strconv.Itoa(port)) }
