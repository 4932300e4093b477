package tap

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Operation is what a request asks for: the tag of its message (RFC 4511 section 4.2 and following).
type Operation int

// The operations of requests that tests look at.
const (
	Bind     Operation = 0
	Unbind   Operation = 2
	Search   Operation = 3
	Abandon  Operation = 16
	Extended Operation = 23
)

// Request is one request.
type Request struct {
	// Connection counts the connections from the gate, from 1.
	Connection int
	// Operation is what is asked for.
	Operation Operation
	// Name is whose bind it is, or the base of a search.
	Name string
	// Scope, Filter and Attributes are those of a search.
	Scope      int
	Filter     string
	Attributes []string
}

// IsTrip reports whether the gate waits for an answer.
func (r Request) IsTrip() bool { return r.Operation != Unbind && r.Operation != Abandon }

// connection is one connection from the gate, and the one to the directory that belongs to it.
type connection struct {
	tap       *Tap
	number    int
	near, far net.Conn

	mu   sync.Mutex
	lost map[int64]bool
}

// requests passes on what the gate sends.
func (c *connection) requests(r *bufio.Reader) {
	for {
		raw, err := readMessage(r)
		if err != nil {
			return
		}
		if id, request, ok := parse(raw); ok {
			request.Connection = c.number
			if c.tap.note(request) {
				c.mu.Lock()
				c.lost[id] = true
				c.mu.Unlock()
			}
		}
		if _, err := c.far.Write(c.tap.limitValues(raw)); err != nil {
			return
		}
	}
}

// answers passes on what the directory sends, all but what is to be lost.
func (c *connection) answers(r *bufio.Reader) {
	for {
		raw, err := readMessage(r)
		if err != nil {
			return
		}
		packet, err := ber.DecodePacketErr(raw)
		if err != nil || len(packet.Children) == 0 {
			return
		}
		id, _ := packet.Children[0].Value.(int64)
		c.mu.Lock()
		lost := c.lost[id]
		c.mu.Unlock()
		if lost {
			continue
		}
		if _, err := c.near.Write(raw); err != nil {
			return
		}
	}
}

// parse reads what a request asks for.
func parse(raw []byte) (id int64, r Request, ok bool) {
	packet, err := ber.DecodePacketErr(raw)
	if err != nil || len(packet.Children) < 2 {
		return 0, r, false
	}
	id, _ = packet.Children[0].Value.(int64)
	op := packet.Children[1]
	r.Operation = Operation(op.Tag)
	const searchParts, filterPart, attributePart = 8, 6, 7
	switch {
	case r.Operation == Bind && len(op.Children) > 1:
		r.Name = op.Children[1].Data.String()
	case r.Operation == Search && len(op.Children) >= searchParts:
		r.Name = op.Children[0].Data.String()
		scope, _ := op.Children[1].Value.(int64)
		r.Scope = int(scope)
		if r.Filter, err = ldap.DecompileFilter(op.Children[filterPart]); err != nil {
			r.Filter = err.Error()
		}
		for _, a := range op.Children[attributePart].Children {
			r.Attributes = append(r.Attributes, a.Data.String())
		}
	}
	return id, r, true
}

// readMessage reads the bytes of one message.
func readMessage(r *bufio.Reader) ([]byte, error) {
	const header, long, most = 2, 0x80, 64 << 20
	raw := make([]byte, header, 512)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	length := int(raw[1])
	if length >= long {
		more := make([]byte, length-long)
		if _, err := io.ReadFull(r, more); err != nil {
			return nil, err
		}
		raw, length = append(raw, more...), 0
		for _, b := range more {
			length = length<<8 | int(b)
		}
	}
	if length < 0 || length > most {
		return nil, errors.New("the message is too long")
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return append(raw, body...), nil
}
