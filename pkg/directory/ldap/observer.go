package ldap

import "time"

// Observer is told what happens on the wire, in the manner of net/http/httptrace. Every func may be nil, is
// called from many goroutines at once, and must not block. Server is the configured URL.
type Observer struct {
	// Dial is called after each attempt to open a connection: TCP, and TLS or StartTLS.
	Dial func(server string, d time.Duration, err error)
	// Operation is called after each LDAP operation. Op is "service_bind", "user_bind" or "search"; result is
	// "ok", "invalid_credentials", "refused", "unavailable", "timeout" or "error".
	Operation func(server, op, result string, d time.Duration)
	// Wait is called when a connection was taken from a pool ("search" or "bind"), with the time waited.
	Wait func(server, pool string, d time.Duration)
	// Connections is called when the number of open connections of a pool changed.
	Connections func(server, pool string, open int)
	// Breaker is called when a server is taken out of service (open) or back in.
	Breaker func(server string, open bool)
	// Certificate is called after a TLS handshake with the end of the server certificate's life.
	Certificate func(server string, notAfter time.Time)
	// Servers is called when servers were found by DNS and are not those of before; before any other news of them.
	Servers func(servers []string)
	// AmbiguousGroup is called when two groups below the groups base DN turned out to have one name, so that
	// neither has a name for the policy; at most once a name and period. Name is not a label: it is not from
	// a closed set.
	AmbiguousGroup func(name string)
}

func (o *Observer) dial(server string, d time.Duration, err error) {
	if o.Dial != nil {
		o.Dial(server, d, err)
	}
}

func (o *Observer) operation(server, op string, f *serverError, d time.Duration) {
	if o.Operation != nil {
		o.Operation(server, op, f.result(), d)
	}
}

func (o *Observer) wait(server, pool string, d time.Duration) {
	if o.Wait != nil {
		o.Wait(server, pool, d)
	}
}

func (o *Observer) connections(server, pool string, open int) {
	if o.Connections != nil {
		o.Connections(server, pool, open)
	}
}

func (o *Observer) breaker(server string, open bool) {
	if o.Breaker != nil {
		o.Breaker(server, open)
	}
}

func (o *Observer) certificate(server string, notAfter time.Time) {
	if o.Certificate != nil {
		o.Certificate(server, notAfter)
	}
}

func (o *Observer) servers(servers []string) {
	if o.Servers != nil {
		o.Servers(servers)
	}
}

func (o *Observer) ambiguousGroup(name string) {
	if o.AmbiguousGroup != nil {
		o.AmbiguousGroup(name)
	}
}
