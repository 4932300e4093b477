package gate_test

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// What a small directory in process knows.
const (
	serviceDN     = "cn=wharfgate,dc=corp,dc=test"
	aliceDN       = "uid=alice,ou=people,dc=corp,dc=test"
	alicePassword = "wonderland"
	paymentsDN    = "cn=payments,ou=groups,dc=corp,dc=test"
)

// Tags of LDAP operations, and result codes (RFC 4511).
const (
	opBind, opUnbind, opSearch, opEntry, opDone = 0, 2, 3, 4, 5
	resultWrong                                 = 49
)

// company is a small LDAP server in process: alice is a member of payments; two groups are called twins.
type company struct {
	address string
	secret  string // alice's password
	objects []object

	mu    sync.Mutex
	hold  chan struct{} // while it is set, searches wait until it is closed
	asked chan struct{} // gets a value for each search that waits
}

// object is one entry.
type object struct {
	dn         string
	attributes map[string][]string
}

// newCompany starts the server.
func newCompany(t *testing.T) *company {
	t.Helper()
	group := func(dn, cn, id string, members ...string) object {
		return object{dn, map[string][]string{"objectClass": {"groupOfNames"}, "cn": {cn}, "entryUUID": {id}, "member": members}}
	}
	plain := func(dn string) object { return object{dn, map[string][]string{"objectClass": {"top"}}} }
	c := &company{
		asked: make(chan struct{}, 64), secret: alicePassword,
		objects: []object{
			plain("dc=corp,dc=test"), plain("ou=people,dc=corp,dc=test"), plain("ou=groups,dc=corp,dc=test"),
			{aliceDN, map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {"alice"}, "cn": {"Alice"}, "entryUUID": {"id-alice"}}},
			group(paymentsDN, "payments", "id-payments", aliceDN),
			group("cn=twins,ou=a,ou=groups,dc=corp,dc=test", "twins", "id-twin-a"),
			group("cn=twins,ou=b,ou=groups,dc=corp,dc=test", "twins", "id-twin-b"),
		},
	}
	l := listen(t)
	c.address = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(conn)
		}
	}()
	return c
}

// use makes a site ask this server.
func (c *company) use(s *site) { s.config.Directories[0].Servers = []string{"ldap://" + c.address} }

// holdSearches lets searches wait until the func that it gives is called.
func (c *company) holdSearches() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hold := make(chan struct{})
	c.hold = hold
	return sync.OnceFunc(func() {
		c.mu.Lock()
		c.hold = nil
		c.mu.Unlock()
		close(hold)
	})
}

// serve answers one connection, each request on its own.
func (c *company) serve(conn net.Conn) {
	defer conn.Close()
	var writing sync.Mutex
	for {
		packet, err := ber.ReadPacket(conn)
		if err != nil || packet.Children[1].Tag == opUnbind {
			return
		}
		go func() {
			answer := c.answer(packet)
			writing.Lock()
			defer writing.Unlock()
			_, _ = conn.Write(answer)
		}()
	}
}

// answer gives the bytes of an answer.
func (c *company) answer(packet *ber.Packet) []byte {
	id, op := packet.Children[0].Value.(int64), packet.Children[1]
	if op.Tag == opBind {
		dn, secret := op.Children[1].Value.(string), op.Children[2].Data.String()
		code := int64(resultWrong)
		if dn == serviceDN && secret == password || dn == aliceDN && secret == c.secret {
			code = 0
		}
		return message(id, result(opBind+1, code)).Bytes()
	}
	c.mu.Lock()
	hold := c.hold
	c.mu.Unlock()
	if hold != nil && op.Children[0].Value.(string) != "" { // the rootDSE is read by whoever warms up
		c.asked <- struct{}{}
		<-hold
	}
	var out []byte
	for _, o := range c.find(op) {
		out = append(out, message(id, entry(o)).Bytes()...)
	}
	return append(out, message(id, result(opDone, 0)).Bytes()...)
}

// find gives what a search matches.
func (c *company) find(op *ber.Packet) []object {
	base, scope := op.Children[0].Value.(string), op.Children[1].Value.(int64)
	if base == "" {
		return []object{{"", map[string][]string{"objectClass": {"top"}, "vendorName": {"Test"}}}}
	}
	var found []object
	for _, o := range c.objects {
		below := o.dn == base || scope != 0 && strings.HasSuffix(o.dn, ","+base)
		if below && matches(op.Children[6], o) {
			found = append(found, o)
		}
	}
	return found
}

// matches evaluates a filter: and, or, equality, presence.
func matches(f *ber.Packet, o object) bool {
	test := func(p *ber.Packet) bool { return matches(p, o) }
	switch f.Tag {
	case 0:
		return !slices.ContainsFunc(f.Children, func(p *ber.Packet) bool { return !test(p) })
	case 1:
		return slices.ContainsFunc(f.Children, test)
	case 3:
		attribute, value := f.Children[0].Data.String(), f.Children[1].Data.String()
		if strings.EqualFold(attribute, "entryDN") {
			return sameDN(o.dn, value)
		}
		return slices.ContainsFunc(o.attributes[attribute], func(v string) bool {
			return strings.EqualFold(v, value) || sameDN(v, value)
		})
	case 7:
		return true
	}
	return false
}

func sameDN(a, b string) bool {
	x, errX := identity.NormalDN(a)
	y, errY := identity.NormalDN(b)
	return errX == nil && errY == nil && x == y
}

// message wraps an operation (RFC 4511 section 4.1.1).
func message(id int64, op *ber.Packet) *ber.Packet {
	p := ber.NewSequence("")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(op)
	return p
}

func result(tag ber.Tag, code int64) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	p.AppendChild(text(""))
	p.AppendChild(text(""))
	return p
}

func entry(o object) *ber.Packet {
	list := ber.NewSequence("")
	for name, values := range o.attributes {
		attribute := ber.NewSequence("")
		attribute.AppendChild(text(name))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			set.AppendChild(text(v))
		}
		attribute.AppendChild(set)
		list.AppendChild(attribute)
	}
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, opEntry, nil, "")
	p.AppendChild(text(o.dn))
	p.AppendChild(list)
	return p
}

func text(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

// clientTLS believes one authority.
func clientTLS(ca *certtest.CA) *tls.Config {
	return &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}
}
