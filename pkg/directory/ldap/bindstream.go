package ldap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// bindStream speaks the one operation of a connection that binds users: a request, its answer, the next request.
// It does that without go-ldap's dispatching, which takes half the time of a token. What an answer means is still
// go-ldap's to say, but for one: the bytes of the shortest success, to which every other answer is compared.
//
// One goroutine reads, so that a server that hangs up is noticed while nobody asks.
type bindStream struct {
	wire    *wire
	control string // the encoded controls of each request

	waiting atomic.Int64 // the id of the message that is waited for; 0 is none
	answers chan bindAnswer
	ended   atomic.Bool
	err     error // why; set before answers is closed

	id      int64  // of the last request
	request []byte // memory for the next one
}

// bindAnswer is what a server answered.
type bindAnswer struct {
	controls []goldap.Control
	err      error
}

// maxID is the greatest message id (RFC 4511 section 4.1.1.1).
const maxID = 1<<31 - 1

// errNoAnswer means that the server closed the connection, or said that it will.
var errNoAnswer = errors.New("the server hung up")

// errProvesNothing means that a bind would succeed whoever asks (RFC 4513 section 5.1).
var errProvesNothing = errors.New("a bind without name or password proves nothing")

// newBindStream starts reading.
func newBindStream(w *wire, control *ber.Packet) *bindStream {
	controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "Controls")
	controls.AppendChild(control)
	s := &bindStream{wire: w, control: string(controls.Bytes()), answers: make(chan bindAnswer, 1)}
	go s.read()
	return s
}

// bind sends a request and waits for its answer, for as long as the wire has a deadline for.
func (s *bindStream) bind(dn string, secret identity.Secret) ([]goldap.Control, error) {
	if dn == "" || secret.IsEmpty() {
		return nil, errProvesNothing
	}
	if s.id++; s.id > maxID {
		s.id = 1
	}
	s.request = s.appendRequest(s.request[:0], dn, secret.Reveal())
	s.waiting.Store(s.id)
	_, err := s.wire.Write(s.request)
	clear(s.request)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	a, ok := <-s.answers
	if !ok {
		return nil, fmt.Errorf("receive: %w", s.err)
	}
	return a.controls, a.err
}

// close ends the stream. The socket goes first, so that nothing can wait for the peer.
func (s *bindStream) close() {
	_ = s.wire.Close()
	for range s.answers { // until the reader is done
	}
}

// read reads until the connection ends.
func (s *bindStream) read() {
	s.err = s.readAnswers()
	s.ended.Store(true)
	_ = s.wire.Close()
	close(s.answers)
}

// readAnswers reads messages, and hands over the one that is waited for.
func (s *bindStream) readAnswers() error {
	const usual, kept = 512, 64 << 10
	buffer := make([]byte, 0, usual)
	for {
		buffer = append(buffer, 0)[:len(buffer)] // there is room for a byte at least
		n, err := s.wire.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if s.wire.frame.between() && len(buffer) > 0 {
			if err := s.messages(buffer); err != nil {
				return err
			}
			if buffer = buffer[:0]; cap(buffer) > kept {
				buffer = make([]byte, 0, usual)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return errNoAnswer
		case err != nil:
			return err
		}
	}
}

// messages takes whole messages.
func (s *bindStream) messages(b []byte) (err error) {
	waiting := s.waiting.Load()
	var room [32]byte
	if waiting != 0 && bytes.Equal(b, appendSuccess(room[:0], waiting)) {
		s.hand(bindAnswer{})
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	for r := bytes.NewReader(b); r.Len() > 0; {
		p, err := ber.ReadPacket(r)
		if err != nil {
			return fmt.Errorf("%w: %w", errFraming, err)
		}
		if err := s.message(p); err != nil {
			return err
		}
	}
	return nil
}

// message takes one message. Message 0 is the notice that the server is about to hang up (RFC 4511 section 4.4.1);
// others that nobody waits for are dropped.
func (s *bindStream) message(p *ber.Packet) error {
	const parts = 2
	if len(p.Children) < parts {
		return errFraming
	}
	id, ok := p.Children[0].Value.(int64)
	switch waiting := s.waiting.Load(); {
	case !ok:
		return errFraming
	case id == 0:
		return errNoAnswer
	case id != waiting:
		return nil
	}
	if r := p.Children[1]; r.ClassType != ber.ClassApplication || r.Tag != goldap.ApplicationBindResponse {
		return errFraming
	}
	s.hand(decodeBindAnswer(p))
	return nil
}

// hand hands over the answer that is waited for.
func (s *bindStream) hand(a bindAnswer) {
	s.waiting.Store(0)
	s.answers <- a // there is room: nothing was handed over since the request
}

// decodeBindAnswer has the library read a result and its controls.
func decodeBindAnswer(p *ber.Packet) bindAnswer {
	const withControls = 3
	var a bindAnswer
	if len(p.Children) >= withControls {
		for _, child := range p.Children[2].Children {
			c, err := goldap.DecodeControl(child)
			if err != nil {
				return bindAnswer{err: fmt.Errorf("decode a control: %w", err)}
			}
			a.controls = append(a.controls, c)
		}
	}
	a.err = goldap.GetLDAPError(p)
	return a
}

// appendRequest encodes a simple bind (RFC 4511 section 4.2).
func (s *bindStream) appendRequest(b []byte, dn, secret string) []byte {
	const (
		sequence, bindRequest, octets, simple = 0x30, 0x60, 0x04, 0x80
		version                               = "\x02\x01\x03"
	)
	var room [8]byte
	id := appendID(room[:0], s.id)
	bind := len(version) + sizeOf(len(dn)) + sizeOf(len(secret))
	b = appendHeader(b, sequence, len(id)+sizeOf(bind)+len(s.control))
	b = append(b, id...)
	b = appendHeader(b, bindRequest, bind)
	b = append(b, version...)
	b = append(appendHeader(b, octets, len(dn)), dn...)
	b = append(appendHeader(b, simple, len(secret)), secret...)
	return append(b, s.control...)
}

// appendSuccess encodes the shortest response to a bind that says success (RFC 4511 section 4.2.2): no matched DN,
// no diagnostic message, no controls.
func appendSuccess(b []byte, id int64) []byte {
	const response = "\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
	b = append(b, 0x30, 0)
	b = append(appendID(b, id), response...)
	b[1] = byte(len(b) - 2)
	return b
}

// appendID encodes a message id.
func appendID(b []byte, id int64) []byte {
	const integer, octet = 0x02, 8
	n := 1
	for id>>(octet*n-1) > 0 { // the first bit is the sign
		n++
	}
	b = append(b, integer, byte(n))
	for n--; n >= 0; n-- {
		b = append(b, byte(id>>(octet*n)))
	}
	return b
}

// appendHeader encodes a tag and a length in as few bytes as there can be (X.690 section 8.1.3).
func appendHeader(b []byte, tag byte, length int) []byte {
	const long, octet = 0x80, 8
	if length < long {
		return append(b, tag, byte(length))
	}
	n := 0
	for rest := length; rest > 0; rest >>= octet {
		n++
	}
	b = append(b, tag, long|byte(n))
	for n--; n >= 0; n-- {
		b = append(b, byte(length>>(octet*n)))
	}
	return b
}

// sizeOf is how many bytes a value of so many takes with its header.
func sizeOf(length int) int {
	var room [8]byte
	return len(appendHeader(room[:0], 0, length)) + length
}
