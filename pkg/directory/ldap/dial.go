package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// dialer opens connections to one server.
type dialer struct {
	endpoint
	open     func(ctx context.Context, network, address string) (net.Conn, error)
	tls      *tls.Config // nil for plaintext
	roots    func() *x509.CertPool
	startTLS bool
	timeout  time.Duration
	write    time.Duration
	observer *Observer
}

// newDialer works out how one server is reached.
func newDialer(e endpoint, o *Options) dialer {
	d := dialer{
		endpoint: e, open: o.Dialer, startTLS: o.StartTLS && !e.implicit, roots: o.RootCAs,
		timeout: o.Timeouts.Dial, write: o.Timeouts.Operation, observer: &o.Observer,
	}
	if e.implicit || o.StartTLS {
		d.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if o.TLS != nil {
			d.tls = o.TLS.Clone()
			d.tls.MinVersion = max(d.tls.MinVersion, tls.VersionTLS12)
		}
		d.tls.ServerName = e.host
	}
	return d
}

// dial opens a connection that is ready for its first bind. The whole of it, TLS included, has one deadline.
func (d *dialer) dial(ctx context.Context) (*wire, *serverError) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	w, err := d.connect(ctx)
	took := time.Since(start)
	if err != nil {
		f := dialFault(ctx, err)
		f.brief = f.class == classTimeout && took < fairTime
		d.observer.dial(d.url, took, f)
		return nil, f
	}
	d.observer.dial(d.url, took, nil)
	return w, nil
}

// connect opens the socket, and TLS over it.
func (d *dialer) connect(ctx context.Context) (*wire, error) {
	raw, err := d.open(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: raw, raw: raw, writeTimeout: d.write}
	if d.tls == nil {
		return w, nil
	}
	// The context does not reach a read that waits: closing the socket does.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	err = d.secure(ctx, w)
	if !stop() || err != nil {
		_ = raw.Close()
		return nil, errors.Join(err, ctx.Err())
	}
	return w, nil
}

// secure makes TLS of the connection, asking for it first where StartTLS is configured.
func (d *dialer) secure(ctx context.Context, w *wire) error {
	if d.startTLS {
		if err := requestTLS(w.raw); err != nil {
			return fmt.Errorf("starttls: %w", err)
		}
	}
	c := tls.Client(w.raw, d.config(w))
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("tls handshake: %w", err)
	}
	w.Conn = c
	if chain := c.ConnectionState().PeerCertificates; len(chain) > 0 {
		w.certificate = chain[0].NotAfter
		d.observer.certificate(d.url, w.certificate)
	}
	return nil
}

// config gives what one connection begins TLS with, and has it noted when the server asks for a client certificate.
func (d *dialer) config(w *wire) *tls.Config {
	config := d.tls.Clone()
	if d.roots != nil {
		config.RootCAs = d.roots()
	}
	if show := config.GetClientCertificate; show != nil || len(config.Certificates) == 0 {
		config.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			w.wanted = true
			if show == nil {
				return new(tls.Certificate), nil // none
			}
			return show(info)
		}
	}
	return config
}

// requestTLS sends the StartTLS request (RFC 4511 section 4.14) and reads its answer by itself, byte by byte,
// so that nothing of what follows is read ahead of the handshake.
func requestTLS(c net.Conn) error {
	const oid, maxAnswer = "1.3.6.1.4.1.1466.20037", 16 << 10
	request := ber.NewSequence("LDAPMessage")
	request.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, "messageID"))
	extended := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationExtendedRequest, nil, "ExtendedRequest")
	extended.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, oid, "requestName"))
	request.AppendChild(extended)
	if _, err := c.Write(request.Bytes()); err != nil {
		return err
	}
	answer, err := ber.ReadPacket(io.LimitReader(c, maxAnswer))
	if err != nil {
		return err
	}
	const parts = 2
	if len(answer.Children) < parts || answer.Children[1].Tag != goldap.ApplicationExtendedResponse {
		return errFraming
	}
	return goldap.GetLDAPError(answer)
}
