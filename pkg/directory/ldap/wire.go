package ldap

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// maxMessage bounds one LDAP message from a server.
const maxMessage = 8 << 20

// errFraming means that the server sent what cannot be an LDAP message, or one beyond maxMessage.
var errFraming = errors.New("malformed or oversized message")

// wire is the stream of LDAP messages below go-ldap, already decrypted. It gives each write a deadline,
// which go-ldap does not; it knows whether bytes were handed to the network, which tells a bind that
// was not sent from one whose outcome is unknown; and it refuses an oversized message by its header, so
// that the BER library's process-wide limit need not be changed.
type wire struct {
	net.Conn

	raw          net.Conn  // the socket below TLS
	certificate  time.Time // when the server's certificate ends; zero without TLS
	writeTimeout time.Duration
	written      atomic.Int64 // bytes that may have left
	frame        framer       // used by the one reading goroutine only
	alert        atomic.Pointer[net.OpError]
	answered     atomic.Bool // something came after the handshake
	wanted       bool        // the server asked for a client certificate
}

// Write writes with a deadline. The bytes count as written before the network sees them.
func (w *wire) Write(p []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(w.writeTimeout)); err != nil {
		return 0, err
	}
	w.written.Add(int64(len(p)))
	n, err := w.Conn.Write(p)
	if err != nil && n == 0 && w.Conn == w.raw { // the kernel took nothing; below TLS one cannot tell
		w.written.Add(-int64(len(p)))
	}
	return n, err
}

// Read reads, and checks the size of each message as its header passes.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	switch {
	case err != nil:
		w.noteAlert(err)
	case !w.answered.Load():
		w.answered.Store(true)
	}
	if err := w.frame.pass(p[:n]); err != nil {
		return 0, err
	}
	return n, err
}

// noteAlert keeps the alert with which the server ended TLS. In TLS 1.3 it refuses a client certificate only after the
// handshake (RFC 8446 section 4.4.2.4), where the library for LDAP would lose why.
func (w *wire) noteAlert(err error) {
	if e, ok := errors.AsType[*net.OpError](err); ok && w.Conn != w.raw && e.Op == "remote error" {
		w.alert.Store(e)
	}
}

// alertFault makes the alert a fault that says why, or gives the fault as it is. Some servers only hang up.
func (w *wire) alertFault(f *serverError) *serverError {
	e := w.alert.Load()
	switch {
	case f.class != classNetwork:
	case e != nil:
		return &serverError{class: classNetwork, step: "tls", text: certificateText(e), err: e}
	case w.wanted && !w.answered.Load():
		return &serverError{class: classNetwork, step: "tls", text: "the server asked for a client certificate and hung up: " + clientRemedy, err: f.err}
	}
	return f
}

// Close closes the socket itself. TLS says no goodbye: that would be one more write to a peer that may have
// stopped reading.
func (w *wire) Close() error { return w.raw.Close() }

// framer follows the headers of a stream of BER sequences (RFC 4511 section 5.1: definite lengths only).
type framer struct {
	rest   int // bytes of the current message still to come
	header int // bytes of the current header already seen
	length int // the length as far as it was read
	octets int // octets of a long length still to come
}

// between reports whether the stream is between two messages.
func (f *framer) between() bool { return f.rest == 0 && f.header == 0 }

// pass looks at the next bytes of the stream.
func (f *framer) pass(p []byte) error {
	for len(p) > 0 {
		if f.rest > 0 {
			n := min(f.rest, len(p))
			f.rest -= n
			p = p[n:]
			continue
		}
		if err := f.next(p[0]); err != nil {
			return err
		}
		p = p[1:]
	}
	return nil
}

// next takes one byte of a header.
func (f *framer) next(c byte) error {
	const sequence, long, maxOctets = 0x30, 0x80, 8
	f.header++
	switch {
	case f.header == 1:
		if c != sequence {
			return errFraming
		}
		return nil
	case f.header == 2 && c < long:
		f.length = int(c)
	case f.header == 2:
		f.octets = int(c &^ long)
		if f.octets == 0 || f.octets > maxOctets {
			return errFraming
		}
		return nil
	default:
		f.length = f.length<<8 | int(c)
		f.octets--
		if f.length > maxMessage {
			return errFraming
		}
		if f.octets > 0 {
			return nil
		}
	}
	*f = framer{rest: f.length}
	return nil
}
